//! `GET /daemon`: the daemon itself; `POST /daemon/clear`: an empty store.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::daemon_refused::{datagrams, documents};
use super::daemon_senders::{known, rows};
use super::daemon_view::{Clear, DaemonPageView, DaemonPart, Lost, Sums, UpstreamRow};
use super::empty::{connect, failed_page};
use super::events::events_link;
use crate::backend::local::DaemonView;
use crate::backend::local::console::format;
use crate::backend::local::console::frame::{Frame, Tab, render};
use crate::backend::local::console::memory::resident_bytes;
use crate::backend::local::console::scope::Scope;
use crate::backend::local::console::state::{ConsoleState, now_s};
use crate::backend::local::console::text::fill;
use crate::backend::local::console::visitor::Visitor;
use crate::backend::local::filter::Filter;
use crate::backend::local::store::{FoundTrace, StoreError, StoreStats, TraceQuery, Window};

/// Traces that are read for what they say of their senders.
const READ_TRACES: usize = 20;

/// The address's words.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DaemonQuery {
    cleared: String,
}

/// `GET /daemon`.
pub(crate) async fn daemon(
    State(console): State<ConsoleState>,
    visitor: Visitor,
    Query(query): Query<DaemonQuery>,
) -> Response {
    // The page that explains a failing store must not fail with it.
    let (stats, error) = match console.store().stats().await {
        Ok(stats) => (stats, None),
        Err(error) => (StoreStats::default(), Some(error)),
    };
    let traces = newest(&console).await.unwrap_or_default();
    let now_s = now_s();
    let t = visitor.text();
    let frame = console.frame(&visitor, Some(Tab::Daemon), t.daemon.title, None);
    let refused = console.store().refused();
    let page = DaemonPageView {
        events: events_link(&Scope::default(), "daemon"),
        notice: (query.cleared == "1").then_some(t.daemon.cleared),
        daemon: console.daemon().map(|it| part(&console, &frame, it, &traces, now_s)),
        upstream: upstream(&console, &frame, &stats, error.as_ref(), now_s),
        documents: documents(&frame, &refused),
        connect: connect(&console, &visitor),
        clear: (!console.config().read_only && stats.traces > 0).then(|| Clear {
            note: fill(t.daemon.clear_note_of, &[&format::count(visitor.lang, stats.traces)]),
        }),
        frame,
    };
    render(&visitor, &page)
}

/// `POST /daemon/clear`.
pub(crate) async fn clear(State(console): State<ConsoleState>, visitor: Visitor) -> Response {
    if console.config().read_only {
        return StatusCode::FORBIDDEN.into_response();
    }
    match console.store().clear().await {
        Ok(()) => Redirect::to("/daemon?cleared=1").into_response(),
        Err(error) => failed_page(&console, &visitor, Tab::Daemon, &Scope::default(), &error),
    }
}

async fn newest(console: &ConsoleState) -> Result<Vec<FoundTrace>, StoreError> {
    let window = Window { start_s: 0.0, end_s: now_s() + 60.0 };
    let query = TraceQuery::new(window, Filter::default());
    let page = console.store().traces(TraceQuery { limit: READ_TRACES, ..query }).await?;
    let ids: Vec<_> = page.items.iter().map(|summary| summary.id).collect();
    console.store().batch(&ids).await
}

fn part(
    console: &ConsoleState,
    frame: &Frame,
    daemon: &DaemonView,
    traces: &[FoundTrace],
    now_s: f64,
) -> DaemonPart {
    let (t, lang) = (&frame.t.daemon, frame.lang);
    let snapshot = daemon.counters.snapshot();
    let intake = daemon.counters.intake();
    let up = fill(t.up_of, &[&format::long_span(snapshot.uptime.as_secs())]);
    let memory = resident_bytes().map(|bytes| format::bytes(lang, bytes));
    let about: Vec<_> = [Some(up), memory].into_iter().flatten().collect();
    let senders = rows(frame, &intake.senders(), &known(traces), now_s);
    let names: Vec<_> = snapshot.backends.iter().map(|backend| backend.name).collect();
    DaemonPart {
        not_ready: (daemon.not_ready)(),
        about: about.join(" · "),
        backends: names.join(", "),
        metrics: format!("http://{}/metrics", reachable(daemon.admin)),
        stages: DaemonPart::stages(frame, &snapshot, &console.history()),
        sums: Sums::new(frame, &snapshot),
        lost: Lost::new(frame, &snapshot),
        senders_note: fill(t.senders_note_of, &[&format::count(lang, senders.len() as u64)]),
        senders,
        refused: datagrams(frame, &intake.refused_datagrams()),
    }
}

/// "Any address" is none that a browser can open.
fn reachable(address: std::net::SocketAddr) -> std::net::SocketAddr {
    match address.ip().is_unspecified() {
        true => ([127, 0, 0, 1], address.port()).into(),
        false => address,
    }
}

fn upstream(
    console: &ConsoleState,
    frame: &Frame,
    stats: &StoreStats,
    error: Option<&StoreError>,
    now_s: f64,
) -> Vec<UpstreamRow> {
    let mut rows = Vec::new();
    if let Some(daemon) = console.daemon() {
        let backends = daemon.counters.snapshot().backends;
        rows.extend(backends.iter().map(|it| UpstreamRow::backend(frame, it, now_s)));
    }
    let store = UpstreamRow::store(frame, stats, now_s);
    rows.push(match error {
        None => store,
        Some(error) => UpstreamRow {
            state: Some(("fault", frame.t.daemon.failing)),
            error: Some(error.to_string()),
            text: String::new(),
            ..store
        },
    });
    rows
}
