//! AWS X-Ray as a backend: documents go there byte for byte.
//!
//! In: batches. Out: `PutTraceSegments` calls, signed sampling calls for the proxy, telemetry. Owns
//! the connections to the service and the credentials. Region, credentials and endpoint are looked up
//! by the AWS SDK; the calls are our own, because the SDK's client costs 300 µs a request and two
//! copies of every document. What its request would look like is asked of it once, at start:
//!
//! ```text
//! POST {endpoint}/TraceSegments
//! content-type: application/json      x-amzn-xray-timestamp: 1732414637.123456789
//! user-agent: aws-sdk-rust/… xray-agent/xray-daemon/0.1.0 …
//! authorization: AWS4-HMAC-SHA256 …   x-amz-date, x-amz-security-token
//!
//! {"TraceSegmentDocuments":["{\"id\":\"70de5b6f19ff9a0a\",…}", …]}
//! ```

mod answer;
mod backend;
mod body;
mod failure;

mod clients;
mod credentials;
mod identity;
mod metadata;
mod region;
mod sdk;
mod service;
mod sign;
#[cfg(feature = "otlp-out")]
mod signer;
mod watch;

mod telemetry;

mod error;
#[cfg(test)]
mod tests;

pub(crate) use answer::is_failure;
pub(crate) use backend::AwsBackend;
pub use error::AwsError;
pub(crate) use service::{CallError, XRay};
#[cfg(feature = "otlp-out")]
pub(crate) use signer::Signer;
pub(crate) use telemetry::report;
pub(crate) use watch::watch_credentials;
