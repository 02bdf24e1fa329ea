//! Failures on demand: a status, a latency, a request limit, failing statements, a failing health
//! check.
//!
//! In: `POST /chaos/{kind}/{value}`, `DELETE /chaos[/{kind}]`, and the workshop's `/injectFault` and
//! `/resetFault`. Out: what [`Chaos::meet`] tells the middleware to do with a request. Health checks
//! and these routes themselves are never touched, so a broken service is neither restarted nor out
//! of reach; only `chaos/health` fails the health check.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use crate::service::clock::epoch_s;

/// Longest latency that can be asked for. Above it a request is rather lost than slow.
const MAX_LATENCY_MS: u64 = 60_000;
const MAX_REQUESTS_PER_S: u64 = 1_000;
const MAX_STATEMENT_INTERVAL: u64 = 100;

/// A fault that is on: its figure, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fault {
    pub(crate) value: u64,
    /// Seconds since 1970.
    pub(crate) since_s: u64,
}

/// Everything that is broken on purpose in one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Faults {
    /// Answer with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<Fault>,
    /// Wait so many milliseconds first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency: Option<Fault>,
    /// Answer 429 above so many requests a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) throttle: Option<Fault>,
    /// Let every n-th statement fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<Fault>,
    /// Fail the health check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) health: Option<Fault>,
}

/// The kinds of fault, as they stand in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Status,
    Latency,
    Throttle,
    Database,
    Health,
}

/// Why a fault was not set.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ChaosError {
    #[error(
        "chaos/status/{0}: a status that means failure is 400 to 599; for example /chaos/status/503"
    )]
    Status(u64),
    #[error("chaos/latency/{0}: a latency is 1 to 60000 ms; for example /chaos/latency/1200")]
    Latency(u64),
    #[error(
        "chaos/throttle/{0}: a limit is 1 to 1000 requests a second; for example /chaos/throttle/5"
    )]
    Throttle(u64),
    #[error(
        "chaos/database/{0}: every 1st to 100th statement can fail; for example /chaos/database/2"
    )]
    Database(u64),
    #[error("chaos/{0}: the kind needs a figure; for example /chaos/latency/1200")]
    FigureMissing(&'static str),
}

impl IntoResponse for ChaosError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(serde_json::json!({ "message": self.to_string() })))
            .into_response()
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Goes on, after a wait if there is one.
    Pass { wait: Duration },
    /// Is answered with a failure, after a wait if there is one.
    Fail { wait: Duration, status: StatusCode },
    /// Is refused for its rate.
    Throttled,
}

#[derive(Debug, Default)]
struct Switches {
    faults: Faults,
    /// The second that `in_second` counts, for the request limit.
    second_began: Option<Instant>,
    in_second: u64,
    statements: u64,
}

/// The faults of one service.
#[derive(Debug, Default)]
pub(crate) struct Chaos {
    state: Mutex<Switches>,
}

impl Chaos {
    pub(crate) fn faults(&self) -> Faults {
        self.lock().faults.clone()
    }

    /// Switches a fault on; `value` is what `kind` says it is.
    ///
    /// # Errors
    /// When `value` is out of range.
    pub(crate) fn set(&self, kind: Kind, value: u64) -> Result<(), ChaosError> {
        check(kind, value)?;
        *kind.slot(&mut self.lock().faults) = Some(Fault { value, since_s: epoch_s() });
        Ok(())
    }

    /// Switches one fault off.
    pub(crate) fn clear(&self, kind: Kind) {
        *kind.slot(&mut self.lock().faults) = None;
    }

    /// Switches everything off.
    pub(crate) fn clear_all(&self) {
        self.lock().faults = Faults::default();
    }

    /// Decides about a request that comes in at `now`.
    pub(crate) fn meet(&self, now: Instant) -> Fate {
        let mut state = self.lock();
        if let Some(limit) = state.faults.throttle {
            if state.second_began.is_none_or(|began| now - began >= Duration::from_secs(1)) {
                state.second_began = Some(now);
                state.in_second = 0;
            }
            state.in_second += 1;
            if state.in_second > limit.value {
                return Fate::Throttled;
            }
        }
        let wait = Duration::from_millis(state.faults.latency.map_or(0, |fault| fault.value));
        let status = state.faults.status.and_then(|fault| u16::try_from(fault.value).ok());
        match status.and_then(|code| StatusCode::from_u16(code).ok()) {
            Some(status) => Fate::Fail { wait, status },
            None => Fate::Pass { wait },
        }
    }

    /// Whether the next statement is to fail.
    pub(crate) fn next_statement_fails(&self) -> bool {
        let mut state = self.lock();
        let Some(every) = state.faults.database else { return false };
        state.statements += 1;
        state.statements.is_multiple_of(every.value)
    }

    /// Whether the health check is to fail.
    pub(crate) fn health_fails(&self) -> bool {
        self.lock().faults.health.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Switches> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind {
    fn slot(self, faults: &mut Faults) -> &mut Option<Fault> {
        match self {
            Self::Status => &mut faults.status,
            Self::Latency => &mut faults.latency,
            Self::Throttle => &mut faults.throttle,
            Self::Database => &mut faults.database,
            Self::Health => &mut faults.health,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Latency => "latency",
            Self::Throttle => "throttle",
            Self::Database => "database",
            Self::Health => "health",
        }
    }
}

fn check(kind: Kind, value: u64) -> Result<(), ChaosError> {
    match kind {
        Kind::Status if !(400..=599).contains(&value) => Err(ChaosError::Status(value)),
        Kind::Latency if !(1..=MAX_LATENCY_MS).contains(&value) => Err(ChaosError::Latency(value)),
        Kind::Throttle if !(1..=MAX_REQUESTS_PER_S).contains(&value) => {
            Err(ChaosError::Throttle(value))
        }
        Kind::Database if !(1..=MAX_STATEMENT_INTERVAL).contains(&value) => {
            Err(ChaosError::Database(value))
        }
        _ => Ok(()),
    }
}

/// `/chaos`, `/injectFault` and `/resetFault`.
pub(crate) fn routes(chaos: Arc<Chaos>) -> Router {
    Router::new()
        .route("/chaos", get(show).delete(clear_all))
        .route("/chaos/{kind}", post(set_health).delete(clear))
        .route("/chaos/{kind}/{value}", post(set).delete(clear_valued))
        .route("/injectFault", get(inject_fault))
        .route("/resetFault", get(reset_fault))
        .with_state(chaos)
}

async fn show(State(chaos): State<Arc<Chaos>>) -> Json<Faults> {
    Json(chaos.faults())
}

async fn set(
    State(chaos): State<Arc<Chaos>>,
    Path((kind, value)): Path<(Kind, u64)>,
) -> Result<Json<Faults>, ChaosError> {
    chaos.set(kind, value)?;
    Ok(Json(chaos.faults()))
}

/// `POST /chaos/health`: the one kind without a figure.
async fn set_health(
    State(chaos): State<Arc<Chaos>>,
    Path(kind): Path<Kind>,
) -> Result<Json<Faults>, ChaosError> {
    if kind != Kind::Health {
        return Err(ChaosError::FigureMissing(kind.as_str()));
    }
    chaos.set(kind, 1)?;
    Ok(Json(chaos.faults()))
}

async fn clear(State(chaos): State<Arc<Chaos>>, Path(kind): Path<Kind>) -> Json<Faults> {
    chaos.clear(kind);
    Json(chaos.faults())
}

/// `DELETE /chaos/status/500`: the figure is what was on, and does not matter.
async fn clear_valued(
    State(chaos): State<Arc<Chaos>>,
    Path((kind, _)): Path<(Kind, u64)>,
) -> Json<Faults> {
    chaos.clear(kind);
    Json(chaos.faults())
}

async fn clear_all(State(chaos): State<Arc<Chaos>>) -> Json<Faults> {
    chaos.clear_all();
    Json(chaos.faults())
}

/// The workshop's switch: answers 500 itself, and so does everything after it.
async fn inject_fault(State(chaos): State<Arc<Chaos>>) -> Result<Response, ChaosError> {
    chaos.set(Kind::Status, 500)?;
    let said = format!("host: {} will now respond with 500 error.", hostname());
    Ok((StatusCode::INTERNAL_SERVER_ERROR, Json(said)).into_response())
}

async fn reset_fault(State(chaos): State<Arc<Chaos>>) -> Json<String> {
    chaos.clear(Kind::Status);
    Json(format!("Removed fault injection from host: {}", hostname()))
}

fn hostname() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok())
        .map_or_else(|| "localhost".to_owned(), |name| name.trim().to_owned())
}

/// Middleware: lets `chaos` decide what becomes of each request.
pub(crate) async fn apply(
    State(chaos): State<Arc<Chaos>>,
    request: Request,
    next: Next,
) -> Response {
    match chaos.meet(Instant::now()) {
        Fate::Pass { wait } => {
            tokio::time::sleep(wait).await;
            next.run(request).await
        }
        Fate::Fail { wait, status } => {
            tokio::time::sleep(wait).await;
            (status, Json("Error")).into_response()
        }
        Fate::Throttled => {
            let body = serde_json::json!({
                "status": "Too many requests",
                "statusCode": "429",
                "message": "the request limit set by /chaos/throttle is used up; try again in a second",
            });
            let retry_after = [(header::RETRY_AFTER, HeaderValue::from_static("1"))];
            (StatusCode::TOO_MANY_REQUESTS, retry_after, Json(body)).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use tower::ServiceExt;

    use super::*;

    async fn call(router: &Router, method: &str, path: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 4_096).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// A router with one page behind the faults, as a service builds it.
    fn service(chaos: &Arc<Chaos>) -> Router {
        let pages = Router::new()
            .route("/page", get(async || "fine"))
            .layer(axum::middleware::from_fn_with_state(Arc::clone(chaos), apply));
        pages.merge(routes(Arc::clone(chaos)))
    }

    #[tokio::test]
    async fn an_injected_fault_sticks_until_it_is_reset() {
        let service = service(&Arc::default());
        let (status, said) = call(&service, "GET", "/injectFault").await;
        assert_eq!(status, 500);
        assert!(said.ends_with("will now respond with 500 error.\""), "{said}");
        for _ in 0..3 {
            assert_eq!(call(&service, "GET", "/page").await, (500, "\"Error\"".to_owned()));
        }
        let (status, said) = call(&service, "GET", "/resetFault").await;
        assert_eq!(status, 200);
        assert!(said.starts_with("\"Removed fault injection from host: "), "{said}");
        assert_eq!(call(&service, "GET", "/page").await, (200, "fine".to_owned()));
    }

    #[tokio::test]
    async fn each_kind_goes_on_and_off_by_its_path() {
        let chaos = Arc::new(Chaos::default());
        let service = service(&chaos);
        for path in ["status/503", "latency/1", "throttle/5", "database/2", "health"] {
            assert_eq!(call(&service, "POST", &format!("/chaos/{path}")).await.0, 200, "{path}");
        }
        assert_eq!(chaos.faults().status.map(|fault| fault.value), Some(503));
        assert_eq!(call(&service, "GET", "/page").await.0, 503);
        assert_eq!(call(&service, "DELETE", "/chaos/status/503").await.0, 200);
        assert_eq!(call(&service, "DELETE", "/chaos/latency").await.0, 200);
        assert_eq!(call(&service, "GET", "/page").await.0, 200);
        assert!(chaos.health_fails());
        assert_eq!(call(&service, "DELETE", "/chaos").await, (200, "{}".to_owned()));
        assert_eq!(chaos.faults(), Faults::default());
    }

    #[tokio::test]
    async fn a_figure_out_of_range_is_refused_with_its_rule() {
        let service = service(&Arc::default());
        let (status, body) = call(&service, "POST", "/chaos/status/200").await;
        assert_eq!(status, 400);
        assert!(body.contains("400 to 599"), "{body}");
        assert_eq!(call(&service, "POST", "/chaos/latency/60001").await.0, 400);
        assert_eq!(call(&service, "POST", "/chaos/throttle/0").await.0, 400);
        assert_eq!(call(&service, "POST", "/chaos/latency").await.0, 400);
        assert_eq!(call(&service, "POST", "/chaos/fire/1").await.0, 400);
        assert_eq!(call(&service, "POST", "/chaos/status/-1").await.0, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn latency_comes_before_the_answer() {
        let chaos = Arc::new(Chaos::default());
        chaos.set(Kind::Latency, 1_200).unwrap();
        let start = tokio::time::Instant::now();
        assert_eq!(call(&service(&chaos), "GET", "/page").await.0, 200);
        assert_eq!(start.elapsed(), Duration::from_millis(1_200));
    }

    #[test]
    fn the_request_limit_holds_for_each_second() {
        let chaos = Chaos::default();
        chaos.set(Kind::Throttle, 2).unwrap();
        let start = Instant::now();
        let pass = Fate::Pass { wait: Duration::ZERO };
        let fates: Vec<Fate> = (0..3).map(|_| chaos.meet(start)).collect();
        assert_eq!(fates, [pass, pass, Fate::Throttled]);
        assert_eq!(chaos.meet(start + Duration::from_secs(1)), pass);
    }

    #[test]
    fn every_second_statement_fails_while_the_database_is_broken() {
        let chaos = Chaos::default();
        assert!(!chaos.next_statement_fails());
        chaos.set(Kind::Database, 2).unwrap();
        let failing: Vec<bool> = (0..4).map(|_| chaos.next_statement_fails()).collect();
        assert_eq!(failing, [false, true, false, true]);
    }
}
