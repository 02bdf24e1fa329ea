//! Headers, blocks and records as bytes; the folder's paper draws them.
//!
//! In: segments, or bytes of a disk that may say anything. Out: bytes, or segments. Owns the
//! layout. No I/O.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::otlp::SpanContext;
use crate::segment::{Payload, Segment};

pub(super) const FILE_HEADER_BYTES: usize = 32;
pub(super) const BLOCK_HEADER_BYTES: usize = 40;
/// Stands at the start of each block.
pub(super) const BLOCK_MAGIC: &[u8; 4] = b"XBK1";
/// The last byte is the version.
const FILE_MAGIC: &[u8; 8] = b"XRSPOOL1";
/// Largest block that is read: a batch is 1 MiB, a single document may be larger.
const MAX_PAYLOAD_BYTES: u32 = 64 << 20;
/// A segment document, or whatever came in a datagram.
const KIND_DOCUMENT: u8 = 0;
/// A span in protobuf; its context stands before it.
const KIND_SPAN: u8 = 1;
/// A span that shares the context of the one before it.
const KIND_SPAN_SAME: u8 = 2;

/// What stands before a block's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHeader {
    /// Number of the first segment.
    pub(super) first: u64,
    pub(super) segments: u32,
    pub(super) payload_bytes: u32,
    /// When it was written, in milliseconds of the epoch.
    pub(super) written_ms: u64,
    payload_crc: u32,
}

impl BlockHeader {
    /// The numbers of its segments.
    pub(super) fn numbers(&self) -> Range<u64> {
        self.first..self.first.saturating_add(u64::from(self.segments))
    }

    /// Bytes of the whole block.
    pub(super) fn block_bytes(&self) -> u64 {
        BLOCK_HEADER_BYTES as u64 + u64::from(self.payload_bytes)
    }

    /// Reads a header, if its checksum holds and its numbers can be.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..BLOCK_HEADER_BYTES)?;
        if bytes.get(..4)? != BLOCK_MAGIC || u32_at(bytes, 4)? != crc32fast::hash(bytes.get(8..)?) {
            return None;
        }
        let header = Self {
            first: u64_at(bytes, 8)?,
            segments: u32_at(bytes, 16)?,
            payload_bytes: u32_at(bytes, 20)?,
            written_ms: u64_at(bytes, 24)?,
            payload_crc: u32_at(bytes, 32)?,
        };
        let sound = header.segments > 0 && header.payload_bytes <= MAX_PAYLOAD_BYTES;
        sound.then_some(header)
    }

    fn encode(&self) -> [u8; BLOCK_HEADER_BYTES] {
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        put(&mut bytes, 0, BLOCK_MAGIC);
        put(&mut bytes, 8, &self.first.to_le_bytes());
        put(&mut bytes, 16, &self.segments.to_le_bytes());
        put(&mut bytes, 20, &self.payload_bytes.to_le_bytes());
        put(&mut bytes, 24, &self.written_ms.to_le_bytes());
        put(&mut bytes, 32, &self.payload_crc.to_le_bytes());
        let crc = crc32fast::hash(bytes.get(8..).unwrap_or_default());
        put(&mut bytes, 4, &crc.to_le_bytes());
        bytes
    }

    /// Whether `payload` is what was written.
    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        payload.len() == self.payload_bytes as usize && crc32fast::hash(payload) == self.payload_crc
    }
}

/// The header of a file whose first segment has number `first`.
pub(super) fn file_header(first: u64, created_ms: u64) -> [u8; FILE_HEADER_BYTES] {
    let mut bytes = [0; FILE_HEADER_BYTES];
    put(&mut bytes, 0, FILE_MAGIC);
    put(&mut bytes, 8, &first.to_le_bytes());
    put(&mut bytes, 16, &created_ms.to_le_bytes());
    let crc = crc32fast::hash(bytes.get(..28).unwrap_or_default());
    put(&mut bytes, 28, &crc.to_le_bytes());
    bytes
}

/// A whole block. `None`: more than a block can hold.
pub(super) fn block(first: u64, written_ms: u64, segments: &[Segment]) -> Option<Vec<u8>> {
    let bytes: usize = segments.iter().map(|segment| segment.size_bytes() + 24).sum();
    let mut block = Vec::with_capacity(BLOCK_HEADER_BYTES + bytes);
    block.resize(BLOCK_HEADER_BYTES, 0);
    let mut context = None;
    for segment in segments {
        record(&mut block, segment, &mut context)?;
    }
    let payload = block.get(BLOCK_HEADER_BYTES..)?;
    let header = BlockHeader {
        first,
        segments: u32::try_from(segments.len()).ok()?,
        payload_bytes: u32::try_from(payload.len()).ok().filter(|it| *it <= MAX_PAYLOAD_BYTES)?,
        written_ms,
        payload_crc: crc32fast::hash(payload),
    };
    put(&mut block, 0, &header.encode());
    Some(block)
}

fn record<'a>(
    block: &mut Vec<u8>,
    segment: &'a Segment,
    last: &mut Option<&'a Arc<SpanContext>>,
) -> Option<()> {
    let (kind, context) = match segment.payload() {
        Payload::Document(_) => (KIND_DOCUMENT, None),
        Payload::Span(_, context) if last.is_some_and(|last| last == context) => {
            (KIND_SPAN_SAME, None)
        }
        Payload::Span(_, context) => (KIND_SPAN, Some(context)),
    };
    block.push(kind);
    let sender = segment.sender();
    block.push(sender.map_or(0, |sender| if sender.is_ipv4() { 4 } else { 6 }));
    block.extend_from_slice(&sender.map_or(0, |sender| sender.port()).to_le_bytes());
    match sender.map(|sender| sender.ip()) {
        Some(IpAddr::V4(address)) => block.extend_from_slice(&address.octets()),
        Some(IpAddr::V6(address)) => block.extend_from_slice(&address.octets()),
        None => {}
    }
    if let Some(context) = context {
        for part in parts(context) {
            text(block, part)?;
        }
        *last = Some(context);
    }
    text(block, segment.document())
}

fn parts(context: &SpanContext) -> [&Bytes; 4] {
    let SpanContext { resource, resource_schema_url, scope, scope_schema_url } = context;
    [resource, resource_schema_url, scope, scope_schema_url]
}

fn text(block: &mut Vec<u8>, text: &[u8]) -> Option<()> {
    block.extend_from_slice(&u32::try_from(text.len()).ok()?.to_le_bytes());
    block.extend_from_slice(text);
    Some(())
}

/// The segments of a block's records; each is a range of `payload`.
pub(super) fn segments(payload: &Bytes, count: u32) -> Option<Vec<Segment>> {
    let mut segments = Vec::with_capacity((count as usize).min(payload.len()));
    let mut reader = Reader { payload, at: 0 };
    let mut context = None;
    for _ in 0..count {
        segments.push(reader.record(&mut context)?);
    }
    (reader.at == payload.len()).then_some(segments)
}

/// Reads records one after another.
struct Reader<'a> {
    payload: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    fn record(&mut self, context: &mut Option<Arc<SpanContext>>) -> Option<Segment> {
        let [kind, family] = self.take()?;
        let port = u16::from_le_bytes(self.take()?);
        let address: Option<IpAddr> = match family {
            0 => None,
            4 => Some(self.take::<4>()?.into()),
            6 => Some(self.take::<16>()?.into()),
            _ => return None,
        };
        let sender = address.map(|address| SocketAddr::new(address, port));
        match kind {
            KIND_DOCUMENT => return Some(Segment::new(self.text()?, sender)),
            KIND_SPAN => *context = Some(Arc::new(self.context()?)),
            KIND_SPAN_SAME => {}
            _ => return None,
        }
        let context = context.as_ref().map(Arc::clone)?;
        Some(Segment::of_span(self.text()?, context, sender))
    }

    fn context(&mut self) -> Option<SpanContext> {
        Some(SpanContext {
            resource: self.text()?,
            resource_schema_url: self.text()?,
            scope: self.text()?,
            scope_schema_url: self.text()?,
        })
    }

    fn text(&mut self) -> Option<Bytes> {
        let length = u32::from_le_bytes(self.take()?) as usize;
        let end = self.at.checked_add(length)?;
        self.payload.get(self.at..end)?;
        let text = self.payload.slice(self.at..end);
        self.at = end;
        Some(text)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = array(self.payload, self.at)?;
        self.at += N;
        Some(bytes)
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn some() -> Vec<Segment> {
        vec![
            Segment::new(Bytes::from_static(b"{\"id\":\"a\"}"), Some(([10, 0, 3, 17], 9).into())),
            Segment::new(Bytes::from_static(b""), None),
            Segment::new(Bytes::from_static(b"\xff\n"), Some("[2001:db8::1]:70".parse().unwrap())),
        ]
    }

    fn texts(segments: &[Segment]) -> Vec<(Bytes, Option<SocketAddr>)> {
        segments.iter().map(|it| (it.document().clone(), it.sender())).collect()
    }

    fn context(segment: &Segment) -> Option<&SpanContext> {
        match segment.payload() {
            Payload::Document(_) => None,
            Payload::Span(_, context) => Some(context),
        }
    }

    #[test]
    fn spans_come_back_with_what_they_share() {
        let shop = Arc::new(SpanContext {
            resource: Bytes::from_static(b"shop"),
            scope: Bytes::from_static(b"axum"),
            ..SpanContext::default()
        });
        let other = Arc::new(SpanContext::default());
        let span = |text: &'static str, context: &Arc<SpanContext>| {
            Segment::of_span(Bytes::from_static(text.as_bytes()), Arc::clone(context), None)
        };
        let document = Segment::new(Bytes::from_static(b"{}"), None);
        let written =
            vec![span("a", &shop), document, span("b", &shop), span("c", &other), span("d", &shop)];
        let block = Bytes::from(block(1, 1, &written).unwrap());
        let found = segments(&block.slice(BLOCK_HEADER_BYTES..), 5).unwrap();
        assert_eq!(texts(&found), texts(&written));
        assert_eq!(
            found.iter().map(context).collect::<Vec<_>>(),
            written.iter().map(context).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_block_comes_back_as_it_was_written() {
        let block = block(7, 1_000, &some()).unwrap();
        let header = BlockHeader::decode(&block).unwrap();
        assert_eq!((header.numbers(), header.written_ms), (7..10, 1_000));
        assert_eq!(header.block_bytes(), block.len() as u64);
        let payload = Bytes::from(block).slice(BLOCK_HEADER_BYTES..);
        assert!(header.fits(&payload));
        assert_eq!(texts(&segments(&payload, 3).unwrap()), texts(&some()));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let whole = block(7, 1_000, &some()).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let header = BlockHeader::decode(&changed);
            let sound = header.is_some_and(|header| header.fits(&changed[BLOCK_HEADER_BYTES..]));
            assert!(!sound, "byte {at}");
        }
    }

    #[test]
    fn a_cut_block_is_noticed() {
        let whole = block(1, 1, &some()).unwrap();
        let header = BlockHeader::decode(&whole).unwrap();
        assert!(!header.fits(&whole[BLOCK_HEADER_BYTES..whole.len() - 1]));
        assert!(BlockHeader::decode(&whole[..BLOCK_HEADER_BYTES - 1]).is_none());
    }

    proptest! {
        #[test]
        fn any_payload_is_survived(bytes: Vec<u8>, count: u32) {
            let payload = Bytes::from(bytes);
            if let Some(found) = segments(&payload, count) {
                prop_assert_eq!(found.len(), count as usize);
            }
        }
    }
}
