//! The service graph: who calls whom, how often, how it went; and where to draw it.
//!
//! In: assembled traces. Out: what each adds to the graph ([`Contribution`]), the graph of many
//! ([`ServiceGraph`]), and places on a page ([`Layout`]). Pure: no I/O, no clock. Contributions
//! add and subtract, so that the store keeps one per minute and corrects it when a trace grows.

mod counts;
mod histogram;
mod stats;

mod contribution;
mod service_graph;

mod layout;

pub use contribution::{Contribution, EdgeKey, EdgeKind, LinkEnd};
pub use counts::Counts;
pub use histogram::Histogram;
pub use layout::{Layout, Place, Route, Shape};
pub use service_graph::{GraphEdge, GraphNode, ServiceGraph};
pub use stats::{EdgeStats, NodeState, NodeStats, TimesS};

#[cfg(test)]
mod tests;
