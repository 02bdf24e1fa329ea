//! The X-Ray API: what AWS CLI, SDKs and Grafana ask on port 2002.
//!
//! In: POST requests with JSON (rest-json; an empty body is `{}`). Out: JSON with explicit nulls, or
//! an error as the service words it. Owns little: the store and the sampling server have the data.
//! One operation or family a file; each reads its input, checks it, asks, and writes the answer.

mod error;
mod input;
mod output;
mod state;

mod batch_get_traces;
mod get_trace_summaries;
mod graph_json;
mod put_trace_segments;
mod selector;
mod service_graph;
mod summary_json;
mod time_series;

mod encryption;
mod groups;
mod insights;
mod policies;
mod retrieval;
mod sampling_rules;
mod sampling_targets;
mod settings;
mod tags;
mod telemetry;

mod router;

pub(super) use error::ApiError;
pub(super) use input::MAX_BODY_BYTES;
pub(super) use router::{router, sampling_router};
pub(super) use state::{Access, ApiState};
pub use telemetry::TelemetryRecord;

#[cfg(test)]
mod tests;
