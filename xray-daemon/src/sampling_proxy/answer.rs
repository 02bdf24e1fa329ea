//! What goes back to a caller.
//!
//! In: the service's answer, or why there is none. Out: an HTTP response. Owns nothing.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;

use super::body::NoBody;
use crate::backend::aws::{CallError, is_failure};
use crate::counters::{SamplingResult, UpstreamEnd};

/// Headers of the service's answer that go back to the caller.
const KEPT: [&str; 3] = ["content-type", "x-amzn-requestid", "x-amzn-errortype"];
/// Says that rules come from memory: `hit`, or `stale` while the service fails.
pub(super) const CACHE: HeaderName = HeaderName::from_static("x-xray-daemon-cache");

/// An answer that several callers may get.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    headers: Arc<HeaderMap>,
    pub(super) body: Bytes,
    /// Whether the service answered or failed.
    pub(super) ended: UpstreamEnd,
}

impl Answer {
    /// The answer to a call that ended so.
    pub(super) fn of(called: Result<Response<Bytes>, CallError>) -> Self {
        match called {
            Ok(response) => {
                let failed = is_failure(&response);
                let ended = if failed { UpstreamEnd::Failed } else { UpstreamEnd::Answered };
                let (head, body) = response.into_parts();
                let kept = KEPT.iter().filter_map(|name| {
                    Some((HeaderName::from_static(name), head.headers.get(*name)?.clone()))
                });
                Self { status: head.status, headers: Arc::new(kept.collect()), body, ended }
            }
            Err(error) => {
                let status = match &error {
                    CallError::NoCredentials(_) => StatusCode::SERVICE_UNAVAILABLE,
                    CallError::TimedOut => StatusCode::GATEWAY_TIMEOUT,
                    _ => StatusCode::BAD_GATEWAY,
                };
                Self::saying(status, &causes(&error), UpstreamEnd::Failed)
            }
        }
    }

    /// For the tests of who uses it.
    #[cfg(test)]
    pub(super) fn fake(status: u16, body: &str, ended: UpstreamEnd) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        Self { body: Bytes::from(body.to_owned()), ..Self::saying(status, "", ended) }
    }

    /// An answer of our own.
    pub(super) fn saying(status: StatusCode, message: &str, ended: UpstreamEnd) -> Self {
        let body = Bytes::from(serde_json::json!({ "message": message }).to_string());
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { status, headers: Arc::new(HeaderMap::from_iter([json])), body, ended }
    }

    /// Whether these are rules that may be kept.
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.status == StatusCode::OK && self.ended == UpstreamEnd::Answered
    }

    /// What takes room where it is kept.
    pub(super) fn size_bytes(&self) -> usize {
        self.body.len()
    }

    /// The response, and for the counters how it came about.
    pub(super) fn into_response(self, result: SamplingResult) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = (*self.headers).clone();
        response.extensions_mut().insert(result);
        response
    }

    /// The response from memory, where it has been for `age`.
    pub(super) fn into_response_from_memory(
        self,
        result: SamplingResult,
        age: Duration,
    ) -> Response {
        let mut response = self.into_response(result);
        let word = if result == SamplingResult::Stale { "stale" } else { "hit" };
        response.headers_mut().insert(CACHE, HeaderValue::from_static(word));
        response.headers_mut().insert(header::AGE, HeaderValue::from(age.as_secs()));
        response
    }
}

/// The answer to a body that was not read.
pub(super) fn without_body(why: NoBody, max_bytes: usize) -> Response {
    let (status, message, result) = match why {
        NoBody::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is too large; it takes {max_bytes} bytes at most"),
            SamplingResult::TooLarge,
        ),
        NoBody::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "the body did not come in time".to_owned(),
            SamplingResult::TooSlow,
        ),
        NoBody::Broken => {
            (StatusCode::BAD_REQUEST, "the body cannot be read".to_owned(), SamplingResult::TooSlow)
        }
    };
    Answer::saying(status, &message, UpstreamEnd::Answered).into_response(result)
}

fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
