//! Puts spans back into a request.
//!
//! In: spans with what they share. Out: the bytes of `ExportTraceServiceRequest`. Owns nothing. The
//! other way of [`split`](super::split): for whoever forwards spans, or keeps one on disk.

use std::ptr;

use super::message::Message;
use super::split::SpanContext;

/// A request of `spans`, in their order. Those that follow each other and share a context share
/// a `ResourceSpans`.
pub(crate) fn request<'a>(spans: impl IntoIterator<Item = (&'a [u8], &'a SpanContext)>) -> Vec<u8> {
    let mut request = Message::default();
    let mut open: Option<(&SpanContext, Message)> = None;
    for (span, context) in spans {
        match &mut open {
            Some((known, scope_spans)) if same(known, context) => scope_spans.set_bytes(2, span),
            _ => {
                close(open.take(), &mut request);
                let mut scope_spans = Message::default();
                scope_spans.bytes(1, &context.scope);
                scope_spans.set_bytes(2, span);
                open = Some((context, scope_spans));
            }
        }
    }
    close(open, &mut request);
    request.into_bytes()
}

fn same(one: &SpanContext, other: &SpanContext) -> bool {
    ptr::eq(one, other) || one == other
}

fn close(open: Option<(&SpanContext, Message)>, request: &mut Message) {
    let Some((context, mut scope_spans)) = open else { return };
    scope_spans.bytes(3, &context.scope_schema_url);
    let mut resource_spans = Message::default();
    resource_spans.bytes(1, &context.resource);
    resource_spans.message(2, &scope_spans);
    resource_spans.bytes(3, &context.resource_schema_url);
    request.message(1, &resource_spans);
}
