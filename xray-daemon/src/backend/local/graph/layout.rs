//! Where nodes and edges stand on the map: layers from callers to callees.

use super::ServiceGraph;

/// Which way the map runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Left to right, for wide screens.
    Wide,
    /// Top down, for phones.
    Tall,
}

/// Places of everything, in units of the `viewBox`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// Width of the `viewBox`.
    pub width: f64,
    /// Height of the `viewBox`.
    pub height: f64,
    /// Of each node, in the order of `ServiceGraph::nodes`.
    pub nodes: Vec<Place>,
    /// Of each edge: nodes in order, then the edges of each.
    pub edges: Vec<Route>,
}

/// A circle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Centre.
    pub x: f64,
    /// Centre.
    pub y: f64,
    /// Radius of the disc.
    pub r: f64,
}

/// A curve from node to node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    /// Node it starts from.
    pub from: usize,
    /// Place of the edge among `GraphNode::edges`.
    pub edge: usize,
    /// Node it leads to.
    pub to: usize,
    /// `d` of the path: digits, `M`, `C` and spaces alone.
    pub path: String,
    /// Middle of the label.
    pub label_x: f64,
    /// Middle of the label.
    pub label_y: f64,
    /// Runs along the flow: the label stands above and below the line instead of on it.
    pub straight: bool,
}

impl Layout {
    /// Places for `graph`. Depends on who calls whom alone, never on numbers.
    pub fn of(_graph: &ServiceGraph, _shape: Shape) -> Self {
        Self::default()
    }
}
