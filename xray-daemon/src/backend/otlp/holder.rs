//! Keeps work in progress back until its completion has come.
//!
//! In: what every document of a batch is, then the question what to do with those in progress. Out:
//! a [`Verdict`]. Owns what it knows of them, not the documents: these wait in the queue, and come
//! again from time to time. Bounded in number, bytes and time; what is too much is sent at once,
//! marked. A span has no update as a document has: sent twice, it stands there twice.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use xray_tracing::{SegmentId, TraceId};

use super::recent::Recent;

/// Longest that a document waits for its completion.
const MAX_WAIT: Duration = Duration::from_secs(5 * 60);
/// Documents that wait.
const MAX_WAITING: usize = 10_000;
/// Shortest time until a document is looked at again; then always as long as it has waited.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// Documents that were complete lately: batches may pass each other.
const MAX_COMPLETED: usize = 4096;
/// After this time a document that did not come again was dropped on its way.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);

/// What a document is the beginning or the end of.
pub(super) type Key = (TraceId, SegmentId);

/// A document as the holder knows it.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) key: Key,
    /// Tells documents of the same work apart.
    pub(super) fingerprint: u64,
    pub(super) size_bytes: usize,
    pub(super) in_progress: bool,
}

/// What to do with a document in progress.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// Send it.
    Send,
    /// Send what a newer document does not say: the spans that are not among these.
    SendOthers(Arc<HashSet<SegmentId>>),
    /// Look at it again after this time.
    Wait(Duration),
}

/// Most bytes of documents that wait, and whether any may.
#[derive(Debug)]
pub(super) struct Holder {
    max_bytes: usize,
    holds: bool,
    waiting: HashMap<Key, Vec<Waiting>>,
    waiting_count: usize,
    waiting_bytes: usize,
    completed: Recent<Key, ()>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    fingerprint: u64,
    size_bytes: usize,
    since: Instant,
    /// The spans of the document that came after it.
    newer: Option<Arc<HashSet<SegmentId>>>,
}

impl Holder {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            holds: true,
            waiting: HashMap::new(),
            waiting_count: 0,
            waiting_bytes: 0,
            completed: Recent::of(MAX_COMPLETED),
            swept: None,
        }
    }

    /// Lets nothing wait from now on.
    pub(super) fn hold_nothing(&mut self) {
        self.holds = false;
    }

    /// Takes note of a document; `spans` gives the ids of what it says.
    pub(super) fn observe(
        &mut self,
        work: &Work,
        spans: impl FnOnce() -> HashSet<SegmentId>,
        now: Instant,
    ) {
        let known = self.waiting.get(&work.key);
        let is_known = known.is_some_and(|all| all.iter().any(|it| it.is(work)));
        if is_known {
            return;
        }
        if let Some(older) = self.waiting.get_mut(&work.key) {
            let spans = Arc::new(spans());
            let unanswered = older.iter_mut().filter(|it| it.newer.is_none());
            unanswered.for_each(|it| it.newer = Some(Arc::clone(&spans)));
        }
        if !work.in_progress {
            self.completed.insert(work.key, ());
        } else if self.has_room_for(work) {
            self.sweep(now);
            let late = self.completed.get(&work.key).is_some();
            self.waiting_count += 1;
            self.waiting_bytes += work.size_bytes;
            self.waiting.entry(work.key).or_default().push(Waiting {
                fingerprint: work.fingerprint,
                size_bytes: work.size_bytes,
                since: now,
                newer: late.then(|| Arc::new(HashSet::from([work.key.1]))),
            });
        }
    }

    /// What to do with a document in progress.
    pub(super) fn verdict(&self, work: &Work, now: Instant) -> Verdict {
        let all = self.waiting.get(&work.key);
        let Some(waiting) = all.and_then(|all| all.iter().find(|it| it.is(work))) else {
            return Verdict::Send;
        };
        if let Some(newer) = &waiting.newer {
            return Verdict::SendOthers(Arc::clone(newer));
        }
        let waited = now.saturating_duration_since(waiting.since);
        match MAX_WAIT.checked_sub(waited) {
            Some(left) if self.holds && !left.is_zero() => {
                Verdict::Wait(waited.max(FIRST_LOOK).min(left))
            }
            _ => Verdict::Send,
        }
    }

    /// Forgets a document that is settled. Until then it has its verdict, however often it is tried.
    pub(super) fn settled(&mut self, work: &Work) {
        self.forget(work.key, |it| it.is(work));
    }

    fn has_room_for(&self, work: &Work) -> bool {
        self.holds
            && self.waiting_count < MAX_WAITING
            && self.waiting_bytes + work.size_bytes <= self.max_bytes
    }

    /// Forgets, once in a while, what did not come again.
    fn sweep(&mut self, now: Instant) {
        let due = self.swept.is_none_or(|swept| now >= swept + FIRST_LOOK * 60);
        if !due {
            return;
        }
        self.swept = Some(now);
        let gone = |it: &Waiting| now.saturating_duration_since(it.since) > FORGOTTEN_AFTER;
        let keys: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, all)| all.iter().any(gone))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            self.forget(key, gone);
        }
    }

    fn forget(&mut self, key: Key, is_gone: impl Fn(&Waiting) -> bool) {
        let Some(all) = self.waiting.get_mut(&key) else { return };
        for gone in all.iter().filter(|it| is_gone(it)) {
            self.waiting_count -= 1;
            self.waiting_bytes -= gone.size_bytes;
        }
        all.retain(|it| !is_gone(it));
        if all.is_empty() {
            self.waiting.remove(&key);
        }
    }
}

impl Waiting {
    fn is(&self, work: &Work) -> bool {
        self.fingerprint == work.fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn id(number: u64) -> SegmentId {
        SegmentId::from_u64(number)
    }

    fn work(number: u64, fingerprint: u64, in_progress: bool) -> Work {
        let key = (TraceId::from_bytes([1; 16]), id(number));
        Work { key, fingerprint, size_bytes: 100, in_progress }
    }

    fn ids<const N: usize>(spans: [u64; N]) -> impl FnOnce() -> HashSet<SegmentId> {
        move || spans.into_iter().map(id).collect()
    }

    fn others(spans: &[u64]) -> Verdict {
        Verdict::SendOthers(Arc::new(spans.iter().copied().map(id).collect()))
    }

    #[test]
    fn work_in_progress_waits_up_to_five_minutes_and_is_looked_at_ever_more_rarely() {
        let mut holder = Holder::new(1000);
        let (begun, start) = (work(1, 1, true), Instant::now());
        holder.observe(&begun, ids([1]), start);
        let (mut now, mut looks) = (start, 0);
        while let Verdict::Wait(time) = holder.verdict(&begun, now) {
            now += time;
            looks += 1;
        }
        assert_eq!(((now - start), looks), (MAX_WAIT, 10));
        assert_eq!(holder.verdict(&begun, now), Verdict::Send);
    }

    #[test]
    fn the_completion_takes_its_place_but_for_what_it_does_not_say() {
        let mut holder = Holder::new(1000);
        let now = Instant::now();
        let (begun, done) = (work(1, 1, true), work(1, 2, false));
        holder.observe(&begun, ids([1, 5]), now);
        assert_eq!(holder.verdict(&begun, now), Verdict::Wait(SECOND));
        holder.observe(&done, ids([1, 6]), now);
        assert_eq!(holder.verdict(&begun, now), others(&[1, 6]));
        // It is tried again with the same verdict until it is settled.
        holder.observe(&begun, ids([1, 5]), now);
        assert_eq!(holder.verdict(&begun, now), others(&[1, 6]));
        holder.settled(&begun);
        assert_eq!((holder.waiting_count, holder.waiting_bytes), (0, 0));
        assert!(holder.waiting.is_empty());
    }

    #[test]
    fn a_newer_state_takes_the_place_of_an_older_one() {
        let mut holder = Holder::new(1000);
        let now = Instant::now();
        let (first, second) = (work(1, 1, true), work(1, 2, true));
        holder.observe(&first, ids([1]), now);
        holder.observe(&second, ids([1, 2]), now);
        assert_eq!(holder.verdict(&first, now), others(&[1, 2]));
        assert_eq!(holder.verdict(&second, now), Verdict::Wait(SECOND));
    }

    #[test]
    fn what_comes_after_its_completion_says_nothing_new_of_itself() {
        let mut holder = Holder::new(1000);
        let now = Instant::now();
        holder.observe(&work(1, 2, false), ids([1]), now);
        let late = work(1, 1, true);
        holder.observe(&late, ids([1, 5]), now);
        assert_eq!(holder.verdict(&late, now), others(&[1]));
    }

    #[test]
    fn what_is_too_much_is_sent_at_once() {
        let mut holder = Holder::new(150);
        let now = Instant::now();
        for number in [1, 2] {
            holder.observe(&work(number, number, true), ids([number]), now);
        }
        assert_eq!(holder.verdict(&work(1, 1, true), now), Verdict::Wait(SECOND));
        assert_eq!(holder.verdict(&work(2, 2, true), now), Verdict::Send);
    }

    #[test]
    fn at_the_end_nothing_waits() {
        let mut holder = Holder::new(1000);
        let now = Instant::now();
        holder.observe(&work(1, 1, true), ids([1]), now);
        holder.hold_nothing();
        holder.observe(&work(2, 2, true), ids([2]), now);
        for number in [1, 2] {
            assert_eq!(holder.verdict(&work(number, number, true), now), Verdict::Send);
        }
    }

    #[test]
    fn what_was_dropped_on_its_way_is_forgotten() {
        let mut holder = Holder::new(1000);
        let now = Instant::now();
        holder.observe(&work(1, 1, true), ids([1]), now);
        holder.observe(&work(2, 2, true), ids([2]), now + FORGOTTEN_AFTER + SECOND);
        assert_eq!((holder.waiting_count, holder.waiting_bytes), (1, 100));
    }
}
