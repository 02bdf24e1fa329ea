//! The OTLP of UDP datagrams: a prefix and base64.
//!
//! In: what stands behind a datagram's header. Out: what it is, and the request in it. Owns nothing.
//! Rule: the UDP exporters of the AWS distributions; `T1S` sampled spans, `T1U` unsampled ones, `M1`
//! metrics. AWS takes all three as they are.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

/// Standard base64, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a datagram holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held<'a> {
    /// A segment document, or what shall be one.
    Document,
    /// Spans, in base64.
    Spans(&'a [u8]),
    /// Spans that were not sampled, in base64: for statistics, never a part of a trace.
    Unsampled,
    /// Metrics.
    Metrics,
}

/// Tells by the first bytes.
pub(crate) fn held(document: &[u8]) -> Held<'_> {
    match document {
        [b'T', b'1', b'S', spans @ ..] => Held::Spans(spans),
        [b'T', b'1', b'U', ..] => Held::Unsampled,
        [b'M', b'1', ..] => Held::Metrics,
        _ => Held::Document,
    }
}

/// Reads base64; `None` if it is none.
pub(crate) fn decode(text: &[u8]) -> Option<Bytes> {
    BASE64.decode(text.trim_ascii_end()).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_says_what_a_datagram_holds() {
        assert_eq!(held(b"T1SAAAA"), Held::Spans(b"AAAA"));
        assert_eq!(held(b"T1UAAAA"), Held::Unsampled);
        assert_eq!(held(b"M1AAAA"), Held::Metrics);
        assert_eq!(held(b"{\"id\":\"T1S\"}"), Held::Document);
        assert_eq!(held(b"T1"), Held::Document);
    }

    #[test]
    fn base64_is_read_with_and_without_padding() {
        for text in ["Zm9vYg==", "Zm9vYg", "Zm9vYg==\n"] {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(b"foob".as_slice()), "{text}");
        }
        assert_eq!(decode(b"not base64!"), None);
    }
}
