//! Trace ids and segment ids as types that only hold valid values.
//!
//! In: random bytes, or the text forms. Out: the text forms, without allocation. Owns nothing.
//! Rule: X-Ray developer guide, "Segment documents", fields `trace_id` and `id`.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Length of a trace id as text, in bytes: `1-` + 8 + `-` + 24.
const TRACE_ID_LEN: usize = 35;
/// Length of a segment id as text, in bytes.
const SEGMENT_ID_LEN: usize = 16;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Not `1-` + 8 hex digits + `-` + 24 hex digits.
    #[error("trace id {0:?} is not valid; it is 1-, 8 hex digits, -, 24 hex digits")]
    Trace(String),
    /// Not 16 hex digits.
    #[error("segment id {0:?} is not valid; it is 16 hex digits")]
    Segment(String),
}

/// `1-` + 8 hex digits of epoch seconds + `-` + 24 random ones.
///
/// ```
/// use xray_tracing::TraceId;
/// let id: TraceId = "1-5f29ab21-d4ebf299219a65bd5c31d6da".parse()?;
/// assert_eq!(id.epoch_s(), 0x5f29_ab21);
/// assert_eq!(id.to_string(), "1-5f29ab21-d4ebf299219a65bd5c31d6da");
/// # Ok::<(), xray_tracing::IdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId {
    epoch_s: u32,
    unique: [u8; 12],
}

impl TraceId {
    /// A new id of now, its unique part from a cryptographically secure generator.
    pub fn random() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // The field is 32 bits wide until 2106.
        Self { epoch_s: now.as_secs() as u32, unique: rand::random() }
    }

    /// The 16 bytes of a W3C trace id (or an OpenTelemetry one), read as X-Ray does.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let (epoch, unique) = bytes.split_at(4);
        let mut id = Self { epoch_s: 0, unique: [0; 12] };
        id.epoch_s = epoch.iter().fold(0, |seconds, byte| seconds << 8 | u32::from(*byte));
        id.unique.copy_from_slice(unique);
        id
    }

    /// The id as the 16 bytes of a W3C trace id.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let (epoch, unique) = bytes.split_at_mut(4);
        epoch.copy_from_slice(&self.epoch_s.to_be_bytes());
        unique.copy_from_slice(&self.unique);
        bytes
    }

    /// Seconds since 1970 that the id carries. For ids made from W3C ones this is random.
    pub fn epoch_s(self) -> u32 {
        self.epoch_s
    }

    /// The text form in a buffer on the stack.
    pub fn encode(self) -> [u8; TRACE_ID_LEN] {
        let mut text = [b'-'; TRACE_ID_LEN];
        text[0] = b'1';
        write_hex(&self.epoch_s.to_be_bytes(), &mut text[2..10]);
        write_hex(&self.unique, &mut text[11..]);
        text
    }

    /// Reads the text form; upper-case digits are accepted, as the service does.
    pub fn parse_bytes(text: &[u8]) -> Option<Self> {
        let text: &[u8; TRACE_ID_LEN] = text.try_into().ok()?;
        if text[0] != b'1' || text[1] != b'-' || text[10] != b'-' {
            return None;
        }
        let epoch = read_hex::<4>(&text[2..10])?;
        Some(Self { epoch_s: u32::from_be_bytes(epoch), unique: read_hex(&text[11..])? })
    }
}

impl FromStr for TraceId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse_bytes(text.as_bytes()).ok_or_else(|| IdError::Trace(excerpt(text)))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ascii(&self.encode(), f)
    }
}

/// 16 hex digits: the id of a segment or subsegment, unique within its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId(u64);

impl SegmentId {
    /// A new id from a fast generator; never zero, which other tracers read as "none".
    pub fn random() -> Self {
        Self(fastrand::u64(1..))
    }

    /// The id of these 64 bits.
    pub fn from_u64(bits: u64) -> Self {
        Self(bits)
    }

    /// The id as 64 bits.
    pub fn to_u64(self) -> u64 {
        self.0
    }

    /// The text form in a buffer on the stack.
    pub fn encode(self) -> [u8; SEGMENT_ID_LEN] {
        let mut text = [0; SEGMENT_ID_LEN];
        write_hex(&self.0.to_be_bytes(), &mut text);
        text
    }

    /// Reads the text form; upper-case digits are accepted.
    pub fn parse_bytes(text: &[u8]) -> Option<Self> {
        if text.len() != SEGMENT_ID_LEN {
            return None;
        }
        read_hex(text).map(u64::from_be_bytes).map(Self)
    }
}

impl FromStr for SegmentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse_bytes(text.as_bytes()).ok_or_else(|| IdError::Segment(excerpt(text)))
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ascii(&self.encode(), f)
    }
}

/// The start of a text that may be long and hostile, for an error message.
fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}

fn write_hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

fn read_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_digit(text: u8) -> Option<u8> {
    match text {
        b'0'..=b'9' => Some(text - b'0'),
        b'a'..=b'f' => Some(text - b'a' + 10),
        b'A'..=b'F' => Some(text - b'A' + 10),
        _ => None,
    }
}

fn write_ascii(text: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.pad(std::str::from_utf8(text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_text_and_bytes() {
        for _ in 0..64 {
            let (trace, segment) = (TraceId::random(), SegmentId::random());
            assert_eq!(trace.to_string().parse(), Ok(trace));
            assert_eq!(TraceId::from_bytes(trace.to_bytes()), trace);
            assert_eq!(segment.to_string().parse(), Ok(segment));
        }
    }

    #[test]
    fn text_that_is_not_an_id_is_named_in_the_error() {
        for text in
            ["", "1-5f29ab21-d4ebf299219a65bd5c31d6d", "2-5f29ab21-d4ebf299219a65bd5c31d6da"]
        {
            assert_eq!(text.parse::<TraceId>(), Err(IdError::Trace(text.into())));
        }
        assert_eq!(
            "5f29ab2z21d4ebf2".parse::<SegmentId>(),
            Err(IdError::Segment("5f29ab2z21d4ebf2".into()))
        );
    }

    #[test]
    fn upper_case_digits_are_read() {
        let id: TraceId = "1-5F29AB21-D4EBF299219A65BD5C31D6DA".parse().unwrap();
        assert_eq!(id.to_string(), "1-5f29ab21-d4ebf299219a65bd5c31d6da");
    }
}
