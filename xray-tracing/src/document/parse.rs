//! Reads a document as it came, from any SDK and of any quality.
//!
//! In: bytes that may be hostile. Out: an [`Entity`] that holds everything the document says.
//! Owns nothing. Lenient: a member of a type that the model cannot use stays in `extra`, numbers
//! in quotes are read where only a number makes sense. Depth is bounded to 128 levels, memory to a
//! small multiple of the input. What the *service* would refuse is decided in `validate`.

use std::borrow::Cow;

use serde_json::Value;

use super::read_blocks::{aws, cause, http, link, service, sql};
use super::read_values::{
    bool, extend, number, object, segment_id, set, set_some, sort_members, string, text, trace_id,
};
use super::{AnnotationValue, Entity, Kind, Object};

/// Why bytes are no segment document at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Not one JSON value, or nested deeper than 128 levels.
    #[error("the document is not JSON; it must be one object, nested at most 128 levels deep")]
    NotJson(#[source] serde_json::Error),
    /// JSON, but no object.
    #[error("the document is {found}; it must be a JSON object")]
    NotAnObject {
        /// What it is: `an array`, `a string` …
        found: &'static str,
    },
}

impl Entity {
    /// Reads a document. Bytes that are not UTF-8 are replaced by U+FFFD, as the reference daemon
    /// does on its way to the service.
    ///
    /// ```
    /// use xray_tracing::document::{Entity, ParseError};
    /// assert_eq!(Entity::parse(br#"{"name":"cart","fault":true}"#)?.name, "cart");
    /// assert!(matches!(Entity::parse(b"[]"), Err(ParseError::NotAnObject { found: "an array" })));
    /// assert!(matches!(Entity::parse(b"{} {}"), Err(ParseError::NotJson(_))));
    /// # Ok::<(), ParseError>(())
    /// ```
    ///
    /// # Errors
    /// The bytes are not JSON, or not a JSON object.
    pub fn parse(document: &[u8]) -> Result<Self, ParseError> {
        match read_json(document)? {
            Value::Object(object) => Ok(read_entity(object, Kind::Segment)),
            Value::Array(_) => Err(ParseError::NotAnObject { found: "an array" }),
            Value::String(_) => Err(ParseError::NotAnObject { found: "a string" }),
            Value::Number(_) => Err(ParseError::NotAnObject { found: "a number" }),
            Value::Bool(_) => Err(ParseError::NotAnObject { found: "a boolean" }),
            Value::Null => Err(ParseError::NotAnObject { found: "null" }),
        }
    }
}

fn read_json(document: &[u8]) -> Result<Value, ParseError> {
    let text = String::from_utf8_lossy(document);
    serde_json::from_str(&text).or_else(|error| match without_lone_surrogates(&text) {
        Cow::Owned(repaired) => serde_json::from_str(&repaired).map_err(ParseError::NotJson),
        Cow::Borrowed(_) => Err(ParseError::NotJson(error)),
    })
}

/// Half a surrogate pair (`\ud83d`) is what is left of an emoji in text that was cut by UTF-16
/// units, as JavaScript and Java do. The service reads it; Rust has no such character.
fn without_lone_surrogates(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut repaired = Vec::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(step) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        at += step;
        match (unit_at(bytes, at), unit_at(bytes, at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(0xd800..=0xdfff), _) => {
                repaired.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
                repaired.extend_from_slice(b"\\ufffd");
                at += 6;
                copied = at;
            }
            _ => at += 2,
        }
    }
    repaired.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    String::from_utf8(repaired).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The UTF-16 unit that an escape `\uXXXX` at `at` stands for.
fn unit_at(text: &[u8], at: usize) -> Option<u16> {
    let escape = text.get(at..at + 6)?;
    let digits = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

fn read_entity(object: Object, kind: Kind) -> Entity {
    let mut entity = Entity { kind, ..Entity::default() };
    entity.extra = sort_members(object, |key, value| place_entity(&mut entity, key, value));
    entity
}

fn place_entity(entity: &mut Entity, key: &str, value: Value) -> Result<(), Value> {
    match key {
        "name" => set(&mut entity.name, value, string),
        "id" => set_some(&mut entity.id, value, segment_id),
        "trace_id" => set_some(&mut entity.trace_id, value, trace_id),
        "parent_id" => set_some(&mut entity.parent_id, value, segment_id),
        "type" => read_kind(entity, value),
        "start_time" => set_some(&mut entity.start_time_s, value, number),
        "end_time" => set_some(&mut entity.end_time_s, value, number),
        "in_progress" => set(&mut entity.in_progress, value, bool),
        "inferred" => set(&mut entity.inferred, value, bool),
        "namespace" => set_some(&mut entity.namespace, value, text),
        "origin" => set_some(&mut entity.origin, value, text),
        "resource_arn" => set_some(&mut entity.resource_arn, value, text),
        "user" => set_some(&mut entity.user, value, text),
        "fault" => set(&mut entity.fault, value, bool),
        "error" => set(&mut entity.error, value, bool),
        "throttle" => set(&mut entity.throttle, value, bool),
        "cause" => set_some(&mut entity.cause, value, cause),
        "http" => set_some(&mut entity.http, value, http),
        "aws" => set_some(&mut entity.aws, value, aws),
        "sql" => set_some(&mut entity.sql, value, sql),
        "service" => set_some(&mut entity.service, value, service),
        "annotations" => read_annotations(&mut entity.annotations, value),
        "metadata" => set(&mut entity.metadata, value, metadata),
        "links" => extend(&mut entity.links, value, link),
        "precursor_ids" => extend(&mut entity.precursor_ids, value, segment_id),
        "subsegments" => extend(&mut entity.subsegments, value, subsegment),
        _ => Err(value),
    }
}

/// Inside a parent the place says what an entity is; `type` need not.
fn read_kind(entity: &mut Entity, value: Value) -> Result<(), Value> {
    match value.as_str() {
        Some("subsegment") => entity.kind = Kind::Subsegment,
        Some("segment" | "") => {}
        None if value.is_null() => {}
        _ => return Err(value),
    }
    Ok(())
}

fn read_annotations(
    annotations: &mut Vec<(String, AnnotationValue)>,
    value: Value,
) -> Result<(), Value> {
    let unusable = sort_members(object(value)?, |key, value| {
        let read = match value {
            Value::String(text) => AnnotationValue::String(text),
            Value::Bool(bool) => AnnotationValue::Bool(bool),
            Value::Number(ref number) => match number.as_f64() {
                Some(number) => AnnotationValue::Number(number),
                None => return Err(value),
            },
            Value::Null | Value::Array(_) | Value::Object(_) => return Err(value),
        };
        annotations.push((key.to_owned(), read));
        Ok(())
    });
    if unusable.is_empty() { Ok(()) } else { Err(Value::Object(unusable)) }
}

/// Namespaces as they are; a value outside any namespace moves to `default`, unless that has one
/// of the same name.
fn metadata(value: Value) -> Result<Object, Value> {
    let mut loose = Object::new();
    let mut namespaces = sort_members(object(value)?, |key, value| match value {
        Value::Object(_) => Err(value),
        _ => {
            loose.insert(key.to_owned(), value);
            Ok(())
        }
    });
    if loose.is_empty() {
        return Ok(namespaces);
    }
    let mut default = match namespaces.shift_remove("default") {
        Some(Value::Object(default)) => default,
        _ => Object::new(),
    };
    for (key, value) in loose {
        default.entry(key).or_insert(value);
    }
    namespaces.insert("default".into(), Value::Object(default));
    Ok(namespaces)
}

fn subsegment(value: Value) -> Result<Entity, Value> {
    Ok(read_entity(object(value)?, Kind::Subsegment))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::arbitrary::{entity, odd_object};
    use super::*;

    fn parsed(document: &str) -> Entity {
        Entity::parse(document.as_bytes()).unwrap()
    }

    fn encoded(entity: &Entity) -> String {
        entity.to_json()
    }

    #[test]
    fn what_is_no_object_is_refused_by_what_it_is() {
        let refused = |document: &str| Entity::parse(document.as_bytes()).unwrap_err().to_string();
        let not_json =
            "the document is not JSON; it must be one object, nested at most 128 levels deep";
        assert_eq!(refused(""), not_json);
        assert_eq!(refused("garbage"), not_json);
        assert_eq!(refused("{} trailing"), not_json);
        assert_eq!(refused(r#"{"name":"cut"#), not_json);
        assert_eq!(refused("[{}]"), "the document is an array; it must be a JSON object");
        assert_eq!(refused("\"text\""), "the document is a string; it must be a JSON object");
        assert_eq!(refused("17"), "the document is a number; it must be a JSON object");
        assert_eq!(refused("true"), "the document is a boolean; it must be a JSON object");
        assert_eq!(refused("null"), "the document is null; it must be a JSON object");
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels| r#"{"subsegments":["#.repeat(levels) + &"]}".repeat(levels);
        let mut deepest = &parsed(&nested(63));
        for _ in 0..62 {
            deepest = &deepest.subsegments[0];
        }
        assert_eq!(deepest.subsegments, []);
        assert!(matches!(
            Entity::parse(nested(64).as_bytes()),
            Err(ParseError::NotJson(error)) if error.to_string().starts_with("recursion limit")
        ));
        assert!(Entity::parse("[".repeat(1 << 20).as_bytes()).is_err());
    }

    #[test]
    fn a_member_of_the_wrong_type_stays_in_extra_and_is_sent_on() {
        let document =
            r#"{"id":"short","start_time":"12.5","fault":"perhaps","cause":200,"http":[]}"#;
        let entity = parsed(document);
        assert_eq!((entity.id, entity.start_time_s, entity.fault), (None, None, false));
        assert_eq!((&entity.cause, &entity.http), (&None, &None));
        assert_eq!(encoded(&entity), document);
    }

    #[test]
    fn numbers_in_quotes_are_read_where_only_numbers_make_sense() {
        let entity = parsed(
            r#"{"http":{"response":{"status":"404","content_length":"861"}},"user":42,"fault":"true"}"#,
        );
        let response = entity.http.unwrap().response;
        assert_eq!((response.status, response.content_length), (Some(404), Some(861)));
        assert_eq!((entity.user.as_deref(), entity.fault), (Some("42"), true));
        let response = parsed(r#"{"http":{"response":{"status":70000,"content_length":5.0}}}"#);
        let response = response.http.unwrap().response;
        assert_eq!((response.status, response.content_length), (None, Some(5)));
        assert_eq!(response.extra["status"], 70000);
    }

    #[test]
    fn null_says_the_same_as_leaving_out_but_unknown_members_are_kept() {
        let entity = parsed(r#"{"name":"a","user":null,"type":null,"links":null,"odd":null}"#);
        assert_eq!(encoded(&entity), r#"{"name":"a","odd":null}"#);
    }

    #[test]
    fn type_tells_segment_from_subsegment_and_the_place_does_inside_a_parent() {
        assert_eq!(parsed(r#"{"type":"segment"}"#).kind, Kind::Segment);
        assert_eq!(parsed(r#"{"type":""}"#).kind, Kind::Segment);
        assert_eq!(parsed(r#"{"type":"subsegment"}"#).kind, Kind::Subsegment);
        assert_eq!(parsed(r#"{"type":"span"}"#).extra["type"], "span");
        let parent = parsed(r#"{"subsegments":[{"name":"a"},{"name":"b","type":"subsegment"}]}"#);
        assert_eq!(parent.subsegments[0].kind, Kind::Subsegment);
        assert_eq!(encoded(&parent), r#"{"subsegments":[{"name":"a"},{"name":"b"}]}"#);
    }

    #[test]
    fn annotations_keep_their_order_and_those_of_no_use_stay_beside_them() {
        let document = r#"{"annotations":{"z":"last","a":1,"m":false,"list":[1],"none":null}}"#;
        let entity = parsed(document);
        assert_eq!(
            entity.annotations,
            [
                ("z".to_owned(), AnnotationValue::String("last".into())),
                ("a".to_owned(), AnnotationValue::Number(1.0)),
                ("m".to_owned(), AnnotationValue::Bool(false)),
            ]
        );
        assert_eq!(
            Value::Object(entity.extra.clone()),
            json!({"annotations": {"list": [1], "none": null}})
        );
        assert_eq!(encoded(&entity), document);
    }

    #[test]
    fn elements_that_are_no_subsegments_do_not_cost_the_others() {
        let entity = parsed(r#"{"subsegments":[7,{"name":"kept"},"x"],"precursor_ids":["bad"]}"#);
        assert_eq!(entity.subsegments[0].name, "kept");
        assert_eq!(
            encoded(&entity),
            r#"{"subsegments":[{"name":"kept"},7,"x"],"precursor_ids":["bad"]}"#
        );
    }

    #[test]
    fn metadata_outside_a_namespace_moves_to_default() {
        let metadata = |document: &str| Value::Object(parsed(document).metadata);
        assert_eq!(
            metadata(r#"{"metadata":{"a":1,"default":{"b":2},"ns":{"c":3},"list":[4]}}"#),
            json!({"ns": {"c": 3}, "default": {"b": 2, "a": 1, "list": [4]}})
        );
        assert_eq!(metadata(r#"{"metadata":{"default":5}}"#), json!({"default": {"default": 5}}));
        assert_eq!(parsed(r#"{"metadata":"text"}"#).extra["metadata"], "text");
    }

    #[test]
    fn half_an_emoji_does_not_cost_the_document() {
        let name = |document: &[u8]| Entity::parse(document).unwrap().name;
        assert_eq!(name(br#"{"name":"a\ud83d"}"#), "a\u{fffd}");
        assert_eq!(
            name(br#"{"name":"\uDE00b\ud83d\ud83d\ude00\\ud83d"}"#),
            "\u{fffd}b\u{fffd}😀\\ud83d"
        );
        assert_eq!(name(b"{\"name\":\"caf\xe9\"}"), "caf\u{fffd}");
        assert!(Entity::parse(br#"{"name":"\ud83d"#).is_err());
    }

    #[test]
    fn times_keep_every_digit() {
        let entity = parsed(r#"{"start_time":1.478293361271E9,"end_time":1596566305.5928545}"#);
        assert_eq!(entity.start_time_s, Some(1_478_293_361.271));
        assert_eq!(
            encoded(&entity),
            r#"{"start_time":1478293361.271,"end_time":1596566305.5928545}"#
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn every_entity_survives_encoding(entity in entity()) {
            let document = encoded(&entity);
            prop_assert_eq!(parsed(&document), entity);
        }

        #[test]
        fn odd_documents_lose_nothing_the_second_time(document in odd_object()) {
            let once = parsed(&document.to_string());
            prop_assert_eq!(&parsed(&encoded(&once)), &once);
        }

        #[test]
        fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            prop_assert_eq!(Entity::parse(&bytes).is_ok(), serde_json::from_slice::<Object>(&bytes).is_ok());
        }

        #[test]
        fn cut_documents_never_panic(document in odd_object(), cut in any::<prop::sample::Index>()) {
            let document = document.to_string();
            let cut = cut.index(document.len());
            prop_assert!(Entity::parse(&document.as_bytes()[..cut]).is_err());
        }
    }
}
