//! Annotations and metadata as attributes.
//!
//! A key that says something of its own to the translator would change the document on the way back:
//! such values travel as text or in `aws.xray.document.*`.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::document::{AnnotationValue, Entity, Object};
use crate::translate::json_value::from_json;
use crate::translate::keys::Key;
use crate::translate::metadata::{NAMESPACE_PREFIX, TRACING};
use crate::translate::{Attribute, Value};

/// Annotations, and the list that makes them annotations again.
pub(super) fn annotations_of<'a>(entity: &'a Entity, attributes: &mut Vec<Attribute<'a>>) {
    let mut keys = Vec::new();
    for (key, value) in entity.annotations.iter().filter(|(key, _)| is_free(key)) {
        attributes.push(Attribute::new(key.as_str(), annotation(value)));
        keys.push(Value::from(key.as_str()));
    }
    if !keys.is_empty() {
        attributes.push(Attribute::new("aws.xray.annotations", keys));
    }
}

/// Metadata: that of `default` as plain attributes, other namespaces as JSON. Details of the span
/// itself are where they belong already.
pub(super) fn metadata_of<'a>(entity: &'a Entity, attributes: &mut Vec<Attribute<'a>>) {
    for (namespace, value) in &entity.metadata {
        match (namespace.as_str(), value) {
            (TRACING, _) => {}
            ("default", Json::Object(default)) => default_of(entity, default, attributes),
            _ => attributes.push(namespace_of(namespace, value.to_string())),
        }
    }
}

fn default_of<'a>(entity: &'a Entity, default: &'a Object, attributes: &mut Vec<Attribute<'a>>) {
    let is_annotation = |key: &String| entity.annotations.iter().any(|(other, _)| other == key);
    let (plain, other): (Vec<_>, Vec<_>) =
        default.iter().partition(|(key, _)| is_free(key) && !is_annotation(key));
    attributes.extend(plain.into_iter().map(|(key, value)| Attribute {
        key: Cow::Borrowed(key.as_str()),
        value: from_json(value),
    }));
    if !other.is_empty() {
        let other: Object =
            other.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        attributes.push(namespace_of("default", Json::Object(other).to_string()));
    }
}

fn namespace_of(namespace: &str, json: String) -> Attribute<'static> {
    Attribute::new(format!("{NAMESPACE_PREFIX}{namespace}"), json)
}

/// Whether an attribute of this key says nothing but its value.
fn is_free(key: &str) -> bool {
    Key::parse(key).is_none() && !key.starts_with("aws.xray.")
}

fn annotation(value: &AnnotationValue) -> Value<'_> {
    match value {
        AnnotationValue::String(text) => Value::from(text.as_str()),
        AnnotationValue::Bool(value) => Value::Bool(*value),
        AnnotationValue::Number(number) => {
            // Whole numbers up to here are exact.
            let is_whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
            if is_whole { Value::Int(*number as i64) } else { Value::Double(*number) }
        }
    }
}
