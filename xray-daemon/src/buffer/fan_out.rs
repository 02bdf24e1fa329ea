//! Gives every segment to every backend's queue, and keeps all of them within the memory there is.
//!
//! In: segments of one receive call. Out: the queues. Owns the bound. Over it, the queue with the
//! most bytes gives up its oldest segments until enough chunks are let go. With a spool they go to
//! the disk from three quarters of the bound on; the last quarter is for what arrives while the disk
//! is slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::Instant;

use super::queue::Queue;
use super::spool::SpoolHandle;
use crate::counters::DropReason;
use crate::segment::Segment;

/// The queues of all backends over one bound of memory.
#[derive(Debug)]
pub(crate) struct Buffer {
    queues: Vec<Arc<Queue>>,
    held_bytes: Arc<AtomicUsize>,
    max_held_bytes: AtomicUsize,
    spool: Option<SpoolHandle>,
}

impl Buffer {
    /// `held_bytes` is the gauge that chunks add themselves to.
    pub(crate) fn new(
        queues: Vec<Arc<Queue>>,
        held_bytes: Arc<AtomicUsize>,
        max_held_bytes: usize,
        spool: Option<SpoolHandle>,
    ) -> Self {
        let max_held_bytes = AtomicUsize::new(max_held_bytes);
        Self { queues, held_bytes, max_held_bytes, spool }
    }

    /// Takes all `segments`; returns how many old ones were dropped for them.
    pub(crate) fn accept(&self, segments: &mut Vec<Segment>, now: Instant) -> usize {
        let Some((last, others)) = self.queues.split_last() else {
            segments.clear();
            return 0;
        };
        for queue in others {
            queue.push(segments.iter().cloned(), now);
        }
        last.push(segments.drain(..), now);
        if let Some(spool) = &self.spool {
            self.spill(spool);
        }
        if self.is_over() { self.make_room() } else { 0 }
    }

    /// Another bound from the next segment on.
    pub(crate) fn set_limit(&self, max_held_bytes: usize) {
        self.max_held_bytes.store(max_held_bytes, Ordering::Relaxed);
    }

    /// Whether senders that can wait should: the memory is used up, and no backend is so far ahead
    /// of another that the slow one alone shall pay. A spool that works takes what is above three
    /// quarters, so that nobody has to wait.
    #[cfg(feature = "otlp-in")]
    pub(crate) fn is_full(&self) -> bool {
        let shortest = self.queues.iter().map(|queue| queue.size_bytes()).min();
        // One receive call may take it over the bound, so it is full somewhat below.
        let bound = self.max_held_bytes.load(Ordering::Relaxed);
        self.held_bytes.load(Ordering::Relaxed) > bound / 8 * 7 && shortest.unwrap_or(0) > bound / 8
    }

    /// Says that no segment will follow.
    pub(crate) fn close(&self) {
        self.queues.iter().for_each(|queue| queue.close());
    }

    /// Sends the oldest to the disk. What is on its way there is as good as gone from memory.
    fn spill(&self, spool: &SpoolHandle) {
        let most = self.max_held_bytes.load(Ordering::Relaxed) / 4 * 3;
        while !spool.is_failing()
            && self.held_bytes.load(Ordering::Relaxed).saturating_sub(spool.waiting_bytes()) > most
            && self.longest().is_some_and(|queue| queue.spill_oldest())
        {}
    }

    fn longest(&self) -> Option<&Arc<Queue>> {
        self.queues.iter().max_by_key(|queue| queue.size_bytes())
    }

    fn make_room(&self) -> usize {
        let failing = self.spool.as_ref().is_some_and(SpoolHandle::is_failing);
        let reason = if failing { DropReason::SpoolFailed } else { DropReason::BufferFull };
        let mut dropped = 0;
        while self.is_over() {
            // One at a time, so that queues of the same length give up the same.
            if !self.longest().is_some_and(|queue| queue.drop_oldest(reason)) {
                // The rest is in flight.
                break;
            }
            dropped += 1;
        }
        dropped
    }

    fn is_over(&self) -> bool {
        self.held_bytes.load(Ordering::Relaxed) > self.max_held_bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::buffer::{BatchLimits, ChunkFiller, Retries};
    use crate::counters::{BackendSnapshot, Counters};

    struct Fixture {
        buffer: Buffer,
        queues: Vec<Arc<Queue>>,
        counters: Counters,
        filler: ChunkFiller,
    }

    impl Fixture {
        fn with_limit(max_held_bytes: usize) -> Self {
            let counters = Counters::new(["slow", "fast"]);
            let limits = BatchLimits { max_bytes: 1 << 20, max_wait: Duration::from_secs(1) };
            let queue =
                |counters: &Arc<_>| Arc::new(Queue::new(limits, Arc::clone(counters), None));
            let queues: Vec<_> = counters.backends().iter().map(queue).collect();
            let held = Arc::clone(counters.held_bytes());
            let buffer = Buffer::new(queues.clone(), Arc::clone(&held), max_held_bytes, None);
            Self { buffer, queues, counters, filler: ChunkFiller::new(held) }
        }

        /// Receives `count` documents of 1,000 bytes in one call; returns how many were dropped.
        fn receive(&mut self, count: usize) -> usize {
            let mut segments = Vec::new();
            for left in (1..=count).rev() {
                let sender = ([127, 0, 0, 1], 9).into();
                self.filler.copy_in(&[b'x'; 1000], sender, left * 1000, &mut segments);
            }
            self.filler.finish(&mut segments);
            self.buffer.accept(&mut segments, Instant::now())
        }

        fn stats(&self, name: &str) -> BackendSnapshot {
            self.counters.backend(name).unwrap().snapshot()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_backend_that_stands_still_costs_nobody_else() {
        let mut fixture = Fixture::with_limit(200_000);
        for _ in 0..100 {
            fixture.receive(10);
            assert_eq!(fixture.queues[1].next(Retries::Allowed).await.unwrap().segments.len(), 10);
            let held = fixture.counters.held_bytes().load(Ordering::Relaxed);
            assert!(held <= 200_000, "{held}");
        }
        assert_eq!(fixture.stats("fast").dropped_total(), 0);
        let slow = fixture.stats("slow");
        // A chunk of ten documents takes 11,440 bytes; 17 of them fit.
        assert_eq!((slow.queued, slow.dropped(DropReason::BufferFull)), (170, 830));
        assert_eq!(slow.unaccounted(), 0);
    }

    #[test]
    fn what_nobody_takes_is_dropped_from_the_oldest_on() {
        let mut fixture = Fixture::with_limit(50_000);
        let dropped: usize = (0..10).map(|_| fixture.receive(10)).sum();
        assert_eq!(dropped, 120);
        for name in ["slow", "fast"] {
            assert_eq!(fixture.stats(name).queued, 40);
        }
    }

    #[test]
    fn memory_in_flight_is_never_waited_for() {
        let mut fixture = Fixture::with_limit(5_000);
        assert_eq!(fixture.receive(10), 20);
        assert_eq!(fixture.stats("slow").dropped_total(), 10);
        assert_eq!(fixture.counters.held_bytes().load(Ordering::Relaxed), 0);
    }
}
