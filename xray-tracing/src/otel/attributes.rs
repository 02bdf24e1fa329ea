//! Spans of the SDK, as the translator sees them.
//!
//! In: `SpanData`. Out: a [`SpanView`] that borrows it. Owns nothing.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace as otel;
use opentelemetry::{Array, KeyValue, SpanId, TraceId};
use opentelemetry_sdk::trace::SpanData;

use super::ids::no_parent;
use crate::SegmentId;
use crate::layer::clock;
use crate::translate::{
    Attribute, Dropped, Event, ParentPlace, Scope, SpanKind, SpanLink, SpanView, Status, Value,
};

/// The view of a span.
pub(super) fn view(span: &SpanData) -> SpanView<'_> {
    let context = &span.span_context;
    let has_parent = span.parent_span_id != SpanId::INVALID
        && span.parent_span_id != no_parent(context.trace_id());
    let mut view =
        SpanView::new(trace_id(context.trace_id()), span_id(context.span_id()), &*span.name);
    view.parent_id = has_parent.then(|| span_id(span.parent_span_id));
    view.parent = if span.parent_span_is_remote { ParentPlace::Remote } else { ParentPlace::Local };
    view.trace_state = context.trace_state().header().into();
    view.kind = match span.span_kind {
        otel::SpanKind::Client => SpanKind::Client,
        otel::SpanKind::Server => SpanKind::Server,
        otel::SpanKind::Producer => SpanKind::Producer,
        otel::SpanKind::Consumer => SpanKind::Consumer,
        otel::SpanKind::Internal => SpanKind::Internal,
    };
    (view.start_ns, view.end_ns) = (epoch_ns(span.start_time), epoch_ns(span.end_time));
    view.status = match &span.status {
        otel::Status::Unset => Status::Unset,
        otel::Status::Ok => Status::Ok,
        otel::Status::Error { description } => Status::Error(Cow::Borrowed(description)),
    };
    view.attributes = attributes(&span.attributes);
    view.events = span.events.iter().map(event).collect();
    view.links = span.links.iter().map(link).collect();
    view.dropped = Dropped {
        attributes: span.dropped_attributes_count,
        events: span.events.dropped_count,
        links: span.links.dropped_count,
    };
    view.scope = Scope {
        name: span.instrumentation_scope.name().into(),
        version: span.instrumentation_scope.version().unwrap_or_default().into(),
        attributes: span.instrumentation_scope.attributes().map(attribute).collect(),
    };
    view
}

fn event(event: &otel::Event) -> Event<'_> {
    Event {
        name: Cow::Borrowed(&event.name),
        time_ns: epoch_ns(event.timestamp),
        attributes: attributes(&event.attributes),
    }
}

fn link(link: &otel::Link) -> SpanLink<'_> {
    SpanLink {
        trace_id: trace_id(link.span_context.trace_id()),
        id: span_id(link.span_context.span_id()),
        trace_state: link.span_context.trace_state().header().into(),
        attributes: attributes(&link.attributes),
    }
}

fn attributes(pairs: &[KeyValue]) -> Vec<Attribute<'_>> {
    pairs.iter().map(attribute).collect()
}

fn attribute(pair: &KeyValue) -> Attribute<'_> {
    Attribute::new(pair.key.as_str(), value(&pair.value))
}

pub(super) fn value(value: &opentelemetry::Value) -> Value<'_> {
    match value {
        opentelemetry::Value::Bool(value) => Value::Bool(*value),
        opentelemetry::Value::I64(value) => Value::Int(*value),
        opentelemetry::Value::F64(value) => Value::Double(*value),
        opentelemetry::Value::String(text) => Value::Text(text.as_str().into()),
        opentelemetry::Value::Array(array) => list(array),
        other => Value::Text(other.as_str()),
    }
}

fn list(array: &Array) -> Value<'_> {
    Value::List(match array {
        Array::Bool(values) => values.iter().copied().map(Value::Bool).collect(),
        Array::I64(values) => values.iter().copied().map(Value::Int).collect(),
        Array::F64(values) => values.iter().copied().map(Value::Double).collect(),
        Array::String(texts) => texts.iter().map(|text| Value::from(text.as_str())).collect(),
        other => vec![Value::from(other.to_string())],
    })
}

fn trace_id(id: TraceId) -> crate::TraceId {
    crate::TraceId::from_bytes(id.to_bytes())
}

fn span_id(id: SpanId) -> SegmentId {
    SegmentId::from_u64(u64::from_be_bytes(id.to_bytes()))
}

fn epoch_ns(time: SystemTime) -> u64 {
    clock::nanos(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}
