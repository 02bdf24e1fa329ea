//! The graph as the API and the map show it: nodes in order, each with its edges.
//!
//! In: a contribution, of one trace or the sum of many. Out: a [`ServiceGraph`]. Owns nothing.

use std::collections::BTreeMap;

use super::stats::{EdgeStats, NodeStats, TimesS, union};
use super::{Contribution, Counts, EdgeKind};
use crate::backend::local::trace::ServiceId;

/// Nodes, sorted by name and type; the place of a node is its `ReferenceId`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceGraph {
    /// Epoch seconds of the first and last root start seen; none when empty.
    pub times_s: TimesS,
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
    pub fn build(contribution: Contribution) -> Self {
        let Contribution { mut nodes, edges } = contribution;
        for key in edges.keys() {
            for end in [&key.from, &key.to] {
                if !nodes.contains_key(end) {
                    nodes.insert(end.clone(), NodeStats::default());
                }
            }
        }
        let times_s = nodes.values().fold(None, |times_s, stats| union(times_s, stats.times_s));
        let places: BTreeMap<_, _> = nodes.keys().cloned().zip(0..).collect();
        let node = |(id, stats)| GraphNode { id, stats, edges: Vec::new() };
        let mut nodes: Vec<_> = nodes.into_iter().map(node).collect();
        // Edges are in order of caller, then callee, as nodes are.
        for (key, mut stats) in edges {
            let (Some(from), Some(to)) = (places.get(&key.from), places.get(&key.to)) else {
                continue;
            };
            let from: usize = *from;
            if let Some(node) = nodes.get_mut(from) {
                stats.times_s = node.stats.times_s;
                node.edges.push(GraphEdge { to: *to, kind: key.kind, stats });
            }
        }
        Self { times_s, nodes }
    }

    /// The requests that came in from outside: what clients sent.
    pub fn incoming(&self) -> Counts {
        let mut counts = Counts::default();
        for edge in self.nodes.iter().filter(|node| node.is_client()).flat_map(|node| &node.edges) {
            counts.merge(&edge.stats.counts);
        }
        counts
    }
}

impl GraphNode {
    /// Stands for whoever sends the first requests: no statistics of its own.
    pub fn is_client(&self) -> bool {
        self.id.is_client()
    }
}
