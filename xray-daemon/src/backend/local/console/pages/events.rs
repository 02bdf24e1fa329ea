//! `GET /events`: one stream a page that is open, so that it can follow what arrives.
//!
//! In: the question of the page. Out: server-sent events: `changed` when the page's data may differ,
//! `intake` with the rate, `new` with how many traces wait. Owns nothing beyond the stream; a
//! stream ends when the browser or the server goes.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::backend::local::console::format;
use crate::backend::local::console::question::Asked;
use crate::backend::local::console::scope::{Live, Query as Address, Scope, ScopeQuery};
use crate::backend::local::console::state::{ConsoleState, now_s};
use crate::backend::local::console::text::fill;
use crate::backend::local::console::visitor::Visitor;
use crate::backend::local::store::{Changes, SurveyQuery, Window};

/// Shortest time between two events: what arrives meanwhile is told once.
const PACE: Duration = Duration::from_millis(900);
/// A map is printed again less often: it is large, and its numbers are sums.
const MAP_PACE: Duration = Duration::from_millis(2_500);
/// Longest silence: rates fall without anything arriving.
const IDLE: Duration = Duration::from_secs(5);
/// Streams end after this long; browsers open another by themselves.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The address's words.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EventsQuery {
    page: String,
    /// When the page was printed, epoch seconds.
    since: Option<f64>,
}

/// Where a page's events come from; none where it stands still.
pub(super) fn events_link(scope: &Scope, page: &str) -> Option<String> {
    (scope.live == Live::On).then(|| {
        let mut query = Address::after(scope.query());
        query.add("page", page);
        query.add("since", &format!("{:.3}", now_s()));
        format!("/events?{}", query.into_text())
    })
}

/// Where the events of a trace come from that is still in progress.
pub(super) fn trace_events_link(scope: &Scope) -> Option<String> {
    events_link(scope, "trace")
}

/// `GET /events`.
pub(crate) async fn events(
    State(console): State<ConsoleState>,
    visitor: Visitor,
    Query(scope): Query<ScopeQuery>,
    Query(query): Query<EventsQuery>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let follower = Follower {
        changes: console.store().changes(),
        asked: Asked::new(scope.scope(visitor.zone), ""),
        since_s: query.since.unwrap_or_else(now_s),
        page: query.page,
        ends: Instant::now() + LIFETIME,
        waiting: Vec::new(),
        told: None,
        console,
        visitor,
    };
    let events = futures_util::stream::unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// One page that follows.
struct Follower {
    console: ConsoleState,
    visitor: Visitor,
    asked: Asked,
    page: String,
    since_s: f64,
    changes: watch::Receiver<Changes>,
    ends: Instant,
    /// Events of the last round that were not sent yet.
    waiting: Vec<Event>,
    /// Documents in the store at the last round.
    told: Option<u64>,
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        while self.waiting.is_empty() {
            if Instant::now() >= self.ends {
                return None;
            }
            self.wait().await?;
            self.gather().await;
        }
        self.waiting.pop()
    }

    /// Waits for a change, at most [`IDLE`]; then for the pace of the page.
    async fn wait(&mut self) -> Option<()> {
        let pace = if self.page == "map" { MAP_PACE } else { PACE };
        let (earliest, latest) = (Instant::now() + pace, Instant::now() + IDLE);
        if self.told.is_none() {
            return Some(());
        }
        tokio::select! {
            changed = self.changes.changed() => changed.ok()?,
            () = sleep_until(latest) => {}
            () = self.console.stop().cancelled() => return None,
        }
        tokio::select! {
            () = sleep_until(earliest) => Some(()),
            () = self.console.stop().cancelled() => None,
        }
    }

    async fn gather(&mut self) {
        let documents = self.changes.borrow_and_update().documents;
        let changed = self.told.replace(documents).is_some_and(|told| told != documents);
        let rate = format::rate(self.visitor.lang, self.console.intake().per_second);
        self.waiting.push(Event::default().event("intake").data(rate));
        match self.page.as_str() {
            "traces" if changed => self.waiting.extend(self.new_traces().await),
            "traces" => {}
            // What these show moves without the store: uptime, queues, ages.
            "empty" | "daemon" => self.waiting.push(Event::default().event("changed").data("")),
            _ if changed => self.waiting.push(Event::default().event("changed").data("")),
            _ => {}
        }
    }

    /// How many traces wait behind the button.
    async fn new_traces(&self) -> Option<Event> {
        let t = &self.visitor.text().traces;
        let window = Window { start_s: self.since_s, end_s: now_s() + 1.0 };
        let filter = self.asked.filter(&[]);
        let query = SurveyQuery { window, filter, buckets: 1, bins: 1 };
        let text = match self.console.store().survey(query).await.ok()?.matched {
            0 => return None,
            1 => t.show_new_one.to_owned(),
            n => fill(t.show_new_of, &[&format::count(self.visitor.lang, n)]),
        };
        Some(Event::default().event("new").data(text))
    }
}
