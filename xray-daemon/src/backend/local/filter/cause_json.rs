//! `rootcause.json = #[…]`: whether causes contain what a piece of JSON shows.
//!
//! In: a pattern and causes. Out: yes or no. Owns nothing. Members that the pattern gives must be
//! equal, others do not matter; a list must contain the pattern's elements in their order, with
//! gaps allowed. The pattern's depth is bounded by its parser.

use serde_json::Value;

use crate::backend::local::trace::Cause;

pub(super) fn fits(pattern: &Value, causes: &[Cause]) -> bool {
    let causes: Vec<_> = causes.iter().map(Cause::to_json).collect();
    contains(&Value::Array(causes), pattern)
}

fn contains(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => pattern
            .iter()
            .all(|(key, wanted)| value.get(key).is_some_and(|found| contains(found, wanted))),
        (Value::Array(value), Value::Array(pattern)) => {
            // The first that fits is the best: what follows has then the most to choose from.
            let mut left = value.iter();
            pattern.iter().all(|wanted| left.any(|found| contains(found, wanted)))
        }
        (Value::Number(value), Value::Number(pattern)) => value.as_f64() == pattern.as_f64(),
        (value, pattern) => value == pattern,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_is_a_part_in_the_same_order() {
        let value = json!([{"Name": "a", "Path": [{"Name": "x"}, {"Name": "y"}, {"Name": "z"}]}]);
        for (pattern, expected) in [
            (json!([]), true),
            (json!([{"Name": "a"}]), true),
            (json!([{"Path": [{"Name": "x"}, {"Name": "z"}]}]), true),
            (json!([{"Path": [{"Name": "z"}, {"Name": "x"}]}]), false),
            (json!([{"Name": "a", "Other": null}]), false),
            (json!([{"Name": "a"}, {"Name": "a"}]), false),
        ] {
            assert_eq!(contains(&value, &pattern), expected, "{pattern}");
        }
        assert!(contains(&json!(1), &json!(1.0)));
    }
}
