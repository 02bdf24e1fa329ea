//! What senders are told: codes and messages of OTLP.
//!
//! In: what became of a request. Out: messages in protobuf or JSON. Owns the texts. Rule: OTLP
//! specification, "Partial success", "Failures" and "OTLP/gRPC throttling"; `google.rpc.Status`.

use serde_json::json;

use super::body::BodyError;
use super::receiver::{NotTaken, Taken};
use crate::otlp::Message;

/// Why spans of a request that was taken were not.
const REJECTED: &str = "spans without a trace id of 16 bytes and an id of 8, not zero, or with a parent id of another length";
/// Seconds after which a sender may try again.
pub(super) const RETRY_AFTER_S: u64 = 1;
/// Type of a status's detail.
const RETRY_INFO: &[u8] = b"type.googleapis.com/google.rpc.RetryInfo";

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    pub(super) message: String,
}

/// Why, as codes tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It cannot be read: sending again does not help.
    Invalid,
    /// Too large.
    TooLarge,
    /// Packed in a way, or a method, that is not known here.
    Unknown,
    /// Too many requests at once: send again.
    TooMany,
    /// The buffer is full: send again.
    Full,
}

impl Reason {
    /// The code of gRPC.
    pub(super) fn grpc(self) -> u16 {
        match self {
            Self::Invalid => 3,
            Self::TooLarge => 8,
            Self::Unknown => 12,
            Self::TooMany | Self::Full => 14,
        }
    }

    /// Whether the sender keeps the spans and sends them again.
    pub(super) fn is_passing(self) -> bool {
        matches!(self, Self::TooMany | Self::Full)
    }
}

impl From<NotTaken> for Refusal {
    fn from(error: NotTaken) -> Self {
        let reason = match error {
            NotTaken::Malformed => Reason::Invalid,
            NotTaken::Full => Reason::Full,
        };
        Self { reason, message: error.to_string() }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let reason = match error {
            BodyError::TooLarge => Reason::TooLarge,
            BodyError::UnknownEncoding => Reason::Unknown,
            BodyError::Broken | BodyError::Cut => Reason::Invalid,
            BodyError::TooMany => Reason::TooMany,
        };
        Self { reason, message: error.to_string() }
    }
}

/// `ExportTraceServiceResponse`.
pub(super) fn response(taken: Taken) -> Vec<u8> {
    let mut response = Message::default();
    if taken.rejected > 0 {
        let mut partial = Message::default();
        partial.varint(1, taken.rejected as u64);
        partial.bytes(2, REJECTED.as_bytes());
        response.message(1, &partial);
    }
    response.into_bytes()
}

/// The same in JSON.
pub(super) fn response_json(taken: Taken) -> Vec<u8> {
    if taken.rejected == 0 {
        return b"{}".to_vec();
    }
    let rejected = taken.rejected.to_string();
    let partial = json!({"rejectedSpans": rejected, "errorMessage": REJECTED});
    json!({ "partialSuccess": partial }).to_string().into_bytes()
}

impl Refusal {
    /// `google.rpc.Status`, with the time after which to send again.
    pub(super) fn status(&self) -> Vec<u8> {
        let mut status = Message::default();
        status.varint(1, self.reason.grpc().into());
        status.bytes(2, self.message.as_bytes());
        if self.reason.is_passing() {
            let mut delay = Message::default();
            delay.varint(1, RETRY_AFTER_S);
            let mut retry = Message::default();
            retry.message(1, &delay);
            let mut detail = Message::default();
            detail.bytes(1, RETRY_INFO);
            detail.bytes(2, &retry.into_bytes());
            status.message(3, &detail);
        }
        status.into_bytes()
    }

    /// The same in JSON.
    pub(super) fn status_json(&self) -> Vec<u8> {
        json!({"code": self.reason.grpc(), "message": self.message}).to_string().into_bytes()
    }
}
