//! Counts every request on the port, by what became of it.
//!
//! In: requests and their answers. Out: the same. Owns nothing. A handler that knows more than the
//! status says so in the answer's extensions.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;

use super::routes::{RULES, TARGETS};
use crate::counters::{SamplingCall, SamplingCounters, SamplingResult};

pub(super) async fn count(
    State(counters): State<Arc<SamplingCounters>>,
    request: Request,
    next: Next,
) -> Response {
    let call = call_of(request.method(), request.uri());
    let answer = next.run(request).await;
    let known = answer.extensions().get::<SamplingResult>().copied();
    counters.add(call, known.unwrap_or_else(|| by_status(answer.status())));
    answer
}

/// What is asked.
pub(super) fn call_of(method: &Method, uri: &Uri) -> SamplingCall {
    match (method, uri.path()) {
        (&Method::POST, RULES) => SamplingCall::Rules,
        (&Method::POST, TARGETS) => SamplingCall::Targets,
        _ => SamplingCall::Other,
    }
}

fn by_status(status: StatusCode) -> SamplingResult {
    match status {
        StatusCode::FORBIDDEN => SamplingResult::Refused,
        StatusCode::PAYLOAD_TOO_LARGE => SamplingResult::TooLarge,
        StatusCode::REQUEST_TIMEOUT => SamplingResult::TooSlow,
        status if status.is_server_error() => SamplingResult::Failed,
        _ => SamplingResult::Answered,
    }
}
