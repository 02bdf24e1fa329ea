//! What a page answers without data: nothing came yet, nothing matches, the store fails.

use axum::http::StatusCode;
use axum::response::Response;

use super::empty_view::{Check, Connect, EmptyView, FailedView, Nearest, NothingView};
use super::events::events_link;
use super::nearest::nearest_filters;
use crate::backend::local::console::format;
use crate::backend::local::console::frame::{Frame, Tab, render};
use crate::backend::local::console::question::Asked;
use crate::backend::local::console::scope::{Health, Range, Scope};
use crate::backend::local::console::scope_bar::{BarInput, Extras, ScopeBar};
use crate::backend::local::console::state::{ConsoleState, now_s};
use crate::backend::local::console::text::fill;
use crate::backend::local::console::visitor::Visitor;
use crate::backend::local::store::{StoreError, Survey, SurveyQuery, Window};

/// Where segments are taken unless the daemon says otherwise.
const DEFAULT_UDP: ([u8; 4], u16) = ([127, 0, 0, 1], 2000);

/// The page before the first segment.
pub(super) fn empty_page(
    console: &ConsoleState,
    visitor: &Visitor,
    tab: Tab,
    scope: &Scope,
) -> Response {
    let t = visitor.text();
    let frame = console.frame(visitor, Some(tab), t.empty.waiting, Some(scope));
    let page = EmptyView {
        checks: checks(console, &frame),
        connect: connect(console, visitor),
        events: events_link(scope, "empty"),
        frame,
    };
    render(visitor, &page)
}

/// Snippets with this daemon's own address; the language is the one that `?how=` names.
pub(super) fn connect(console: &ConsoleState, visitor: &Visitor) -> Connect {
    let udp = console.daemon().map_or_else(|| DEFAULT_UDP.into(), |daemon| daemon.udp);
    let how = visitor.query.split('&').find_map(|pair| pair.strip_prefix("how="));
    Connect::new(udp, how.unwrap_or_default(), &visitor.path, visitor.text().connect.listens_of)
}

fn checks(console: &ConsoleState, frame: &Frame) -> Vec<Check> {
    let (t, lang) = (&frame.t.empty, frame.lang);
    let place = console.config().data_dir.as_ref();
    let place = place.map_or_else(|| t.store_memory.to_owned(), |dir| dir.display().to_string());
    let mut checks = Vec::new();
    if let Some(daemon) = console.daemon() {
        let snapshot = daemon.counters.snapshot();
        let up = format::long_span(snapshot.uptime.as_secs());
        checks.push(match (daemon.not_ready)() {
            None => Check {
                class: "ok",
                text: t.ready.to_owned(),
                note: fill(frame.t.daemon.up_of, &[&up]),
            },
            Some(why) => {
                Check { class: "fault", text: fill(t.not_ready_of, &[&why]), note: String::new() }
            }
        });
        checks.push(Check {
            class: "ok",
            text: fill(t.listens_of, &[&daemon.udp.to_string()]),
            note: t.listens_note.to_owned(),
        });
        let counts = [snapshot.intake.received, snapshot.intake.rejected_total()]
            .map(|n| format::count(lang, n));
        let refused = snapshot.intake.rejected_total() > 0;
        checks.push(Check {
            class: if refused { "fault" } else { "pending" },
            text: t.first.to_owned(),
            note: fill(t.first_note_of, &[&counts[0], &counts[1]]),
        });
    }
    let store = Check {
        class: "ok",
        text: t.store_open.to_owned(),
        note: format!("{place}, {}", t.store_empty),
    };
    checks.insert(checks.len().saturating_sub(1), store);
    checks
}

/// What a page knows when nothing matches.
#[derive(Debug)]
pub(super) struct Nothing<'a> {
    pub(super) tab: Tab,
    pub(super) asked: &'a Asked,
    /// Over what was asked.
    pub(super) survey: &'a Survey,
    pub(super) window: Window,
    /// What the page keeps in its address.
    pub(super) extras: Extras,
}

/// The page when nothing matches: what was asked, and what is close to it.
pub(super) async fn nothing_page(
    console: &ConsoleState,
    visitor: &Visitor,
    nothing: Nothing<'_>,
) -> Result<Response, StoreError> {
    let Nothing { tab, asked, survey, window, extras } = nothing;
    let t = visitor.text();
    let path = if tab == Tab::Traces { "/traces" } else { "/" };
    let scope = &asked.scope;
    let frame = console.frame(visitor, Some(tab), t.empty.no_match, Some(scope));
    let range = scope.range_name(t, visitor.zone).to_lowercase();
    let count = format::count(visitor.lang, survey.processed);
    let sentence = match asked.shown.is_empty() {
        true => fill(t.empty.no_match_plain_of, &[&range]),
        false => fill(t.empty.no_match_of, &[&count, &range]),
    };
    let view = NothingView {
        bar: ScopeBar::new(BarInput {
            visitor,
            action: path,
            scope,
            extras,
            groups: &console.groups(),
            error: asked.error.as_ref(),
            shown_filter: &asked.shown,
            now_s: now_s(),
        }),
        events: events_link(scope, "nothing"),
        sentence,
        filter: asked.shown.clone(),
        actions: actions(visitor, scope, path),
        nearest: nearest(console, &frame, asked, window, path).await?,
        frame,
    };
    Ok(render(visitor, &view))
}

fn actions(visitor: &Visitor, scope: &Scope, path: &str) -> Vec<(&'static str, String)> {
    let t = &visitor.text().empty;
    let mut actions = Vec::new();
    if !scope.filter.is_empty() {
        actions.push((t.clear_filter, scope.with_filter("").link(path)));
    }
    match scope.range {
        Range::Last(seconds) if seconds < 6 * 3_600 => {
            let longer = scope.with_range(Range::Last(6 * 3_600));
            actions.push((t.look_at_6h, longer.link(path)));
        }
        Range::All => {}
        _ => actions.push((t.look_at_all, scope.with_range(Range::All).link(path))),
    }
    if scope.health == Health::Hidden {
        let shown = Scope { health: Health::Shown, ..scope.clone() };
        actions.push((t.include_health, shown.link(path)));
    }
    actions
}

/// The filter close to the one asked that finds the fewest traces, but some.
async fn nearest(
    console: &ConsoleState,
    frame: &Frame,
    asked: &Asked,
    window: Window,
    path: &str,
) -> Result<Option<Nearest>, StoreError> {
    let mut best: Option<(u64, String)> = None;
    for text in nearest_filters(&asked.shown) {
        let close = Asked::new(asked.scope.with_filter(text.clone()), "");
        let query = SurveyQuery { window, filter: close.filter(&[]), buckets: 1, bins: 1 };
        let found = console.store().survey(query).await?.matched;
        if found > 0 && best.as_ref().is_none_or(|(least, _)| found < *least) {
            best = Some((found, text));
        }
    }
    Ok(best.map(|(found, filter)| Nearest {
        href: asked.scope.with_filter(filter.clone()).link(path),
        has: fill(frame.t.empty.has_of, &[&format::count(frame.lang, found)]),
        filter,
    }))
}

/// The page when the store fails: why, what still works, what helps.
pub(super) fn failed_page(
    console: &ConsoleState,
    visitor: &Visitor,
    tab: Tab,
    scope: &Scope,
    error: &StoreError,
) -> Response {
    let t = visitor.text();
    let frame = console.frame(visitor, Some(tab), t.empty.store_fails, Some(scope));
    let waiting: u64 = console.daemon().map_or(0, |daemon| {
        let snapshot = daemon.counters.snapshot();
        snapshot.backends.iter().filter(|it| it.name == "local").map(|it| it.queued).sum()
    });
    let asked_for = match tab {
        Tab::Map => t.map.title,
        Tab::Traces => t.traces.title,
        Tab::Sampling => t.sampling.title,
        Tab::Daemon => t.daemon.title,
    };
    let view = FailedView {
        error: in_full(error),
        still_works: fill(t.empty.still_works_of, &[&format::count(visitor.lang, waiting)]),
        asked_for: format!("{asked_for}, {}", scope.range_name(t, visitor.zone)),
        failed_at: format::clock(now_s(), visitor.zone),
        helps: match error {
            StoreError::Full => t.empty.help_disk,
            _ => t.empty.help_other,
        },
        again: visitor.here(),
        frame,
    };
    let mut response = render(visitor, &view);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

/// The error with what caused it.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
