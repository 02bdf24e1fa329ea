//! Groups segments into batches, each the payload of one `PutTraceSegments` call.
//!
//! In: segments from intake, those that come back from the spool, and batches that delivery gives
//! back. Out: batches, never empty, oldest first: what was sent before, what was on disk, what is
//! fresh. Owns the segments that wait and the times by which they must leave. No I/O and no clock:
//! callers pass `now`.

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

/// Whether batches that failed before may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retries {
    /// They leave when they are due.
    Allowed,
    /// They wait: the budget for retries is spent.
    Held,
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
    /// Back from the spool, older than everything in `fresh`.
    replayed: VecDeque<Segment>,
    replayed_bytes: usize,
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

    fn may_leave(&self, retries: Retries) -> bool {
        self.attempts == 0 || retries == Retries::Allowed
    }
}

impl Batcher {
    pub(crate) fn new(limits: BatchLimits) -> Self {
        Self {
            limits,
            fresh: VecDeque::new(),
            fresh_bytes: 0,
            fresh_due: None,
            replayed: VecDeque::new(),
            replayed_bytes: 0,
            returned: BTreeMap::new(),
            held: BTreeSet::new(),
            returned_segments: 0,
            returned_bytes: 0,
            returns: 0,
        }
    }

    /// Segments that wait.
    pub(crate) fn len(&self) -> usize {
        self.fresh.len() + self.replayed.len() + self.returned_segments
    }

    /// Bytes of the documents that wait.
    pub(crate) fn size_bytes(&self) -> usize {
        self.fresh_bytes + self.replayed_bytes + self.returned_bytes
    }

    /// Whether a batch can leave without waiting for company.
    pub(crate) fn is_full(&self) -> bool {
        self.fresh.len() >= MAX_DOCUMENTS || self.fresh_bytes >= self.limits.max_bytes
    }

    /// When [`take`](Self::take) has a batch, if nothing else arrives. A full batch is due by
    /// `now`.
    pub(crate) fn due(&self, now: Instant, retries: Retries) -> Option<Instant> {
        let fresh = if self.is_full() { Some(now) } else { self.fresh_due };
        let replayed = (!self.replayed.is_empty()).then_some(now);
        let mut returned = self.returned.iter().filter(|(_, batch)| batch.may_leave(retries));
        let returned = returned.next().map(|((not_before, _), _)| *not_before);
        fresh.into_iter().chain(replayed).chain(returned).min()
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

    /// Adds a segment that was on disk, behind those added so before.
    pub(crate) fn push_replayed(&mut self, segment: Segment) {
        self.replayed_bytes += segment.size_bytes();
        self.replayed.push_back(segment);
    }

    /// Takes the batch that is due by `now`.
    pub(crate) fn take(&mut self, now: Instant, retries: Retries) -> Option<Batch> {
        let due = self.returned.iter().take_while(|((not_before, _), _)| *not_before <= now);
        let returned = due.into_iter().find(|(_, batch)| batch.may_leave(retries));
        if let Some(key) = returned.map(|(key, _)| *key) {
            return self.take_returned(key);
        }
        let fresh_is_due = self.is_full() || self.fresh_due.is_some_and(|due| due <= now);
        self.cut_replayed().or_else(|| if fresh_is_due { self.cut_fresh(now) } else { None })
    }

    /// Takes the oldest batch, due or not; what was on disk last, since it would go back there.
    pub(crate) fn take_oldest(&mut self, now: Instant) -> Option<Batch> {
        let returned = self.returned.keys().next().copied();
        returned
            .and_then(|key| self.take_returned(key))
            .or_else(|| self.cut_fresh(now))
            .or_else(|| self.cut_replayed())
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

    /// Gives up the oldest segment: what was on disk is older than what was sent before, and that
    /// than what was not.
    pub(crate) fn drop_oldest(&mut self) -> bool {
        if let Some(dropped) = self.replayed.pop_front() {
            self.replayed_bytes -= dropped.size_bytes();
            return true;
        }
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

    fn take_returned(&mut self, key: (Instant, u64)) -> Option<Batch> {
        let batch = self.returned.remove(&key)?;
        self.held.remove(&key);
        self.returned_segments -= batch.segments.len();
        self.returned_bytes -= batch.size_bytes();
        Some(batch)
    }

    fn cut_fresh(&mut self, now: Instant) -> Option<Batch> {
        let batch = cut(&mut self.fresh, self.limits.max_bytes)?;
        self.fresh_bytes -= batch.size_bytes();
        // What stays has just become the first of its batch.
        self.fresh_due = (!self.fresh.is_empty()).then(|| now + self.limits.max_wait);
        Some(batch)
    }

    fn cut_replayed(&mut self) -> Option<Batch> {
        let batch = cut(&mut self.replayed, self.limits.max_bytes)?;
        self.replayed_bytes -= batch.size_bytes();
        Some(batch)
    }
}

/// As many of the oldest segments as a batch holds, at least one.
fn cut(waiting: &mut VecDeque<Segment>, max_bytes: usize) -> Option<Batch> {
    let mut segments = Vec::with_capacity(waiting.len().min(MAX_DOCUMENTS));
    let mut bytes = 0;
    while let Some(next) = waiting.front() {
        let fits = segments.is_empty() || bytes + next.size_bytes() <= max_bytes;
        if !fits || segments.len() == MAX_DOCUMENTS {
            break;
        }
        bytes += next.size_bytes();
        segments.extend(waiting.pop_front());
    }
    (!segments.is_empty()).then_some(Batch { segments, attempts: 0 })
}

#[cfg(test)]
mod tests {
    use super::Retries::{Allowed, Held};
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
            batcher.take(now, Allowed).map(|batch| sizes(&batch))
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
        assert_eq!(few.due(start, Allowed), Some(start + WAIT));
        assert!(few.take(start + WAIT / 2, Allowed).is_none());
        assert_eq!(sizes(&few.take(start + WAIT, Allowed).unwrap()), [1, 1]);
        assert_eq!(few.due(start, Allowed), None);

        let (mut full, start) = batcher(100, &[60, 60]);
        assert_eq!(full.due(start, Allowed), Some(start));
        assert_eq!(sizes(&full.take(start, Allowed).unwrap()), [60]);
        assert_eq!(full.due(start, Allowed), Some(start + WAIT));
    }

    #[test]
    fn a_batch_that_came_back_leaves_first_but_not_before_its_time() {
        let (mut batcher, start) = batcher(100, &[60, 60]);
        let first = batcher.take(start, Allowed).unwrap();
        batcher.give_back(Batch { attempts: 1, ..first }, start + 2 * WAIT);
        assert_eq!(batcher.len(), 2);
        assert_eq!(batcher.take(start + WAIT, Allowed).unwrap().attempts, 0);
        assert!(batcher.take(start + WAIT, Allowed).is_none());
        assert_eq!(batcher.due(start, Allowed), Some(start + 2 * WAIT));
        assert_eq!(batcher.take(start + 2 * WAIT, Allowed).unwrap().attempts, 1);
        assert_eq!((batcher.len(), batcher.size_bytes()), (0, 0));
    }

    #[test]
    fn the_oldest_is_dropped_first() {
        let (mut batcher, start) = batcher(10, &[10, 2, 3]);
        let first = batcher.take(start, Allowed).unwrap();
        batcher.give_back(first, start + WAIT);
        assert_eq!(batcher.size_bytes(), 15);
        let left: Vec<_> = std::iter::from_fn(|| {
            batcher.drop_oldest().then(|| (batcher.len(), batcher.size_bytes()))
        })
        .collect();
        assert_eq!(left, [(2, 5), (1, 3), (0, 0)]);
        assert_eq!(batcher.due(start, Allowed), None);
    }

    #[test]
    fn hurry_makes_what_waits_due() {
        let (mut batcher, start) = batcher(100, &[1]);
        batcher.hurry(start);
        assert_eq!(sizes(&batcher.take(start, Allowed).unwrap()), [1]);
        batcher.hurry(start);
        assert_eq!(batcher.due(start, Allowed), None);
    }

    #[test]
    fn what_failed_before_waits_while_the_budget_is_spent() {
        let (mut batcher, start) = batcher(100, &[60, 60]);
        let failed = Batch { attempts: 1, ..batcher.take(start, Allowed).unwrap() };
        let half = batcher.take(start + WAIT, Allowed).unwrap();
        batcher.give_back(failed, start);
        batcher.give_back(half, start + WAIT);
        assert_eq!(batcher.due(start, Held), Some(start + WAIT));
        assert!(batcher.take(start, Held).is_none());
        assert_eq!(batcher.take(start + WAIT, Held).unwrap().attempts, 0);
        assert_eq!(batcher.due(start, Held), None);
        assert_eq!(batcher.take(start, Allowed).unwrap().attempts, 1);
    }

    #[test]
    fn what_was_on_disk_leaves_before_what_is_fresh_and_without_a_wait() {
        let (mut batcher, start) = batcher(100, &[1, 2]);
        batcher.push_replayed(Segment::of_size(70));
        batcher.push_replayed(Segment::of_size(71));
        assert_eq!((batcher.len(), batcher.size_bytes()), (4, 144));
        assert_eq!(batcher.due(start, Allowed), Some(start));
        assert_eq!(sizes(&batcher.take(start, Allowed).unwrap()), [70]);
        assert_eq!(sizes(&batcher.take(start, Allowed).unwrap()), [71]);
        assert!(batcher.take(start, Allowed).is_none());
    }

    #[test]
    fn what_goes_to_disk_was_not_there_before_if_that_can_be() {
        let (mut batcher, start) = batcher(100, &[60, 50, 40, 1]);
        let failed = batcher.take(start, Allowed).unwrap();
        batcher.give_back(failed, start + 2 * WAIT);
        batcher.push_replayed(Segment::of_size(9));
        let taken: Vec<_> =
            std::iter::from_fn(|| batcher.take_oldest(start).map(|batch| sizes(&batch))).collect();
        assert_eq!(taken, [vec![60], vec![50, 40, 1], vec![9]]);
        assert_eq!(
            (batcher.len(), batcher.size_bytes(), batcher.due(start, Allowed)),
            (0, 0, None)
        );
    }
}
