//! The calls that are answered, and the refusal of all others.
//!
//! In: any request on TCP 2000. Out: a router that lets two calls through. Owns the allow-list.

use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use axum::{Router, middleware};

use crate::http::refuse_browsers;

/// The calls that SDKs make here.
pub(super) const CALLS: [&str; 2] = ["/GetSamplingRules", "/SamplingTargets"];

/// Answers the two calls by `answer`, refuses everything else.
pub(super) fn allow<S: Clone + Send + Sync + 'static>(answer: &MethodRouter<S>) -> Router<S> {
    let route = |router: Router<S>, call: &&str| router.route(call, answer.clone());
    guard(CALLS.iter().fold(Router::new(), route))
}

/// Refuses whatever `router` does not answer, and whatever web pages send.
pub(crate) fn guard<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .fallback(refuse)
        .method_not_allowed_fallback(refuse)
        .layer(middleware::from_fn(refuse_browsers))
}

/// For daemons without a backend that knows sampling rules: SDKs fall back to their local rules.
pub(crate) fn unanswered() -> Router {
    let text = r#"{"message":"no backend of this daemon answers sampling calls"}"#;
    let json = [(header::CONTENT_TYPE, "application/json")];
    allow(&post(move || async move { (StatusCode::SERVICE_UNAVAILABLE, json, text) }))
}

async fn refuse(method: Method, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(64).collect();
    let message = format!(
        "{method} {path} is not answered here: this port takes POST /GetSamplingRules and POST \
         /SamplingTargets"
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

    async fn answer(method: &str, path: &str, origin: Option<&str>) -> (u16, String) {
        let router: Router = allow(&post(|| async { "answered" }));
        let mut request = Request::builder().method(method).uri(path);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_two_calls_are_answered() {
        for call in CALLS {
            assert_eq!(answer("POST", call, None).await, (200, "answered".into()));
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
            let (status, body) = answer(method, path, None).await;
            assert_eq!(status, 403, "{method} {path}");
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(
                body["message"],
                format!(
                    "{method} {path} is not answered here: this port takes POST \
                     /GetSamplingRules and POST /SamplingTargets"
                )
            );
        }
    }

    #[tokio::test]
    async fn web_pages_are_refused() {
        let (status, _) = answer("POST", CALLS[0], Some("http://127.0.0.1:2000")).await;
        assert_eq!(status, 403);
    }
}
