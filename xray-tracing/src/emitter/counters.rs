//! What was recorded, sent and lost, counted.
//!
//! In: events from every part of the layer. Out: [`Stats`], a snapshot. Owns the counters.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counters of the layer and its emitter, since the start.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Stats {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// The same, being counted.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> Stats {
                Stats { $($name: self.$name.get(),)* }
            }
        }
    };
}

counters! {
    /// Local roots (requests, jobs) that the sampler chose, or the caller had chosen.
    roots_sampled,
    /// Local roots that were not to be recorded.
    roots_unsampled,
    /// Spans of libraries, or below the layer's level, that would have opened a segment.
    roots_ignored,
    /// Roots that were not sampled, and recorded after all since they failed or were slow.
    anomalies_captured,
    /// Calls of `annotate`, `metadata` or `set_user` outside any segment.
    context_missing,
    /// Documents handed to the daemon's socket (or the sink), and not known to be refused there.
    documents_sent,
    /// Documents split from a larger one, because that had no room in a datagram.
    documents_split,
    /// Documents lost: nobody listens at the daemon's address, or its name has no address.
    dropped_unreachable,
    /// Documents lost: the socket (or sink) refused them for another reason.
    dropped_send_failed,
    /// Documents lost: too large for a datagram after all that can be left out.
    dropped_too_large,
    /// Parts of traces (each at least one document) lost: the queue to the sender was full.
    dropped_queue_full,
    /// Parts of traces lost: they came after the end of the sender.
    dropped_after_end,
    /// Spans and values lost: their trace held 1 MB that could not leave yet.
    dropped_arena_full,
    /// Sampled roots lost: too many traces were open at once.
    dropped_too_many_open,
    /// Spans lost: an hour after the end of their segment they were still open.
    dropped_never_closed,
}

impl Stats {
    /// Documents and parts lost, for whatever reason.
    pub fn dropped(&self) -> u64 {
        self.dropped_unreachable
            + self.dropped_send_failed
            + self.dropped_too_large
            + self.dropped_queue_full
            + self.dropped_after_end
            + self.dropped_arena_full
            + self.dropped_too_many_open
            + self.dropped_never_closed
    }
}

/// One counter; never wraps in practice and orders nothing.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Uncounts `n` that were counted before.
    pub(crate) fn take_back(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
