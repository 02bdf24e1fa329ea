//! Ids that X-Ray takes: of traces, with the time of their beginning in front.

use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::trace::IdGenerator;

use crate::SegmentId;

/// Makes trace ids as X-Ray wants them: the first four bytes are the time.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct XrayIdGenerator {}

impl XrayIdGenerator {
    /// One for a tracer provider.
    pub fn new() -> Self {
        Self {}
    }
}

impl IdGenerator for XrayIdGenerator {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from_bytes(crate::TraceId::random().to_bytes())
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from_bytes(SegmentId::random().to_u64().to_be_bytes())
    }
}

/// The id of a parent that is not there: of a trace whose header names none. OpenTelemetry keeps a
/// trace's id only together with a parent's. It follows from the trace's, so that the exporter knows
/// it again and leaves it out.
pub(super) fn no_parent(trace_id: TraceId) -> SpanId {
    let bits = u128::from_be_bytes(trace_id.to_bytes()) as u64;
    SpanId::from_bytes((!bits).max(1).to_be_bytes())
}
