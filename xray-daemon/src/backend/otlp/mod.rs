//! Any OpenTelemetry backend: segments leave as spans, by OTLP over HTTP.
//!
//! In: batches. Out: `ExportTraceServiceRequest`s, gzipped, signed where the endpoint is X-Ray's own.
//! Owns the connections, and what must be known across batches: which work in progress waits for its
//! completion, and which service a subsegment on its own is of. What documents and spans say to each
//! other is the translator's business (`xray_tracing::translate`): nothing of a document is lost,
//! what a span has no place for travels in attributes `aws.xray.document.*`.
//!
//! ```text
//! batch ─▶ outgoing: documents ─▶ spans    (OTLP that came in: as it is)
//!             │  holder: in progress ─▶ back to the queue, until completed or 5 minutes old
//!             │  services: the resource of a subsegment's sender
//!             ▼
//!          requests ─▶ client ─▶ POST /v1/traces ─▶ answer: taken, in part, again, too large, refused
//! ```

mod backend;

// Which spans.
mod holder;
mod outgoing;
mod recent;
mod services;

// How they are sent.
mod answer;
mod client;
mod endpoint;
mod http_date;
mod requests;

mod error;
#[cfg(test)]
mod tests;

pub(crate) use backend::OtlpBackend;
pub use error::OtlpError;

/// Name of the backend.
const NAME: &str = "otlp";
