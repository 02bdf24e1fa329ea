//! One backend's queue: the batcher behind a lock, with a bell.
//!
//! In: segments from the intake thread, batches that come back. Out: batches, to that backend's
//! delivery. Owns the waiting segments and their gauges. Hot path: one lock for each receive call,
//! and the bell rings only when that tells delivery something new: the first segment, or a full
//! batch. Never waits: what is too much is dropped by [`Buffer`](super::Buffer).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::batcher::{Batch, BatchLimits, Batcher};
use crate::counters::{BackendCounters, DropReason};
use crate::segment::Segment;

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    bell: Notify,
    counters: Arc<BackendCounters>,
}

#[derive(Debug)]
struct State {
    batcher: Batcher,
    /// Whether intake may still bring segments.
    open: bool,
}

impl Queue {
    pub(crate) fn new(limits: BatchLimits, counters: Arc<BackendCounters>) -> Self {
        let state = State { batcher: Batcher::new(limits), open: true };
        Self { state: Mutex::new(state), bell: Notify::new(), counters }
    }

    /// Adds segments; those that come after [`close`](Self::close) are dropped, counted.
    pub(crate) fn push(&self, segments: impl ExactSizeIterator<Item = Segment>, now: Instant) {
        let count = segments.len();
        self.counters.add_accepted(count);
        let mut state = self.lock();
        if !state.open {
            self.counters.add_dropped(DropReason::DrainTimeout, count);
            return;
        }
        let (was_empty, was_full) = (state.batcher.len() == 0, state.batcher.is_full());
        segments.for_each(|segment| state.batcher.push(segment, now));
        let rings = (was_empty && count > 0) || (!was_full && state.batcher.is_full());
        self.measure(&state);
        drop(state);
        if rings {
            self.bell.notify_one();
        }
    }

    /// Waits for the next batch. `None`: the queue is closed and empty, for now; a batch that is
    /// given back makes it worth asking again. Nothing is lost if the wait is given up.
    pub(crate) async fn next(&self) -> Option<Batch> {
        loop {
            let due = {
                let now = Instant::now();
                let mut state = self.lock();
                if let Some(batch) = state.batcher.take(now) {
                    self.counters.start_flight(batch.segments.len());
                    self.measure(&state);
                    return Some(batch);
                }
                if !state.open && state.batcher.len() == 0 {
                    return None;
                }
                state.batcher.due(now)
            };
            match due {
                // Either way the state is looked at again.
                Some(due) => drop(timeout_at(due, self.bell.notified()).await),
                None => self.bell.notified().await,
            }
        }
    }

    /// Takes back segments that are to be sent again, from `not_before` on.
    pub(crate) fn give_back(&self, batch: Batch, not_before: Instant) {
        let mut state = self.lock();
        self.counters.end_flight(batch.segments.len());
        state.batcher.give_back(batch, not_before);
        self.measure(&state);
        drop(state);
        self.bell.notify_one();
    }

    /// Takes back segments that their backend holds back until `not_before`, or until the queue is
    /// closed.
    pub(crate) fn hold(&self, batch: Batch, not_before: Instant) {
        let mut state = self.lock();
        self.counters.end_flight(batch.segments.len());
        let not_before = if state.open { not_before } else { Instant::now() };
        state.batcher.hold(batch, not_before);
        self.measure(&state);
        drop(state);
        self.bell.notify_one();
    }

    /// Whether no segment will follow.
    pub(crate) fn is_closed(&self) -> bool {
        !self.lock().open
    }

    /// Says that no segment will follow: what waits leaves at once.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.open = false;
        state.batcher.hurry(Instant::now());
        drop(state);
        self.bell.notify_one();
    }

    /// Bytes of the documents that wait.
    pub(crate) fn size_bytes(&self) -> usize {
        self.lock().batcher.size_bytes()
    }

    /// Drops the oldest segment for `reason`; false: there was none.
    pub(crate) fn drop_oldest(&self, reason: DropReason) -> bool {
        let mut state = self.lock();
        let dropped = state.batcher.drop_oldest();
        self.counters.add_dropped(reason, usize::from(dropped));
        self.measure(&state);
        dropped
    }

    /// The gauges are read off the queue, so that the accounting checks it.
    fn measure(&self, state: &State) {
        self.counters.set_queued(state.batcher.len(), state.batcher.size_bytes());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock can panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const WAIT: Duration = Duration::from_secs(1);

    fn queue() -> (Queue, Arc<BackendCounters>) {
        let counters = Arc::new(BackendCounters::new("test"));
        let limits = BatchLimits { max_bytes: 1000, max_wait: WAIT };
        (Queue::new(limits, Arc::clone(&counters)), counters)
    }

    fn segments(count: usize) -> impl ExactSizeIterator<Item = Segment> {
        (0..count).map(|_| Segment::of_size(10))
    }

    #[tokio::test(start_paused = true)]
    async fn a_lonely_segment_waits_for_company_and_then_leaves() {
        let (queue, counters) = queue();
        let start = Instant::now();
        queue.push(segments(1), start);
        assert_eq!(queue.next().await.unwrap().segments.len(), 1);
        assert_eq!(start.elapsed(), WAIT);
        assert_eq!((counters.snapshot().queued, counters.snapshot().in_flight), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_batch_leaves_at_once_and_wakes_whoever_waits() {
        let (queue, _) = queue();
        let queue = Arc::new(queue);
        let start = Instant::now();
        queue.push(segments(1), start);
        let waiting = Arc::clone(&queue);
        let next = async move { waiting.next().await.unwrap().segments.len() };
        let push = async {
            queue.push(segments(48), start);
            queue.push(segments(1), start);
        };
        assert_eq!(tokio::join!(next, push).0, 50);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_queue_is_emptied_without_waiting() {
        let (queue, counters) = queue();
        let start = Instant::now();
        queue.push(segments(60), start);
        queue.close();
        queue.push(segments(1), start);
        assert_eq!(queue.next().await.unwrap().segments.len(), 50);
        assert_eq!(queue.next().await.unwrap().segments.len(), 10);
        assert!(queue.next().await.is_none());
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(counters.snapshot().dropped(DropReason::DrainTimeout), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_given_back_to_a_closed_queue_comes_again_in_its_time() {
        let (queue, counters) = queue();
        let start = Instant::now();
        queue.push(segments(1), start);
        queue.close();
        let batch = queue.next().await.unwrap();
        queue.give_back(batch, start + 3 * WAIT);
        assert_eq!(counters.snapshot().queued, 1);
        assert!(queue.next().await.is_some());
        assert_eq!(start.elapsed(), 3 * WAIT);
        assert!(queue.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_comes_in_its_time_or_when_the_queue_is_closed() {
        let (queue, counters) = queue();
        let start = Instant::now();
        queue.push(segments(1), start);
        queue.hold(queue.next().await.unwrap(), start + 9 * WAIT);
        let batch = queue.next().await.unwrap();
        assert_eq!((batch.segments.len(), start.elapsed()), (1, 9 * WAIT));
        queue.hold(batch, start + 90 * WAIT);
        assert_eq!((counters.snapshot().queued, counters.snapshot().in_flight), (1, 0));
        queue.close();
        let batch = queue.next().await.unwrap();
        queue.hold(batch, start + 90 * WAIT);
        assert!(queue.next().await.is_some());
        assert_eq!(start.elapsed(), 9 * WAIT);
    }

    #[test]
    fn the_oldest_is_dropped_and_counted() {
        let (queue, counters) = queue();
        queue.push(segments(2), Instant::now());
        let dropped: Vec<_> = (0..3).map(|_| queue.drop_oldest(DropReason::BufferFull)).collect();
        assert_eq!(dropped, [true, true, false]);
        let snapshot = counters.snapshot();
        assert_eq!((snapshot.queued, snapshot.queue_bytes), (0, 0));
        assert_eq!(snapshot.dropped(DropReason::BufferFull), 2);
        assert_eq!(snapshot.unaccounted(), 0);
    }
}
