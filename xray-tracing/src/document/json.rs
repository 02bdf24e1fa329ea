//! Writes JSON text to the end of a byte buffer.
//!
//! In: keys and values, in the order they shall stand. Out: compact JSON. Owns nothing: the comma
//! is decided by the byte before it. Infallible, and allocates only when the buffer grows.
//! Hot path: a document is written straight from its record, without a tree.

use serde_json::Value;

use crate::{SegmentId, TraceId};

/// Integers up to here are exact as `f64`, and are written without a fraction.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0; // 2^53

/// Appends one JSON value (mostly an object) to a buffer.
///
/// Every `key` is followed by one value or one object or array, which is opened and closed again.
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Where this value begins: nothing before it asks for a comma.
    start: usize,
}

impl<'a> Writer<'a> {
    /// Starts a value at the end of `out`.
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start }
    }

    pub(crate) fn open_object(&mut self) {
        self.separate();
        self.out.push(b'{');
    }

    pub(crate) fn close_object(&mut self) {
        self.out.push(b'}');
    }

    pub(crate) fn open_array(&mut self) {
        self.separate();
        self.out.push(b'[');
    }

    pub(crate) fn close_array(&mut self) {
        self.out.push(b']');
    }

    pub(crate) fn key(&mut self, key: &str) {
        self.text(key);
        self.out.push(b':');
    }

    /// Writes a key that is known to need no escaping, given with its quotes and colon: `"id":`.
    #[cfg(feature = "layer")]
    pub(crate) fn literal_key(&mut self, quoted: &'static str) {
        debug_assert!(quoted.starts_with('"') && quoted.ends_with("\":"), "{quoted}");
        self.ascii(quoted.as_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.separate();
        self.out.push(b'"');
        escape_into(text, self.out);
        self.out.push(b'"');
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.ascii(if value { b"true" } else { b"false" });
    }

    pub(crate) fn unsigned(&mut self, value: u64) {
        self.ascii(itoa::Buffer::new().format(value).as_bytes());
    }

    #[cfg(feature = "layer")]
    pub(crate) fn signed(&mut self, value: i64) {
        self.ascii(itoa::Buffer::new().format(value).as_bytes());
    }

    /// Writes text that is JSON already.
    #[cfg(feature = "layer")]
    pub(crate) fn raw(&mut self, json: &str) {
        self.ascii(json.as_bytes());
    }

    /// Writes the shortest text that reads back as `value`; whole numbers have no fraction. JSON
    /// has no text for infinity and NaN: they become `null`.
    pub(crate) fn float(&mut self, value: f64) {
        if value.fract() == 0.0 && value.abs() <= MAX_EXACT_INTEGER {
            self.ascii(itoa::Buffer::new().format(value as i64).as_bytes());
        } else {
            self.serialize(&value);
        }
    }

    /// Writes nanoseconds since 1970 as epoch seconds with microseconds: `1596566305.535414`.
    #[cfg(any(test, feature = "layer"))]
    pub(crate) fn epoch_ns(&mut self, epoch_ns: u64) {
        self.unsigned(epoch_ns / 1_000_000_000);
        // A seventh digit in front keeps the zeros; the point takes its place.
        let micros = 1_000_000 + epoch_ns % 1_000_000_000 / 1_000;
        let point = self.out.len();
        self.out.extend_from_slice(itoa::Buffer::new().format(micros).as_bytes());
        if let Some(point) = self.out.get_mut(point) {
            *point = b'.';
        }
    }

    pub(crate) fn trace_id(&mut self, id: TraceId) {
        self.quoted(&id.encode());
    }

    pub(crate) fn segment_id(&mut self, id: SegmentId) {
        self.quoted(&id.encode());
    }

    /// Writes any value, as it is.
    pub(crate) fn value(&mut self, value: &Value) {
        self.serialize(value);
    }

    /// Text that needs no escaping.
    fn quoted(&mut self, ascii: &[u8]) {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(ascii);
        self.out.push(b'"');
    }

    /// A literal or a number.
    fn ascii(&mut self, text: &[u8]) {
        self.separate();
        self.out.extend_from_slice(text);
    }

    fn serialize(&mut self, value: &impl serde::Serialize) {
        self.separate();
        let before = self.out.len();
        if serde_json::to_writer(&mut *self.out, value).is_err() {
            // A buffer takes everything and our keys are text; still, leave valid JSON.
            self.out.truncate(before);
            self.out.extend_from_slice(b"null");
        }
    }

    /// A comma, unless this is the first member, the first element or the value of a key. A value
    /// never ends in one of these bytes: text ends in its quote.
    fn separate(&mut self) {
        if self.out.len() > self.start && !matches!(self.out.last(), Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }
}

/// Appends `text` as the inside of a JSON string.
pub(crate) fn escape_into(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(at) = first_to_escape(rest) {
        let (plain, from) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, after)) = from.split_first() else { return };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// Where the first byte stands that must be escaped. Looks at eight bytes at a time: most texts
/// have none.
fn first_to_escape(text: &[u8]) -> Option<usize> {
    let (words, tail) = text.as_chunks::<8>();
    for (index, bytes) in words.iter().enumerate() {
        if has_escapes(bytes) {
            return bytes.iter().position(must_escape).map(|at| index * 8 + at);
        }
    }
    let mut last = [b' '; 8];
    for (to, byte) in last.iter_mut().zip(tail) {
        *to = *byte;
    }
    let found = if has_escapes(&last) { tail.iter().position(must_escape) } else { None };
    found.map(|at| words.len() * 8 + at)
}

fn has_escapes(bytes: &[u8; 8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    // A top bit is left if any byte is zero.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
    let word = u64::from_le_bytes(*bytes);
    let controls = zeros(word & (ONES * 0xe0));
    let quotes = zeros(word ^ (ONES * u64::from(b'"')));
    let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
    controls | quotes | backslashes != 0
}

fn must_escape(byte: &u8) -> bool {
    *byte < b' ' || *byte == b'"' || *byte == b'\\'
}

fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut out = Vec::new();
        write(&mut Writer::new(&mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn commas_stand_between_members_and_elements_only() {
        let text = written(|json| {
            json.open_object();
            json.key("empty");
            json.open_object();
            json.close_object();
            json.key("list");
            json.open_array();
            json.unsigned(1);
            json.text("{");
            json.text("[");
            json.bool(false);
            json.open_array();
            json.close_array();
            json.close_array();
            json.key("a:");
            json.text(":");
            json.close_object();
        });
        assert_eq!(text, r#"{"empty":{},"list":[1,"{","[",false,[]],"a:":":"}"#);
    }

    #[test]
    fn a_value_does_not_look_at_what_stood_in_the_buffer() {
        let mut out = b"header\n".to_vec();
        Writer::new(&mut out).unsigned(7);
        Writer::new(&mut out).unsigned(8);
        assert_eq!(out, b"header\n78");
    }

    #[test]
    fn times_have_six_digits_of_fraction() {
        let text = |ns| written(|json| json.epoch_ns(ns));
        assert_eq!(text(1_596_566_305_535_414_999), "1596566305.535414");
        assert_eq!(text(1_596_566_305_000_000_000), "1596566305.000000");
        assert_eq!(text(1_000_000_001_000), "1000.000001");
        assert_eq!(text(u64::MAX), "18446744073.709551");
    }

    #[test]
    fn numbers_are_short_and_valid() {
        let text = |value| written(|json| json.float(value));
        assert_eq!(text(34.0), "34");
        assert_eq!(text(-1.0), "-1");
        assert_eq!(text(1_596_566_305.535_414), "1596566305.535414");
        assert_eq!(text(0.1), "0.1");
        assert_eq!(text(f64::NAN), "null");
        assert_eq!(text(f64::INFINITY), "null");
    }

    #[test]
    fn ids_are_quoted_hex() {
        let trace: TraceId = "1-5f29ab21-d4ebf299219a65bd5c31d6da".parse().unwrap();
        assert_eq!(
            written(|json| json.trace_id(trace)),
            r#""1-5f29ab21-d4ebf299219a65bd5c31d6da""#
        );
        assert_eq!(
            written(|json| json.segment_id(SegmentId::from_u64(0xab))),
            r#""00000000000000ab""#
        );
    }

    proptest! {
        #[test]
        fn text_reads_back(text in any::<String>()) {
            let json = written(|json| json.text(&text));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn floats_read_back(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            let json = written(|json| json.float(value));
            prop_assert_eq!(serde_json::from_str::<f64>(&json).unwrap(), value);
        }
    }
}
