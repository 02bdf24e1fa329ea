//! Turns values of spans into JSON and back.
//!
//! In: a [`Value`]. Out: the JSON that metadata holds. Owns nothing. What JSON cannot say becomes
//! text: bytes in base64, numbers that are not finite by name, as in OTLP's JSON. Depth is bounded.

use serde_json::Number;
use serde_json::Value as Json;

use super::view::{Attribute, Value};
use crate::document::Object;

/// Levels of lists and maps that are kept; documents may nest 128 levels altogether.
const MAX_DEPTH: usize = 32;
/// What stands for lists and maps below.
const TOO_DEEP: &str = "… (nested too deep)";

pub(super) fn to_json(value: &Value<'_>) -> Json {
    json_at(value, 0)
}

/// Attributes as an object; the last of a key counts.
pub(super) fn to_object(attributes: &[Attribute<'_>]) -> Object {
    object_at(attributes, 0)
}

fn object_at(attributes: &[Attribute<'_>], depth: usize) -> Object {
    let members = attributes.iter();
    members.map(|member| (member.key.clone().into_owned(), json_at(&member.value, depth))).collect()
}

fn json_at(value: &Value<'_>, depth: usize) -> Json {
    match value {
        Value::Empty => Json::Null,
        Value::Text(text) => Json::String(text.clone().into_owned()),
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::Number((*value).into()),
        Value::Double(value) => double(*value),
        Value::Bytes(bytes) => Json::String(base64(bytes)),
        Value::List(_) | Value::Map(_) if depth >= MAX_DEPTH => Json::String(TOO_DEEP.to_owned()),
        Value::List(values) => values.iter().map(|value| json_at(value, depth + 1)).collect(),
        Value::Map(members) => Json::Object(object_at(members, depth + 1)),
    }
}

fn double(value: f64) -> Json {
    let not_finite = || match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "Infinity",
        _ => "-Infinity",
    };
    Number::from_f64(value).map_or_else(|| Json::String(not_finite().to_owned()), Json::Number)
}

/// JSON as a value, its texts borrowed.
pub(super) fn from_json(json: &Json) -> Value<'_> {
    match json {
        Json::Null => Value::Empty,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Int(integer),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(values) => Value::List(values.iter().map(from_json).collect()),
        Json::Object(object) => Value::Map(from_object(object)),
    }
}

/// The members of an object as attributes.
pub(super) fn from_object(object: &Object) -> Vec<Attribute<'_>> {
    object.iter().map(|(key, value)| Attribute::new(key.as_str(), from_json(value))).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let place = (bits >> (18 - 6 * digit) & 63) as usize;
            text.push(if digit <= chunk.len() { char::from(DIGITS[place]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_are_base64_with_padding() {
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foo"), "Zm9v");
        assert_eq!(base64(&[0xfb, 0xff, 0xfe, 0]), "+//+AA==");
    }

    #[test]
    fn numbers_that_json_has_not_are_named() {
        let list = Value::List(vec![f64::NAN.into(), f64::INFINITY.into(), (-1.0 / 0.0).into()]);
        assert_eq!(to_json(&list), json!(["NaN", "Infinity", "-Infinity"]));
    }

    #[test]
    fn what_is_nested_too_deep_is_cut_with_a_mark() {
        let deep = (0..40).fold(Value::Int(1), |inner, _| Value::List(vec![inner]));
        let text = to_json(&deep).to_string();
        assert_eq!(text, format!("{}\"{TOO_DEEP}\"{}", "[".repeat(32), "]".repeat(32)));
    }

    #[test]
    fn json_comes_back_as_it_was() {
        let json = json!({"a": [1, 2.5, true, null, "x"], "b": {"c": {}}});
        assert_eq!(to_json(&from_json(&json)), json);
    }
}
