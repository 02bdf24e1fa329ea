//! Writes the body of `PutTraceSegments`: each document as a JSON string.
//!
//! In: the documents of a batch, any bytes. Out: the body. Owns nothing. Rule: the encoder of the
//! reference daemon 3.6.6: quotes, backslashes and control characters are escaped (`\n \r \t`, else
//! `\u00XX`), U+2028 and U+2029 too, every byte that is not UTF-8 becomes `\ufffd`, and all else
//! stays as it is, `<`, `>`, `&`, `/` and letters of any script. Hot path: 1 µs a kilobyte.

use bytes::Bytes;

use crate::segment::Segment;

const START: &[u8] = b"{\"TraceSegmentDocuments\":[";
const END: &[u8] = b"]}";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// What a byte of valid UTF-8 needs: 0 nothing, 1 an escape, 2 a look at the next two.
const NEEDS: [u8; 256] = {
    let mut needs = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        needs[byte] = 1;
        byte += 1;
    }
    needs[b'"' as usize] = 1;
    needs[b'\\' as usize] = 1;
    // First byte of U+2000 to U+2FFF.
    needs[0xe2] = 2;
    needs
};

/// The body for `batch`.
pub(super) fn write(batch: &[Segment]) -> Bytes {
    let documents: usize = batch.iter().map(Segment::size_bytes).sum();
    // Quotes are about an eighth of a document.
    let mut body = Vec::with_capacity(START.len() + documents + documents / 4 + batch.len() * 3);
    body.extend_from_slice(START);
    for (place, segment) in batch.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.push(b'"');
        write_escaped(&mut body, segment.document());
        body.push(b'"');
    }
    body.extend_from_slice(END);
    body.into()
}

fn write_escaped(body: &mut Vec<u8>, document: &[u8]) {
    let mut rest = document;
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) => return write_valid(body, valid.as_bytes()),
            Err(error) => {
                let (valid, invalid) = rest.split_at(error.valid_up_to());
                write_valid(body, valid);
                body.extend_from_slice(br"\ufffd");
                // One byte at a time, as the reference: not one mark for a broken character.
                rest = invalid.get(1..).unwrap_or_default();
            }
        }
    }
}

fn write_valid(body: &mut Vec<u8>, text: &[u8]) {
    let mut run = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let needs = NEEDS[usize::from(byte)];
        if needs == 0 {
            at += 1;
            continue;
        }
        let separator = match text.get(at..at + 3) {
            Some([0xe2, 0x80, last @ (0xa8 | 0xa9)]) => Some(*last),
            _ => None,
        };
        if needs == 2 && separator.is_none() {
            at += 3;
            continue;
        }
        body.extend_from_slice(text.get(run..at).unwrap_or_default());
        at += match separator {
            Some(0xa8) => escape(body, br"\u2028", 3),
            Some(_) => escape(body, br"\u2029", 3),
            None => escape_byte(body, byte),
        };
        run = at;
    }
    body.extend_from_slice(text.get(run..).unwrap_or_default());
}

fn escape(body: &mut Vec<u8>, text: &[u8], read: usize) -> usize {
    body.extend_from_slice(text);
    read
}

fn escape_byte(body: &mut Vec<u8>, byte: u8) -> usize {
    match byte {
        b'"' => escape(body, br#"\""#, 1),
        b'\\' => escape(body, br"\\", 1),
        b'\n' => escape(body, br"\n", 1),
        b'\r' => escape(body, br"\r", 1),
        b'\t' => escape(body, br"\t", 1),
        control => {
            let digits = [HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]];
            body.extend_from_slice(br"\u00");
            escape(body, &digits, 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(documents: &[&[u8]]) -> String {
        let segment = |document: &&[u8]| Segment::new(document.to_vec().into(), None);
        let batch: Vec<_> = documents.iter().map(segment).collect();
        String::from_utf8(write(&batch).to_vec()).unwrap()
    }

    fn escaped(document: &[u8]) -> String {
        let body = body(&[document]);
        let text = body.strip_prefix("{\"TraceSegmentDocuments\":[\"").unwrap();
        text.strip_suffix("\"]}").unwrap().to_owned()
    }

    #[test]
    fn documents_stand_in_one_array() {
        assert_eq!(body(&[b"{}", b"{\"a\":1}"]), r#"{"TraceSegmentDocuments":["{}","{\"a\":1}"]}"#);
    }

    #[test]
    fn characters_are_escaped_as_the_reference_does() {
        for (document, text) in [
            (b"\"\\".as_slice(), r#"\"\\"#),
            (b"\n\r\t", r"\n\r\t"),
            (b"\x00\x01\x08\x0c\x1f", r"\u0000\u0001\u0008\u000c\u001f"),
            (b"<>&/'\x7f", "<>&/'\u{7f}"),
            ("é漢😀".as_bytes(), "é漢😀"),
            ("a\u{2028}b\u{2029}c\u{2027}\u{202a}".as_bytes(), "a\\u2028b\\u2029c\u{2027}\u{202a}"),
        ] {
            assert_eq!(escaped(document), text, "{document:?}");
        }
    }

    #[test]
    fn every_byte_that_is_not_utf_8_becomes_a_mark() {
        for (document, text) in [
            (b"a\xffb".as_slice(), r"a\ufffdb"),
            // A surrogate, a broken three-byte character, one that is cut.
            (b"\xed\xa0\x80", r"\ufffd\ufffd\ufffd"),
            (b"\xe2\x82x", r"\ufffd\ufffdx"),
            (b"x\xf0\x9f\x98", r"x\ufffd\ufffd\ufffd"),
            (b"\xe2", r"\ufffd"),
        ] {
            assert_eq!(escaped(document), text, "{document:?}");
        }
    }

    proptest! {
        #[test]
        fn a_document_in_utf_8_comes_out_byte_for_byte(documents: Vec<String>) {
            let bytes: Vec<_> = documents.iter().map(|document| document.as_bytes()).collect();
            let body: serde_json::Value = serde_json::from_str(&body(&bytes)).unwrap();
            prop_assert_eq!(&body["TraceSegmentDocuments"], &serde_json::json!(documents));
        }

        #[test]
        fn any_bytes_make_a_body_in_json(document: Vec<u8>) {
            let body: serde_json::Value = serde_json::from_str(&body(&[&document])).unwrap();
            // The same text as a decoder makes that goes on after each byte it cannot read.
            let mut expected = String::new();
            let mut rest = document.as_slice();
            while !rest.is_empty() {
                let good = match std::str::from_utf8(rest) {
                    Ok(text) => text.len(),
                    Err(error) => error.valid_up_to(),
                };
                expected.push_str(std::str::from_utf8(&rest[..good]).unwrap());
                rest = &rest[good..];
                if !rest.is_empty() {
                    expected.push('\u{fffd}');
                    rest = &rest[1..];
                }
            }
            prop_assert_eq!(&body["TraceSegmentDocuments"][0], &serde_json::json!(expected));
        }
    }
}
