//! Why the backend `otlp` cannot start.
//!
//! In: what failed. Out: a text that names input, rule and fix. Owns nothing.

use crate::backend::HttpClientError;

/// Why the backend `otlp` cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// There are no connections to the endpoint.
    #[error(transparent)]
    Client(#[from] HttpClientError),
    /// X-Ray's own endpoint takes signed requests only.
    #[error(
        "requests to {endpoint} must be signed, which this build cannot; build with the cargo \
         feature aws, or send to a collector"
    )]
    NotSigned {
        /// The endpoint.
        endpoint: String,
    },
    /// What is sent would come in again.
    #[error(
        "--otlp-endpoint {endpoint} is the daemon's own --otlp-http: spans would go round for ever; \
         name another endpoint"
    )]
    Loop {
        /// The endpoint.
        endpoint: String,
    },
    /// There are no credentials to look for.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Aws(#[from] crate::backend::AwsError),
}
