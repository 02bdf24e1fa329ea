//! The way from the rest of the daemon to the spool's thread: an inbox with a bell.
//!
//! In: batches to be written, numbers that are settled, the wish for more. Out: all of it at once,
//! to the thread. Owns the inbox. Never waits. The inbox is bounded by the memory for segments: what
//! waits in it still counts there, and over the bound the buffer drops.

use std::mem;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::buffer::Batch;
use crate::buffer::chunk::ENTRY_BYTES;

/// Speaks to the spool's thread; a clone speaks to the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct SpoolHandle {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    work: Mutex<Work>,
    bell: Condvar,
    /// Bytes of the batches that are not written yet.
    waiting_bytes: AtomicUsize,
    /// The disk is full or broken.
    failing: AtomicBool,
    /// The daemon ends without order: what goes from memory now was not sent.
    torn_down: AtomicBool,
}

/// What the thread is to do.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Batches to be written, with the place of their log.
    pub(super) spills: Vec<(usize, Batch)>,
    /// Numbers that are settled, with the place of their log.
    pub(super) settled: Vec<(usize, Range<u64>)>,
    /// A queue has room for what is on disk.
    pub(super) look: bool,
    /// Nothing will follow.
    pub(super) closing: bool,
}

impl SpoolHandle {
    /// Bytes of memory that are free as soon as the disk has written.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.shared.waiting_bytes.load(Ordering::Relaxed)
    }

    /// Whether the disk is full or broken.
    pub(crate) fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Relaxed)
    }

    pub(super) fn set_failing(&self, failing: bool) {
        self.shared.failing.store(failing, Ordering::Relaxed);
    }

    /// Says that nothing will follow.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.shared.bell.notify_one();
    }

    /// From now on the end of a block in memory says nothing about its segments.
    pub(crate) fn tear_down(&self) {
        self.shared.torn_down.store(true, Ordering::Relaxed);
    }

    pub(super) fn settle(&self, log: usize, numbers: Range<u64>) {
        if !self.shared.torn_down.load(Ordering::Relaxed) {
            self.lock().settled.push((log, numbers));
            self.shared.bell.notify_one();
        }
    }

    /// Waits for something to do, for `longest` at most; takes all of it.
    pub(super) fn wait(&self, longest: Option<Duration>) -> Work {
        let mut work = self.lock();
        if work.is_empty() {
            let bell = &self.shared.bell;
            work = match longest {
                Some(longest) => {
                    bell.wait_timeout(work, longest).unwrap_or_else(PoisonError::into_inner).0
                }
                None => bell.wait(work).unwrap_or_else(PoisonError::into_inner),
            };
        }
        let closing = work.closing;
        let taken = mem::take(&mut *work);
        work.closing = closing;
        taken
    }

    /// A batch is written, or back in memory.
    pub(super) fn handled(&self, batch: &Batch) {
        self.shared.waiting_bytes.fetch_sub(charge_bytes(batch), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        // Nothing that runs under the lock can panic half way.
        self.shared.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    pub(super) fn is_empty(&self) -> bool {
        self.spills.is_empty() && self.settled.is_empty() && !self.look && !self.closing
    }
}

fn charge_bytes(batch: &Batch) -> usize {
    batch.size_bytes() + batch.segments.len() * ENTRY_BYTES
}

/// What a queue has of the spool: its log.
#[derive(Clone, Debug)]
pub(crate) struct SpoolLink {
    handle: SpoolHandle,
    /// Place of the backend's log.
    log: usize,
    /// Bytes that the queue holds at most of what was on disk.
    window_bytes: usize,
}

impl SpoolLink {
    pub(crate) fn new(handle: SpoolHandle, log: usize, window_bytes: usize) -> Self {
        Self { handle, log, window_bytes }
    }

    pub(crate) fn handle(&self) -> &SpoolHandle {
        &self.handle
    }

    pub(crate) fn window_bytes(&self) -> usize {
        self.window_bytes
    }

    /// Hands over a batch to be written.
    pub(crate) fn spill(&self, batch: Batch) {
        let shared = &self.handle.shared;
        shared.waiting_bytes.fetch_add(charge_bytes(&batch), Ordering::Relaxed);
        self.handle.lock().spills.push((self.log, batch));
        shared.bell.notify_one();
    }

    /// Asks for what is on disk.
    pub(crate) fn look(&self) {
        let mut work = self.handle.lock();
        let rings = !mem::replace(&mut work.look, true);
        drop(work);
        if rings {
            self.handle.shared.bell.notify_one();
        }
    }
}
