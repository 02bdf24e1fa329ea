//! One trace being recorded in this process: its records, and which of them can leave.
//!
//! In: records that begin, exit and close, from any thread, under the slot's lock. Out: [`Part`]s:
//! closed records, to be written as documents. Owns the body until then. No clock: callers pass the
//! time.
//!
//! ```text
//! root open ── over 100 records, over 60 kB, or every 30 s: closed records leave as a part
//!      │ ends
//!      ▼
//! root ended ── it leaves at once, with what is closed; what is still open follows when it closes
//! ```

use std::mem;
use std::sync::Arc;

use super::body::Body;
use super::record::{Flags, NONE, Record};
use super::root::Root;
use super::slots::SlotKey;

/// Most records that wait for their root. Rule: most X-Ray SDKs stream above 100 subsegments.
const MAX_RECORDS: usize = 100;
/// Most bytes that wait: what has room in one datagram.
const MAX_PART_BYTES: usize = 60_000;
/// Most bytes that a trace may hold at all.
const MAX_BYTES: usize = 1_000_000;
/// A root that is open for longer is sent in parts, as often.
const MAX_WAIT_NS: u64 = 30_000_000_000;
/// Up to here, each late record leaves as it closes; more are gathered (copying those that stay
/// would cost too much).
const FEW_RECORDS: usize = 32;
/// How long after its root a record may close.
const MAX_LATE_NS: u64 = 3_600_000_000_000;

/// Where a span is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) slot: SlotKey,
    /// Segment id: the record's identity.
    pub(crate) id: u64,
    /// Where in the body it was last seen.
    pub(crate) index: u32,
}

impl Place {
    pub(crate) const NOWHERE: Self = Self { slot: SlotKey::NONE, id: 0, index: 0 };
}

/// Records that leave.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) root: Arc<Root>,
    /// When the records' times are zero, in nanoseconds since 1970.
    pub(crate) zero_epoch_ns: u64,
    /// Records with [`Flags::STAYS`] are only there as parents.
    pub(crate) body: Body,
    /// The root stays, and is told of as in progress.
    pub(crate) announces_root: bool,
}

/// Whether a part is gathered for being large, or for being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gather {
    /// Only where enough has come together.
    Due,
    /// What has waited for long, at this time.
    Old(u64),
    /// Whatever is closed, to make room.
    Closed,
    /// The same, and a word of a root that is still open: somebody waits for a flush.
    All,
}

#[derive(Debug, Default)]
pub(crate) struct OpenTrace {
    root: Option<Arc<Root>>,
    zero_epoch_ns: u64,
    pub(crate) body: Body,
    open: usize,
    root_ended: bool,
    root_announced: bool,
    /// The root's span, while it is in the registry and may have children; 0 without one.
    root_span: u64,
    /// When the root began, and how long after that it is told of as in progress.
    began_ns: u64,
    announces_after_ns: u64,
    /// Records, or bytes, that the body must have before it is cut again.
    cut_at: usize,
    cut_at_bytes: usize,
    /// When the root began, when records left last, or when the root ended.
    waits_since_ns: u64,
    /// The panic that is unwinding, and the exception that tells of it.
    pub(crate) panic: (u64, u64),
}

impl OpenTrace {
    /// Begins with the root's record, which is always the first.
    pub(crate) fn begin(&mut self, root: Arc<Root>, record: Record, zero_epoch_ns: u64) {
        self.waits_since_ns = record.start_ns;
        (self.began_ns, self.announces_after_ns) = (record.start_ns, MAX_WAIT_NS);
        (self.cut_at, self.cut_at_bytes) = (MAX_RECORDS, MAX_PART_BYTES);
        self.zero_epoch_ns = zero_epoch_ns;
        self.root_span = record.span;
        self.root = Some(root);
        self.open = 1;
        self.body.add_record(record);
    }

    /// The root is told of as in progress once it is open for that long, not only after 30 s.
    pub(crate) fn announce_after(&mut self, after_ns: u64) {
        self.announces_after_ns = after_ns.min(MAX_WAIT_NS);
    }

    /// Begins with a body that holds the root's record already.
    pub(crate) fn begin_with(&mut self, root: Arc<Root>, body: Body, zero_epoch_ns: u64) {
        let Some(record) = body.records.first().copied() else { return };
        self.begin(root, record, zero_epoch_ns);
        self.body = body;
    }

    /// Index of the open record at `place`.
    pub(crate) fn locate(&self, place: Place) -> Option<u32> {
        let is_it = |record: &Record| record.id == place.id && record.is_open();
        if self.body.records.get(place.index as usize).is_some_and(is_it) {
            return Some(place.index);
        }
        self.body.records.iter().rposition(is_it).map(|index| index as u32)
    }

    /// The open record of the first of `spans` that has one.
    pub(crate) fn find(&self, slot: SlotKey, spans: &[u64]) -> Option<Place> {
        spans.iter().find_map(|span| {
            let is_it = |record: &Record| record.span == *span && record.is_open();
            let index = self.body.records.iter().rposition(is_it)?;
            Some(Place { slot, id: self.body.records.get(index)?.id, index: index as u32 })
        })
    }

    /// Index of the root's record, while it is open.
    pub(crate) fn root_index(&self) -> Option<u32> {
        (!self.root_ended && self.root.is_some()).then_some(0)
    }

    /// Whether more may be recorded.
    pub(crate) fn has_room(&self) -> bool {
        self.body.estimated_bytes() < MAX_BYTES
    }

    /// Adds a record below `parent`; where that has left already, it is named by its id.
    pub(crate) fn add(&mut self, parent: Place, mut record: Record) -> u32 {
        match self.locate(parent) {
            Some(index) => record.parent = index,
            None => record.parent_id = parent.id,
        }
        self.open += 1;
        self.body.add_record(record)
    }

    /// The root has a span now, which may get children.
    pub(crate) fn set_root_span(&mut self, span: u64) {
        if let Some(root) = self.body.records.first_mut() {
            root.span = span;
            self.root_span = span;
        }
    }

    /// The registry gave up `span`: if it is the root's, nothing can begin below it any more.
    pub(crate) fn root_span_closed(&mut self, span: u64) {
        if self.root_span == span {
            self.root_span = 0;
        }
    }

    /// Ends a record: at its last exit, or `now_ns` if it has none.
    pub(crate) fn close(&mut self, index: u32, now_ns: u64) {
        let Some(record) = self.body.records.get_mut(index as usize) else { return };
        if !record.is_open() {
            return;
        }
        record.flags.set(Flags::CLOSED);
        record.span = 0;
        if record.end_ns == 0 {
            record.end_ns = now_ns;
        }
        self.open -= 1;
        if record.flags.has(Flags::ROOT) {
            self.root_ended = true;
            self.waits_since_ns = now_ns;
        }
    }

    /// Worth asking whether something leaves: it does not in most traces before their end.
    pub(crate) fn may_leave(&self) -> bool {
        self.root_ended || self.is_over_cut()
    }

    /// Nothing is open, and nothing can begin.
    pub(crate) fn is_finished(&self) -> bool {
        self.root_ended && self.open == 0 && self.root_span == 0 && self.body.records.is_empty()
    }

    /// Moves closed records out, if it is time; `spare` is an empty body for those that stay.
    pub(crate) fn gather(&mut self, why: Gather, spare: impl FnOnce() -> Body) -> Option<Part> {
        let announces_root = self.announces_root(why);
        if !announces_root && !self.is_due(why) {
            return None;
        }
        let root = Arc::clone(self.root.as_ref()?);
        let body = if self.open == 0 { mem::take(&mut self.body) } else { self.split(spare()) };
        self.root_announced |= announces_root;
        if let Gather::Old(now_ns) = why {
            self.waits_since_ns = now_ns;
        }
        // However many stay: as many again must come before they are copied again.
        self.cut_at = (self.body.records.len() * 2).max(MAX_RECORDS);
        self.cut_at_bytes = (self.body.estimated_bytes() * 2).max(MAX_PART_BYTES);
        Some(Part { root, zero_epoch_ns: self.zero_epoch_ns, body, announces_root })
    }

    /// Gives up records that did not close long after their root; says how many.
    pub(crate) fn abandon(&mut self, now_ns: u64) -> usize {
        if !self.root_ended || now_ns.saturating_sub(self.waits_since_ns) < MAX_LATE_NS {
            return 0;
        }
        self.body.clear();
        self.root_span = 0;
        mem::take(&mut self.open)
    }

    fn is_due(&self, why: Gather) -> bool {
        let closed = self.body.records.len() - self.open;
        let enough = match why {
            Gather::All | Gather::Closed => true,
            Gather::Old(_) if self.root_ended => true,
            Gather::Old(now_ns) => now_ns.saturating_sub(self.waits_since_ns) >= MAX_WAIT_NS,
            Gather::Due if self.root_ended => {
                self.open == 0 || self.body.records.len() <= FEW_RECORDS || self.is_over_cut()
            }
            Gather::Due => self.is_over_cut(),
        };
        closed > 0 && enough
    }

    fn is_over_cut(&self) -> bool {
        self.body.records.len() > self.cut_at || self.body.estimated_bytes() > self.cut_at_bytes
    }

    /// An open root is told of once, with the first part that leaves for its age.
    fn announces_root(&self, why: Gather) -> bool {
        let old = match why {
            Gather::All => true,
            Gather::Old(now_ns) => now_ns.saturating_sub(self.began_ns) >= self.announces_after_ns,
            Gather::Due | Gather::Closed => false,
        };
        old && !self.root_announced && self.root_index().is_some()
    }

    /// Copies what is open to `stays`, which becomes the body; returns the old one, in which the
    /// open records are marked.
    fn split(&mut self, mut stays: Body) -> Body {
        let mut leaves = mem::take(&mut self.body);
        // Parents stand before their children: where each open one went is known when needed.
        let mut moved = vec![NONE; leaves.records.len()];
        for index in 0..leaves.records.len() {
            let Some(record) = leaves.records.get(index).copied() else { continue };
            if !record.is_open() {
                continue;
            }
            let copy = stays.copy_record(&leaves, index, &record);
            let parent = leaves.records.get(record.parent as usize).map(|parent| parent.id);
            if let (Some(copied), Some(parent_id)) = (stays.records.get_mut(copy as usize), parent)
            {
                copied.parent = moved.get(record.parent as usize).copied().unwrap_or(NONE);
                if copied.parent == NONE {
                    copied.parent_id = parent_id;
                }
            }
            if let (Some(to), Some(old)) = (moved.get_mut(index), leaves.records.get_mut(index)) {
                *to = copy;
                old.flags.set(Flags::STAYS);
            }
        }
        self.body = stays;
        leaves
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Name;
    use super::super::root::RootKind;
    use super::*;
    use crate::sampling::RuleSource;
    use crate::{SegmentId, TraceId};

    const SECOND: u64 = 1_000_000_000;

    fn place(id: u64) -> Place {
        Place { id, ..Place::default() }
    }

    /// A trace whose root is record 1, open since 0.
    fn trace() -> OpenTrace {
        let root = Root {
            tracer: 0,
            name: "orders".into(),
            trace_id: TraceId::random().into(),
            segment_id: SegmentId::from_u64(1),
            incoming: None,
            sampled: true,
            rule: None,
            rule_source: RuleSource::Local,
            is_excluded: false,
            kind: RootKind::Segment,
            w3c: None,
            slot: None,
        };
        let mut trace = OpenTrace::default();
        let mut record = Record::new(1, Name::Static("root"), 0);
        record.flags.set(Flags::ROOT);
        trace.begin(Arc::new(root), record, 0);
        trace
    }

    impl OpenTrace {
        fn child(&mut self, id: u64, parent: u64) {
            self.add(place(parent), Record::new(id, Name::Static("child"), 1));
        }

        fn end(&mut self, id: u64, now_ns: u64) {
            self.close(self.locate(place(id)).unwrap(), now_ns);
        }

        /// Ids that leave, each with the id of its parent; 0 without one.
        fn leaving(&mut self, why: Gather) -> Option<Vec<(u64, u64)>> {
            let part = self.gather(why, Body::default)?;
            let records = &part.body.records;
            let parent = |record: &Record| match records.get(record.parent as usize) {
                Some(parent) => parent.id,
                None => record.parent_id,
            };
            let leaves = records.iter().filter(|record| !record.flags.has(Flags::STAYS));
            Some(leaves.map(|record| (record.id, parent(record))).collect())
        }
    }

    #[test]
    fn a_trace_leaves_whole_when_all_of_it_is_closed() {
        let mut trace = trace();
        trace.child(2, 1);
        trace.child(3, 2);
        for id in [3, 2] {
            trace.end(id, 5);
            assert_eq!(trace.leaving(Gather::Due), None);
        }
        trace.end(1, 9);
        assert_eq!(trace.leaving(Gather::Due), Some(vec![(1, 0), (2, 1), (3, 2)]));
        assert!(trace.is_finished());
    }

    #[test]
    fn children_that_outlive_the_root_follow_on_their_own() {
        let mut trace = trace();
        trace.child(2, 1);
        trace.child(3, 2);
        trace.end(1, 9);
        assert_eq!(trace.leaving(Gather::Due), Some(vec![(1, 0)]));
        assert!(!trace.is_finished());
        trace.child(4, 1); // below a root that has left
        trace.end(3, 10);
        assert_eq!(trace.leaving(Gather::Due), Some(vec![(3, 2)]));
        trace.end(2, 11);
        assert_eq!(trace.leaving(Gather::Due), Some(vec![(2, 1)]));
        trace.end(4, 12);
        assert_eq!(trace.leaving(Gather::Due), Some(vec![(4, 1)]));
        assert!(trace.is_finished());
    }

    #[test]
    fn the_hundred_and_first_record_sends_the_closed_ones() {
        let mut trace = trace();
        for id in 2..=100 {
            trace.child(id, 1);
            trace.end(id, id);
        }
        assert_eq!(trace.leaving(Gather::Due), None);
        trace.child(101, 1);
        let left = trace.leaving(Gather::Due).unwrap();
        assert_eq!(left, (2..=100).map(|id| (id, 1)).collect::<Vec<_>>());
        // The root and the open child stayed, with their places moved.
        assert_eq!(trace.body.records.len(), 2);
        trace.end(101, 200);
        trace.end(1, 300);
        assert_eq!(trace.leaving(Gather::Due), Some(vec![(1, 0), (101, 1)]));
    }

    #[test]
    fn many_open_records_are_not_copied_at_every_close() {
        let mut trace = trace();
        for id in 2..=1_001 {
            trace.child(id, 1);
        }
        let mut parts = 0;
        for id in 2..=1_001 {
            trace.end(id, 5_000);
            parts += usize::from(trace.leaving(Gather::Due).is_some());
        }
        assert_eq!(parts, 1); // the first; then as many again must come
        trace.end(1, 6_000);
        assert_eq!(trace.leaving(Gather::Due).unwrap().len(), 1_000);
    }

    #[test]
    fn sixty_kilobytes_leave_before_the_root_ends() {
        let mut trace = trace();
        trace.child(2, 1);
        trace.body.add_text(&"x".repeat(MAX_PART_BYTES));
        assert_eq!(trace.leaving(Gather::Due), None); // nothing is closed yet
        trace.end(2, 5);
        assert_eq!(trace.leaving(Gather::Due), Some(vec![(2, 1)]));
    }

    #[test]
    fn a_root_open_for_thirty_seconds_is_announced_once_and_sent_in_parts() {
        let mut trace = trace();
        trace.child(2, 1);
        trace.end(2, SECOND);
        assert_eq!(trace.leaving(Gather::Old(29 * SECOND)), None);
        let part = trace.gather(Gather::Old(30 * SECOND), Body::default).unwrap();
        assert!(part.announces_root);
        assert_eq!(part.body.records.len(), 2);
        trace.child(3, 1);
        trace.end(3, 31 * SECOND);
        assert_eq!(trace.leaving(Gather::Old(59 * SECOND)), None);
        let part = trace.gather(Gather::Old(60 * SECOND), Body::default).unwrap();
        assert!(!part.announces_root);
        assert_eq!(trace.leaving(Gather::Old(90 * SECOND)), None);
    }

    #[test]
    fn a_root_is_announced_as_soon_as_somebody_wants_it() {
        let mut trace = trace();
        trace.announce_after(SECOND);
        assert!(trace.gather(Gather::Old(SECOND - 1), Body::default).is_none());
        let part = trace.gather(Gather::Old(SECOND), Body::default).unwrap();
        assert!(part.announces_root && part.body.records.len() == 1);
        assert!(trace.gather(Gather::Old(2 * SECOND), Body::default).is_none());
    }

    #[test]
    fn a_flush_takes_what_is_closed_and_announces_the_root() {
        let mut trace = trace();
        trace.child(2, 1);
        let part = trace.gather(Gather::All, Body::default).unwrap();
        assert!(part.announces_root);
        assert_eq!(trace.leaving(Gather::All), None);
        trace.end(2, 5);
        trace.end(1, 6);
        assert_eq!(trace.leaving(Gather::Due), Some(vec![(1, 0), (2, 1)]));
    }

    #[test]
    fn records_still_open_an_hour_after_the_root_are_given_up() {
        let mut trace = trace();
        trace.child(2, 1);
        trace.end(1, SECOND);
        trace.leaving(Gather::Due);
        assert_eq!(trace.abandon(3_600 * SECOND), 0);
        assert_eq!(trace.abandon(3_601 * SECOND), 1);
        assert!(trace.is_finished());
    }

    #[test]
    fn a_megabyte_that_cannot_leave_is_the_most() {
        let mut trace = trace();
        assert!(trace.has_room());
        trace.body.add_text(&"x".repeat(MAX_BYTES));
        assert!(!trace.has_room());
    }
}
