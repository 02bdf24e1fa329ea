//! Where batches go.
//!
//! In: batches of segments. Out: what became of each. A backend keeps nothing for later: what
//! shall be tried again it hands back, and delivery does so. The folders below are the real
//! backends; each may be left out by a feature.

#[cfg(feature = "aws")]
pub(crate) mod aws;
mod contract;
#[cfg(any(feature = "aws", feature = "otlp-out"))]
mod http_client;
mod kind;
#[cfg(feature = "local")]
pub mod local;
mod opened;
#[cfg(feature = "otlp-out")]
pub(crate) mod otlp;

#[cfg(feature = "aws")]
pub use aws::AwsError;
pub use contract::{Backend, BackendError, BoxFuture, Delivered, Retry, Unprocessed};
#[cfg(any(feature = "aws", feature = "otlp-out"))]
pub use http_client::HttpClientError;
pub use kind::{BackendKind, UnknownBackend};
pub(crate) use opened::Backends;
#[cfg(feature = "otlp-out")]
pub use otlp::OtlpError;
