//! Metadata: everything that has no place of its own.
//!
//! In: the attributes that are left, and what spans have and documents have not. Out: the metadata.
//! Owns nothing. Three namespaces: `default` has the attributes, `tracing` what is of the span
//! itself, and `aws.xray.metadata.NAME` names any other, whose value is a JSON object.

use serde_json::{Value as Json, json};

use super::attributes::Attributes;
use super::json_value::{to_json, to_object};
use super::links;
use super::overlay;
use super::role::Role;
use super::time::epoch_s;
use super::view::{Attribute, Event, SpanKind, SpanView, Status};
use crate::document::limits::RESERVED_METADATA_PREFIX;
use crate::document::{Entity, Object};

/// Metadata without namespace of its own.
const DEFAULT: &str = "default";
/// What is of the span itself.
pub(super) const TRACING: &str = "tracing";
/// What stands before the name of a namespace.
pub(super) const NAMESPACE_PREFIX: &str = "aws.xray.metadata.";

/// The metadata of a span's document.
pub(super) fn of_attributes(attributes: &Attributes<'_>, resource: Object) -> Object {
    let mut metadata = Object::new();
    let mut default = Object::new();
    for attribute in attributes.rest() {
        if overlay::is_part(&attribute.key) {
            continue;
        }
        match namespace(attribute) {
            Some((DEFAULT, object)) => default.extend(object),
            Some((name, object)) => merge(&mut metadata, name, object),
            None => {
                default.insert(attribute.key.clone().into_owned(), to_json(&attribute.value));
            }
        }
    }
    default.extend(resource);
    if !default.is_empty() {
        metadata.insert(DEFAULT.to_owned(), Json::Object(default));
    }
    metadata
}

/// The namespace that an attribute fills, if it does.
fn namespace<'s>(attribute: &'s Attribute<'_>) -> Option<(&'s str, Object)> {
    let name = attribute.key.strip_prefix(NAMESPACE_PREFIX)?;
    let name = if name.eq_ignore_ascii_case(DEFAULT) { DEFAULT } else { name };
    if name.is_empty() || name.starts_with(RESERVED_METADATA_PREFIX) {
        return None;
    }
    match serde_json::from_str(attribute.value.as_text()?).ok()? {
        Json::Object(object) => Some((name, object)),
        _ => None,
    }
}

/// Adds `object` to a namespace; what is there already stays.
pub(super) fn merge(metadata: &mut Object, name: &str, object: Object) {
    let there = metadata.entry(name).or_insert_with(|| Json::Object(Object::new()));
    if let Json::Object(there) = there {
        for (key, value) in object {
            there.entry(key).or_insert(value);
        }
    }
}

/// What the span has and `entity` does not say; `said` tells which events are said.
pub(super) fn of_span(span: &SpanView<'_>, entity: &Entity, role: Role, said: &[bool]) -> Object {
    let mut details = Object::new();
    let mut put = |key: &str, value: Json| drop(details.insert(key.to_owned(), value));
    if span.name != entity.name && !span.name.is_empty() {
        put("span", span.name.as_ref().into());
    }
    if let Some(kind) = kind_not_said(span.kind, entity, role) {
        put("kind", kind.into());
    }
    if span.status == Status::Ok {
        put("status", "ok".into());
    }
    if !span.trace_state.is_empty() {
        put("trace_state", span.trace_state.as_ref().into());
    }
    let scope = scope(span);
    if !scope.is_empty() {
        put("scope", Json::Object(scope));
    }
    let is_left = |(event, said): (&Event<'_>, &bool)| (!said).then(|| self::event(event));
    let events: Vec<Json> = span.events.iter().zip(said).filter_map(is_left).collect();
    if !events.is_empty() {
        put("events", Json::Array(events));
    }
    let links = links::others(&span.links);
    if !links.is_empty() {
        put("links", Json::Array(links));
    }
    let dropped = dropped(span);
    if !dropped.is_empty() {
        put("dropped", Json::Object(dropped));
    }
    if span.end_ns != 0 && span.end_ns < span.start_ns {
        put("end_time", epoch_s(span.end_ns).into());
    }
    details
}

fn scope(span: &SpanView<'_>) -> Object {
    let mut scope = Object::new();
    for (key, text) in [("name", &span.scope.name), ("version", &span.scope.version)] {
        if !text.is_empty() {
            scope.insert(key.to_owned(), text.as_ref().into());
        }
    }
    if !span.scope.attributes.is_empty() {
        let attributes = to_object(&span.scope.attributes);
        scope.insert("attributes".to_owned(), Json::Object(attributes));
    }
    scope
}

fn event(event: &Event<'_>) -> Json {
    let mut object = json!({"name": event.name, "time": epoch_s(event.time_ns)});
    if !event.attributes.is_empty() {
        object["attributes"] = Json::Object(to_object(&event.attributes));
    }
    object
}

fn dropped(span: &SpanView<'_>) -> Object {
    let counts = [
        ("attributes", span.dropped.attributes),
        ("events", span.dropped.events),
        ("links", span.dropped.links),
    ];
    let counted = counts.into_iter().filter(|(_, count)| *count > 0);
    counted.map(|(key, count)| (key.to_owned(), count.into())).collect()
}

/// The kind, where role and namespace let one expect another.
fn kind_not_said(kind: SpanKind, entity: &Entity, role: Role) -> Option<&'static str> {
    let expected = match (role, entity.namespace.as_deref()) {
        (Role::Segment, _) => SpanKind::Server,
        (_, Some("aws" | "remote")) => SpanKind::Client,
        _ => SpanKind::Internal,
    };
    (kind != expected && kind != SpanKind::Unspecified).then(|| kind_name(kind))
}

/// How a kind is written.
pub(super) fn kind_name(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "unspecified",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}
