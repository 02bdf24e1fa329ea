//! Copies documents out of the receive buffer: the one copy that the daemon makes.
//!
//! In: documents of one receive call. Out: segments that share a chunk of memory as large as they
//! are. Owns the chunk being filled. Every chunk adds itself to the gauge of held bytes and leaves
//! it when the last segment of it is gone, wherever that happens. Hot path: no allocation for a
//! document, one for a chunk and one for its reference count.

use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::segment::Segment;

/// Bytes from which on the next document opens another chunk. Small chunks let go early; one that
/// holds a batch of usual documents costs two allocations for fifty of them.
const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes that a document takes beside its text: its entries in the queues.
pub(super) const ENTRY_BYTES: usize = 2 * size_of::<Segment>();

/// A filled chunk; dropped with its last document.
#[derive(Debug)]
struct Chunk {
    bytes: Vec<u8>,
    charge_bytes: usize,
    held_bytes: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.held_bytes.fetch_sub(self.charge_bytes, Ordering::Relaxed);
    }
}

/// The bytes of an OTLP request as a chunk, without a copy of what is in it. It counts from now on,
/// and so do the entries of its spans and of what they share.
#[cfg(feature = "otlp-in")]
pub(crate) fn charged(mut bytes: Vec<u8>, entries: usize, held_bytes: &Arc<AtomicUsize>) -> Bytes {
    // Unpacking leaves up to half of it empty, which would be held as long as the last span.
    if bytes.capacity() - bytes.len() > bytes.len() / 8 {
        bytes.shrink_to_fit();
    }
    let charge_bytes = bytes.capacity() + entries * ENTRY_BYTES;
    held_bytes.fetch_add(charge_bytes, Ordering::Relaxed);
    Bytes::from_owner(Chunk { bytes, charge_bytes, held_bytes: Arc::clone(held_bytes) })
}

/// Fills chunks.
#[derive(Debug)]
pub(crate) struct ChunkFiller {
    held_bytes: Arc<AtomicUsize>,
    filling: Vec<u8>,
    /// Where each document of `filling` ends, and who sent it.
    documents: Vec<(usize, SocketAddr)>,
}

impl ChunkFiller {
    /// Fills chunks that count in `held_bytes`.
    pub(crate) fn new(held_bytes: Arc<AtomicUsize>) -> Self {
        Self { held_bytes, filling: Vec::new(), documents: Vec::new() }
    }

    /// Copies `document`; `to_come_bytes` is it and what follows in this receive call, so that
    /// a chunk is as large as what goes into it. Full chunks become `segments`.
    pub(crate) fn copy_in(
        &mut self,
        document: &[u8],
        sender: SocketAddr,
        to_come_bytes: usize,
        segments: &mut Vec<Segment>,
    ) {
        if !self.filling.is_empty() && self.filling.len() + document.len() > CHUNK_BYTES {
            self.finish(segments);
        }
        if self.filling.capacity() == 0 {
            let most = to_come_bytes.min(CHUNK_BYTES.max(document.len()));
            self.filling.reserve_exact(most);
        }
        self.filling.extend_from_slice(document);
        self.documents.push((self.filling.len(), sender));
    }

    /// Turns what was copied into `segments`.
    pub(crate) fn finish(&mut self, segments: &mut Vec<Segment>) {
        if self.documents.is_empty() {
            return;
        }
        let bytes = mem::take(&mut self.filling);
        let charge_bytes = bytes.capacity() + self.documents.len() * ENTRY_BYTES;
        self.held_bytes.fetch_add(charge_bytes, Ordering::Relaxed);
        let held_bytes = Arc::clone(&self.held_bytes);
        let chunk = Bytes::from_owner(Chunk { bytes, charge_bytes, held_bytes });
        let mut start = 0;
        segments.extend(self.documents.drain(..).map(|(end, sender)| {
            let document = chunk.slice(start..end);
            start = end;
            Segment::new(document, Some(sender))
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(documents: &[&[u8]]) -> (Vec<Segment>, Arc<AtomicUsize>) {
        let held = Arc::new(AtomicUsize::new(0));
        let mut filler = ChunkFiller::new(Arc::clone(&held));
        let mut segments = Vec::new();
        let mut to_come: usize = documents.iter().map(|document| document.len()).sum();
        for document in documents {
            filler.copy_in(document, ([127, 0, 0, 1], 9).into(), to_come, &mut segments);
            to_come -= document.len();
        }
        filler.finish(&mut segments);
        (segments, held)
    }

    #[test]
    fn documents_of_one_call_come_out_as_they_went_in() {
        let (segments, _) = fill(&[b"{}", b"{\"a\":1}", b"x"]);
        let texts: Vec<_> = segments.iter().map(|segment| &segment.document()[..]).collect();
        assert_eq!(texts, [b"{}".as_slice(), b"{\"a\":1}", b"x"]);
    }

    #[test]
    fn a_chunk_is_held_until_its_last_document_is_gone() {
        let (mut segments, held) = fill(&[b"12345", b"678"]);
        assert_eq!(held.load(Ordering::Relaxed), 8 + 2 * ENTRY_BYTES);
        let copy = segments.remove(0).clone();
        drop(segments);
        assert_eq!(held.load(Ordering::Relaxed), 8 + 2 * ENTRY_BYTES);
        drop(copy);
        assert_eq!(held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn large_documents_do_not_pin_each_other() {
        let large = vec![b'x'; 40_000];
        let (mut segments, held) = fill(&[&large, &large, b"small"]);
        assert_eq!(segments.len(), 3);
        segments.remove(0);
        assert_eq!(held.load(Ordering::Relaxed), 40_005 + 2 * ENTRY_BYTES);
    }
}
