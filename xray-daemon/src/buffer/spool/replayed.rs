//! A block that was read back: memory like a chunk of intake, that tells the spool of its end.
//!
//! In: the payload of a block. Out: bytes that segments are ranges of. Owns the payload and its part
//! of the held memory. When the last segment of it is gone (sent, refused, dropped or written anew),
//! the block is settled.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::handle::SpoolHandle;
use crate::buffer::chunk::ENTRY_BYTES;

struct Replayed {
    payload: Vec<u8>,
    charge_bytes: usize,
    held_bytes: Arc<AtomicUsize>,
    spool: SpoolHandle,
    /// Place of the backend's log.
    log: usize,
    numbers: Range<u64>,
}

/// Bytes of a block of `numbers`, counted in `held_bytes`.
pub(super) fn payload(
    payload: Vec<u8>,
    held_bytes: &Arc<AtomicUsize>,
    spool: &SpoolHandle,
    log: usize,
    numbers: Range<u64>,
) -> Bytes {
    let segments = usize::try_from(numbers.end - numbers.start).unwrap_or_default();
    let charge_bytes = payload.capacity() + segments * ENTRY_BYTES;
    held_bytes.fetch_add(charge_bytes, Ordering::Relaxed);
    let (held_bytes, spool) = (Arc::clone(held_bytes), spool.clone());
    Bytes::from_owner(Replayed { payload, charge_bytes, held_bytes, spool, log, numbers })
}

impl AsRef<[u8]> for Replayed {
    fn as_ref(&self) -> &[u8] {
        &self.payload
    }
}

impl Drop for Replayed {
    fn drop(&mut self) {
        self.held_bytes.fetch_sub(self.charge_bytes, Ordering::Relaxed);
        self.spool.settle(self.log, self.numbers.clone());
    }
}
