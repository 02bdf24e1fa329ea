//! Answers questions for rules: from memory, or by one call for all who ask.
//!
//! In: questions, each the body of a `GetSamplingRules`. Out: answers, and how they came about.
//! Owns the cache and the calls on their way. A call lives on when who asked first has gone away,
//! and is cut off when this is dropped. While the service fails nobody waits long for it: what is
//! in memory is good enough.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::answer::Answer;
use super::cache::{Cache, Found};
use crate::counters::{SamplingResult, UpstreamEnd};

/// Longest that a caller waits for the service while older rules are in memory.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long after a failure the service is not asked again while older rules are in memory.
const PAUSE: Duration = Duration::from_secs(2);
/// Most calls for rules at once, each for another question.
const MAX_FLIGHTS: usize = 32;

/// Asks the service.
pub(super) trait Ask: Send + Sync + 'static {
    fn ask(&self, question: Bytes) -> impl Future<Output = Answer> + Send;
}

/// The rules for all callers.
#[derive(Debug)]
pub(super) struct Rules<A> {
    asks: Arc<A>,
    state: Arc<Mutex<State>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _cut_off: DropGuard,
}

#[derive(Debug, Default)]
struct State {
    cache: Cache,
    flights: HashMap<Bytes, Flight>,
    failed_at: Option<Instant>,
}

/// A call on its way.
#[derive(Debug)]
struct Flight {
    /// Rules may change while it is on its way; then another is started.
    generation: u64,
    landed: watch::Receiver<Option<Answer>>,
}

/// What is done about a question.
enum Plan {
    Answer(Response),
    Wait(watch::Receiver<Option<Answer>>, Option<(Answer, Duration)>),
}

impl<A: Ask> Rules<A> {
    pub(super) fn new(asks: A) -> Self {
        let stop = CancellationToken::new();
        Self {
            asks: Arc::new(asks),
            state: Arc::default(),
            tasks: TaskTracker::new(),
            _cut_off: stop.clone().drop_guard(),
            stop,
        }
    }

    /// The answer to `question`.
    pub(super) async fn answer(&self, question: Bytes) -> Response {
        let (landed, old) = match self.plan(&question) {
            Plan::Answer(response) => return response,
            Plan::Wait(landed, old) => (landed, old),
        };
        let Some((old, age)) = old else {
            return respond(landed_answer(landed).await);
        };
        match timeout(PATIENCE, landed_answer(landed)).await {
            Ok(answer) if answer.ended == UpstreamEnd::Answered => respond(answer),
            _ => old.into_response_from_memory(SamplingResult::Stale, age),
        }
    }

    /// Targets say that rules were changed at `modified_s`.
    pub(super) fn modified(&self, modified_s: f64) {
        if let Ok(mut state) = self.state.lock() {
            state.cache.modified(modified_s);
        }
    }

    fn plan(&self, question: &Bytes) -> Plan {
        let now = Instant::now();
        let Ok(mut state) = self.state.lock() else { return Plan::Answer(respond(interrupted())) };
        let old = match state.cache.find(question, now) {
            Found::Fresh(answer, age) => {
                let cached = SamplingResult::Cached;
                return Plan::Answer(answer.into_response_from_memory(cached, age));
            }
            Found::Old(answer, age) => Some((answer, age)),
            Found::Nothing => None,
        };
        let generation = state.cache.generation();
        if let Some(flight) = state.flights.get(question)
            && flight.generation == generation
        {
            return Plan::Wait(flight.landed.clone(), old);
        }
        let pausing = state.failed_at.is_some_and(|at| now.duration_since(at) < PAUSE);
        match old {
            Some((old, age)) if pausing => {
                Plan::Answer(old.into_response_from_memory(SamplingResult::Stale, age))
            }
            _ if state.flights.len() >= MAX_FLIGHTS => Plan::Answer(respond(Answer::saying(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many different questions for rules at once; ask again",
                UpstreamEnd::Failed,
            ))),
            old => Plan::Wait(self.start(&mut state, question, generation), old),
        }
    }

    /// Starts a call for `question`.
    fn start(
        &self,
        state: &mut State,
        question: &Bytes,
        generation: u64,
    ) -> watch::Receiver<Option<Answer>> {
        let (land, landed) = watch::channel(None);
        let flight = Flight { generation, landed: landed.clone() };
        state.flights.insert(question.clone(), flight);
        let (asks, shared) = (Arc::clone(&self.asks), Arc::clone(&self.state));
        let (question, stop) = (question.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let asked_at = Instant::now();
            let answer = tokio::select! {
                () = stop.cancelled() => return,
                answer = asks.ask(question.clone()) => answer,
            };
            if let Ok(mut state) = shared.lock() {
                state.land(question, &answer, asked_at, generation);
            }
            land.send_replace(Some(answer));
        });
        landed
    }
}

impl State {
    fn land(&mut self, question: Bytes, answer: &Answer, asked_at: Instant, generation: u64) {
        // A later call for the same question may have taken the place.
        if self.flights.get(&question).is_some_and(|flight| flight.generation == generation) {
            self.flights.remove(&question);
        }
        self.failed_at = (answer.ended == UpstreamEnd::Failed).then(Instant::now);
        if answer.is_worth_keeping() {
            self.cache.keep(question, answer.clone(), asked_at, generation);
        }
    }
}

async fn landed_answer(mut landed: watch::Receiver<Option<Answer>>) -> Answer {
    match landed.wait_for(Option::is_some).await {
        Ok(answer) => answer.clone().unwrap_or_else(interrupted),
        Err(_) => interrupted(),
    }
}

fn interrupted() -> Answer {
    let message = "the daemon is stopping";
    Answer::saying(StatusCode::SERVICE_UNAVAILABLE, message, UpstreamEnd::Failed)
}

fn respond(answer: Answer) -> Response {
    let failed = answer.ended == UpstreamEnd::Failed;
    let result = if failed { SamplingResult::Failed } else { SamplingResult::Answered };
    answer.into_response(result)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::to_bytes;
    use tokio::time::{advance, sleep};

    use super::*;

    /// Answers with the number of the call, after a while; with a 500 where told to fail.
    #[derive(Debug, Default)]
    struct Service {
        asked: AtomicUsize,
        fails: std::sync::atomic::AtomicBool,
        takes_ms: std::sync::atomic::AtomicU64,
        status: std::sync::atomic::AtomicU16,
    }

    impl Ask for Arc<Service> {
        async fn ask(&self, _question: Bytes) -> Answer {
            let call = self.asked.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(self.takes_ms.load(Ordering::Relaxed))).await;
            if self.fails.load(Ordering::Relaxed) {
                return Answer::fake(500, "away", UpstreamEnd::Failed);
            }
            let status = self.status.load(Ordering::Relaxed).max(200);
            Answer::fake(status, &format!("rules {call}"), UpstreamEnd::Answered)
        }
    }

    fn rules() -> (Arc<Rules<Arc<Service>>>, Arc<Service>) {
        let service = Arc::new(Service::default());
        (Arc::new(Rules::new(Arc::clone(&service))), service)
    }

    async fn ask(rules: &Rules<Arc<Service>>, question: &'static str) -> String {
        let response = rules.answer(question.into()).await;
        let result = *response.extensions().get::<SamplingResult>().unwrap();
        let cache = response.headers().get("x-xray-daemon-cache").cloned();
        let cache = cache.map_or(String::new(), |word| format!(" ({})", word.to_str().unwrap()));
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        format!("{} {}{cache}", result.label(), String::from_utf8_lossy(&body))
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_callers_share_one_call() {
        let (rules, service) = rules();
        service.takes_ms.store(50, Ordering::Relaxed);
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let rules = Arc::clone(&rules);
                tokio::spawn(async move { ask(&rules, "{}").await })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), "answered rules 0");
        }
        assert_eq!(ask(&rules, "{}").await, "cached rules 0 (hit)");
        assert_eq!(service.asked.load(Ordering::Relaxed), 1);
        assert_eq!(ask(&rules, "{\"NextToken\":\"x\"}").await, "answered rules 1");
    }

    #[tokio::test(start_paused = true)]
    async fn after_ten_seconds_the_service_is_asked_again() {
        let (rules, _) = rules();
        assert_eq!(ask(&rules, "{}").await, "answered rules 0");
        advance(Duration::from_secs(10)).await;
        assert_eq!(ask(&rules, "{}").await, "answered rules 1");
    }

    #[tokio::test(start_paused = true)]
    async fn an_early_refresh_gets_the_changed_rules_though_a_call_was_on_its_way() {
        let (rules, service) = rules();
        service.takes_ms.store(50, Ordering::Relaxed);
        let early = Arc::clone(&rules);
        let before = tokio::spawn(async move { ask(&early, "{}").await });
        tokio::task::yield_now().await;
        rules.modified(1_000.0);
        assert_eq!(ask(&rules, "{}").await, "answered rules 1");
        assert_eq!(before.await.unwrap(), "answered rules 0");
        assert_eq!(ask(&rules, "{}").await, "cached rules 1 (hit)");
        rules.modified(1_000.0);
        assert_eq!(ask(&rules, "{}").await, "cached rules 1 (hit)");
    }

    #[tokio::test(start_paused = true)]
    async fn old_rules_are_served_while_the_service_fails_and_no_longer() {
        let (rules, service) = rules();
        ask(&rules, "{}").await;
        service.fails.store(true, Ordering::Relaxed);
        advance(Duration::from_secs(60)).await;
        assert_eq!(ask(&rules, "{}").await, "stale rules 0 (stale)");
        let asked = service.asked.load(Ordering::Relaxed);
        assert_eq!(ask(&rules, "{}").await, "stale rules 0 (stale)");
        assert_eq!(service.asked.load(Ordering::Relaxed), asked, "a pause after a failure");
        assert_eq!(ask(&rules, "unknown").await, "failed away");
        service.fails.store(false, Ordering::Relaxed);
        advance(PAUSE).await;
        assert_eq!(ask(&rules, "{}").await, "answered rules 3");
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_hangs_costs_a_caller_with_old_rules_one_second() {
        let (rules, service) = rules();
        ask(&rules, "{}").await;
        service.takes_ms.store(5_000, Ordering::Relaxed);
        advance(Duration::from_secs(10)).await;
        let start = Instant::now();
        assert_eq!(ask(&rules, "{}").await, "stale rules 0 (stale)");
        assert_eq!(start.elapsed(), PATIENCE);
        // The call goes on, and its answer is there for the next.
        advance(Duration::from_secs(4)).await;
        tokio::task::yield_now().await;
        assert_eq!(ask(&rules, "{}").await, "cached rules 1 (hit)");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_passed_on_and_not_kept() {
        let (rules, service) = rules();
        ask(&rules, "{}").await;
        service.status.store(403, Ordering::Relaxed);
        advance(Duration::from_secs(10)).await;
        assert_eq!(ask(&rules, "{}").await, "answered rules 1");
        assert_eq!(ask(&rules, "{}").await, "answered rules 2");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_on_their_way_are_bounded_and_end_with_the_daemon() {
        let (rules, service) = rules();
        service.takes_ms.store(60_000, Ordering::Relaxed);
        let waiting: Vec<_> = (0..MAX_FLIGHTS)
            .map(|number| {
                let rules = Arc::clone(&rules);
                tokio::spawn(async move { rules.answer(Bytes::from(format!("{number}"))).await })
            })
            .collect();
        tokio::task::yield_now().await;
        let refused = ask(&rules, "one more").await;
        assert!(refused.starts_with("failed {\"message\":\"too many"), "{refused}");
        rules.stop.cancel();
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap().status(), 503);
        }
    }
}
