//! The header that carries a trace from service to service: `X-Amzn-Trace-Id`, and W3C
//! `traceparent`.
//!
//! In: header texts, from anybody. Out: what they say, and the headers for callees and for the
//! answer. Owns nothing. Reading never fails: a part that is not valid is ignored, so that the
//! worst header only starts a new trace. Rules: X-Ray developer guide, "Tracing header", and what
//! the X-Ray SDKs do with it; W3C Trace Context, level 1.
//!
//! ```text
//! X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
//! traceparent:     00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01
//! ```

use std::fmt;

use crate::{SegmentId, TraceId};

/// Most bytes of unknown parts that are passed on. Rule: X-Ray SDK for Node.
const MAX_EXTRA_BYTES: usize = 256;
/// Most bytes of a `Parent` that is no segment id.
const MAX_FOREIGN_PARENT_BYTES: usize = 64;
/// Length of `traceparent` in version 00.
const TRACEPARENT_LEN: usize = 55;

/// What a header says of sampling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sampled {
    /// `Sampled=1`: the trace is recorded. Final.
    Yes,
    /// `Sampled=0`: the trace is not recorded. Final.
    No,
    /// `Sampled=?`: this service decides, and tells the caller in its answer.
    Ask,
    /// Nothing, or nothing valid: this service decides.
    #[default]
    Unknown,
}

impl Sampled {
    /// The decision, if there is one: `true` for recorded.
    pub fn decision(self) -> Option<bool> {
        match self {
            Self::Yes => Some(true),
            Self::No => Some(false),
            Self::Ask | Self::Unknown => None,
        }
    }
}

impl From<bool> for Sampled {
    fn from(sampled: bool) -> Self {
        if sampled { Self::Yes } else { Self::No }
    }
}

/// A tracing header.
///
/// ```
/// use xray_tracing::{Sampled, SegmentId, TraceHeader, TraceId};
///
/// // As a load balancer sends it: the trace has a name, the decision is ours.
/// let incoming = TraceHeader::parse("Self=1-67891234-x;Root=1-5759e988-bd862e3fe1be46a994272793");
/// assert_eq!((incoming.parent, incoming.sampled), (None, Sampled::Unknown));
///
/// let root = incoming.root.unwrap_or_else(TraceId::random);
/// let outgoing = incoming.for_child(root, SegmentId::from_u64(0xab), Sampled::Yes);
/// assert_eq!(
///     outgoing.to_string(),
///     "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=00000000000000ab;Sampled=1"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceHeader {
    /// `Root`: the trace. `None` if it is missing or not valid; then a new trace starts.
    pub root: Option<TraceId>,
    /// `Parent`: the subsegment that makes the call.
    pub parent: Option<SegmentId>,
    /// A `Parent` that is no segment id, up to 64 bytes: no parent, only passed on.
    pub foreign_parent: Option<String>,
    /// `Sampled`.
    pub sampled: Sampled,
    /// Parts of other names, such as `Lineage=…`, in the order sent, joined by `;`; up to 256 bytes
    /// of printable ASCII. They are passed on to callees. `Self` is never among them.
    pub extra: String,
}

impl TraceHeader {
    /// Name of the header. HTTP compares it without case.
    pub const NAME: &'static str = "x-amzn-trace-id";
    /// Name of the W3C header.
    pub const TRACEPARENT: &'static str = "traceparent";
    /// Name of the W3C header beside it, which is passed on as it is.
    pub const TRACESTATE: &'static str = "tracestate";

    /// Reads the value of `X-Amzn-Trace-Id`, of the environment variable `_X_AMZN_TRACE_ID`, or of
    /// the SQS attribute `AWSTraceHeader`. Names are read without case; of a name given twice the
    /// last valid one counts.
    pub fn parse(text: &str) -> Self {
        let mut header = Self::default();
        for part in text.split(';') {
            let part = part.trim_ascii();
            if let Some((key, value)) = part.split_once('=') {
                header.take(key.trim_ascii(), value.trim_ascii());
            }
        }
        header
    }

    fn take(&mut self, key: &str, value: &str) {
        if key.eq_ignore_ascii_case("root") {
            self.root = TraceId::parse_bytes(value.as_bytes()).or(self.root);
        } else if key.eq_ignore_ascii_case("parent") {
            self.take_parent(value);
        } else if key.eq_ignore_ascii_case("sampled") {
            self.sampled = match value {
                "1" => Sampled::Yes,
                "0" => Sampled::No,
                "?" => Sampled::Ask,
                _ => self.sampled,
            };
        } else if !key.eq_ignore_ascii_case("self") {
            self.take_extra(key, value);
        }
    }

    fn take_parent(&mut self, value: &str) {
        if let Some(id) = SegmentId::parse_bytes(value.as_bytes()) {
            (self.parent, self.foreign_parent) = (Some(id), None);
        } else if self.parent.is_none() && is_forwardable(value, MAX_FOREIGN_PARENT_BYTES) {
            self.foreign_parent = Some(value.to_owned());
        }
    }

    fn take_extra(&mut self, key: &str, value: &str) {
        let bytes = self.extra.len() + usize::from(!self.extra.is_empty());
        let room = MAX_EXTRA_BYTES.saturating_sub(bytes + 1 + value.len());
        if !is_forwardable(key, room) || !(value.is_empty() || is_forwardable(value, value.len())) {
            return;
        }
        if !self.extra.is_empty() {
            self.extra.push(';');
        }
        self.extra.push_str(key);
        self.extra.push('=');
        self.extra.push_str(value);
    }

    /// The parts of other names, as pairs.
    pub fn extra_parts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.extra.split(';').filter_map(|part| part.split_once('='))
    }

    /// The header for a call made under `parent`, in the trace `root`: our own ids and decision,
    /// and everything that others gave us to pass on.
    pub fn for_child(&self, root: TraceId, parent: SegmentId, sampled: Sampled) -> Self {
        Self {
            root: Some(root),
            parent: Some(parent),
            foreign_parent: None,
            sampled,
            extra: self.extra.clone(),
        }
    }

    /// The header of the answer, if the caller asked for the decision: `Root=…;Sampled=0` or `1`.
    ///
    /// ```
    /// use xray_tracing::{Sampled, TraceHeader};
    /// let asked = TraceHeader::parse("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?");
    /// let root = asked.root.unwrap();
    /// assert_eq!(
    ///     asked.response(root, Sampled::No).unwrap().to_string(),
    ///     "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
    /// );
    /// assert_eq!(TraceHeader::parse("Sampled=1").response(root, Sampled::Yes), None);
    /// ```
    pub fn response(&self, root: TraceId, sampled: Sampled) -> Option<Self> {
        (self.sampled == Sampled::Ask).then(|| Self {
            root: Some(root),
            sampled,
            ..Self::default()
        })
    }

    /// Reads W3C `traceparent`; `None` if it is not valid, as the standard says. Versions above 00
    /// are read as far as 00 goes.
    ///
    /// ```
    /// use xray_tracing::{Sampled, TraceHeader};
    /// let text = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
    /// let header = TraceHeader::from_traceparent(text).unwrap();
    /// assert_eq!(header.sampled, Sampled::Yes);
    /// assert_eq!(header.root.unwrap().to_string(), "1-5759e988-bd862e3fe1be46a994272793");
    /// assert_eq!(header.traceparent().unwrap(), text);
    /// ```
    pub fn from_traceparent(text: &str) -> Option<Self> {
        let text = text.trim_ascii().as_bytes();
        let (known, rest) = text.split_at_checked(TRACEPARENT_LEN)?;
        let (version, ids, flags) = (known.get(..2)?, known.get(3..52)?, known.get(53..)?);
        let future = version != b"00";
        let dashes = [2, 35, 52].iter().all(|at| known.get(*at) == Some(&b'-'));
        let ends = rest.is_empty() || (future && rest.first() == Some(&b'-'));
        if !dashes || !ends || version == b"ff" || !is_lower_hex(version) || !is_lower_hex(flags) {
            return None;
        }
        let (trace, parent) = (ids.get(..32)?, ids.get(33..)?);
        if !is_lower_hex(trace) || !is_lower_hex(parent) {
            return None;
        }
        let trace = u128::from_str_radix(std::str::from_utf8(trace).ok()?, 16).ok()?;
        let parent = SegmentId::parse_bytes(parent)?;
        let flags = u8::from_str_radix(std::str::from_utf8(flags).ok()?, 16).ok()?;
        (trace != 0 && parent.to_u64() != 0).then(|| Self {
            root: Some(TraceId::from_bytes(trace.to_be_bytes())),
            parent: Some(parent),
            sampled: Sampled::from(flags & 1 == 1),
            ..Self::default()
        })
    }

    /// The same as W3C `traceparent`; `None` without trace or parent. What is not decided is sent
    /// as not sampled: the standard has no third value.
    pub fn traceparent(&self) -> Option<String> {
        let trace = u128::from_be_bytes(self.root?.to_bytes());
        let parent = self.parent?;
        let flags = u8::from(self.sampled == Sampled::Yes);
        (trace != 0 && parent.to_u64() != 0)
            .then(|| format!("00-{trace:032x}-{parent}-{flags:02x}"))
    }
}

/// The value of `X-Amzn-Trace-Id`. Without trace, parent, decision and extra parts it is empty.
impl fmt::Display for TraceHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut part = |key: &str, value: &str| {
            f.write_str(separator)?;
            separator = ";";
            f.write_str(key)?;
            f.write_str(value)
        };
        if let Some(root) = self.root {
            part("Root=", ascii(&root.encode()))?;
        }
        if let Some(parent) = self.parent {
            part("Parent=", ascii(&parent.encode()))?;
        } else if let Some(parent) = &self.foreign_parent {
            part("Parent=", parent)?;
        }
        match self.sampled {
            Sampled::Yes => part("Sampled=", "1")?,
            Sampled::No => part("Sampled=", "0")?,
            Sampled::Ask => part("Sampled=", "?")?,
            Sampled::Unknown => {}
        }
        if self.extra.is_empty() { Ok(()) } else { part("", &self.extra) }
    }
}

fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}

/// Text that can stand in any header: some printable ASCII, at most `max_bytes`.
fn is_forwardable(text: &str, max_bytes: usize) -> bool {
    (1..=max_bytes).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn is_lower_hex(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

    /// Header text; then root, parent, sampled and extra parts that it says.
    type Case<'a> = (&'a str, Option<&'a str>, Option<&'a str>, Option<&'a str>, &'a str);

    /// Sources: developer guide; X-Ray SDK for Go, header tests; load balancers; Lambda.
    const CASES: [Case<'static>; 14] = [
        (
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            Some(ROOT),
            Some("53995c3f42cd8ad8"),
            Some("1"),
            "",
        ),
        (
            "Sampled=?; Root=1-5759e988-bd862e3fe1be46a994272793; Parent=foo; Self=2; Foo=bar",
            Some(ROOT),
            Some("foo"),
            Some("?"),
            "Foo=bar",
        ),
        ("Sampled=1", None, None, Some("1"), ""),
        ("Root=1-5759e988-bd862e3fe1be46a994272793", Some(ROOT), None, None, ""),
        (
            "Self=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a994272793",
            Some(ROOT),
            None,
            None,
            "",
        ),
        (
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;\
             Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2",
            Some(ROOT),
            Some("53995c3f42cd8ad8"),
            Some("1"),
            "Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2",
        ),
        ("", None, None, None, ""),
        ("garbage", None, None, None, ""),
        // Names without case; the last valid value counts; a value may hold `=`.
        (
            "ROOT=1-5759E988-BD862E3FE1BE46A994272793;root=bad;sampled=0;SAMPLED=yes;a=b=c;;=;=x",
            Some(ROOT),
            None,
            Some("0"),
            "a=b=c",
        ),
        // Wrong version, wrong lengths, not hex.
        ("Root=2-5759e988-bd862e3fe1be46a994272793", None, None, None, ""),
        ("Root=1-5759e98-bd862e3fe1be46a994272793", None, None, None, ""),
        ("Root=1-5759e988-bd862e3fe1be46a99427279z;Sampled=", None, None, None, ""),
        ("Parent=foo;Parent=53995c3f42cd8ad8;Parent=bar", None, Some("53995c3f42cd8ad8"), None, ""),
        ("Evil=a\r\nb;Umlaut=\u{e4};Empty=", None, None, None, "Empty="),
    ];

    fn assert_says((text, root, parent, sampled, extra): Case<'_>) {
        let header = TraceHeader::parse(text);
        let sampled_text = match header.sampled {
            Sampled::Yes => Some("1"),
            Sampled::No => Some("0"),
            Sampled::Ask => Some("?"),
            Sampled::Unknown => None,
        };
        let parent_text = header.parent.map(|id| id.to_string()).or(header.foreign_parent.clone());
        assert_eq!(header.root.map(|id| id.to_string()).as_deref(), root, "{text}");
        assert_eq!(parent_text.as_deref(), parent, "{text}");
        assert_eq!(sampled_text, sampled, "{text}");
        assert_eq!(header.extra, extra, "{text}");
        assert_eq!(TraceHeader::parse(&header.to_string()), header, "{text}");
    }

    #[test]
    fn headers_say_what_the_sdks_read_in_them() {
        for case in CASES {
            assert_says(case);
        }
    }

    #[test]
    fn headers_of_the_vectors_say_what_is_listed() {
        let Ok(vectors) = std::env::var("XRAY_VECTORS") else { return };
        let path = std::path::Path::new(&vectors).join("wildcards_and_headers.json");
        let vectors: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let cases = vectors["trace_header"].as_array().unwrap();
        assert!(cases.len() >= 8);
        for case in cases {
            let extra: Vec<String> = case["extra"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap()))
                .collect();
            let text = |key: &str| case[key].as_str();
            let (root, parent, sampled) = (text("root"), text("parent"), text("sampled"));
            assert_says((text("in").unwrap(), root, parent, sampled, &extra.join(";")));
        }
    }

    #[test]
    fn parts_are_written_in_order_and_self_never() {
        let text = "Self=1;Extra=x;Sampled=?;Parent=53995c3f42cd8ad8;\
                    Root=1-5759e988-bd862e3fe1be46a994272793";
        assert_eq!(
            TraceHeader::parse(text).to_string(),
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=?;Extra=x"
        );
    }

    #[test]
    fn a_call_gets_our_ids_and_decision_and_the_parts_to_pass_on() {
        let incoming = TraceHeader::parse("Sampled=?;Parent=foo;Lineage=1:2;Self=3");
        let outgoing =
            incoming.for_child(ROOT.parse().unwrap(), SegmentId::from_u64(7), false.into());
        assert_eq!(
            outgoing.to_string(),
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0000000000000007;Sampled=0;Lineage=1:2"
        );
    }

    #[test]
    fn only_a_caller_who_asked_is_answered() {
        let root: TraceId = ROOT.parse().unwrap();
        let answer = |text| TraceHeader::parse(text).response(root, Sampled::Yes);
        assert_eq!(
            answer("Sampled=?;Lineage=1:2").unwrap().to_string(),
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
        );
        for text in ["", "Sampled=0", "Sampled=1", "Root=1-5759e988-bd862e3fe1be46a994272793"] {
            assert_eq!(answer(text), None, "{text}");
        }
    }

    #[test]
    fn no_more_than_256_bytes_of_other_parts_are_passed_on() {
        let fits = format!("A={};B={}", "x".repeat(100), "y".repeat(151));
        assert_eq!(fits.len(), 256);
        assert_eq!(TraceHeader::parse(&format!("{fits};C=")).extra, fits);
        let over = format!("A={};B={};C=1", "x".repeat(100), "y".repeat(152));
        assert_eq!(TraceHeader::parse(&over).extra, format!("A={};C=1", "x".repeat(100)));
        let parent = format!("Parent={}", "z".repeat(65));
        assert_eq!(TraceHeader::parse(&parent), TraceHeader::default());
    }

    #[test]
    fn traceparent_is_read_as_the_standard_says() {
        let read = TraceHeader::from_traceparent;
        let id = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
        assert_eq!(read(&format!("00-{id}-00")).unwrap().sampled, Sampled::No);
        assert_eq!(read(&format!("00-{id}-03")).unwrap().sampled, Sampled::Yes);
        assert_eq!(read(&format!("cc-{id}-01-what-comes")).unwrap().sampled, Sampled::Yes);
        let refused = [
            String::new(),
            format!("ff-{id}-01"),
            format!("00-{id}-01-more"),
            format!("cc-{id}-01more"),
            format!("00-{id}-0"),
            format!("00-{id}-0x"),
            format!("00_{id}-01"),
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01".into(),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01".into(),
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01".into(),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333\u{e4}-1".into(),
        ];
        for text in refused {
            assert_eq!(read(&text), None, "{text}");
        }
    }

    #[test]
    fn traceparent_needs_trace_and_parent() {
        let header = TraceHeader::parse("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
        assert_eq!(header.traceparent(), None);
        let header = TraceHeader { parent: Some(SegmentId::from_u64(1)), ..header };
        assert_eq!(
            header.traceparent().unwrap(),
            "00-5759e988bd862e3fe1be46a994272793-0000000000000001-01"
        );
    }

    fn any_header() -> impl Strategy<Value = TraceHeader> {
        let sampled =
            prop::sample::select(&[Sampled::Yes, Sampled::No, Sampled::Ask, Sampled::Unknown][..]);
        let ids = (prop::option::of(any::<[u8; 16]>()), prop::option::of(any::<u64>()));
        (ids, sampled, "([A-D]{1,5}=[!-:<-~]{0,20}(;[E-H]{1,5}=[!-:<-~]{1,20}){0,4})?").prop_map(
            |((root, parent), sampled, extra)| TraceHeader {
                root: root.map(TraceId::from_bytes),
                parent: parent.map(SegmentId::from_u64),
                foreign_parent: None,
                sampled,
                extra,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(header in any_header()) {
            prop_assert_eq!(TraceHeader::parse(&header.to_string()), header);
        }

        #[test]
        fn any_text_is_read_and_what_it_gives_is_stable_and_printable(text in any::<String>()) {
            let header = TraceHeader::parse(&text);
            let written = header.to_string();
            prop_assert!(written.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(TraceHeader::parse(&written), header);
        }

        #[test]
        fn near_misses_of_traceparent_never_panic(text in "[0-9a-f]{2}-[0-9a-fA-F]{30,34}-[0-9a-f]{15,17}-[0-9a-f\u{e4}]{1,3}") {
            if let Some(header) = TraceHeader::from_traceparent(&text) {
                prop_assert!(header.root.is_some() && header.parent.is_some());
            }
        }

        #[test]
        fn traceparent_reads_back(header in any_header()) {
            if let Some(text) = header.traceparent() {
                let read = TraceHeader::from_traceparent(&text).unwrap();
                prop_assert_eq!((read.root, read.parent), (header.root, header.parent));
                prop_assert_eq!(read.sampled == Sampled::Yes, header.sampled == Sampled::Yes);
            }
        }
    }
}
