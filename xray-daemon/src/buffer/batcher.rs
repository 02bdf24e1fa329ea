//! Groups segments into batches, each the payload of one `PutTraceSegments` call.
//!
//! In: segments from intake, and batches that delivery gives back. Out: batches, never empty,
//! oldest first. Owns the segments that wait and the times by which they must leave. No I/O and no
//! clock: callers pass `now`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::segment::Segment;

/// Most documents in one call. Rule: batch size of the reference daemon 3.6.6.
const MAX_DOCUMENTS: usize = 50;

/// When a batch is full, and when it leaves though it is not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    /// Most bytes of documents in a batch. A larger single document travels alone.
    pub(crate) max_bytes: usize,
    /// Longest that the first document of a batch waits for company.
    pub(crate) max_wait: Duration,
}

/// Segments that travel together. A clone copies no document.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// Never empty.
    pub(crate) segments: Vec<Segment>,
    /// Uploads of these segments that failed so far.
    pub(crate) attempts: u32,
}

#[derive(Debug)]
pub(crate) struct Batcher {
    limits: BatchLimits,
    /// Never sent yet, oldest first.
    fresh: VecDeque<Segment>,
    fresh_bytes: usize,
    /// When a batch of `fresh` leaves though it is not full. Set while `fresh` is not empty.
    fresh_due: Option<Instant>,
    /// Sent before, by the time from which they may be sent again.
    returned: BTreeMap<(Instant, u64), Batch>,
    /// Those of them that are only held back, and need not wait once nothing more will come.
    held: BTreeSet<(Instant, u64)>,
    returned_segments: usize,
    returned_bytes: usize,
    /// Tells batches apart that return to the same time.
    returns: u64,
}

impl Batch {
    pub(crate) fn size_bytes(&self) -> usize {
        self.segments.iter().map(Segment::size_bytes).sum()
    }
}

impl Batcher {
    pub(crate) fn new(limits: BatchLimits) -> Self {
        Self {
            limits,
            fresh: VecDeque::new(),
            fresh_bytes: 0,
            fresh_due: None,
            returned: BTreeMap::new(),
            held: BTreeSet::new(),
            returned_segments: 0,
            returned_bytes: 0,
            returns: 0,
        }
    }

    /// Segments that wait.
    pub(crate) fn len(&self) -> usize {
        self.fresh.len() + self.returned_segments
    }

    /// Bytes of the documents that wait.
    pub(crate) fn size_bytes(&self) -> usize {
        self.fresh_bytes + self.returned_bytes
    }

    /// Whether a batch can leave without waiting for company.
    pub(crate) fn is_full(&self) -> bool {
        self.fresh.len() >= MAX_DOCUMENTS || self.fresh_bytes >= self.limits.max_bytes
    }

    /// When [`take`](Self::take) has a batch, if nothing else arrives. A full batch is due by
    /// `now`.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let fresh = if self.is_full() { Some(now) } else { self.fresh_due };
        let returned = self.returned.keys().next().map(|(not_before, _)| *not_before);
        fresh.into_iter().chain(returned).min()
    }

    /// Adds a segment that was not sent before.
    pub(crate) fn push(&mut self, segment: Segment, now: Instant) {
        self.fresh_due.get_or_insert(now + self.limits.max_wait);
        self.fresh_bytes += segment.size_bytes();
        self.fresh.push_back(segment);
    }

    /// Takes back a batch that is to be sent again, from `not_before` on.
    pub(crate) fn give_back(&mut self, batch: Batch, not_before: Instant) {
        self.returns += 1;
        self.returned_segments += batch.segments.len();
        self.returned_bytes += batch.size_bytes();
        self.returned.insert((not_before, self.returns), batch);
    }

    /// Takes back a batch that is held back until `not_before`, or until nothing more will come.
    pub(crate) fn hold(&mut self, batch: Batch, not_before: Instant) {
        self.give_back(batch, not_before);
        self.held.insert((not_before, self.returns));
    }

    /// Takes the batch that is due by `now`, what was sent before first.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Batch> {
        let returned = self.returned.first_entry().filter(|entry| entry.key().0 <= now);
        if let Some(entry) = returned {
            self.held.remove(entry.key());
            let batch = entry.remove();
            self.returned_segments -= batch.segments.len();
            self.returned_bytes -= batch.size_bytes();
            return Some(batch);
        }
        let due = self.is_full() || self.fresh_due.is_some_and(|due| due <= now);
        due.then(|| self.cut(now)).filter(|batch| !batch.segments.is_empty())
    }

    /// Lets nothing wait for company from now on: nothing more will come.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.limits.max_wait = Duration::ZERO;
        self.fresh_due = self.fresh_due.map(|due| due.min(now));
        for key in std::mem::take(&mut self.held) {
            if let Some(batch) = self.returned.remove(&key) {
                self.returned.insert((now.min(key.0), key.1), batch);
            }
        }
    }

    /// Gives up the oldest segment: those that were sent before are older than those that were not.
    pub(crate) fn drop_oldest(&mut self) -> bool {
        let Some(mut entry) = self.returned.first_entry() else {
            let dropped = self.fresh.pop_front();
            self.fresh_bytes -= dropped.as_ref().map_or(0, Segment::size_bytes);
            if self.fresh.is_empty() {
                self.fresh_due = None;
            }
            return dropped.is_some();
        };
        let segments = &mut entry.get_mut().segments;
        let dropped = segments.pop();
        if segments.is_empty() {
            self.held.remove(entry.key());
            entry.remove();
        }
        self.returned_segments -= usize::from(dropped.is_some());
        self.returned_bytes -= dropped.as_ref().map_or(0, Segment::size_bytes);
        dropped.is_some()
    }

    /// As many of the oldest fresh segments as a batch holds, at least one.
    fn cut(&mut self, now: Instant) -> Batch {
        let mut segments = Vec::with_capacity(self.fresh.len().min(MAX_DOCUMENTS));
        let mut bytes = 0;
        while let Some(next) = self.fresh.front() {
            let fits = segments.is_empty() || bytes + next.size_bytes() <= self.limits.max_bytes;
            if !fits || segments.len() == MAX_DOCUMENTS {
                break;
            }
            bytes += next.size_bytes();
            segments.extend(self.fresh.pop_front());
        }
        self.fresh_bytes -= bytes;
        // What stays has just become the first of its batch.
        self.fresh_due = (!self.fresh.is_empty()).then(|| now + self.limits.max_wait);
        Batch { segments, attempts: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(200);

    fn batcher(max_bytes: usize, sizes: &[usize]) -> (Batcher, Instant) {
        let start = Instant::now();
        let mut batcher = Batcher::new(BatchLimits { max_bytes, max_wait: WAIT });
        for size in sizes {
            batcher.push(Segment::of_size(*size), start);
        }
        (batcher, start)
    }

    fn sizes(batch: &Batch) -> Vec<usize> {
        batch.segments.iter().map(Segment::size_bytes).collect()
    }

    /// The sizes of the documents in each batch, once all are due.
    fn batches(max_bytes: usize, documents: &[usize]) -> Vec<Vec<usize>> {
        let (mut batcher, start) = batcher(max_bytes, documents);
        let mut now = start;
        std::iter::from_fn(|| {
            now += WAIT;
            batcher.take(now).map(|batch| sizes(&batch))
        })
        .collect()
    }

    #[test]
    fn fifty_documents_are_a_batch() {
        assert_eq!(batches(usize::MAX, &[9; 50]), [vec![9; 50]]);
        assert_eq!(batches(usize::MAX, &[9; 51]), [vec![9; 50], vec![9]]);
    }

    #[test]
    fn a_document_without_room_opens_the_next_batch() {
        assert_eq!(batches(100, &[60, 40, 1, 2]), [[60, 40], [1, 2]]);
        assert_eq!(batches(100, &[1, 500, 1]), [[1], [500], [1]]);
    }

    #[test]
    fn a_batch_is_due_when_it_is_full_or_its_first_document_has_waited() {
        let (mut few, start) = batcher(100, &[1]);
        few.push(Segment::of_size(1), start + WAIT / 2);
        assert_eq!(few.due(start), Some(start + WAIT));
        assert!(few.take(start + WAIT / 2).is_none());
        assert_eq!(sizes(&few.take(start + WAIT).unwrap()), [1, 1]);
        assert_eq!(few.due(start), None);

        let (mut full, start) = batcher(100, &[60, 60]);
        assert_eq!(full.due(start), Some(start));
        assert_eq!(sizes(&full.take(start).unwrap()), [60]);
        assert_eq!(full.due(start), Some(start + WAIT));
    }

    #[test]
    fn a_batch_that_came_back_leaves_first_but_not_before_its_time() {
        let (mut batcher, start) = batcher(100, &[60, 60]);
        let first = batcher.take(start).unwrap();
        batcher.give_back(Batch { attempts: 1, ..first }, start + 2 * WAIT);
        assert_eq!(batcher.len(), 2);
        assert_eq!(batcher.take(start + WAIT).unwrap().attempts, 0);
        assert!(batcher.take(start + WAIT).is_none());
        assert_eq!(batcher.due(start), Some(start + 2 * WAIT));
        assert_eq!(batcher.take(start + 2 * WAIT).unwrap().attempts, 1);
        assert_eq!((batcher.len(), batcher.size_bytes()), (0, 0));
    }

    #[test]
    fn the_oldest_is_dropped_first() {
        let (mut batcher, start) = batcher(10, &[10, 2, 3]);
        let first = batcher.take(start).unwrap();
        batcher.give_back(first, start + WAIT);
        assert_eq!(batcher.size_bytes(), 15);
        let left: Vec<_> = std::iter::from_fn(|| {
            batcher.drop_oldest().then(|| (batcher.len(), batcher.size_bytes()))
        })
        .collect();
        assert_eq!(left, [(2, 5), (1, 3), (0, 0)]);
        assert_eq!(batcher.due(start), None);
    }

    #[test]
    fn hurry_makes_what_waits_due() {
        let (mut batcher, start) = batcher(100, &[1]);
        batcher.hurry(start);
        assert_eq!(sizes(&batcher.take(start).unwrap()), [1]);
        batcher.hurry(start);
        assert_eq!(batcher.due(start), None);
    }
}
