//! What an answer of the service means for the batch.
//!
//! In: status, headers and body, from whoever answers at the endpoint. Out: delivered, or what to do
//! about it. Owns the lists of codes. When in doubt a batch is kept: only a plain 400 is the
//! documents' fault.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::Deserialize;

use crate::backend::{BackendError, Delivered, Retry, Unprocessed};
use crate::segment::Segment;

/// Name of the backend.
pub(super) const NAME: &str = "aws";
/// Characters of a message that are kept.
const MESSAGE_CHARS: usize = 300;

/// Codes that another attempt can help with, wherever they stand.
const PASSING: [&str; 9] = [
    "Throttl",
    "TooManyRequests",
    "RequestLimitExceeded",
    "LimitExceeded",
    "SlowDown",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "ServiceUnavailable",
];

/// Failures behind which the service may have taken the batch: its own, and those of a proxy that
/// lost the answer. A service that throttles (429, 503) says so before it takes anything.
const UNSURE: [StatusCode; 3] =
    [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::BAD_GATEWAY, StatusCode::GATEWAY_TIMEOUT];

/// Codes that say that the identity is not (or no longer) good.
const IDENTITY: [&str; 6] = [
    "ExpiredToken",
    "UnrecognizedClient",
    "InvalidClientTokenId",
    "InvalidSignature",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
];

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "UnprocessedTraceSegments", default)]
    unprocessed: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "Id", default)]
    id: Option<String>,
    #[serde(rename = "ErrorCode", default)]
    code: Option<String>,
    #[serde(rename = "Message", default)]
    message: Option<String>,
}

#[derive(Default, Deserialize)]
struct Fault {
    #[serde(rename = "__type", alias = "code", alias = "Code", default)]
    code: Option<String>,
    #[serde(alias = "Message", default)]
    message: Option<String>,
}

/// Reads the answer to `batch`.
pub(super) fn read(
    batch: &[Segment],
    response: &Response<Bytes>,
) -> Result<Delivered, BackendError> {
    let status = response.status();
    if status.is_success() {
        return Ok(Delivered { unprocessed: unprocessed(batch, response.body()) });
    }
    let (code, message) = fault(response);
    let refused = status == StatusCode::BAD_REQUEST && !is_passing(&code) && !is_identity(&code);
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return Err(BackendError::TooLarge { backend: NAME });
    }
    if refused {
        let code = if code.is_empty() { "BadRequest".to_owned() } else { code };
        return Err(BackendError::Refused { backend: NAME, code, message });
    }
    let words = [code, message].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
    let status = [format!("status {}", status.as_u16())].into_iter().chain(words);
    let unsure = UNSURE.contains(&response.status());
    let (status, after) = (status.collect::<Vec<_>>().join(", "), retry_after(response));
    Err(if unsure {
        BackendError::Unsure { backend: NAME, status, after, source: None }
    } else {
        BackendError::Again { backend: NAME, status, after, source: None }
    })
}

/// Whether the service does not accept who has signed.
pub(super) fn denies_identity(response: &Response<Bytes>) -> bool {
    let client_error = response.status().is_client_error();
    client_error && is_identity(&fault(response).0)
}

/// Whether an answer says that the service, or our identity, fails; another attempt may help.
pub(crate) fn is_failure(response: &Response<Bytes>) -> bool {
    let status = response.status();
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || denies_identity(response)
}

fn unprocessed(batch: &[Segment], body: &[u8]) -> Vec<Unprocessed> {
    // An answer that cannot be read came with a status that says all were taken.
    let answer: Option<Answer> = serde_json::from_slice(body).ok();
    let entries = answer.and_then(|answer| answer.unprocessed).unwrap_or_default();
    if entries.is_empty() {
        return Vec::new();
    }
    let ids: Vec<_> = batch.iter().map(|segment| segment.ids().id).collect();
    let mut named = vec![false; batch.len()];
    let mut unprocessed = Vec::new();
    for entry in entries.into_iter().take(batch.len()) {
        let Some(index) = place(&ids, &named, entry.id.as_deref()) else { continue };
        if let Some(named) = named.get_mut(index) {
            *named = true;
        }
        let code = entry.code.filter(|code| !code.is_empty()).unwrap_or("Unknown".to_owned());
        let retry = if is_passing(&code) { Retry::Yes } else { Retry::No };
        let message = shortened(&entry.message.unwrap_or_default());
        unprocessed.push(Unprocessed { index, code, message, retry });
    }
    unprocessed
}

/// The document that an entry speaks of: the first of that id that no entry has named yet. One
/// without an id is the first document that has none.
fn place(ids: &[Option<Cow<'_, str>>], named: &[bool], id: Option<&str>) -> Option<usize> {
    let id = id.filter(|id| !id.is_empty());
    let free = |(_, (known, named)): &(usize, (&Option<Cow<'_, str>>, &bool))| {
        known.as_deref() == id && !**named
    };
    ids.iter().zip(named).enumerate().find(free).map(|(index, _)| index)
}

/// Code and message of an error, from header or body.
fn fault(response: &Response<Bytes>) -> (String, String) {
    let fault: Fault = serde_json::from_slice(response.body()).unwrap_or_default();
    let header = response.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let code = header.map(str::to_owned).or(fault.code).unwrap_or_default();
    // `namespace#Code:http://…`
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    (shortened(code), shortened(&fault.message.unwrap_or_default()))
}

fn is_passing(code: &str) -> bool {
    PASSING.iter().any(|passing| code.contains(passing))
}

fn is_identity(code: &str) -> bool {
    IDENTITY.iter().any(|identity| code.contains(identity))
}

/// Seconds of `Retry-After`; its other form, a date, is not used by AWS.
fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds: f64 = text.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn shortened(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(documents: &[&str]) -> Vec<Segment> {
        let segment = |document: &&str| Segment::new((*document).to_owned().into(), None);
        documents.iter().map(segment).collect()
    }

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response<Bytes> {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(body.to_owned().into()).unwrap()
    }

    fn outcome(status: u16, headers: &[(&'static str, &str)], body: &str) -> String {
        match read(&batch(&[r#"{"id":"a"}"#]), &answer(status, headers, body)) {
            Ok(delivered) => format!("delivered, {} unprocessed", delivered.unprocessed.len()),
            Err(BackendError::Again { status, after, .. }) => format!("again {status} {after:?}"),
            Err(BackendError::Unsure { status, after, .. }) => {
                format!("unsure {status} {after:?}")
            }
            Err(BackendError::TooLarge { .. }) => "too large".into(),
            Err(BackendError::Refused { code, message, .. }) => format!("refused {code} {message}"),
        }
    }

    #[test]
    fn what_an_answer_means() {
        for (status, headers, body, expected) in [
            (200, &[][..], "{\"UnprocessedTraceSegments\":[]}", "delivered, 0 unprocessed"),
            (200, &[], "", "delivered, 0 unprocessed"),
            (413, &[], "", "too large"),
            (429, &[], "{\"message\":\"Rate exceeded\"}", "again status 429, Rate exceeded None"),
            (503, &[("retry-after", "7")], "<html>", "again status 503 Some(7s)"),
            (500, &[("retry-after", "soon")], "", "unsure status 500 None"),
            (504, &[("retry-after", "2")], "", "unsure status 504 Some(2s)"),
            (404, &[], "", "again status 404 None"),
            (
                400,
                &[("x-amzn-errortype", "com.amazonaws#ThrottledException:http://x")],
                "",
                "again status 400, ThrottledException None",
            ),
            (
                400,
                &[],
                "{\"__type\":\"aws#InvalidRequestException\",\"Message\":\"no\"}",
                "refused InvalidRequestException no",
            ),
            (400, &[], "", "refused BadRequest "),
            (
                403,
                &[("x-amzn-errortype", "ExpiredTokenException")],
                "{\"message\":\"expired\"}",
                "again status 403, ExpiredTokenException, expired None",
            ),
            (400, &[("x-amzn-errortype", "ExpiredTokenException")], "", "again status 400, Expir"),
        ] {
            let outcome = outcome(status, headers, body);
            assert!(outcome.starts_with(expected), "{status} {body}: {outcome}");
        }
    }

    #[test]
    fn unprocessed_documents_are_found_by_their_ids() {
        let batch = batch(&[
            r#"{"id":"a"}"#,
            r#"{"id": "b", "trace_id": "1"}"#,
            "no document",
            r#"{"subsegments":[{"id":"c"}],"id":"a"}"#,
        ]);
        let body = r#"{"UnprocessedTraceSegments":[
            {"Id":"b","ErrorCode":"ThrottledException","Message":"slowly"},
            {"Id":"a","ErrorCode":"MissingName"},
            {"ErrorCode":"ParseError"},
            {"Id":"a","ErrorCode":"MissingName"},
            {"Id":"a"}]}"#;
        let delivered = read(&batch, &answer(200, &[], body)).unwrap();
        let found: Vec<_> = delivered
            .unprocessed
            .iter()
            .map(|entry| (entry.index, entry.code.as_str(), entry.retry))
            .collect();
        assert_eq!(
            found,
            [
                (1, "ThrottledException", Retry::Yes),
                (0, "MissingName", Retry::No),
                (2, "ParseError", Retry::No),
                (3, "MissingName", Retry::No),
            ]
        );
        assert_eq!(delivered.unprocessed[0].message, "slowly");
    }

    #[test]
    fn an_identity_that_is_not_accepted_is_told_apart() {
        let expired = answer(403, &[("x-amzn-errortype", "ExpiredTokenException")], "");
        assert!(denies_identity(&expired));
        let denied = answer(403, &[("x-amzn-errortype", "AccessDeniedException")], "");
        assert!(!denies_identity(&denied));
        assert!(!denies_identity(&answer(200, &[], "")));
        let fails: Vec<_> = [200, 400, 403, 413, 429, 500, 503]
            .into_iter()
            .filter(|status| is_failure(&answer(*status, &[], "")))
            .collect();
        assert_eq!(fails, [429, 500, 503]);
        assert!(is_failure(&expired) && !is_failure(&denied));
    }
}
