//! Makes texts fit the rules of the document: names, annotation keys, long values.
//!
//! In: any text. Out: the same where it fits, else what is left of it. Owns nothing. A name is
//! sanitised, never a reason to lose a document.

use std::borrow::Cow;

use super::limits::{MAX_ANNOTATION_KEY_CHARS, MAX_NAME_CHARS};

/// What an entity is called whose name has no usable character. Rule: X-Ray exporter of the
/// OpenTelemetry Collector.
const NAMELESS: &str = "span";

/// A name that X-Ray accepts: letters, digits, white space and `_ . : / % & # = + \ - @`, 1 to 200
/// characters. Others are left out, as the OpenTelemetry Collector does; other white space becomes
/// a space.
///
/// ```
/// use xray_tracing::document::sanitize_name;
/// assert_eq!(sanitize_name("GET /users/7"), "GET /users/7");
/// assert_eq!(sanitize_name("GET /users/{id}"), "GET /users/id");
/// assert_eq!(sanitize_name("SELECT *\tFROM t;"), "SELECT  FROM t");
/// assert_eq!(sanitize_name("<>"), "span");
/// ```
pub fn sanitize_name(name: &str) -> Cow<'_, str> {
    if is_valid_name(name) {
        return Cow::Borrowed(name);
    }
    let usable = name.chars().filter(|char| is_name_char(*char));
    let name: String = usable
        .map(|char| if char.is_whitespace() { ' ' } else { char })
        .take(MAX_NAME_CHARS)
        .collect();
    if name.trim().is_empty() { Cow::Borrowed(NAMELESS) } else { Cow::Owned(name) }
}

/// An annotation key that X-Ray accepts: letters and digits of ASCII, `_` and `.`, 1 to 500
/// characters. Others become `_`. Rule: developer guide, `annotations`; the dot, which filter
/// expressions read as `annotation[a.b]`, is what OpenTelemetry exporters send today.
///
/// ```
/// use xray_tracing::document::sanitize_annotation_key;
/// assert_eq!(sanitize_annotation_key("order_id"), "order_id");
/// assert_eq!(sanitize_annotation_key("order-id ü"), "order_id__");
/// assert_eq!(sanitize_annotation_key(""), "_");
/// ```
pub fn sanitize_annotation_key(key: &str) -> Cow<'_, str> {
    if is_valid_annotation_key(key) {
        return Cow::Borrowed(key);
    }
    if key.is_empty() {
        return Cow::Borrowed("_");
    }
    let fitting = key.chars().map(|char| if is_key_char(char) { char } else { '_' });
    Cow::Owned(fitting.take(MAX_ANNOTATION_KEY_CHARS).collect())
}

/// The first `max_chars` characters of `text`.
///
/// ```
/// use xray_tracing::document::cut_chars;
/// assert_eq!(cut_chars("größer", 3), "grö");
/// assert_eq!(cut_chars("größer", 9), "größer");
/// ```
pub fn cut_chars(text: &str, max_chars: usize) -> &str {
    if text.len() <= max_chars {
        return text; // no more characters than bytes
    }
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

/// The first `max_bytes` of `text`, less what would cut a character in two.
///
/// ```
/// use xray_tracing::document::cut_bytes;
/// assert_eq!(cut_bytes("größer", 3), "gr");
/// assert_eq!(cut_bytes("größer", 4), "grö");
/// ```
pub fn cut_bytes(text: &str, max_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(max_bytes)).unwrap_or(text)
}

/// The service takes this name as it is.
pub(crate) fn is_valid_name(name: &str) -> bool {
    // ASCII first: nearly all names, and no table look-up.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _.:/%&#=+\\-@".contains(&byte);
    let fits = name.len() <= MAX_NAME_CHARS || name.chars().count() <= MAX_NAME_CHARS;
    fits && !name.trim().is_empty()
        && (name.bytes().all(plain)
            || name.chars().all(|char| is_name_char(char) && !char.is_control()))
}

/// The service takes this annotation key as it is.
pub(crate) fn is_valid_annotation_key(key: &str) -> bool {
    (1..=MAX_ANNOTATION_KEY_CHARS).contains(&key.len()) && key.chars().all(is_key_char)
}

pub(crate) fn is_name_char(char: char) -> bool {
    char.is_alphanumeric() || char.is_whitespace() || "_.:/%&#=+\\-@".contains(char)
}

fn is_key_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_' || char == '.'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_fit_are_not_copied() {
        for name in ["cart", "db@host.example:5432", r"a\b + c=d&e#f%g", "größe 北京", " x "] {
            assert!(matches!(sanitize_name(name), Cow::Borrowed(same) if same == name), "{name}");
        }
    }

    #[test]
    fn names_lose_what_the_service_refuses_and_nothing_else() {
        assert_eq!(sanitize_name("f<T>(a, b)"), "fTa b");
        assert_eq!(sanitize_name("two\nlines"), "two lines");
        assert_eq!(sanitize_name("\u{a0}"), "span");
        assert_eq!(sanitize_name(""), "span");
        assert_eq!(sanitize_name("   "), "span");
        assert_eq!(sanitize_name("naïve😀"), "naïve");
    }

    #[test]
    fn names_are_cut_by_characters() {
        assert_eq!(sanitize_name(&"ü".repeat(200)), "ü".repeat(200));
        assert_eq!(sanitize_name(&"ü".repeat(201)), "ü".repeat(200));
        assert_eq!(sanitize_name(&"x".repeat(201)), "x".repeat(200));
    }

    #[test]
    fn annotation_keys_are_ascii_and_at_most_500_long() {
        assert_eq!(sanitize_annotation_key("a.b_C9"), "a.b_C9");
        assert_eq!(sanitize_annotation_key("a b/ü"), "a_b__");
        assert_eq!(sanitize_annotation_key(&"k".repeat(501)), "k".repeat(500));
    }

    proptest! {
        #[test]
        fn what_was_sanitised_is_valid_and_stays_as_it_is(text in any::<String>()) {
            let name = sanitize_name(&text);
            prop_assert!(is_valid_name(&name), "{:?}", name);
            prop_assert!(matches!(sanitize_name(&name), Cow::Borrowed(_)));
            let key = sanitize_annotation_key(&text);
            prop_assert!(is_valid_annotation_key(&key));
        }

        #[test]
        fn cuts_are_beginnings_of_the_right_length(text in any::<String>(), max in 0usize..40) {
            let cut = cut_chars(&text, max);
            prop_assert!(text.starts_with(cut));
            prop_assert_eq!(cut.chars().count(), text.chars().count().min(max));
            let cut = cut_bytes(&text, max);
            prop_assert!(text.starts_with(cut) && cut.len() <= max);
            prop_assert!(cut.len() + 4 > max.min(text.len()));
        }
    }
}
