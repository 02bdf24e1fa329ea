//! `X-Amzn-Trace-Id` for OpenTelemetry's propagation.
//!
//! In: a carrier's headers. Out: a `Context` with the remote parent, and what the header said besides;
//! the other way round, the header for a callee. Owns nothing.

use std::sync::LazyLock;

use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceState};
use opentelemetry::{Context, SpanId, TraceFlags, TraceId};

use super::ids::no_parent;
use crate::{Sampled, SegmentId, TraceHeader};

/// Names under which carriers keep the header: they may tell case apart.
const NAMES: [&str; 3] = [TraceHeader::NAME, "X-Amzn-Trace-Id", "AWSTraceHeader"];

static FIELDS: LazyLock<Vec<String>> = LazyLock::new(|| vec![TraceHeader::NAME.to_owned()]);

/// What the header said, beside the parent that OpenTelemetry knows. In the `Context`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Incoming(pub(super) TraceHeader);

/// Reads and writes `X-Amzn-Trace-Id`.
///
/// Parts that it does not know (`Lineage=…`) are passed on as they came, `Self` is not. A header that
/// names a trace but no parent, as a load balancer sends it, goes on with that trace.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct XrayPropagator {}

impl XrayPropagator {
    /// One to install: `opentelemetry::global::set_text_map_propagator`.
    pub fn new() -> Self {
        Self {}
    }

    /// The header for the answer, if the caller asked for the decision; `cx` is the context of the
    /// server's span.
    pub fn response_header(cx: &Context) -> Option<String> {
        let incoming = &cx.get::<Incoming>()?.0;
        let span = cx.span();
        let context = span.span_context();
        let root = crate::TraceId::from_bytes(context.trace_id().to_bytes());
        let sampled = Sampled::from(context.is_sampled());
        Some(incoming.response(root, sampled)?.to_string())
    }
}

impl TextMapPropagator for XrayPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let span = cx.span();
        let context = span.span_context();
        if !context.is_valid() {
            return;
        }
        let trace_id = crate::TraceId::from_bytes(context.trace_id().to_bytes());
        let came = cx.get::<Incoming>().map(|incoming| incoming.0.clone()).unwrap_or_default();
        // A context that was only handed through is not a decision of ours.
        let is_ours = !context.is_remote();
        let sampled = if is_ours { Sampled::from(context.is_sampled()) } else { came.sampled };
        let parent = SegmentId::from_u64(u64::from_be_bytes(context.span_id().to_bytes()));
        let mut header = came.for_child(trace_id, parent, sampled);
        if context.span_id() == no_parent(context.trace_id()) {
            header.parent = None;
        }
        injector.set(TraceHeader::NAME, header.to_string());
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let Some(text) = NAMES.iter().find_map(|name| extractor.get(name)) else {
            return cx.clone();
        };
        let header = TraceHeader::parse(text);
        if header == TraceHeader::default() {
            return cx.clone();
        }
        let context = header.root.map(|root| {
            let trace_id = TraceId::from_bytes(root.to_bytes());
            let parent = header.parent.map(|id| SpanId::from_bytes(id.to_u64().to_be_bytes()));
            let flags = match header.sampled.decision() {
                Some(true) => TraceFlags::SAMPLED,
                _ => TraceFlags::default(),
            };
            let parent = parent.unwrap_or_else(|| no_parent(trace_id));
            SpanContext::new(trace_id, parent, flags, true, TraceState::default())
        });
        let cx = cx.with_value(Incoming(header));
        match context.filter(SpanContext::is_valid) {
            Some(context) => cx.with_remote_span_context(context),
            None => cx,
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(FIELDS.as_slice())
    }
}
