//! What to write instead: for the search box, beside the service's error.
//!
//! In: a word that did not fit, and those that would. Out: a sentence and, where one thing is
//! likely, its replacement. Owns nothing.

use super::expression_tree::Quoted;
use super::keyword::{FieldKind, Place};

/// Longest word that is compared with others: comparing takes the product of both lengths.
const MAX_COMPARED: usize = 32;

/// A way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// A sentence: `There is no keyword "metod"; did you mean http.method?`
    pub text: String,
    /// What to put in the place of `FilterError::span`, where one thing is likely.
    pub replacement: Option<String>,
}

/// What people write, and how it is called here.
static OTHER_NAMES: &[(&str, &str)] = &[
    ("method", "http.method"),
    ("url", "http.url"),
    ("path", "http.url"),
    ("status", "http.status"),
    ("statuscode", "http.status"),
    ("code", "http.status"),
    ("useragent", "http.useragent"),
    ("clientip", "http.clientip"),
    ("ip", "http.clientip"),
    ("latency", "responsetime"),
    ("response_time", "responsetime"),
    ("elapsed", "responsetime"),
    ("time", "responsetime"),
    ("took", "duration"),
    ("failed", "fault"),
    ("failure", "fault"),
    ("throttled", "throttle"),
    ("pending", "partial"),
    ("in_progress", "partial"),
    ("active", "partial"),
    ("not", "!"),
    ("zone", "availabilityzone"),
    ("instance", "instance.id"),
    ("arn", "resource.arn"),
    ("group", "group.name"),
    ("annotations", "annotation"),
    ("like", "CONTAINS"),
    ("startswith", "BEGINSWITH"),
];

impl Hint {
    fn new(text: String, replacement: Option<String>) -> Self {
        Self { text, replacement }
    }

    /// For a word that begins no condition at this place.
    pub(super) fn for_word(word: &str, place: Place) -> Self {
        let told: String = word.chars().take(MAX_COMPARED).collect();
        if word.eq_ignore_ascii_case("id") || word.eq_ignore_ascii_case("trace_id") {
            let text = "An id is no condition; open a trace by pasting its id, or name a service \
                        with service(id(name: \"…\"))."
                .to_owned();
            return Self::new(text, None);
        }
        let known = |(other, _): &&(&str, &str)| other.eq_ignore_ascii_case(word);
        let other_name = OTHER_NAMES.iter().find(known).map(|(_, name)| *name);
        match other_name.or_else(|| nearest(word, place)) {
            Some("!") => Self::new("\"Not\" is written !".to_owned(), Some("!".to_owned())),
            Some(name) => Self::new(
                format!("There is no keyword \"{told}\"; did you mean {name}?"),
                Some(name.to_owned()),
            ),
            None => Self::new(
                format!(
                    "There is no keyword \"{told}\"; what you record yourself is annotation.{told}."
                ),
                Some(format!("annotation.{told}")).filter(|_| told.len() == word.len()),
            ),
        }
    }

    /// For a keyword that may not stand at this place.
    pub(super) fn for_place(word: &str, place: Place) -> Option<Self> {
        let told: String = word.chars().take(MAX_COMPARED).collect();
        let text = match (place, word.to_ascii_lowercase().as_str()) {
            (Place::Trace, "name") => {
                return Some(Self::new(
                    "A trace has no name; ask for a service with service(\"…\").".to_owned(),
                    None,
                ));
            }
            (Place::Trace, "type") => {
                return Some(Self::new(
                    "A trace has no type; ask for a service with service(id(type: \"…\"))."
                        .to_owned(),
                    None,
                ));
            }
            (Place::Trace, _) => {
                format!("{told} says something of a part of a trace only, in braces.")
            }
            _ => format!("{told} says something of a whole trace only, not in these braces."),
        };
        Some(Self::new(text, None))
    }

    /// For what stands where a value should.
    pub(super) fn for_value(symbol: &str) -> Option<Self> {
        let plain = |letter: char| letter.is_alphanumeric() || "._-/:".contains(letter);
        match symbol.chars().next()? {
            '=' => Some(Self::new("\"Equals\" is one =.".to_owned(), Some(String::new()))),
            '\'' => Some(Self::new("A text stands in double quotes.".to_owned(), None)),
            _ if symbol.chars().all(plain) => {
                let quoted = Quoted(symbol).to_string();
                Some(Self::new(format!("A text stands in quotes: {quoted}."), Some(quoted)))
            }
            _ => None,
        }
    }

    /// For an operator that the value does not have.
    pub(super) fn for_operator(keyword: &str, kind: FieldKind) -> Option<Self> {
        let text = match kind {
            FieldKind::Flag => format!("{keyword} is true or false: {keyword}, !{keyword}."),
            FieldKind::Number => {
                format!("{keyword} is a number: compare it with =, !=, <, <=, > or >=.")
            }
            FieldKind::Text => format!(
                "{keyword} is a text: compare it with =, !=, CONTAINS, BEGINSWITH or ENDSWITH."
            ),
        };
        Some(Self::new(text, None))
    }

    /// For a sign between conditions, or behind one.
    pub(super) fn for_sign(sign: &str) -> Option<Self> {
        let (text, replacement) = match sign {
            "&" => ("Conditions are joined by AND, or by nothing.", "AND"),
            "|" => ("Alternatives are joined by OR.", "OR"),
            "~" => {
                ("A part of a text is asked for with CONTAINS; there are no patterns.", "CONTAINS")
            }
            "'" => ("A text stands in double quotes.", ""),
            "{" => ("Only service(…), edge(…) and rootcause.… take a condition in braces.", ""),
            ")" | "}" => ("This closes nothing.", ""),
            _ => return None,
        };
        let replacement = Some(replacement).filter(|replacement| !replacement.is_empty());
        Some(Self::new(text.to_owned(), replacement.map(str::to_owned)))
    }
}

/// The word of this place that is written most like `word`, if any is.
fn nearest(word: &str, place: Place) -> Option<&'static str> {
    if word.len() > MAX_COMPARED {
        return None;
    }
    let distance = |known: &'static str| (distance(&word.to_ascii_lowercase(), known), known);
    let (edits, nearest) = place.words().map(distance).min_by_key(|(edits, _)| *edits)?;
    // A third of the letters may be wrong; of short words one.
    (edits <= (word.len() / 3).max(1)).then_some(nearest)
}

/// How many letters must be put in, taken out or changed, or neighbours swapped.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, known) in other.iter().enumerate() {
            let get = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX / 2);
            let changed = get(&last, column) + usize::from(letter != known);
            let taken_or_put = get(&last, column + 1).min(get(&current, column)) + 1;
            let swapped = match (row.checked_sub(1), column.checked_sub(1)) {
                (Some(above), Some(left))
                    if one.get(above) == Some(known) && other.get(left) == Some(letter) =>
                {
                    get(&before_last, left) + 1
                }
                _ => usize::MAX,
            };
            current.push(changed.min(taken_or_put).min(swapped));
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(word: &str, place: Place) -> Option<String> {
        Hint::for_word(word, place).replacement
    }

    #[test]
    fn a_word_is_led_to_what_is_written_alike() {
        for (word, meant) in [
            ("falut", "fault"),
            ("responsetme", "responsetime"),
            ("http.metod", "http.method"),
            ("Serivce", "service"),
            ("duratoin", "duration"),
            ("method", "http.method"),
            ("Latency", "responsetime"),
            ("NOT", "!"),
            ("product_id", "annotation.product_id"),
        ] {
            assert_eq!(hint(word, Place::Trace).as_deref(), Some(meant), "{word}");
        }
        assert_eq!(hint("massage", Place::CauseException).as_deref(), Some("message"));
        assert_eq!(hint("id", Place::Trace), None);
    }

    #[test]
    fn a_long_word_costs_nothing_and_is_cut_in_the_sentence() {
        let hint = Hint::for_word(&"x".repeat(100_000), Place::Trace);
        assert_eq!(hint.replacement, None);
        assert!(hint.text.len() < 200, "{}", hint.text);
    }

    #[test]
    fn distances_count_swapped_neighbours_once() {
        assert_eq!(distance("falut", "fault"), 1);
        assert_eq!(distance("", "ok"), 2);
        assert_eq!(distance("fault", "fault"), 0);
    }
}
