//! The answers of the admin port.
//!
//! In: `GET` or `HEAD` of three paths. Out: short texts. Owns nothing.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};

use super::metrics;
use super::readiness::Readiness;
use crate::counters::Counters;
use crate::http::refuse_browsers;

#[derive(Clone, Debug)]
struct Admin {
    counters: Arc<Counters>,
    readiness: Arc<Readiness>,
}

/// `/healthz`, `/readyz` and `/metrics`.
pub(crate) fn router(counters: Arc<Counters>, readiness: Arc<Readiness>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn(refuse_browsers))
        .with_state(Admin { counters, readiness })
}

async fn healthz(State(admin): State<Admin>) -> Response {
    match admin.readiness.not_healthy() {
        None => "ok\n".into_response(),
        Some(reason) => unavailable(reason),
    }
}

async fn readyz(State(admin): State<Admin>) -> Response {
    if let Some(reason) = admin.readiness.not_ready() {
        return unavailable(&reason);
    }
    match admin.readiness.note() {
        None => "ready\n".into_response(),
        Some(note) => format!("ready\n{note}\n").into_response(),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let text = metrics::render(&admin.counters.snapshot());
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

fn unavailable(reason: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::admin::Credentials;

    async fn answer(readiness: Readiness, request: Request<Body>) -> (u16, String) {
        let router = router(Arc::new(Counters::new(["local"])), Arc::new(readiness));
        let response = router.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn readiness() -> Readiness {
        Readiness::new(Arc::new(Counters::new(["local"])), Credentials::NotNeeded)
    }

    fn get(path: &str) -> Request<Body> {
        Request::get(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn a_daemon_that_starts_is_alive_but_not_ready() {
        assert_eq!(answer(readiness(), get("/healthz")).await, (200, "ok\n".into()));
        let (status, body) = answer(readiness(), get("/readyz")).await;
        assert_eq!(status, 503);
        assert_eq!(body, "not ready: starting: sockets are not open yet\n");
    }

    #[tokio::test]
    async fn a_ready_daemon_says_so() {
        let ready = readiness();
        ready.set_open();
        assert_eq!(answer(ready, get("/readyz")).await, (200, "ready\n".into()));
    }

    #[tokio::test]
    async fn metrics_are_there_and_nothing_else_is() {
        let (status, body) = answer(readiness(), get("/metrics")).await;
        assert_eq!(status, 200);
        assert!(body.contains("xray_daemon_segments_received_total 0\n"), "{body}");
        assert_eq!(answer(readiness(), get("/")).await.0, 404);
        let post = Request::post("/metrics").body(Body::empty()).unwrap();
        assert_eq!(answer(readiness(), post).await.0, 405);
    }

    #[tokio::test]
    async fn web_pages_are_refused() {
        let request = Request::get("/metrics").header("origin", "http://evil.example");
        let (status, body) = answer(readiness(), request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, 403);
        assert_eq!(body, "requests from web pages are not answered on this port\n");
    }
}
