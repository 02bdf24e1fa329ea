//! Reads single values of a document: each gives back what it cannot use.
//!
//! In: a JSON value. Out: the value in the model's type, or the same JSON value as error. Owns
//! nothing. Lenient where no meaning is lost: a number in quotes is a number.

use serde_json::Value;

use super::Object;
use crate::{SegmentId, TraceId};

/// Gives every member to `place`; what it gives back stays in the object that is returned.
pub(super) fn sort_members(
    object: Object,
    mut place: impl FnMut(&str, Value) -> Result<(), Value>,
) -> Object {
    let mut extra = Object::new();
    for (key, value) in object {
        if let Err(value) = place(&key, value) {
            extra.insert(key, value);
        }
    }
    extra
}

/// Sets a member; `null` says the same as leaving it out.
pub(super) fn set<T>(
    slot: &mut T,
    value: Value,
    read: impl Fn(Value) -> Result<T, Value>,
) -> Result<(), Value> {
    if !value.is_null() {
        *slot = read(value)?;
    }
    Ok(())
}

pub(super) fn set_some<T>(
    slot: &mut Option<T>,
    value: Value,
    read: impl Fn(Value) -> Result<T, Value>,
) -> Result<(), Value> {
    set(slot, value, |value| read(value).map(Some))
}

/// Reads a list; gives back, as a list, the elements that it cannot read.
pub(super) fn extend<T>(
    list: &mut Vec<T>,
    value: Value,
    read: impl Fn(Value) -> Result<T, Value>,
) -> Result<(), Value> {
    let elements = match value {
        Value::Null => return Ok(()),
        Value::Array(elements) => elements,
        other => return Err(other),
    };
    let mut unusable = Vec::new();
    for element in elements {
        match read(element) {
            Ok(element) => list.push(element),
            Err(element) => unusable.push(element),
        }
    }
    if unusable.is_empty() { Ok(()) } else { Err(Value::Array(unusable)) }
}

pub(super) fn object(value: Value) -> Result<Object, Value> {
    match value {
        Value::Object(object) => Ok(object),
        other => Err(other),
    }
}

/// Text and nothing else.
pub(super) fn string(value: Value) -> Result<String, Value> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(other),
    }
}

/// Text; a number, such as an account or user id without quotes, as its digits.
pub(super) fn text(value: Value) -> Result<String, Value> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(other),
    }
}

pub(super) fn bool(value: Value) -> Result<bool, Value> {
    match value.as_str() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => value.as_bool().ok_or(value),
    }
}

/// A number; the service takes no text for a time.
pub(super) fn number(value: Value) -> Result<f64, Value> {
    value.as_f64().ok_or(value)
}

/// A whole number, also as text or with a fraction of zero.
pub(super) fn unsigned(value: Value) -> Result<u64, Value> {
    /// Above, not every whole number is a double: such a fraction says nothing.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    let read = match &value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64()?;
            (float.fract() == 0.0 && (0.0..=MAX_EXACT).contains(&float)).then_some(float as u64)
        }),
        _ => None,
    };
    read.ok_or(value)
}

pub(super) fn status(value: Value) -> Result<u16, Value> {
    let kept = value.clone();
    unsigned(value)?.try_into().map_err(|_| kept)
}

pub(super) fn segment_id(value: Value) -> Result<SegmentId, Value> {
    value.as_str().and_then(|text| SegmentId::parse_bytes(text.as_bytes())).ok_or(value)
}

pub(super) fn trace_id(value: Value) -> Result<TraceId, Value> {
    value.as_str().and_then(|text| TraceId::parse_bytes(text.as_bytes())).ok_or(value)
}
