//! Answers: JSON, with the headers of the service.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::ApiError;

/// Tells one request from another, in logs of clients.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// Carries the code of an error.
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// What an operation answers.
pub(super) type Answer = Result<Output, ApiError>;

/// An answer with status 200.
#[derive(Debug)]
pub(super) struct Output(pub(super) Value);

impl IntoResponse for Output {
    fn into_response(self) -> Response {
        response(StatusCode::OK, &self.0)
    }
}

pub(super) fn error(status: StatusCode, code: &'static str, body: &Value) -> Response {
    let mut response = response(status, body);
    response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(code));
    response
}

fn response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&request_id()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// A random UUID, version 4.
fn request_id() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let digits = format!("{bits:032x}");
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_random_uuids() {
        let (one, other) = (request_id(), request_id());
        assert_ne!(one, other);
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&one.as_bytes()[19]));
    }
}
