//! Splits a datagram into header and document.
//!
//! In: one datagram, not empty. Out: where its document starts, or why it has none. Owns nothing.
//! Rule: the first line break ends the header; what follows is the document as it is, later line
//! breaks included.

use super::header;
use crate::counters::RejectReason;

/// Largest payload of UDP over IPv4, the largest that SDKs and the reference can send.
pub(super) const MAX_DATAGRAM_BYTES: usize = 65_507;

/// Where the document of a datagram starts.
pub(super) fn document_start(datagram: &[u8]) -> Result<usize, (RejectReason, String)> {
    let Some(line_break) = memchr::memchr(b'\n', datagram) else {
        return Err((RejectReason::NoNewline, "no line break after the header".to_owned()));
    };
    let (header, document) = datagram.split_at(line_break);
    if document.len() <= 1 {
        return Err((RejectReason::NoDocument, "no document after the header".to_owned()));
    }
    header::check(header).map_err(|fault| (RejectReason::Header, fault.to_string()))?;
    Ok(line_break + 1)
}

/// Why a datagram of more than [`MAX_DATAGRAM_BYTES`] is refused.
pub(super) fn oversize_reason(size_bytes: usize) -> String {
    let over = size_bytes.saturating_sub(MAX_DATAGRAM_BYTES);
    format!("datagram over 64 kB, by {over} bytes; it arrived cut")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(datagram: &[u8]) -> Result<&[u8], RejectReason> {
        document_start(datagram).map(|start| &datagram[start..]).map_err(|(reason, _)| reason)
    }

    #[test]
    fn the_document_is_all_that_follows_the_first_line_break() {
        let datagram = b"{\"format\":\"json\",\"version\":1}\n \n{\"a\":1}\n\n{}\r\n";
        assert_eq!(document(datagram), Ok(b" \n{\"a\":1}\n\n{}\r\n".as_slice()));
        assert_eq!(document(b"{\"format\":\"json\",\"version\":1}\n\xff"), Ok([0xff].as_slice()));
    }

    #[test]
    fn a_datagram_without_header_or_document_is_refused() {
        for (datagram, reason) in [
            (b"{\"format\":\"json\",\"version\":1}".as_slice(), RejectReason::NoNewline),
            (b"junk", RejectReason::NoNewline),
            (b"{\"format\":\"json\",\"version\":1}\n", RejectReason::NoDocument),
            (b"\n", RejectReason::NoDocument),
            (b"\n{}", RejectReason::Header),
            (b"{\"format\":\"json\",\"version\":2}\n{}", RejectReason::Header),
        ] {
            assert_eq!(document(datagram), Err(reason), "{datagram:?}");
        }
    }

    #[test]
    fn an_oversize_datagram_says_by_how_much() {
        assert_eq!(oversize_reason(65_536), "datagram over 64 kB, by 29 bytes; it arrived cut");
    }
}
