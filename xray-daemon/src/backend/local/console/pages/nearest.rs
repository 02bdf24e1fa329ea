//! Filters close to one that finds nothing: the same with one condition less.
//!
//! In: the text of a filter that was read. Out: texts, each a filter again where it can be. Owns
//! nothing. Works on the text alone, so a candidate may be no filter; whoever uses it reads it.

use crate::backend::local::filter::Filter;

/// Most candidates, since each costs a question.
const MAX_CANDIDATES: usize = 6;

/// The candidates, without the filter itself.
pub(super) fn nearest_filters(filter: &str) -> Vec<String> {
    let conditions = conditions(filter);
    let mut candidates = Vec::new();
    if conditions.len() > 1 {
        for left_out in 0..conditions.len() {
            let kept = conditions.iter().enumerate().filter(|(i, _)| *i != left_out);
            let kept: Vec<_> = kept.map(|(_, condition)| *condition).collect();
            candidates.push(kept.join(" AND "));
        }
    } else if let Some((place, body)) = body(filter) {
        candidates.push(format!("service() {{ {body} }}"));
        candidates.push(place.to_owned());
    }
    candidates.retain(|candidate| candidate != filter && Filter::parse(candidate).is_ok());
    candidates.truncate(MAX_CANDIDATES);
    candidates
}

/// The parts between `AND` outside quotes and brackets.
fn conditions(filter: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut quoted, mut escaped, mut from) = (0_usize, false, false, 0);
    for (at, c) in filter.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '{' | '[' if !quoted => depth += 1,
            ')' | '}' | ']' if !quoted => depth = depth.saturating_sub(1),
            ' ' if !quoted && depth == 0 && is_and(filter, at) => {
                parts.extend(filter.get(from..at));
                from = at + " AND ".len();
            }
            _ => {}
        }
    }
    parts.extend(filter.get(from..));
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn is_and(filter: &str, at: usize) -> bool {
    filter.get(at..at + " AND ".len()).is_some_and(|word| word.eq_ignore_ascii_case(" and "))
}

/// `service("a") { fault }` taken apart.
fn body(filter: &str) -> Option<(&str, &str)> {
    let (place, body) = filter.split_once('{')?;
    let body = body.trim_end().strip_suffix('}')?;
    Some((place.trim_end(), body.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_condition_is_left_out_at_a_time() {
        assert_eq!(
            conditions("ok and user = \"a AND b\" AND service(\"x\") { fault AND root }"),
            ["ok", "user = \"a AND b\"", "service(\"x\") { fault AND root }"]
        );
        assert_eq!(nearest_filters("fault AND responsetime > 5"), ["responsetime > 5", "fault"]);
    }

    #[test]
    fn a_service_with_a_condition_is_looked_for_elsewhere_and_without() {
        assert_eq!(
            nearest_filters("service(\"x\") { throttle }"),
            ["service() { throttle }", "service(\"x\")"]
        );
    }

    #[test]
    fn strange_text_gives_no_candidates() {
        for filter in ["", "fault", "\"", "AND AND", "{", "é AND", " AND "] {
            let found = nearest_filters(filter);
            assert!(found.iter().all(|text| Filter::parse(text).is_ok()), "{filter}: {found:?}");
        }
    }
}
