//! Takes a request apart: one segment a span, all of them ranges of the request's own bytes.
//!
//! In: the bytes of `ExportTraceServiceRequest`. Out: segments, and how many spans were refused.
//! Owns nothing. Only the outer messages and the ids of each span are read here; whether the rest of
//! a span makes sense shows in the backend that needs it. Hot path: 100 ns a span.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use xray_tracing::{SegmentId, TraceId};

use super::read::{segment_id, trace_id};
use super::wire::{Field, Fields, Malformed};
use crate::segment::Segment;

/// What spans of one scope share, each part as its message came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpanContext {
    pub(crate) resource: Bytes,
    pub(crate) resource_schema_url: Bytes,
    pub(crate) scope: Bytes,
    pub(crate) scope_schema_url: Bytes,
}

/// The ids of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpanIds {
    pub(crate) trace_id: TraceId,
    pub(crate) id: SegmentId,
}

impl SpanIds {
    /// Reads the ids of a `Span`; `None` if one is missing or zero, or if its parent's id is none.
    /// Every field of the message is looked at, those within its values are not.
    pub(crate) fn read(message: &[u8]) -> Result<Option<Self>, Malformed> {
        let (mut trace, mut span) = (None, None);
        for field in Fields::of(message) {
            match field? {
                (1, Field::Bytes(bytes)) => trace = trace_id(bytes),
                (2, Field::Bytes(bytes)) => span = segment_id(bytes),
                // Taken as a root it would be a trace of its own.
                (4, Field::Bytes(bytes)) if !matches!(bytes.len(), 0 | 8) => return Ok(None),
                _ => {}
            }
        }
        Ok(trace.zip(span).map(|(trace_id, id)| Self { trace_id, id }))
    }
}

/// A request, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Split {
    pub(crate) segments: Vec<Segment>,
    /// Spans without valid ids, which nobody can take.
    pub(crate) rejected: usize,
}

/// How many entries [`split`] makes of `request` at the most: spans, and what those of a scope share.
///
/// # Errors
/// The bytes are no such message.
#[cfg(feature = "otlp-in")]
pub(crate) fn count(request: &[u8]) -> Result<usize, Malformed> {
    let mut entries = 0;
    for field in Fields::of(request) {
        let (1, Field::Bytes(resource_spans)) = field? else { continue };
        for field in Fields::of(resource_spans) {
            let (2, Field::Bytes(scope_spans)) = field? else { continue };
            entries += 1;
            for field in Fields::of(scope_spans) {
                entries += usize::from(matches!(field?, (2, Field::Bytes(_))));
            }
        }
    }
    Ok(entries)
}

/// Takes `request` apart.
///
/// # Errors
/// The bytes are no such message.
pub(crate) fn split(request: &Bytes, sender: Option<SocketAddr>) -> Result<Split, Malformed> {
    let mut split = Split::default();
    for field in Fields::of(request) {
        if let (1, Field::Bytes(resource_spans)) = field? {
            split.add_resource_spans(request, resource_spans, sender)?;
        }
    }
    Ok(split)
}

impl Split {
    fn add_resource_spans(
        &mut self,
        request: &Bytes,
        message: &[u8],
        sender: Option<SocketAddr>,
    ) -> Result<(), Malformed> {
        let mut context = SpanContext::default();
        // The resource may stand behind its spans.
        for field in Fields::of(message) {
            match field? {
                (1, Field::Bytes(bytes)) => context.resource = request.slice_ref(bytes),
                (3, Field::Bytes(bytes)) => context.resource_schema_url = request.slice_ref(bytes),
                _ => {}
            }
        }
        for field in Fields::of(message) {
            if let (2, Field::Bytes(scope_spans)) = field? {
                self.add_scope_spans(request, scope_spans, context.clone(), sender)?;
            }
        }
        Ok(())
    }

    fn add_scope_spans(
        &mut self,
        request: &Bytes,
        message: &[u8],
        mut context: SpanContext,
        sender: Option<SocketAddr>,
    ) -> Result<(), Malformed> {
        for field in Fields::of(message) {
            match field? {
                (1, Field::Bytes(bytes)) => context.scope = request.slice_ref(bytes),
                (3, Field::Bytes(bytes)) => context.scope_schema_url = request.slice_ref(bytes),
                _ => {}
            }
        }
        let context = Arc::new(context);
        for field in Fields::of(message) {
            let (2, Field::Bytes(span)) = field? else { continue };
            // One bad span is no reason to lose the others.
            match SpanIds::read(span) {
                Ok(Some(_)) => {
                    let span = request.slice_ref(span);
                    self.segments.push(Segment::of_span(span, Arc::clone(&context), sender));
                }
                Ok(None) | Err(Malformed) => self.rejected += 1,
            }
        }
        Ok(())
    }
}
