//! The calls that are answered, and the refusal of all others.
//!
//! In: any request on TCP 2000. Out: a router that lets two calls through. Owns the allow-list.

use std::sync::Arc;

use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Router, middleware};

use super::counted::count;
use crate::counters::SamplingCounters;
use crate::http::refuse_browsers;

/// The call for sampling rules.
pub(super) const RULES: &str = "/GetSamplingRules";
/// The call that gives statistics and gets targets.
pub(super) const TARGETS: &str = "/SamplingTargets";

/// Refuses whatever `router` does not answer, and whatever web pages send.
pub(crate) fn guard<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    counters: Arc<SamplingCounters>,
) -> Router<S> {
    watched(router.fallback(refuse).method_not_allowed_fallback(refuse), counters)
}

/// Refuses what web pages send, and counts.
pub(super) fn watched<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    counters: Arc<SamplingCounters>,
) -> Router<S> {
    router
        .layer(middleware::from_fn(refuse_browsers))
        .layer(middleware::from_fn_with_state(counters, count))
}

/// For daemons without a backend that knows sampling rules: SDKs fall back to their local rules.
pub(crate) fn unanswered(counters: Arc<SamplingCounters>) -> Router {
    let text = r#"{"message":"no backend of this daemon answers sampling calls"}"#;
    let json = [(header::CONTENT_TYPE, "application/json")];
    let answer = post(move || async move { (StatusCode::SERVICE_UNAVAILABLE, json, text) });
    guard(Router::new().route(RULES, answer.clone()).route(TARGETS, answer), counters)
}

async fn refuse(method: Method, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(64).collect();
    let message = format!(
        "{method} {path} is not answered here: this port takes POST /GetSamplingRules and POST \
         /SamplingTargets; --proxy-allow-all passes everything on, signed as this daemon"
    );
    let body = serde_json::json!({ "message": message }).to_string();
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::FORBIDDEN, json, body).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::counters::{Counters, SamplingCall, SamplingResult};

    /// Status and body, and what was counted.
    async fn answer(
        method: &str,
        path: &str,
        origin: Option<&str>,
    ) -> (u16, String, Vec<(SamplingCall, SamplingResult)>) {
        let counters = Counters::new(["aws"]);
        let answered = post(|| async { "answered" });
        let router = Router::new().route(RULES, answered.clone()).route(TARGETS, answered);
        let router: Router = guard(router, Arc::clone(counters.sampling()));
        let mut request = Request::builder().method(method).uri(path);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let counted = counters.snapshot().sampling.requests.into_iter();
        let counted = counted.filter(|(.., count)| *count == 1).map(|(call, end, _)| (call, end));
        (status, String::from_utf8(body.to_vec()).unwrap(), counted.collect())
    }

    #[tokio::test]
    async fn the_two_calls_are_answered() {
        for (path, call) in [(RULES, SamplingCall::Rules), (TARGETS, SamplingCall::Targets)] {
            let counted = vec![(call, SamplingResult::Answered)];
            assert_eq!(answer("POST", path, None).await, (200, "answered".into(), counted));
        }
    }

    #[tokio::test]
    async fn everything_else_is_refused_with_what_is_allowed() {
        for (method, path) in [
            ("GET", "/GetSamplingRules"),
            ("POST", "/TraceSegments"),
            ("POST", "/GetSamplingRules/"),
            ("DELETE", "/"),
            ("OPTIONS", "/SamplingTargets"),
        ] {
            let (status, body, counted) = answer(method, path, None).await;
            assert_eq!(status, 403, "{method} {path}");
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(
                body["message"],
                format!(
                    "{method} {path} is not answered here: this port takes POST \
                     /GetSamplingRules and POST /SamplingTargets; --proxy-allow-all passes \
                     everything on, signed as this daemon"
                )
            );
            assert_eq!(counted, [(SamplingCall::Other, SamplingResult::Refused)]);
        }
    }

    #[tokio::test]
    async fn web_pages_are_refused_and_counted() {
        let (status, _, counted) = answer("POST", RULES, Some("http://127.0.0.1:2000")).await;
        assert_eq!(status, 403);
        assert_eq!(counted, [(SamplingCall::Rules, SamplingResult::Refused)]);
    }

    #[tokio::test]
    async fn a_daemon_without_rules_says_so() {
        let router = unanswered(Arc::default());
        let request = Request::post(RULES).body(Body::empty()).unwrap();
        assert_eq!(router.oneshot(request).await.unwrap().status(), 503);
    }
}
