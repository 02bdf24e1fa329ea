//! `GET /`: the service map.
//!
//! In: the question, what is picked. Out: the page, from at most six questions to the store (eight
//! when two windows are compared). Owns nothing.

use axum::extract::{Query, State};
use axum::response::Response;

use super::empty::{Nothing, empty_page, failed_page, nothing_page};
use super::events::events_link;
use super::map_graph::{DrawInput, Drawing};
use super::map_panel::{Panel, PanelInput};
use super::map_table;
use super::map_view::{CompareNote, Head, MapView, Show, Strip, observed_s};
use super::pick::{MapState, PickQuery, times_condition};
use super::traces_query::TracesQuery;
use super::traces_view::slice;
use crate::backend::local::console::draw::Slice;
use crate::backend::local::console::frame::{Frame, Tab, render};
use crate::backend::local::console::onset::onset;
use crate::backend::local::console::question::Asked;
use crate::backend::local::console::scope::{Scope, ScopeQuery};
use crate::backend::local::console::scope_bar::{BarInput, ScopeBar};
use crate::backend::local::console::state::{ConsoleState, now_s};
use crate::backend::local::console::visitor::Visitor;
use crate::backend::local::filter::Filter;
use crate::backend::local::graph::{Layout, ServiceGraph, Shape};
use crate::backend::local::store::{StoreError, SurveyQuery, TraceQuery, Window};

/// Columns of the strip.
const COLUMNS: usize = 60;
/// Traces in the panel.
const RECENT: usize = 5;

/// `GET /`.
pub(crate) async fn map(
    State(console): State<ConsoleState>,
    visitor: Visitor,
    Query(scope): Query<ScopeQuery>,
    Query(pick): Query<PickQuery>,
    Query(last): Query<TracesQuery>,
) -> Response {
    let asked = Asked::new(scope.scope(visitor.zone), &last.last);
    let page = MapPage { console, visitor, state: pick.state(), now_s: now_s(), asked };
    match page.answer().await {
        Ok(response) => response,
        Err(error) => {
            failed_page(&page.console, &page.visitor, Tab::Map, &page.asked.scope, &error)
        }
    }
}

struct MapPage {
    console: ConsoleState,
    visitor: Visitor,
    asked: Asked,
    state: MapState,
    now_s: f64,
}

/// What the store answered.
struct Found {
    window: Window,
    graph: ServiceGraph,
    slices: Vec<Slice>,
    observed_s: f64,
    compare: Option<Compare>,
}

/// The same graph before and after a moment.
struct Compare {
    split_s: f64,
    before: ServiceGraph,
    after: ServiceGraph,
}

impl MapPage {
    async fn answer(&self) -> Result<Response, StoreError> {
        let store = self.console.store();
        let scope = &self.asked.scope;
        let Some(oldest_s) = store.stats().await?.oldest_s else {
            return Ok(empty_page(&self.console, &self.visitor, Tab::Map, scope));
        };
        let window = within(scope.window(self.now_s), oldest_s);
        let filter = self.asked.filter(&[]);
        let survey = SurveyQuery { window, filter, buckets: COLUMNS, bins: 1 };
        let survey = store.survey(survey).await?;
        let filter = self.asked.filter_after(&survey);
        let graph = store.graph(window, filter.clone()).await?;
        if graph.nodes.is_empty() {
            let extras = self.state.extras();
            let asked = &self.asked;
            let nothing = Nothing { tab: Tab::Map, asked, survey: &survey, window, extras };
            return nothing_page(&self.console, &self.visitor, nothing).await;
        }
        let slices: Vec<_> = survey.buckets.iter().copied().map(slice).collect();
        let compare = self.compare(window, &slices, &filter).await?;
        let observed_s = observed_s(&slices, window);
        self.print(Found { window, graph, slices, observed_s, compare }).await
    }

    /// Two windows, parted where faults began, or in the middle.
    async fn compare(
        &self,
        window: Window,
        slices: &[Slice],
        filter: &Filter,
    ) -> Result<Option<Compare>, StoreError> {
        if !self.state.compare {
            return Ok(None);
        }
        let middle_s = f64::midpoint(window.start_s, window.end_s);
        let split_s = onset(slices).unwrap_or(middle_s);
        let graph = |window| self.console.store().graph(window, filter.clone());
        let before = graph(Window { end_s: split_s, ..window }).await?;
        let after = graph(Window { start_s: split_s, ..window }).await?;
        Ok(Some(Compare { split_s, before, after }))
    }

    async fn print(&self, found: Found) -> Result<Response, StoreError> {
        let scope = &self.asked.scope;
        let shown = self.asked.shown_scope();
        let title = self.visitor.text().map.title;
        let frame = self.console.frame(&self.visitor, Some(Tab::Map), title, Some(scope));
        let split_s = found.compare.as_ref().map(|compare| compare.split_s);
        let page = MapView {
            head: Head::new(&frame, found.graph.nodes.len(), &found.slices, found.window),
            strip: Strip::new(&frame, &found.slices, found.window, split_s),
            compare: split_s.map(|split_s| CompareNote::new(&frame, found.window, split_s)),
            panel: self.panel(&frame, &shown, &found).await?,
            show: self.show(&shown, &found),
            bar: self.bar(),
            events: events_link(scope, "map"),
            map_link: self.state.as_table(false).link(scope),
            table_link: self.state.as_table(true).link(scope),
            frame,
        };
        Ok(render(&self.visitor, &page))
    }

    fn bar(&self) -> ScopeBar {
        let scope = &self.asked.scope;
        let bar = ScopeBar::new(BarInput {
            visitor: &self.visitor,
            action: "/",
            scope,
            extras: self.state.extras(),
            groups: &self.console.groups(),
            error: self.asked.error.as_ref(),
            shown_filter: &self.asked.shown,
            now_s: self.now_s,
        });
        let compare = self.state.compare;
        bar.comparing(compare, self.state.comparing(!compare).link(scope))
    }

    fn show(&self, scope: &Scope, found: &Found) -> Show {
        let Found { graph, observed_s, .. } = found;
        let (lang, state) = (self.visitor.lang, &self.state);
        if state.table {
            return Show::Table(map_table::rows(lang, graph, scope, state, *observed_s));
        }
        let draw = |shape| {
            Drawing::new(DrawInput {
                lang,
                graph,
                layout: &Layout::of(graph, shape),
                shape,
                scope,
                state,
                pick: state.find(graph),
                observed_s: *observed_s,
                compare: found.compare.as_ref().map(|it| (&it.before, &it.after)),
            })
        };
        Show::Map { wide: Box::new(draw(Shape::Wide)), tall: Box::new(draw(Shape::Tall)) }
    }

    async fn panel(
        &self,
        frame: &Frame,
        scope: &Scope,
        found: &Found,
    ) -> Result<Option<Panel>, StoreError> {
        if self.state.closed {
            return Ok(None);
        }
        let Found { window, ref graph, observed_s, .. } = *found;
        let times = self.state.times_s.map(times_condition).unwrap_or_default();
        let filter = self.asked.filter(&[self.state.find(graph).expression(&times)]);
        let store = self.console.store();
        let recent = TraceQuery { limit: RECENT, ..TraceQuery::new(window, filter.clone()) };
        let recent = store.traces(recent).await?.items;
        let matched = SurveyQuery { window, filter, buckets: 1, bins: 1 };
        let matched = store.survey(matched).await?.matched;
        Ok(Some(Panel::new(&PanelInput {
            frame,
            graph,
            scope,
            state: &self.state,
            observed_s,
            recent: &recent,
            matched,
            now_s: self.now_s,
        })))
    }
}

/// The window without the time before the oldest trace, for "everything".
pub(super) fn within(window: Window, oldest_s: f64) -> Window {
    if window.start_s > 0.0 {
        return window;
    }
    Window { start_s: oldest_s.min(window.end_s - 60.0), ..window }
}
