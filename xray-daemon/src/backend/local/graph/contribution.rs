//! What one trace, or many together, add to the service graph.
//!
//! In: an assembled trace. Out: numbers per node and edge that add and subtract. Owns them.

use std::collections::BTreeMap;

use xray_tracing::{SegmentId, TraceId};

use super::{Counts, Histogram};
use crate::backend::local::trace::{ServiceId, Trace};

/// Numbers per node and edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contribution {
    /// By service.
    pub nodes: BTreeMap<ServiceId, NodeStats>,
    /// By caller, callee and kind.
    pub edges: BTreeMap<EdgeKey, EdgeStats>,
}

/// Which edge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EdgeKey {
    /// Caller, or producer of a link.
    pub from: ServiceId,
    /// Callee, or consumer of a link.
    pub to: ServiceId,
    /// Call or link.
    pub kind: EdgeKind,
}

/// What an edge stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EdgeKind {
    /// A request that somebody waits for.
    Call,
    /// A trace that led to another (`links`).
    Link,
}

/// How a node came into the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeState {
    /// It reported segments.
    Active,
    /// A `remote` callee that did not report.
    Passive,
    /// A client, a database or an AWS resource.
    #[default]
    Unknown,
}

/// Numbers of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeStats {
    /// How it came into the graph.
    pub state: NodeState,
    /// Traces that start here.
    pub roots: u64,
    /// Segments in progress; only in the graph of one trace.
    pub pending: u64,
    /// Epoch seconds: floor of the first and floor + 1 of the last root start.
    pub times_s: Option<(i64, i64)>,
    /// Finished requests.
    pub counts: Counts,
    /// Own time of each.
    pub response: Histogram,
    /// Time of each with its asynchronous tails.
    pub duration: Histogram,
}

/// Numbers of an edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EdgeStats {
    /// Epoch seconds, as for nodes.
    pub times_s: Option<(i64, i64)>,
    /// Finished calls; all 0 for a link.
    pub counts: Counts,
    /// Time of each call, seen by the caller.
    pub response: Histogram,
    /// From the end of the producer to the start of the consumer (links).
    pub age: Histogram,
    /// Names that callers use for the callee, with how often.
    pub aliases: BTreeMap<ServiceId, u64>,
}

/// The other end of a link: who produced it and when that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkEnd {
    /// The producer.
    pub service: ServiceId,
    /// Epoch seconds; none while it is in progress.
    pub end_s: Option<f64>,
}

impl Contribution {
    /// What `trace` adds. `link_end` finds the entity that a link speaks of, in any trace.
    pub fn of(_trace: &Trace, _link_end: &dyn Fn(TraceId, SegmentId) -> Option<LinkEnd>) -> Self {
        Self::default()
    }

    /// Adds the numbers of `other`.
    pub fn merge(&mut self, _other: &Self) {}

    /// Takes away numbers that were added before; nodes and edges without any vanish.
    pub fn subtract(&mut self, _other: &Self) {}
}

impl NodeStats {
    /// Appends a compact form to `bytes`.
    pub fn encode(&self, _bytes: &mut Vec<u8>) {}

    /// Reads what [`encode`](Self::encode) wrote; none if it is damaged.
    pub fn decode(_bytes: &[u8]) -> Option<Self> {
        None
    }
}

impl EdgeStats {
    /// Appends a compact form to `bytes`.
    pub fn encode(&self, _bytes: &mut Vec<u8>) {}

    /// Reads what [`encode`](Self::encode) wrote; none if it is damaged.
    pub fn decode(_bytes: &[u8]) -> Option<Self> {
        None
    }
}
