//! What an operation answers when it does not do what was asked.
//!
//! In: the reason. Out: a response with the service's status, code and words: the code in the header
//! `x-amzn-ErrorType`, modelled errors with `Message`, those of the framework with `message`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::output;
use crate::backend::local::filter::FilterError;
use crate::backend::local::sampling::SamplingError;
use crate::backend::local::store::StoreError;

/// Why an operation was refused.
#[derive(Debug, PartialEq)]
pub(in crate::backend::local) enum ApiError {
    /// `InvalidRequestException`.
    InvalidRequest(String),
    /// Another modelled exception, 400.
    Modelled { code: &'static str, message: String },
    /// `ResourceNotFoundException`.
    NotFound { message: String, resource: String },
    /// `TooManyTagsException`.
    TooManyTags { resource: String },
    /// `ValidationException`: a value outside its range.
    Validation(String),
    /// `SerializationException`: not JSON, or of the wrong type.
    Serialization(String),
    /// There is no such operation.
    UnknownOperation,
    /// Not allowed here.
    AccessDenied(String),
    /// The body is too large.
    TooLarge { most_bytes: usize },
    /// The store has too much to do.
    Throttled(String),
    /// The store failed; the cause is in the log.
    Internal(String),
}

impl ApiError {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidRequest(message.into())
    }

    fn parts(&self) -> (StatusCode, &'static str, Value) {
        use StatusCode as S;
        let modelled = |message: &str| json!({ "Message": message });
        let framework = |message: &str| json!({ "message": message });
        match self {
            Self::InvalidRequest(message) => {
                (S::BAD_REQUEST, "InvalidRequestException", modelled(message))
            }
            Self::Modelled { code, message } => (S::BAD_REQUEST, code, modelled(message)),
            Self::NotFound { message, resource } => {
                let body = json!({ "Message": message, "ResourceName": resource });
                (S::NOT_FOUND, "ResourceNotFoundException", body)
            }
            Self::TooManyTags { resource } => {
                let message = "Too many tags; a resource has up to 50";
                let body = json!({ "Message": message, "ResourceName": resource });
                (S::BAD_REQUEST, "TooManyTagsException", body)
            }
            Self::Validation(message) => {
                (S::BAD_REQUEST, "ValidationException", framework(message))
            }
            Self::Serialization(message) => {
                (S::BAD_REQUEST, "SerializationException", framework(message))
            }
            Self::UnknownOperation => {
                let message = "The local X-Ray has no such operation";
                (S::NOT_FOUND, "UnknownOperationException", framework(message))
            }
            Self::AccessDenied(message) => {
                (S::FORBIDDEN, "AccessDeniedException", framework(message))
            }
            Self::TooLarge { most_bytes } => {
                let message = format!("The body is too large; send up to {most_bytes} bytes");
                let code = "RequestEntityTooLargeException";
                (S::PAYLOAD_TOO_LARGE, code, framework(&message))
            }
            Self::Throttled(message) => {
                (S::TOO_MANY_REQUESTS, "ThrottledException", modelled(message))
            }
            Self::Internal(message) => {
                (S::INTERNAL_SERVER_ERROR, "InternalFailure", framework(message))
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, body) = self.parts();
        output::error(status, code, &body)
    }
}

impl From<StoreError> for ApiError {
    fn from(err: StoreError) -> Self {
        match err {
            StoreError::Overloaded => Self::Throttled(err.to_string()),
            StoreError::TimedOut(_) | StoreError::Closed | StoreError::Full => {
                Self::Internal(err.to_string())
            }
            _ => {
                tracing::error!(error = &err as &dyn std::error::Error, "the store failed");
                Self::Internal("the store failed; the log of the daemon says why".to_owned())
            }
        }
    }
}

impl From<SamplingError> for ApiError {
    fn from(err: SamplingError) -> Self {
        match err {
            SamplingError::Store(err) => err.into(),
            SamplingError::TooMany { .. } => {
                Self::Modelled { code: "RuleLimitExceededException", message: err.to_string() }
            }
            err => Self::InvalidRequest(err.to_string()),
        }
    }
}

impl From<FilterError> for ApiError {
    fn from(err: FilterError) -> Self {
        Self::InvalidRequest(err.message)
    }
}
