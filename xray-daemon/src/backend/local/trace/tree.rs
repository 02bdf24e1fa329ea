//! An assembled trace: its entities in one flat list, linked as a tree.
//!
//! In: what [`assemble`](super::assemble) puts together. Out: answers about the whole. Owns the
//! entities. The list is flat, so that neither reading nor dropping a deep tree recurses; it is in
//! reading order (parents first, siblings by start), so that everything below an entity is a
//! range.

use std::net::SocketAddr;
use std::sync::OnceLock;

use bytes::Bytes;
use xray_tracing::document::Entity;
use xray_tracing::{SegmentId, TraceId};

use super::{Received, Topology, assemble};

/// Place of an entity in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryIndex(pub(super) u32);

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A segment that was reported.
    Segment,
    /// A subsegment, embedded or sent on its own.
    Subsegment,
}

/// A segment or subsegment in its place.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it says; `subsegments` is empty, they are entries of their own. Boxed: it is large, and
    /// entries move while they are put in order.
    pub entity: Box<Entity>,
    /// Segment or subsegment.
    pub kind: EntryKind,
    /// Epoch seconds; always a sane number, borrowed from the parent where the document has none.
    pub start_s: f64,
    /// Epoch seconds, not before `start_s`; none while in progress.
    pub end_s: Option<f64>,
    /// The entry it hangs under: of a segment the caller, of a subsegment what holds it.
    pub parent: Option<EntryIndex>,
    /// What hangs under it, by start.
    pub children: Vec<EntryIndex>,
    /// Entries below, at any depth: they follow it in [`Trace::entries`].
    pub descendants: usize,
    /// Entries above it.
    pub depth: usize,
    /// The segment it belongs to (itself for a segment); none for an orphan subsegment.
    pub segment: Option<EntryIndex>,
    /// Names a parent that was never received, or one that leads back to itself.
    pub orphan: bool,
    /// Reachable from the root of the trace.
    pub attached: bool,
    /// The document that it came in.
    pub(super) source: usize,
}

impl Entry {
    /// A segment, not a subsegment.
    pub fn is_segment(&self) -> bool {
        self.kind == EntryKind::Segment
    }

    /// A member of `aws.ec2`, such as `instance_id`.
    pub fn ec2(&self, member: &str) -> Option<&str> {
        self.entity.aws.as_ref()?.extra.get("ec2")?.get(member)?.as_str()
    }

    /// Own time; none while in progress.
    pub fn duration_s(&self) -> Option<f64> {
        self.end_s.map(|end_s| end_s - self.start_s)
    }

    /// Own time in whole microseconds, free of the noise of doubles; none while in progress.
    pub fn duration_us(&self) -> Option<u64> {
        // Both lie between 1970 and 9999.
        self.duration_s().map(|duration_s| (duration_s * 1e6).round() as u64)
    }
}

/// A document that is part of the trace.
#[derive(Clone, Debug)]
pub struct Source {
    /// JSON text, byte for byte as it came.
    pub document: Bytes,
    /// Epoch seconds.
    pub received_at_s: f64,
    /// Address of the process that sent it.
    pub sender: Option<SocketAddr>,
}

/// One trace.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(super) id: TraceId,
    pub(super) entries: Vec<Entry>,
    pub(super) tops: Vec<EntryIndex>,
    pub(super) root: Option<EntryIndex>,
    pub(super) sources: Vec<Source>,
    pub(super) revision: u64,
    pub(super) updated_at_s: f64,
    pub(super) topology: OnceLock<Topology>,
}

impl Trace {
    /// Puts together what was received of trace `id`. Documents of other traces are not told
    /// apart; the caller selects.
    pub fn assemble(id: TraceId, documents: Vec<Received>) -> Self {
        assemble::assemble(id, documents)
    }

    /// The trace's id.
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// All entities, in reading order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All entities with their places, in reading order.
    pub fn indexed(&self) -> impl DoubleEndedIterator<Item = (EntryIndex, &Entry)> {
        let entries = self.entries.iter().enumerate();
        entries.map(|(at, entry)| (EntryIndex::new(at), entry))
    }

    /// The entity at `index` of this trace.
    pub fn entry(&self, index: EntryIndex) -> Option<&Entry> {
        self.entries.get(index.at())
    }

    /// Where the entity of this id is; the first if several have it.
    pub fn find(&self, id: SegmentId) -> Option<EntryIndex> {
        self.indexed().find(|(_, entry)| entry.entity.id == Some(id)).map(|(index, _)| index)
    }

    /// The entity at `index` and all below it, in reading order.
    pub fn subtree(&self, index: EntryIndex) -> &[Entry] {
        let from = index.at();
        let below = self.entries.get(from).map_or(0, |entry| entry.descendants + 1);
        self.entries.get(from..from + below).unwrap_or_default()
    }

    /// Entries without parent, the root first, the others by start.
    pub fn tops(&self) -> &[EntryIndex] {
        &self.tops
    }

    /// The segment that started it: without parent, the earliest if there are several.
    pub fn root(&self) -> Option<EntryIndex> {
        self.root
    }

    /// The document that `entry` came in.
    pub fn source(&self, entry: &Entry) -> Option<&Source> {
        self.sources.get(entry.source)
    }

    /// Epoch seconds of the earliest segment; of the earliest subsegment where there is no segment.
    pub fn start_time_s(&self) -> f64 {
        let earliest = |kind| {
            let of_kind = self.entries.iter().filter(|entry| entry.kind == kind);
            of_kind.map(|entry| entry.start_s).reduce(f64::min)
        };
        earliest(EntryKind::Segment)
            .or_else(|| earliest(EntryKind::Subsegment))
            .unwrap_or(self.updated_at_s)
    }

    /// From the first start to the last end of what hangs together with the root; none while any
    /// of it is in progress, or without root. Not rounded.
    pub fn duration_s(&self) -> Option<f64> {
        let attached = self.subtree(self.root?);
        let start_s = attached.iter().map(|entry| entry.start_s).reduce(f64::min)?;
        let end_s = attached.iter().try_fold(start_s, |end_s, entry| Some(entry.end_s?.max(end_s)));
        Some(end_s? - start_s)
    }

    /// The root's own time; none while in progress, or without root. Not rounded.
    pub fn response_time_s(&self) -> Option<f64> {
        self.entry(self.root?)?.duration_s()
    }

    /// Its services and calls; made when they are first asked for.
    pub fn topology(&self) -> &Topology {
        self.topology.get_or_init(|| Topology::of(self))
    }

    /// Update calls that were accepted, from 1.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Epoch seconds of the last update.
    pub fn updated_at_s(&self) -> f64 {
        self.updated_at_s
    }
}

impl EntryIndex {
    /// A trace has far fewer than 2^32 entities: each takes bytes of a bounded document.
    pub(super) fn new(at: usize) -> Self {
        Self(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// As an index of [`Trace::entries`].
    pub fn at(self) -> usize {
        self.0 as usize
    }
}
