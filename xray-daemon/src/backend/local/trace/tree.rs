//! An assembled trace: its entities in one flat list, linked as a tree.
//!
//! In: what [`assemble`](super) puts together. Out: answers about the whole. Owns the entities.
//! The list is flat, so that neither reading nor dropping a deep tree recurses.

use std::net::SocketAddr;

use bytes::Bytes;
use xray_tracing::document::Entity;
use xray_tracing::{SegmentId, TraceId};

use super::Received;

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
    /// What it says; `subsegments` is empty, they are entries of their own.
    pub entity: Entity,
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
    /// The segment it belongs to (itself for a segment); none for an orphan subsegment.
    pub segment: Option<EntryIndex>,
    /// Names a parent that was never received, or one that leads back to itself.
    pub orphan: bool,
    /// Reachable from the root of the trace.
    pub attached: bool,
    /// The document that it came in.
    pub source: usize,
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

/// A segment as `BatchGetTraces` answers it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadBack {
    /// Its id; made from the call's for an inferred one.
    pub id: SegmentId,
    /// JSON text.
    pub document: String,
}

/// One trace.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(super) id: TraceId,
    pub(super) entries: Vec<Entry>,
    /// Entries without parent, by start; the root first.
    pub(super) tops: Vec<EntryIndex>,
    pub(super) root: Option<EntryIndex>,
    pub(super) sources: Vec<Source>,
    pub(super) revision: u64,
    pub(super) updated_at_s: f64,
}

impl Trace {
    /// Puts together what was received of trace `id`, in order of arrival. Documents of other
    /// traces are not told apart; the caller selects.
    pub fn assemble(id: TraceId, _documents: Vec<Received>) -> Self {
        Self {
            id,
            entries: Vec::new(),
            tops: Vec::new(),
            root: None,
            sources: Vec::new(),
            revision: 0,
            updated_at_s: 0.0,
        }
    }

    /// Epoch seconds of the earliest segment; of the earliest subsegment where there is none.
    pub fn start_time_s(&self) -> f64 {
        0.0
    }

    /// From the first start to the last end of what hangs together with the root; none while any
    /// of it is in progress, or without root. Not rounded.
    pub fn duration_s(&self) -> Option<f64> {
        None
    }

    /// The root's own time; none while in progress, or without root. Not rounded.
    pub fn response_time_s(&self) -> Option<f64> {
        None
    }

    /// Its segments as `BatchGetTraces` answers them, inferred ones last.
    pub fn read_back(&self) -> Vec<ReadBack> {
        Vec::new()
    }

    /// The trace's id.
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// All entities: parents before their children.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entity at `index` of this trace.
    pub fn entry(&self, index: EntryIndex) -> Option<&Entry> {
        self.entries.get(index.0 as usize)
    }

    /// Entries without parent, by start, the root first.
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

    /// Update calls that were accepted, from 1.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Epoch seconds of the last update.
    pub fn updated_at_s(&self) -> f64 {
        self.updated_at_s
    }
}
