//! Reads the reply to a call.
//!
//! In: a response of any AWS protocol. Out: status, request ids, length, and the code of an error.
//! Owns the part of the body that is JSON. Streamed bodies are not touched.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::{Map, Value as Json};

use super::parameters::MAX_BODY_BYTES;
use crate::layer::record::{Flags, Key, Value};
use crate::layer::scratch::Scratch;

#[derive(Debug)]
pub(super) struct Reply {
    status: u16,
    request_id: Option<String>,
    id_2: Option<String>,
    content_length: Option<u64>,
    body: Option<Map<String, Json>>,
    error_code: Option<String>,
}

impl Reply {
    pub(super) fn read(response: &HttpResponse) -> Self {
        let header = |name| response.headers().get(name).map(str::to_owned);
        let bytes = response.body().bytes();
        let text = bytes.filter(|body| body.len() <= MAX_BODY_BYTES);
        let body = text.and_then(|body| match serde_json::from_slice(body) {
            Ok(Json::Object(body)) => Some(body),
            _ => None,
        });
        let status = response.status().as_u16();
        let error_code = (status >= 400).then(|| {
            let said = header("x-amzn-errortype").or_else(|| code_of_json(body.as_ref()?));
            said.or_else(|| code_of_xml(text?)).map(|code| bare(&code).to_owned())
        });
        let length = header("content-length").and_then(|length| length.parse().ok());
        Self {
            status,
            request_id: header("x-amzn-requestid").or_else(|| header("x-amz-request-id")),
            id_2: header("x-amz-id-2"),
            content_length: length.or(bytes.map(|bytes| bytes.len() as u64)),
            body,
            error_code: error_code.flatten(),
        }
    }

    /// The body, if it is a JSON object.
    pub(super) fn json(&self) -> Option<&Map<String, Json>> {
        self.body.as_ref()
    }

    pub(super) fn error_code(&self) -> Option<&str> {
        self.error_code.as_deref()
    }

    /// Rule: the flags of the status; services say that they throttle in the code of a 400 as well.
    /// A reply that could not be read is a fault.
    pub(super) fn flags(&self, has_failed: bool) -> Flags {
        let flags = Flags::of_status(self.status);
        if self.error_code().is_some_and(is_throttle) {
            return Flags::ERROR.with(Flags::THROTTLE);
        }
        if has_failed && flags == Flags::default() { Flags::FAULT } else { flags }
    }

    pub(super) fn write(&self, scratch: &mut Scratch) {
        scratch.add(Key::Status, Value::Unsigned(self.status.into()));
        if let Some(bytes) = self.content_length {
            scratch.add(Key::ContentLength, Value::Unsigned(bytes));
        }
        for (key, value) in [("request_id", &self.request_id), ("id_2", &self.id_2)] {
            if let Some(value) = value {
                scratch.add_text(Key::Aws(key), value);
            }
        }
    }
}

/// Rule: the codes on which the AWS SDKs slow down.
fn is_throttle(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottledException"
            | "RequestThrottled"
            | "TooManyRequestsException"
            | "ProvisionedThroughputExceededException"
            | "TransactionInProgressException"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "LimitExceededException"
            | "SlowDown"
            | "PriorRequestNotComplete"
            | "EC2ThrottledException"
    )
}

fn code_of_json(body: &Map<String, Json>) -> Option<String> {
    let code = body.get("__type").or_else(|| body.get("code"))?;
    code.as_str().map(str::to_owned)
}

/// `<Error><Code>NoSuchBucket</Code>…`.
fn code_of_xml(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code.to_owned())
}

/// `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException:http://…` without what surrounds it.
fn bare(code: &str) -> &str {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code).trim()
}
