//! The header of a datagram: `{"format": "json", "version": 1}`.
//!
//! In: the first line of a datagram, from anybody. Out: nothing, or why it is no such header. Owns
//! nothing. Rule: what the reference daemon 3.6.6 accepts, which is what Go's JSON decoder makes of
//! the line: strict JSON; names in any case, other keys allowed, of a key given twice the last
//! value of the right type; `format` in any case, `version` the integer 1. Hot path: headers as
//! SDKs write them are compared, not parsed.

use std::fmt;
use std::ops::Range;

/// The headers of the official SDKs and of ours.
const USUAL: [&[u8]; 3] = [
    br#"{"format": "json", "version": 1}"#,
    br#"{"format":"json","version":1}"#,
    br#"{"version":1,"format":"json"}"#,
];
/// Most brackets inside each other; more is not a header of anybody.
const MAX_DEPTH: usize = 64;

/// Why a line is no header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    /// No JSON object; the place and what should be there.
    Syntax { at_byte: usize, expected: &'static str },
    /// `format` is missing or not a text.
    NoFormat,
    /// `format` is another one. What it says is a stranger's, and this text goes to the log.
    Format,
    /// `version` is missing or not an integer.
    NoVersion,
    /// `version` is another one.
    Version(i64),
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { at_byte, expected } => {
                write!(f, "not a header: expected {expected} at byte {at_byte}")
            }
            Self::NoFormat => write!(f, "header without \"format\": \"json\""),
            Self::Format => write!(f, "header format is not \"json\""),
            Self::NoVersion => write!(f, "header without \"version\": 1"),
            Self::Version(version) => write!(f, "header version {version}, 1 is known"),
        }
    }
}

/// Checks the line in front of a document.
pub(super) fn check(line: &[u8]) -> Result<(), HeaderFault> {
    if USUAL.contains(&line) { Ok(()) } else { Parser { line, at: 0 }.header()?.check() }
}

/// What a header says; keys of another type count as absent.
#[derive(Default)]
struct Header {
    format: Option<String>,
    version: Option<i64>,
}

impl Header {
    fn check(self) -> Result<(), HeaderFault> {
        match self.format {
            None => return Err(HeaderFault::NoFormat),
            Some(format) if !folds_to(&format, "json") => return Err(HeaderFault::Format),
            Some(_) => {}
        }
        match self.version {
            None => Err(HeaderFault::NoVersion),
            Some(1) => Ok(()),
            Some(version) => Err(HeaderFault::Version(version)),
        }
    }
}

/// A strict JSON reader that keeps two values and skips the rest.
struct Parser<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    fn header(mut self) -> Result<Header, HeaderFault> {
        let mut header = Header::default();
        self.blanks();
        self.expect(b'{', "{")?;
        self.blanks();
        if !self.eat(b'}') {
            loop {
                self.member(&mut header)?;
                self.blanks();
                if self.eat(b'}') {
                    break;
                }
                self.expect(b',', ", or }")?;
                self.blanks();
            }
        }
        self.blanks();
        if self.at < self.line.len() { Err(self.fault("the end")) } else { Ok(header) }
    }

    fn member(&mut self, header: &mut Header) -> Result<(), HeaderFault> {
        let key = unescape(self.string()?);
        self.blanks();
        self.expect(b':', ":")?;
        self.blanks();
        let value = self.value(1)?;
        // A value of another type changes nothing, as in the reference.
        if folds_to(&key, "format") && value.first() == Some(&b'"') {
            header.format = Some(unescape(value.get(1..value.len() - 1).unwrap_or_default()));
        } else if folds_to(&key, "version") && self.is_integer(value) {
            header.version = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        }
        Ok(())
    }

    fn is_integer(&self, value: &[u8]) -> bool {
        let digits = value.strip_prefix(b"-").unwrap_or(value);
        !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit)
    }

    /// Reads any value; returns its text.
    fn value(&mut self, depth: usize) -> Result<&'a [u8], HeaderFault> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => drop(self.string()?),
            Some(b'{') => self.container(b'}', depth, Self::pair)?,
            Some(b'[') => self.container(b']', depth, Self::item)?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(b'n') => self.word(b"null")?,
            _ => self.number()?,
        }
        Ok(self.text(start..self.at))
    }

    fn container(
        &mut self,
        close: u8,
        depth: usize,
        entry: fn(&mut Self, usize) -> Result<(), HeaderFault>,
    ) -> Result<(), HeaderFault> {
        if depth >= MAX_DEPTH {
            return Err(self.fault("fewer brackets"));
        }
        self.at += 1;
        self.blanks();
        if self.eat(close) {
            return Ok(());
        }
        loop {
            entry(self, depth + 1)?;
            self.blanks();
            if self.eat(close) {
                return Ok(());
            }
            self.expect(b',', ", or the closing bracket")?;
            self.blanks();
        }
    }

    fn pair(&mut self, depth: usize) -> Result<(), HeaderFault> {
        self.string()?;
        self.blanks();
        self.expect(b':', ":")?;
        self.item(depth)
    }

    fn item(&mut self, depth: usize) -> Result<(), HeaderFault> {
        self.blanks();
        self.value(depth).map(drop)
    }

    /// Reads a string; returns its inside, escapes as they stand.
    fn string(&mut self) -> Result<&'a [u8], HeaderFault> {
        self.expect(b'"', "\"")?;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0..=0x1f) | None => return Err(self.fault("the rest of the text")),
                Some(_) => self.at += 1,
            }
        }
        let inside = self.text(start..self.at);
        self.at += 1;
        Ok(inside)
    }

    fn escape(&mut self) -> Result<(), HeaderFault> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') if self.text(self.at + 1..self.at + 5).iter().all(u8::is_ascii_hexdigit) => {
                self.at += 5;
            }
            _ => return Err(self.fault("an escape")),
        }
        if self.at > self.line.len() { Err(self.fault("an escape")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), HeaderFault> {
        self.eat(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.fault("a value")),
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), HeaderFault> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.fault("a digit")) } else { Ok(()) }
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), HeaderFault> {
        if self.text(self.at..self.at + word.len()) != word {
            return Err(self.fault("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), HeaderFault> {
        if self.eat(byte) { Ok(()) } else { Err(self.fault(expected)) }
    }

    fn text(&self, range: Range<usize>) -> &'a [u8] {
        self.line.get(range).unwrap_or_default()
    }

    fn fault(&self, expected: &'static str) -> HeaderFault {
        HeaderFault::Syntax { at_byte: self.at, expected }
    }
}

/// The text of a JSON string; what cannot be read becomes U+FFFD.
fn unescape(inside: &[u8]) -> String {
    let mut quoted = Vec::with_capacity(inside.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(String::from_utf8_lossy(inside).as_bytes());
    quoted.push(b'"');
    serde_json::from_slice(&quoted).unwrap_or_else(|_| char::REPLACEMENT_CHARACTER.to_string())
}

/// Whether `text` is `ascii` but for case. Go also folds the long s and the Kelvin sign.
fn folds_to(text: &str, ascii: &str) -> bool {
    let folded = text.chars().map(|letter| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        letter => letter.to_ascii_lowercase(),
    });
    folded.eq(ascii.chars())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(line: &str) -> String {
        check(line.as_bytes()).map_or_else(|fault| fault.to_string(), |()| "accepted".into())
    }

    #[test]
    fn headers_that_the_reference_accepts_are_accepted() {
        for line in [
            r#"{"format": "json", "version": 1}"#,
            r#"{"format":"json","version":1}"#,
            r#"{"version":1,"format":"json"}"#,
            r#"{ "format" : "json" , "version" : 1 }"#,
            r#"{"format":"JSON","version":1}"#,
            r#"{"format":"Json","version":1}"#,
            r#"{"Format":"json","VERSION":1}"#,
            r#"{"format":"json","version":1,"extra":{"a":[1,-2.5e3,null,true,"\u00e9"]}}"#,
            r#"{"extra":[],"version":1,"more":{},"format":"json"}"#,
            "  {\"format\":\"json\",\"version\":1}\t ",
            "{\"format\":\"json\",\"version\":1}\r",
            r#"{"format":"xml","version":1,"format":"json"}"#,
            r#"{"version":2,"format":"json","version":1}"#,
            r#"{"\u0066ormat":"\u006ason","version":1}"#,
            // A value of another type changes nothing.
            r#"{"format":"json","version":1,"version":"2"}"#,
            r#"{"format":"json","format":null,"version":1,"version":1.5}"#,
            "{\"format\":\"j\u{17f}on\",\"ver\u{17f}ion\":1}",
        ] {
            assert_eq!(reason(line), "accepted", "{line}");
        }
    }

    #[test]
    fn headers_that_the_reference_rejects_are_rejected_with_a_reason() {
        for (line, expected) in [
            (r#"{"format":"json","version":1.0}"#, "header without \"version\": 1"),
            (r#"{"format":"json","version":1e0}"#, "header without \"version\": 1"),
            (r#"{"format":"json","version":"1"}"#, "header without \"version\": 1"),
            (r#"{"format":"json"}"#, "header without \"version\": 1"),
            (r#"{"format":"json","version":null}"#, "header without \"version\": 1"),
            (r#"{"format":"json","version":2}"#, "header version 2, 1 is known"),
            (r#"{"format":"json","version":-1}"#, "header version -1, 1 is known"),
            (r#"{"format":"json","version":1,"version":2}"#, "header version 2, 1 is known"),
            (r#"{"format":"xml","version":1}"#, "header format is not \"json\""),
            (r#"{"version":1}"#, "header without \"format\": \"json\""),
            (r#"{"format":7,"version":1}"#, "header without \"format\": \"json\""),
            ("{}", "header without \"format\": \"json\""),
            ("", "not a header: expected { at byte 0"),
            ("hello world", "not a header: expected { at byte 0"),
            ("[1]", "not a header: expected { at byte 0"),
            ("\u{feff}{\"format\":\"json\",\"version\":1}", "not a header: expected { at byte 0"),
            (r#"{"format":"json","version":1}x"#, "not a header: expected the end at byte 29"),
            (r#"{"format":"json","version":1,}"#, "not a header: expected \" at byte 29"),
            (r#"{"format":"json" "version":1}"#, "not a header: expected , or } at byte 17"),
            (r#"{"format":"json","version":01}"#, "not a header: expected , or } at byte 28"),
            (r#"{"format":"json","version":}"#, "not a header: expected a value at byte 27"),
            (r#"{"format":"json","version":1"#, "not a header: expected , or } at byte 28"),
            (r#"{"format":"js\qon","version":1}"#, "not a header: expected an escape at byte 14"),
        ] {
            assert_eq!(reason(line), expected, "{line}");
        }
    }

    #[test]
    fn a_header_of_brackets_is_refused_early() {
        let line = format!("{{\"a\":{}", "[".repeat(60_000));
        assert_eq!(reason(&line), "not a header: expected fewer brackets at byte 68");
    }

    proptest! {
        #[test]
        fn any_line_is_judged_without_panic(line: Vec<u8>) {
            // Whatever the verdict: it is one.
            drop(check(&line));
        }

        #[test]
        fn what_serde_reads_as_an_object_is_no_syntax_error(
            line in r#"\{("[a-z]{0,3}":(-?[1-9][0-9]{0,3}|true|null|"[a-z]*"|\[\]|\{\}),?){0,4}\}"#
        ) {
            let syntax = matches!(check(line.as_bytes()), Err(HeaderFault::Syntax { .. }));
            prop_assert_eq!(syntax, serde_json::from_str::<serde_json::Value>(&line).is_err());
        }
    }
}
