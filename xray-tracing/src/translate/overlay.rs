//! Carries what a document says and a span cannot.
//!
//! In: an entity and the one that its span makes. Out: attributes `aws.xray.document.MEMBER`, each
//! the JSON of a member of the document that differs, empty where it has none. On the way back they
//! replace these members. Owns the prefix. Ids and trace ids are the span's own and never
//! carried.

use serde_json::Value as Json;

use super::view::{Attribute, Value};
use crate::document::{Entity, Object};

/// What stands before a member's name.
pub(super) const PREFIX: &str = "aws.xray.document.";

/// Members that spans always have.
const OF_THE_SPAN: [&str; 4] = ["id", "trace_id", "parent_id", "subsegments"];

/// Whether an attribute carries a member.
pub(super) fn is_part(key: &str) -> bool {
    key.starts_with(PREFIX)
}

/// Replaces the members of the span's own document that attributes carry. Where a call was split
/// off its service, that is the call's.
pub(super) fn apply(attributes: &[Attribute<'_>], documents: &mut [Entity]) {
    if !attributes.iter().any(|attribute| is_part(&attribute.key)) {
        return;
    }
    let Some(entity) = documents.first_mut() else { return };
    let Some(mut members) = members(entity) else { return };
    for attribute in attributes {
        let Some(member) = attribute.key.strip_prefix(PREFIX) else { continue };
        let Value::Text(text) = &attribute.value else { continue };
        if OF_THE_SPAN.contains(&member) {
            continue;
        }
        if text.is_empty() {
            members.shift_remove(member);
        } else if let Ok(value) = serde_json::from_str(text) {
            members.insert(member.to_owned(), value);
        }
    }
    if let Ok(replaced) = Entity::parse(Json::Object(members).to_string().as_bytes()) {
        *entity = replaced;
    }
}

/// The attributes that turn `made` into `meant`.
pub(super) fn differences(meant: &Entity, made: &Entity) -> Vec<Attribute<'static>> {
    let (Some(meant), Some(made)) = (members(meant), members(made)) else { return Vec::new() };
    let carried = |key: &str, json: String| Attribute::new(format!("{PREFIX}{key}"), json);
    let is_carried = |key: &String| !OF_THE_SPAN.contains(&key.as_str());
    let changed = meant
        .iter()
        .filter(|(key, value)| is_carried(key) && made.get(*key) != Some(*value))
        .map(|(key, value)| carried(key, value.to_string()));
    let gone = made
        .keys()
        .filter(|key| is_carried(key) && !meant.contains_key(*key))
        .map(|key| carried(key, String::new()));
    changed.chain(gone).collect()
}

/// The document of an entity as an object, without its subsegments.
fn members(entity: &Entity) -> Option<Object> {
    match serde_json::from_str(&entity.to_json()).ok()? {
        Json::Object(members) => Some(members),
        _ => None,
    }
}
