//! `GET /traces`: the list of traces.
//!
//! In: the question, quick filter, order, page. Out: the page. Owns nothing. Newest first is the
//! store's own order and has pages without end; any other order is made here, of the newest
//! thousand.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::empty::{Nothing, empty_page, failed_page, nothing_page};
use super::events::events_link;
use super::map::within;
use super::traces_query::{Sort, TracesQuery, TracesState};
use super::traces_refine::refinements;
use super::traces_view::{TracesInput, TracesView, matched};
use crate::backend::local::console::frame::{Tab, render};
use crate::backend::local::console::question::Asked;
use crate::backend::local::console::scope::{Query as Address, ScopeQuery, link};
use crate::backend::local::console::scope_bar::{BarInput, ScopeBar};
use crate::backend::local::console::state::{ConsoleState, now_s};
use crate::backend::local::console::visitor::Visitor;
use crate::backend::local::filter::Filter;
use crate::backend::local::store::{StoreError, Survey, SurveyQuery, TraceQuery, Window};
use crate::backend::local::trace::Summary;

/// Columns of the traffic in time.
const COLUMNS: usize = 60;
/// Bins that the histogram is made from: as fine as the store gives them, so that one very slow
/// trace does not press all others into a single bin.
const BINS: usize = 1_000;
/// Traces that are sorted by something else than their time.
const SORTED: usize = 1_000;

/// `GET /traces`.
pub(crate) async fn traces(
    State(console): State<ConsoleState>,
    visitor: Visitor,
    Query(scope): Query<ScopeQuery>,
    Query(query): Query<TracesQuery>,
) -> Response {
    let asked = Asked::new(scope.scope(visitor.zone), &query.last);
    let page = TracesPage { console, visitor, asked, state: query.state(), now_s: now_s() };
    match page.answer().await {
        Ok(response) => response,
        Err(error) => {
            failed_page(&page.console, &page.visitor, Tab::Traces, &page.asked.scope, &error)
        }
    }
}

/// `GET /traces/{id}`: where links of the AWS console lead.
pub(crate) async fn trace_redirect(Path(id): Path<String>, visitor: Visitor) -> Response {
    let mut path = Address::default();
    path.add("", &id);
    let id = path.into_text();
    let path = format!("/trace/{}", id.trim_start_matches('='));
    Redirect::permanent(&link(&path, &visitor.query)).into_response()
}

struct TracesPage {
    console: ConsoleState,
    visitor: Visitor,
    asked: Asked,
    state: TracesState,
    now_s: f64,
}

impl TracesPage {
    async fn answer(&self) -> Result<Response, StoreError> {
        let store = self.console.store();
        let scope = &self.asked.scope;
        let Some(oldest_s) = store.stats().await?.oldest_s else {
            return Ok(empty_page(&self.console, &self.visitor, Tab::Traces, scope));
        };
        let window = within(scope.window(self.now_s), oldest_s);
        let all = self.survey(window, self.asked.filter(&[])).await?;
        if all.matched == 0 {
            let (asked, extras) = (&self.asked, self.state.first_page().extras());
            let nothing = Nothing { tab: Tab::Traces, asked, survey: &all, window, extras };
            return nothing_page(&self.console, &self.visitor, nothing).await;
        }
        let conditions = self.state.conditions(all.p95_s);
        let filter = self.asked.filter(&conditions);
        let narrowed = match conditions.is_empty() {
            true => None,
            false => Some(self.survey(window, filter.clone()).await?),
        };
        let (items, older) = self.items(window, filter).await?;
        Ok(self.print(window, &all, narrowed.as_ref().unwrap_or(&all), &items, older))
    }

    async fn survey(&self, window: Window, filter: Filter) -> Result<Survey, StoreError> {
        let query = SurveyQuery { window, filter, buckets: COLUMNS, bins: BINS };
        self.console.store().survey(query).await
    }

    /// The rows of the page, and the address of the next.
    async fn items(
        &self,
        window: Window,
        filter: Filter,
    ) -> Result<(Vec<Summary>, Option<String>), StoreError> {
        let store = self.console.store();
        let query = TraceQuery::new(window, filter);
        if self.state.sort == Sort::Newest {
            let query = TraceQuery { limit: self.state.rows, after: self.state.after, ..query };
            let page = store.traces(query).await?;
            let shown = page.items.len();
            let next = page.next.map(|key| self.state.next_page(shown, Some(key)));
            return Ok((page.items, next.map(|next| next.link(&self.asked.scope))));
        }
        let mut items = store.traces(TraceQuery { limit: SORTED, ..query }).await?.items;
        sort(&mut items, self.state.sort);
        let total = items.len();
        let items: Vec<_> = items.into_iter().skip(self.state.at).take(self.state.rows).collect();
        let more = self.state.at + items.len() < total;
        let next = more.then(|| self.state.next_page(items.len(), None));
        Ok((items, next.map(|next| next.link(&self.asked.scope))))
    }

    fn print(
        &self,
        window: Window,
        all: &Survey,
        shown: &Survey,
        items: &[Summary],
        older: Option<String>,
    ) -> Response {
        let scope = self.asked.shown_scope();
        let title = self.visitor.text().traces.title;
        let frame =
            self.console.frame(&self.visitor, Some(Tab::Traces), title, Some(&self.asked.scope));
        let input =
            TracesInput { scope: &scope, state: &self.state, all, shown, window, items, older };
        let page = TracesView {
            matched: matched(&frame, &scope, &self.state, shown),
            chips: input.chips(&frame),
            refine: refinements(&frame, &scope, &self.state, items),
            dist: input.distribution(&frame),
            heads: input.heads(&frame),
            rows: input.rows(&frame),
            pager: input.pager(&frame),
            again: self.state.first_page().link(&scope),
            events: events_link(&self.asked.scope, "traces"),
            bar: self.bar(),
            frame,
        };
        render(&self.visitor, &page)
    }

    fn bar(&self) -> ScopeBar {
        ScopeBar::new(BarInput {
            visitor: &self.visitor,
            action: "/traces",
            scope: &self.asked.scope,
            extras: self.state.first_page().extras(),
            groups: &self.console.groups(),
            error: self.asked.error.as_ref(),
            shown_filter: &self.asked.shown,
            now_s: self.now_s,
        })
    }
}

/// What has no time stands last, whichever way.
fn sort(items: &mut [Summary], by: Sort) {
    let response = |summary: &Summary| summary.response_time_s;
    let duration = |summary: &Summary| summary.duration_s;
    match by {
        Sort::Newest => {}
        Sort::Oldest => items.reverse(),
        Sort::Slowest => items.sort_by(|a, b| descending(response(a), response(b))),
        Sort::Fastest => items.sort_by(|a, b| ascending(response(a), response(b))),
        Sort::Longest => items.sort_by(|a, b| descending(duration(a), duration(b))),
        Sort::Shortest => items.sort_by(|a, b| ascending(duration(a), duration(b))),
    }
}

fn descending(a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
    b.unwrap_or(-1.0).total_cmp(&a.unwrap_or(-1.0))
}

fn ascending(a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
    a.unwrap_or(f64::MAX).total_cmp(&b.unwrap_or(f64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_time_stands_last() {
        let mut times = [Some(2.0), None, Some(1.0), Some(3.0)];
        times.sort_by(|a, b| descending(*a, *b));
        assert_eq!(times, [Some(3.0), Some(2.0), Some(1.0), None]);
        times.sort_by(|a, b| ascending(*a, *b));
        assert_eq!(times, [Some(1.0), Some(2.0), Some(3.0), None]);
    }
}
