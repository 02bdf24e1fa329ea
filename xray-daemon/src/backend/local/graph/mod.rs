//! The service graph: who calls whom, how often, how it went; and where to draw it.
//!
//! In: assembled traces. Out: what each adds to the graph ([`Contribution`]), the graph of many
//! ([`ServiceGraph`]), and places on a page ([`Layout`]). Pure: no I/O, no clock. Contributions
//! add and subtract, so that the store keeps one per minute and corrects it when a trace grows.

mod contribution;
mod counts;
mod histogram;
mod layout;
mod service_graph;

pub use contribution::{Contribution, EdgeKey, EdgeKind, EdgeStats, LinkEnd, NodeState, NodeStats};
pub use counts::Counts;
pub use histogram::Histogram;
pub use layout::{Layout, Place, Route, Shape};
pub use service_graph::{GraphEdge, GraphNode, ServiceGraph};
