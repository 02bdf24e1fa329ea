//! One backend's queue: the batcher behind a lock, with a bell.
//!
//! In: segments from the intake thread, batches that come back, blocks from the spool. Out: batches,
//! to that backend's delivery; the oldest ones to the spool when memory runs out. Owns the waiting
//! segments and their gauges; what is on its way to the disk waits here too, until it is there. Hot
//! path: one lock for each receive call, and the bell rings only when that tells delivery something
//! new: the first segment, or a full batch. Never waits: what is too much is moved or dropped by
//! [`Buffer`](super::Buffer).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::batcher::{Batch, BatchLimits, Batcher, Retries};
use super::spool::SpoolLink;
use crate::counters::{BackendCounters, DropReason};
use crate::segment::Segment;

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    bell: Notify,
    counters: Arc<BackendCounters>,
    /// Where the oldest go when memory runs out.
    spool: Option<SpoolLink>,
}

#[derive(Debug)]
struct State {
    batcher: Batcher,
    /// Segments and bytes on their way to the disk.
    spilling: usize,
    spilling_bytes: usize,
    /// Whether intake may still bring segments.
    open: bool,
    /// Whether the backend fails: then nothing is read from disk that would only wait here.
    failing: bool,
}

impl Queue {
    pub(crate) fn new(
        limits: BatchLimits,
        counters: Arc<BackendCounters>,
        spool: Option<SpoolLink>,
    ) -> Self {
        let state = State {
            batcher: Batcher::new(limits),
            spilling: 0,
            spilling_bytes: 0,
            open: true,
            failing: false,
        };
        Self { state: Mutex::new(state), bell: Notify::new(), counters, spool }
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
    /// given back makes it worth asking again. Nothing is lost if the wait is given up. Once the
    /// queue is closed, retries are not held any more.
    pub(crate) async fn next(&self, retries: Retries) -> Option<Batch> {
        loop {
            let due = {
                let now = Instant::now();
                let mut state = self.lock();
                let retries = if state.open { retries } else { Retries::Allowed };
                let batch = state.batcher.take(now, retries);
                self.look_for_more(&state);
                if let Some(batch) = batch {
                    self.counters.start_flight(batch.segments.len());
                    self.measure(&state);
                    return Some(batch);
                }
                if !state.open && state.batcher.len() == 0 {
                    return None;
                }
                state.batcher.due(now, retries)
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

    /// Notes whether the backend fails.
    pub(crate) fn set_failing(&self, failing: bool) {
        self.lock().failing = failing;
    }

    /// Says that no segment will follow: what waits leaves at once.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.open = false;
        state.batcher.hurry(Instant::now());
        drop(state);
        self.bell.notify_one();
    }

    /// Bytes of the documents that wait, those on their way to the disk not included.
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
        let (waiting, bytes) = (state.batcher.len(), state.batcher.size_bytes());
        self.counters.set_queued(waiting + state.spilling, bytes + state.spilling_bytes);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock can panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the spool has to do with the queue.
impl Queue {
    pub(crate) fn spool(&self) -> Option<&SpoolLink> {
        self.spool.as_ref()
    }

    pub(crate) fn counters(&self) -> &Arc<BackendCounters> {
        &self.counters
    }

    /// Sends the oldest batch to the disk; false: there was none, or there is no spool.
    pub(crate) fn spill_oldest(&self) -> bool {
        let Some(spool) = &self.spool else { return false };
        let mut state = self.lock();
        let Some(batch) = state.batcher.take_oldest(Instant::now()) else { return false };
        state.spilling += batch.segments.len();
        state.spilling_bytes += batch.size_bytes();
        self.measure(&state);
        drop(state);
        spool.spill(batch);
        true
    }

    /// Sends a batch to the disk that was in flight; gives it back where there is no spool.
    pub(crate) fn spill(&self, batch: Batch) -> Result<(), Batch> {
        let Some(spool) = &self.spool else { return Err(batch) };
        let mut state = self.lock();
        state.spilling += batch.segments.len();
        state.spilling_bytes += batch.size_bytes();
        self.counters.end_flight(batch.segments.len());
        self.measure(&state);
        drop(state);
        spool.spill(batch);
        Ok(())
    }

    /// A batch has arrived on the disk; `spooled` sets the gauge of what is there.
    pub(crate) fn spilled(&self, batch: &Batch, spooled: impl FnOnce(&BackendCounters)) {
        let mut state = self.lock();
        state.end_spilling(batch);
        self.counters.add_spool_written(batch.segments.len());
        spooled(&self.counters);
        self.measure(&state);
    }

    /// A batch cannot be written: it waits in memory again, or is dropped once the queue is closed.
    pub(crate) fn not_spilled(&self, batch: Batch) {
        let mut state = self.lock();
        state.end_spilling(&batch);
        if state.open {
            state.batcher.give_back(batch, Instant::now());
        } else {
            self.counters.add_dropped(DropReason::SpoolFailed, batch.segments.len());
        }
        self.measure(&state);
        drop(state);
        self.bell.notify_one();
    }

    /// Takes segments that were on the disk; `spooled` sets the gauge of what is still there.
    pub(crate) fn replay(&self, segments: Vec<Segment>, spooled: impl FnOnce(&BackendCounters)) {
        let mut state = self.lock();
        self.counters.add_spool_read(segments.len());
        segments.into_iter().for_each(|segment| state.batcher.push_replayed(segment));
        spooled(&self.counters);
        self.measure(&state);
        drop(state);
        self.bell.notify_one();
    }

    /// Whether segments from the disk would leave soon.
    pub(crate) fn wants_more(&self) -> bool {
        self.wants_more_in(&self.lock())
    }

    fn wants_more_in(&self, state: &State) -> bool {
        let Some(spool) = &self.spool else { return false };
        // While the backend fails one batch shows whether it works again.
        let probes = state.batcher.len() == 0 && self.counters.in_flight() == 0;
        let works = !state.failing || probes;
        state.open && works && state.batcher.size_bytes() < spool.window_bytes()
    }

    /// Asks for segments of the disk, where there are any and they would leave soon.
    fn look_for_more(&self, state: &State) {
        if let Some(spool) = &self.spool
            && self.counters.spooled() > 0
            && self.wants_more_in(state)
        {
            spool.look();
        }
    }
}

impl State {
    fn end_spilling(&mut self, batch: &Batch) {
        self.spilling -= batch.segments.len();
        self.spilling_bytes -= batch.size_bytes();
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
        (Queue::new(limits, Arc::clone(&counters), None), counters)
    }

    fn segments(count: usize) -> impl ExactSizeIterator<Item = Segment> {
        (0..count).map(|_| Segment::of_size(10))
    }

    #[tokio::test(start_paused = true)]
    async fn a_lonely_segment_waits_for_company_and_then_leaves() {
        let (queue, counters) = queue();
        let start = Instant::now();
        queue.push(segments(1), start);
        assert_eq!(queue.next(Retries::Allowed).await.unwrap().segments.len(), 1);
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
        let next = async move { waiting.next(Retries::Allowed).await.unwrap().segments.len() };
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
        assert_eq!(queue.next(Retries::Allowed).await.unwrap().segments.len(), 50);
        assert_eq!(queue.next(Retries::Allowed).await.unwrap().segments.len(), 10);
        assert!(queue.next(Retries::Allowed).await.is_none());
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(counters.snapshot().dropped(DropReason::DrainTimeout), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_given_back_to_a_closed_queue_comes_again_in_its_time() {
        let (queue, counters) = queue();
        let start = Instant::now();
        queue.push(segments(1), start);
        queue.close();
        let batch = queue.next(Retries::Allowed).await.unwrap();
        queue.give_back(batch, start + 3 * WAIT);
        assert_eq!(counters.snapshot().queued, 1);
        assert!(queue.next(Retries::Allowed).await.is_some());
        assert_eq!(start.elapsed(), 3 * WAIT);
        assert!(queue.next(Retries::Allowed).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_comes_in_its_time_or_when_the_queue_is_closed() {
        let (queue, counters) = queue();
        let start = Instant::now();
        queue.push(segments(1), start);
        queue.hold(queue.next(Retries::Allowed).await.unwrap(), start + 9 * WAIT);
        let batch = queue.next(Retries::Allowed).await.unwrap();
        assert_eq!((batch.segments.len(), start.elapsed()), (1, 9 * WAIT));
        queue.hold(batch, start + 90 * WAIT);
        assert_eq!((counters.snapshot().queued, counters.snapshot().in_flight), (1, 0));
        queue.close();
        let batch = queue.next(Retries::Allowed).await.unwrap();
        queue.hold(batch, start + 90 * WAIT);
        assert!(queue.next(Retries::Allowed).await.is_some());
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
