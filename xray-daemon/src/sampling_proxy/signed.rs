//! Signs sampling calls with the daemon's credentials and sends them to AWS.
//!
//! In: the body of an allowed call. Out: status and body of the service's answer. Owns a share of
//! the service. Of the caller's headers none goes on: what a mesh or a stranger adds would break
//! the signature, or be signed in our name.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use tokio::time::timeout;
use tracing::warn;

use super::routes::allow;
use crate::backend::aws::{CallError, XRay};
use crate::log_limit::LogLimit;

/// Longest body of a call: statistics of 25 rules take a few kilobytes.
const MAX_BODY_BYTES: usize = 1 << 20;
/// Longest that a caller may take for its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Headers of the service's answer that go back to the caller.
const KEPT: [&str; 3] = ["content-type", "x-amzn-requestid", "x-amzn-errortype"];

#[derive(Clone, Debug)]
struct Proxy {
    service: Arc<XRay>,
    failures: Arc<LogLimit>,
}

/// Answers sampling calls through `service`.
pub(crate) fn signed(service: Arc<XRay>) -> Router {
    let failures = Arc::new(LogLimit::new());
    allow(&post(forward)).with_state(Proxy { service, failures })
}

async fn forward(State(proxy): State<Proxy>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let body = match timeout(BODY_TIMEOUT, to_bytes(request.into_body(), MAX_BODY_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let message = "the body cannot be read; it takes 1 MiB at most";
            return failed(StatusCode::PAYLOAD_TOO_LARGE, message);
        }
        Err(_) => return failed(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    };
    match proxy.service.call(&path, HeaderMap::new(), body).await {
        Ok(answer) => passed_on(answer),
        Err(error) => {
            if let Some(calls) = proxy.failures.report(1) {
                warn!(
                    path,
                    calls,
                    error = &error as &dyn std::error::Error,
                    "sampling call failed"
                );
            }
            let status = match &error {
                CallError::NoCredentials(_) => StatusCode::SERVICE_UNAVAILABLE,
                CallError::TimedOut => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::BAD_GATEWAY,
            };
            failed(status, &error.to_string())
        }
    }
}

fn passed_on(answer: Response<Bytes>) -> Response {
    let (head, body) = answer.into_parts();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = head.status;
    for name in KEPT {
        if let Some(value) = head.headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn failed(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "message": message }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
