//! Numbered documents: what was sent can be told from what arrived, one by one.
//!
//! In: numbers. Out: segment documents that carry them, and of documents received a [`Tally`]:
//! which are missing, which came twice, which nobody sent.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// Header line of a datagram, with its line break.
pub const HEADER: &str = "{\"format\": \"json\", \"version\": 1}\n";

/// Makes documents of one run.
#[derive(Clone, Debug)]
pub struct Numbered {
    /// Tells runs apart: 8 hex digits of every trace id.
    run: u32,
    /// Epoch seconds at which every segment starts.
    start_time_s: f64,
    size_bytes: usize,
}

impl Default for Numbered {
    fn default() -> Self {
        Self::new()
    }
}

impl Numbered {
    /// Documents of a run of their own, as short as they can be.
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            run: now.subsec_nanos() ^ std::process::id(),
            start_time_s: now.as_secs_f64(),
            size_bytes: 0,
        }
    }

    /// Pads documents to `size_bytes`, as far as they are shorter.
    #[must_use]
    pub fn of_size(mut self, size_bytes: usize) -> Self {
        self.size_bytes = size_bytes;
        self
    }

    /// The trace id of document `number`.
    pub fn trace_id(&self, number: u64) -> String {
        format!("{}{number:016x}", self.trace_id_start())
    }

    /// Document `number`.
    pub fn document(&self, number: u64) -> String {
        let mut text = String::with_capacity(self.size_bytes.max(300));
        let end_time_s = self.start_time_s + 0.012;
        write!(
            text,
            "{{\"name\":\"numbered\",\"id\":\"{number:016x}\",\"trace_id\":\"{}\",\
             \"start_time\":{:.6},\"end_time\":{end_time_s:.6},\
             \"http\":{{\"request\":{{\"method\":\"GET\",\"url\":\"http://shop.example/items\"}},\
             \"response\":{{\"status\":200}}}},\
             \"annotations\":{{\"number\":\"{number:016x}\"}}",
            self.trace_id(number),
            self.start_time_s,
        )
        .ok();
        let rest = self.size_bytes.saturating_sub(text.len() + 1);
        if let Some(padding) = rest.checked_sub(PADDING_BYTES) {
            write!(text, ",\"metadata\":{{\"default\":{{\"pad\":\"{}\"}}}}", "x".repeat(padding))
                .ok();
        }
        text.push('}');
        text
    }

    /// The datagram that carries document `number`.
    pub fn datagram(&self, number: u64) -> Vec<u8> {
        [HEADER, &self.document(number)].concat().into_bytes()
    }

    /// A datagram whose number can be changed at no cost, for load.
    pub fn stamp(&self) -> Stamp {
        let mark = format!("{:016x}", u64::MAX);
        let datagram = self.datagram(u64::MAX);
        let text = String::from_utf8_lossy(&datagram);
        // From the end: the digits of the run before the number may end as the mark begins.
        let at = text.rmatch_indices(&mark).map(|(at, _)| at).collect();
        Stamp { at, datagram }
    }

    /// What stands before the 16 digits of the number in a document's trace id.
    pub(crate) fn trace_id_start(&self) -> String {
        format!("1-{:08x}-{:08x}", self.start_time_s as u32, self.run)
    }

    /// Counts documents of this run, of which those numbered 0 to `sent` − 1 were sent.
    pub fn tally<'a>(&self, sent: u64, received: impl IntoIterator<Item = &'a str>) -> Tally {
        let mut times = vec![0_u32; usize::try_from(sent).unwrap_or(usize::MAX)];
        let mut tally = Tally::default();
        for document in received {
            let number = self.number(document);
            match number.and_then(|number| times.get_mut(usize::try_from(number).ok()?)) {
                Some(count) => *count += 1,
                None => tally.strangers += 1,
            }
        }
        for (number, count) in times.into_iter().enumerate() {
            match count {
                0 => tally.missing.push(number as u64),
                1 => tally.once += 1,
                _ => tally.repeated.push(number as u64),
            }
        }
        tally
    }

    /// The number in a document of this run: the last 16 digits of its trace id.
    fn number(&self, document: &str) -> Option<u64> {
        let run = format!("\"trace_id\":\"{}", self.trace_id_start());
        let at = document.find(&run)? + run.len();
        u64::from_str_radix(document.get(at..at + 16)?, 16).ok()
    }
}

/// A datagram made once and numbered again for each send.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Where the 16 digits of the number stand.
    at: Vec<usize>,
    datagram: Vec<u8>,
}

impl Stamp {
    /// The datagram that carries document `number`.
    pub fn numbered(&mut self, number: u64) -> &[u8] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'0'; 16];
        for (place, digit) in text.iter_mut().rev().enumerate() {
            *digit = DIGITS[(number >> (place * 4) & 0xf) as usize];
        }
        for &at in &self.at {
            self.datagram[at..at + 16].copy_from_slice(&text);
        }
        &self.datagram
    }
}

/// Bytes of the `metadata` member around the padding.
const PADDING_BYTES: usize = r#","metadata":{"default":{"pad":""}}"#.len();

/// What became of a run's documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Documents that arrived exactly once.
    pub once: u64,
    /// Numbers that never arrived.
    pub missing: Vec<u64>,
    /// Numbers that arrived more than once.
    pub repeated: Vec<u64>,
    /// Documents that are not of this run.
    pub strangers: u64,
}

impl Tally {
    /// Every one of `sent` documents, each once, and nothing else.
    pub fn complete(sent: u64) -> Self {
        Self { once: sent, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_the_size_asked_for() {
        assert_eq!(Numbered::new().of_size(1024).document(7).len(), 1024);
        assert_eq!(Numbered::new().of_size(60_000).document(u64::MAX).len(), 60_000);
    }

    #[test]
    fn a_document_is_json_with_its_number() {
        let document: serde_json::Value =
            serde_json::from_str(&Numbered::new().of_size(900).document(12)).unwrap();
        assert_eq!(document["annotations"]["number"], "000000000000000c");
        assert_eq!(document["id"], "000000000000000c");
        assert_eq!(document["trace_id"].as_str().unwrap().len(), 35);
    }

    #[test]
    fn a_stamped_datagram_is_the_one_made_from_scratch() {
        for run in [0x1234_5678, 0x1234_5fff] {
            let run = Numbered { run, ..Numbered::new().of_size(1_000) };
            let mut stamp = run.stamp();
            for number in [0, 12, 0xfedc_ba98_7654_3210] {
                assert_eq!(stamp.numbered(number), run.datagram(number));
            }
        }
    }

    #[test]
    fn a_tally_tells_lost_from_repeated_from_strange() {
        let run = Numbered { run: 1, start_time_s: 1.0, size_bytes: 0 };
        let other = Numbered { run: 2, ..run.clone() };
        let received = [run.document(0), run.document(2), run.document(2), other.document(1)];
        let tally = run.tally(4, received.iter().map(String::as_str));
        let expected = Tally { once: 1, missing: vec![1, 3], repeated: vec![2], strangers: 1 };
        assert_eq!(tally, expected);
        assert_eq!(run.tally(1, [&*received[0]]), Tally::complete(1));
    }
}
