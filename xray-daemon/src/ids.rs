//! Finds the ids of a document without parsing it.
//!
//! In: the bytes of a document, which may be no JSON at all. Out: the texts of `id` and `trace_id`
//! on its outermost level. Owns nothing, allocates nothing, stops at the end of what it reads.

use std::borrow::Cow;

/// The ids of a document; each is missing where the document has none that can be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids<'a> {
    /// The text of `trace_id`.
    pub trace_id: Option<Cow<'a, str>>,
    /// The text of `id`.
    pub id: Option<Cow<'a, str>>,
}

/// Longest text that is taken for an id; a trace id has 35 characters.
const MAX_ID_LEN: usize = 64;

impl<'a> Ids<'a> {
    pub(crate) fn scan(document: &'a [u8]) -> Self {
        let mut ids = Self::default();
        let mut scanner = Scanner { rest: document, depth: 0 };
        while let Some(text) = scanner.next_string() {
            let field = match text {
                b"id" => &mut ids.id,
                b"trace_id" => &mut ids.trace_id,
                _ => continue,
            };
            if scanner.depth == 1 && scanner.is_key() {
                *field = scanner.next_string().and_then(printable).map(Cow::Borrowed);
            }
        }
        ids
    }
}

/// Walks over strings and brackets of a JSON text.
struct Scanner<'a> {
    rest: &'a [u8],
    /// Brackets that are open.
    depth: usize,
}

impl<'a> Scanner<'a> {
    /// The inside of the next string, escapes as they stand.
    fn next_string(&mut self) -> Option<&'a [u8]> {
        loop {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b'"' => return self.string(),
                _ => {}
            }
        }
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let start = self.rest;
        let mut len = 0;
        loop {
            len += memchr::memchr2(b'"', b'\\', start.get(len..)?)?;
            if start.get(len) == Some(&b'"') {
                self.rest = start.get(len + 1..)?;
                return start.get(..len);
            }
            len += 2;
        }
    }

    /// Whether the string just read is followed by a colon and another string.
    fn is_key(&self) -> bool {
        let mut bytes = self.rest.iter().filter(|byte| !byte.is_ascii_whitespace());
        bytes.next() == Some(&b':') && bytes.next() == Some(&b'"')
    }
}

fn printable(text: &[u8]) -> Option<&str> {
    let fits = text.len() <= MAX_ID_LEN && text.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(text).ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(document: &str) -> (Option<String>, Option<String>) {
        let ids = Ids::scan(document.as_bytes());
        (ids.trace_id.map(Cow::into_owned), ids.id.map(Cow::into_owned))
    }

    fn texts(trace_id: &str, id: &str) -> (Option<String>, Option<String>) {
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (said(trace_id), said(id))
    }

    #[test]
    fn ids_of_the_outermost_level_are_found_in_any_order() {
        let document = r#"{"subsegments":[{"id":"no"}], "id" : "70de", "http":{"id":"no"},
            "name":"id","trace_id":"1-2-3"}"#;
        assert_eq!(scan(document), texts("1-2-3", "70de"));
    }

    #[test]
    fn quotes_and_brackets_inside_strings_do_not_count() {
        let document = r#"{"name":"a\"id\":\"x\" {[","id":"70de"}"#;
        assert_eq!(scan(document), texts("", "70de"));
    }

    #[test]
    fn what_is_no_id_is_left_out() {
        assert_eq!(scan(r#"{"id":7,"trace_id":null}"#), (None, None));
        assert_eq!(scan("{\"id\":\"a\\u0000\nb\"}"), (None, None));
        assert_eq!(scan(&format!(r#"{{"id":"{}"}}"#, "x".repeat(65))), (None, None));
        assert_eq!(scan(r#"{"id":"cut"#), (None, None));
        assert_eq!(scan(""), (None, None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_scanned_without_panic(document: Vec<u8>) {
            Ids::scan(&document);
        }
    }
}
