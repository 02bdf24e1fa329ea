//! What was refused and what helps: datagrams at the door, documents at the store.
//!
//! In: the last ones of each. Out: rows. Owns nothing. Their content is hostile text, cut short;
//! line breaks and control characters are shown as signs.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::backend::local::console::format;
use crate::backend::local::console::frame::Frame;
use crate::backend::local::store::RefusedDocument;
use crate::counters::{RefusedDatagram, RejectReason};

/// Rows of each table.
const MAX_ROWS: usize = 12;
/// Characters shown of the content.
const SHOWN_CHARS: usize = 80;

/// Something that was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RefusedRow {
    pub(crate) clock: String,
    pub(crate) from: String,
    pub(crate) bytes: String,
    pub(crate) why: String,
    pub(crate) remedy: &'static str,
    pub(crate) begins: String,
}

/// Datagrams, the newest first.
pub(super) fn datagrams(frame: &Frame, refused: &[RefusedDatagram]) -> Vec<RefusedRow> {
    let t = &frame.t.daemon;
    let row = |it: &RefusedDatagram| RefusedRow {
        clock: clock(frame, it.at),
        from: it.sender.to_string(),
        bytes: format::count(frame.lang, it.size_bytes as u64),
        why: first_upper(&it.reason),
        remedy: match it.kind {
            RejectReason::Oversize => t.remedy_size,
            RejectReason::OtlpRequest => t.remedy_otlp,
            _ => t.remedy_header,
        },
        begins: visible(&it.begins_with),
    };
    refused.iter().take(MAX_ROWS).map(row).collect()
}

/// Documents, the newest first.
pub(super) fn documents(frame: &Frame, refused: &[RefusedDocument]) -> Vec<RefusedRow> {
    let row = |it: &RefusedDocument| RefusedRow {
        clock: clock(frame, it.at),
        from: String::new(),
        bytes: format::count(frame.lang, it.bytes as u64),
        why: first_upper(&it.message),
        remedy: remedy(frame, &it.code),
        begins: visible(&it.excerpt),
    };
    refused.iter().take(MAX_ROWS).map(row).collect()
}

fn remedy(frame: &Frame, code: &str) -> &'static str {
    let t = &frame.t.daemon;
    match code {
        "ParseError" | "UnknownType" => t.remedy_json,
        "MissingId" | "InvalidId" | "MissingTraceId" | "InvalidTraceId" | "MissingParentId"
        | "InvalidParentId" => t.remedy_id,
        "MissingName" => t.remedy_name,
        "InvalidSegment" => t.remedy_size,
        code if code.contains("Time") => t.remedy_time,
        _ => t.remedy_other,
    }
}

fn clock(frame: &Frame, at: SystemTime) -> String {
    let at_s = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    format::clock(at_s, frame.zone)
}

fn first_upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Text on one line.
fn visible(text: &str) -> String {
    let sign = |c: char| match c {
        '\n' => '⏎',
        '\t' => '⇥',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    let mut shown: String = text.chars().take(SHOWN_CHARS).map(sign).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::console::visitor::Visitor;

    #[test]
    fn content_is_shown_on_one_line_and_cut() {
        assert_eq!(visible("{\"a\":1}\n\tx\u{0}\u{1b}[31m"), "{\"a\":1}⏎⇥x\u{fffd}\u{fffd}[31m");
        assert_eq!(visible(&"é".repeat(200)), format!("{}…", "é".repeat(80)));
    }

    #[test]
    fn every_code_of_the_service_has_a_remedy() {
        let frame = Frame::new(&Visitor::default(), None, "");
        let t = &frame.t.daemon;
        let remedies = ["MissingName", "InvalidTraceId", "InProgressSegmentHasEndTime", "New"]
            .map(|code| remedy(&frame, code));
        assert_eq!(remedies, [t.remedy_name, t.remedy_id, t.remedy_time, t.remedy_other]);
    }

    #[test]
    fn a_reason_begins_with_a_capital() {
        assert_eq!(first_upper("header version 2, 1 is known"), "Header version 2, 1 is known");
        assert_eq!(first_upper(""), "");
    }
}
