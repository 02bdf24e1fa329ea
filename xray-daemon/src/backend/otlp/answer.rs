//! What an answer of the endpoint means for the spans of a request.
//!
//! In: status, headers and body, from whoever answers. Out: taken, taken in part, or an error. Owns
//! nothing. Rule: OTLP specification, "OTLP/HTTP Response". Beyond it: what is no fault of the spans
//! (a wrong token, a path that is not there yet, a crash) is tried again, since the buffer keeps
//! them until somebody has put it right.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Response, StatusCode, header};

use super::NAME;
use super::http_date::parse;
use crate::backend::BackendError;
use crate::otlp::{Field, Fields};

/// Characters of a message that are kept.
const MESSAGE_CHARS: usize = 300;

/// A request that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Spans of it that were not.
    pub(super) rejected: u64,
    /// What is said about that, or a warning.
    pub(super) message: String,
}

/// Reads an answer.
pub(super) fn read(response: &Response<Bytes>, now: SystemTime) -> Result<Taken, BackendError> {
    let status = response.status();
    match status {
        _ if status.is_success() => Ok(taken(response)),
        StatusCode::PAYLOAD_TOO_LARGE => Err(BackendError::TooLarge { backend: NAME }),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Err(BackendError::Refused {
            backend: NAME,
            code: format!("Status{}", status.as_u16()),
            message: message_of(response),
        }),
        // It may have failed after it had taken them.
        StatusCode::INTERNAL_SERVER_ERROR | StatusCode::GATEWAY_TIMEOUT => {
            Err(BackendError::Unsure {
                backend: NAME,
                status: described(response),
                after: retry_after(response, now),
                source: None,
            })
        }
        _ => Err(BackendError::Again {
            backend: NAME,
            status: described(response),
            after: retry_after(response, now),
            source: None,
        }),
    }
}

fn taken(response: &Response<Bytes>) -> Taken {
    // An answer that cannot be read came with a status that says all were taken.
    if content_type(response).contains("json") {
        return taken_of_json(response.body()).unwrap_or_default();
    }
    let partial = bytes_of(response.body(), 1).unwrap_or_default();
    let rejected = Fields::of(partial).flatten().find_map(|field| match field {
        (1, Field::Varint(rejected)) => Some(rejected),
        _ => None,
    });
    // A number of spans is not negative.
    let rejected = rejected.filter(|rejected| i64::try_from(*rejected).is_ok()).unwrap_or(0);
    Taken { rejected, message: shortened(&text_of(bytes_of(partial, 2).unwrap_or_default())) }
}

/// The same in JSON, where 64 bits are text.
fn taken_of_json(body: &[u8]) -> Option<Taken> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let partial = answer.get("partialSuccess")?;
    let rejected = partial.get("rejectedSpans");
    let as_text = |value: &serde_json::Value| value.as_str()?.parse().ok();
    let rejected = rejected.and_then(|value| value.as_u64().or_else(|| as_text(value)));
    let message = partial.get("errorMessage").and_then(|value| value.as_str()).unwrap_or_default();
    Some(Taken { rejected: rejected.unwrap_or(0), message: shortened(message) })
}

fn described(response: &Response<Bytes>) -> String {
    let status = response.status();
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    if let Some(location) = location.filter(|_| status.is_redirection()) {
        let location = shortened(location);
        return format!("status {}, a redirection; give {location} itself", status.as_u16());
    }
    let message = message_of(response);
    let comma = if message.is_empty() { "" } else { ", " };
    format!("status {}{comma}{message}", status.as_u16())
}

/// What an error says of itself: `google.rpc.Status`, JSON with a message, or plain text.
fn message_of(response: &Response<Bytes>) -> String {
    let (kind, body) = (content_type(response), response.body());
    let text = if kind.contains("protobuf") {
        text_of(bytes_of(body, 2).unwrap_or_default())
    } else if kind.contains("json") {
        let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let said = ["message", "Message"].into_iter().find_map(|key| answer[key].as_str());
        said.map_or_else(|| text_of(body), str::to_owned)
    } else {
        text_of(body)
    };
    shortened(&text)
}

fn content_type(response: &Response<Bytes>) -> &str {
    let value = response.headers().get(header::CONTENT_TYPE);
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The first field of that number, if it is bytes.
fn bytes_of(message: &[u8], number: u64) -> Option<&[u8]> {
    Fields::of(message).flatten().find_map(|field| match field {
        (found, Field::Bytes(bytes)) if found == number => Some(bytes),
        _ => None,
    })
}

fn text_of(bytes: &[u8]) -> String {
    let start = bytes.get(..bytes.len().min(4 * MESSAGE_CHARS)).unwrap_or_default();
    String::from_utf8_lossy(start).trim().to_owned()
}

fn shortened(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(MESSAGE_CHARS).collect()
}

/// `Retry-After`: seconds, or the time from which on.
fn retry_after(response: &Response<Bytes>, now: SystemTime) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => Some(parse(text)?.duration_since(now).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::otlp::Message;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Response<Bytes> {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(Bytes::copy_from_slice(body)).unwrap()
    }

    fn outcome(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> String {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        match read(&answer(status, headers, body), now) {
            Ok(Taken { rejected, message }) => format!("taken but {rejected} {message}"),
            Err(BackendError::Again { status, after, .. }) => format!("again {status} {after:?}"),
            Err(BackendError::Unsure { status, after, .. }) => format!("unsure {status} {after:?}"),
            Err(BackendError::TooLarge { .. }) => "too large".into(),
            Err(BackendError::Refused { code, message, .. }) => format!("refused {code} {message}"),
        }
    }

    fn partial(rejected: u64, message: &str) -> Vec<u8> {
        let mut partial = Message::default();
        partial.varint(1, rejected);
        partial.bytes(2, message.as_bytes());
        let mut answer = Message::default();
        answer.message(1, &partial);
        answer.into_bytes()
    }

    #[test]
    fn what_an_answer_means() {
        let protobuf = [("content-type", "application/x-protobuf")];
        let json = [("content-type", "application/json; charset=utf-8")];
        let mut status = Message::default();
        status.varint(1, 3);
        status.bytes(2, b"no such tenant");
        let status = status.into_bytes();
        for (code, headers, body, expected) in [
            (200, &protobuf[..], b"".to_vec(), "taken but 0 "),
            (202, &[], b"<html>".to_vec(), "taken but 0 "),
            (200, &protobuf, partial(3, "too old"), "taken but 3 too old"),
            (200, &protobuf, partial(0, "old\nformat"), "taken but 0 oldformat"),
            (200, &protobuf, partial(u64::MAX, ""), "taken but 0 "),
            (
                200,
                &json,
                br#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"late"}}"#.to_vec(),
                "taken but 2 late",
            ),
            (413, &[], Vec::new(), "too large"),
            (400, &protobuf, status.clone(), "refused Status400 no such tenant"),
            (422, &[], b"odd".to_vec(), "refused Status422 odd"),
            (429, &[("retry-after", "7")], Vec::new(), "again status 429 Some(7s)"),
            (
                503,
                &[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")],
                b"busy".to_vec(),
                "again status 503, busy Some(30s)",
            ),
            (502, &[("retry-after", "soon")], Vec::new(), "again status 502 None"),
            (
                401,
                &json,
                br#"{"message":"bad token"}"#.to_vec(),
                "again status 401, bad token None",
            ),
            (404, &[], Vec::new(), "again status 404 None"),
            (500, &json, b"{".to_vec(), "unsure status 500, { None"),
            (
                308,
                &[("location", "https://b/v1/traces")],
                Vec::new(),
                "again status 308, a redirection; give https://b/v1/traces itself None",
            ),
        ] {
            assert_eq!(outcome(code, headers, &body), expected);
        }
    }
}
