//! Writes the translator's views as protobuf.
//!
//! In: a view of a span, a resource's attributes, a scope. Out: their messages. Owns nothing. What
//! `read.rs` reads comes out as it was.

use xray_tracing::translate::{
    Attribute, Event, ParentPlace, Scope, SpanKind, SpanLink, SpanView, Status, Value,
};

use super::message::Message;
use super::read::{HAS_IS_REMOTE, IS_REMOTE};

/// A `Span`.
pub(crate) fn span(view: &SpanView<'_>) -> Message {
    let mut span = Message::default();
    span.set_bytes(1, &view.trace_id.to_bytes());
    span.set_bytes(2, &view.id.to_u64().to_be_bytes());
    span.bytes(3, view.trace_state.as_bytes());
    if let Some(parent_id) = view.parent_id {
        span.set_bytes(4, &parent_id.to_u64().to_be_bytes());
    }
    span.bytes(5, view.name.as_bytes());
    span.varint(6, kind(view.kind));
    span.fixed64(7, view.start_ns);
    span.fixed64(8, view.end_ns);
    attributes(&mut span, 9, &view.attributes);
    span.varint(10, view.dropped.attributes.into());
    view.events.iter().for_each(|it| span.message(11, &event(it)));
    span.varint(12, view.dropped.events.into());
    view.links.iter().for_each(|it| span.message(13, &link(it)));
    span.varint(14, view.dropped.links.into());
    if view.status != Status::Unset {
        span.message(15, &status(&view.status));
    }
    span.fixed32(16, flags(view.parent));
    span
}

/// A `Resource`.
pub(crate) fn resource(said: &[Attribute<'_>]) -> Message {
    let mut resource = Message::default();
    attributes(&mut resource, 1, said);
    resource
}

/// An `InstrumentationScope`.
pub(crate) fn scope(said: &Scope<'_>) -> Message {
    let mut scope = Message::default();
    scope.bytes(1, said.name.as_bytes());
    scope.bytes(2, said.version.as_bytes());
    attributes(&mut scope, 3, &said.attributes);
    scope
}

fn event(said: &Event<'_>) -> Message {
    let mut event = Message::default();
    event.fixed64(1, said.time_ns);
    event.bytes(2, said.name.as_bytes());
    attributes(&mut event, 3, &said.attributes);
    event
}

fn link(said: &SpanLink<'_>) -> Message {
    let mut link = Message::default();
    link.set_bytes(1, &said.trace_id.to_bytes());
    link.set_bytes(2, &said.id.to_u64().to_be_bytes());
    link.bytes(3, said.trace_state.as_bytes());
    attributes(&mut link, 4, &said.attributes);
    link
}

fn status(said: &Status<'_>) -> Message {
    let mut status = Message::default();
    match said {
        Status::Unset => {}
        Status::Ok => status.varint(3, 1),
        Status::Error(text) => {
            status.bytes(2, text.as_bytes());
            status.varint(3, 2);
        }
    }
    status
}

fn attributes(message: &mut Message, number: u64, said: &[Attribute<'_>]) {
    said.iter().for_each(|it| message.message(number, &attribute(it)));
}

fn attribute(said: &Attribute<'_>) -> Message {
    let mut attribute = Message::default();
    attribute.bytes(1, said.key.as_bytes());
    attribute.message(2, &value(&said.value));
    attribute
}

fn value(said: &Value<'_>) -> Message {
    let mut value = Message::default();
    match said {
        Value::Empty => {}
        Value::Text(text) => value.set_bytes(1, text.as_bytes()),
        Value::Bool(it) => value.set_varint(2, u64::from(*it)),
        Value::Int(it) => value.set_varint(3, *it as u64),
        Value::Double(it) => value.set_fixed64(4, it.to_bits()),
        Value::List(values) => {
            let mut list = Message::default();
            values.iter().for_each(|it| list.message(1, &self::value(it)));
            value.message(5, &list);
        }
        Value::Map(members) => value.message(6, &resource(members)),
        Value::Bytes(bytes) => value.set_bytes(7, bytes),
    }
    value
}

fn kind(kind: SpanKind) -> u64 {
    match kind {
        SpanKind::Unspecified => 0,
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn flags(parent: ParentPlace) -> u32 {
    match parent {
        ParentPlace::Unknown => 0,
        ParentPlace::Local => HAS_IS_REMOTE,
        ParentPlace::Remote => HAS_IS_REMOTE | IS_REMOTE,
    }
}
