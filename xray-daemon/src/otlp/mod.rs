//! OpenTelemetry's protobuf: what intake, buffer and backends share of it.
//!
//! In: the bytes of a trace request. Out: its spans as [`Segment`](crate::Segment)s that share these
//! bytes; for a backend that needs them, documents; and the way back, spans and requests as bytes.
//! Owns nothing. The messages are few and their wire format is small, so it is read and written
//! here, without generated code: a span is read where it lies, its texts are never copied. Rule:
//! `opentelemetry/proto/trace/v1/trace.proto` 1.10.
//!
//! ```text
//! ExportTraceServiceRequest
//!   1 ResourceSpans   1 Resource   3 schema_url
//!     2 ScopeSpans    1 Scope      3 schema_url
//!       2 Span        one segment: a range of these bytes
//! ```

// The wire format.
#[cfg(any(feature = "otlp-in", feature = "otlp-out", test))]
mod message;
mod wire;

// Requests taken apart and put together.
#[cfg(any(feature = "otlp-out", test))]
mod join;
mod split;

// Spans as the translator sees them.
mod read;
#[cfg(any(feature = "otlp-out", test))]
mod write;

// For backends that take documents only.
mod datagram;
#[cfg(any(feature = "aws", feature = "local"))]
mod documents;

#[cfg(test)]
mod tests;

#[cfg(any(feature = "aws", feature = "local"))]
pub(crate) use documents::{Datagrams, Documents};
#[cfg(any(feature = "otlp-in", all(feature = "otlp-out", test)))]
pub(crate) use message::Message;
#[cfg(any(feature = "otlp-in", feature = "otlp-out"))]
pub(crate) use split::split;
pub(crate) use split::{SpanContext, SpanIds};
#[cfg(feature = "otlp-in")]
pub(crate) use split::{Split, count};
pub(crate) use wire::Malformed;
#[cfg(feature = "otlp-out")]
pub(crate) use {
    datagram::{Held, decode, held},
    join::request,
    wire::{Field, Fields},
    write::{resource, scope, span},
};
