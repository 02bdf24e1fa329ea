//! A local root: where this service's part of a trace begins.
//!
//! In: the caller's header and the sampler's decision. Out: ids and decision, to whoever asks, and
//! the header for callees. Owns them for as long as any span or task may ask, sampled or not.

use std::sync::{Arc, OnceLock};

use super::open_trace::Place;
use super::slots::SlotKey;
use super::tracer::Tracer;
use crate::sampling::RuleSource;
use crate::{Sampled, SegmentId, TraceHeader, TraceId};

/// That a trace came in by `traceparent`, with its `tracestate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct W3c {
    pub(crate) state: Option<Box<str>>,
}

/// What document a root becomes, and what it tells callees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RootKind {
    #[default]
    Segment,
    /// A subsegment of a segment that somebody else writes: AWS Lambda's, of a function.
    Subsegment,
    /// Nothing: the caller's header is passed on as it is (AWS Lambda, `PassThrough`).
    PassThrough,
}

#[derive(Debug)]
pub(crate) struct Root {
    /// Which of the process's tracers it belongs to.
    pub(crate) tracer: u32,
    /// Name of the segment: the service's.
    pub(crate) name: Arc<str>,
    /// Made when somebody asks: of an unsampled trace, often nobody does.
    pub(crate) trace_id: OnceLock<TraceId>,
    pub(crate) segment_id: SegmentId,
    /// What the caller sent.
    pub(crate) incoming: Option<Box<TraceHeader>>,
    pub(crate) sampled: bool,
    /// The sampling rule that decided; `None` when the caller had decided.
    pub(crate) rule: Option<Arc<str>>,
    /// Whose rule that is.
    pub(crate) rule_source: RuleSource,
    /// It was left out by its path, whatever any rule says.
    pub(crate) is_excluded: bool,
    pub(crate) kind: RootKind,
    /// What the caller said in W3C's words, to be passed on.
    pub(crate) w3c: Option<W3c>,
    /// Where it is recorded, if it is.
    pub(crate) slot: Option<SlotKey>,
}

impl Root {
    pub(crate) fn trace_id(&self) -> TraceId {
        *self.trace_id.get_or_init(TraceId::random)
    }

    /// Where its own record stands, if it is recorded: always the first.
    pub(crate) fn place(&self) -> Option<Place> {
        Some(Place { slot: self.slot?, id: self.segment_id.to_u64(), index: 0 })
    }

    /// The subsegment of the caller that called us.
    pub(crate) fn parent_id(&self) -> Option<SegmentId> {
        self.incoming.as_ref().and_then(|header| header.parent)
    }

    /// The header for a call made under `parent`.
    pub(crate) fn outgoing(&self, parent: SegmentId) -> TraceHeader {
        if self.kind == RootKind::PassThrough
            && let Some(incoming) = &self.incoming
        {
            return TraceHeader::clone(incoming);
        }
        let sampled = Sampled::from(self.sampled);
        match &self.incoming {
            Some(incoming) => incoming.for_child(self.trace_id(), parent, sampled),
            None => TraceHeader::default().for_child(self.trace_id(), parent, sampled),
        }
    }

    /// All headers for a call made under `parent`.
    pub(crate) fn outgoing_headers(
        &self,
        tracer: &Tracer,
        parent: SegmentId,
    ) -> Vec<(&'static str, String)> {
        let header = self.outgoing(parent);
        let mut headers = vec![(TraceHeader::NAME, header.to_string())];
        if (tracer.settings.sends_traceparent || self.w3c.is_some())
            && let Some(text) = header.traceparent()
        {
            headers.push((TraceHeader::TRACEPARENT, text));
            let state = self.w3c.as_ref().and_then(|w3c| w3c.state.as_deref());
            headers.extend(state.map(|state| (TraceHeader::TRACESTATE, state.to_owned())));
        }
        headers
    }

    /// The header of our own answer, if the caller asked for one.
    #[cfg(feature = "tower")]
    pub(crate) fn response(&self) -> Option<TraceHeader> {
        let incoming = self.incoming.as_ref()?;
        incoming.response(self.trace_id(), Sampled::from(self.sampled))
    }
}
