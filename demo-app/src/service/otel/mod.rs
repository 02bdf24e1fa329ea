//! A service traced by plain OpenTelemetry: nothing of X-Ray but the header it is called with.
//!
//! In: requests, and the endpoint of an OTLP receiver. Out: spans, by OTLP over HTTP. What any
//! service would have that was written for another backend: the SDK of OpenTelemetry, a middleware
//! with its semantic conventions, and an exporter. The exporter is our own, because the usual one
//! would make the demo's first build half a minute longer.

mod exporter;
mod json;
mod middleware;
mod pipeline;

pub(crate) use middleware::trace;
pub(crate) use pipeline::{OpenTelemetry, endpoint};
