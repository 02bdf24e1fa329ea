//! The whole drawing: places of nodes and curves of edges.
//!
//! In: a graph and a shape. Out: a [`Layout`]. Owns nothing.

use super::layers::Layers;
use super::metrics::{MINI, Metrics, TALL, TallMetrics, WIDE};
use super::order::reduce_crossings;
use super::place::{nearest_in_order, place};
use super::route::{self, Arrival, Curve};
use crate::backend::local::graph::ServiceGraph;

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
    pub fn of(graph: &ServiceGraph, shape: Shape) -> Self {
        let layers = layers(graph);
        match shape {
            Shape::Wide => wide(graph, &layers, &WIDE),
            Shape::Tall => tall(graph, &layers, &TALL),
        }
    }

    /// The small drawing of one trace, left to right, nodes as dots.
    pub fn mini(graph: &ServiceGraph) -> Self {
        wide(graph, &layers(graph), &MINI)
    }
}

/// Caller, place among its edges, and callee of each edge.
fn edges(graph: &ServiceGraph) -> impl Iterator<Item = (usize, usize, usize)> {
    graph.nodes.iter().enumerate().flat_map(|(from, node)| {
        node.edges.iter().enumerate().map(move |(edge, to)| (from, edge, to.to))
    })
}

fn layers(graph: &ServiceGraph) -> Layers {
    let calls: Vec<_> = edges(graph).map(|(from, _, to)| (from, to)).collect();
    let is_client: Vec<_> = graph.nodes.iter().map(|node| node.is_client()).collect();
    let mut layers = Layers::of(graph.nodes.len(), &calls, &is_client);
    reduce_crossings(&mut layers);
    layers
}

fn wide(graph: &ServiceGraph, layers: &Layers, metrics: &Metrics) -> Layout {
    let calls = |item: usize| graph.nodes.get(item).is_some_and(|node| !node.edges.is_empty());
    let pitch = |one, next| {
        let name_room = if calls(one) { metrics.name_room } else { 0.0 };
        name_room
            + match (layers.is_bend(one), layers.is_bend(next)) {
                (false, false) => metrics.node_pitch,
                (true, true) => metrics.lane_pitch,
                _ => (metrics.node_pitch + metrics.lane_pitch) / 2.0,
            }
    };
    let across = place(layers, pitch);
    let (first, last) = bounds(&across);
    let [left, top, right, bottom] = metrics.margins;
    let length = layers.layers.len().saturating_sub(1) as f64 * metrics.layer_pitch;
    let width = (left + length + right).max(metrics.min_width);
    let height = (top + (last - first) + bottom).max(metrics.min_height);
    // In the middle of what is left, to whole units.
    let x0 = (left + (width - left - length - right) / 2.0).round();
    let y0 = top + (height - top - (last - first) - bottom) / 2.0 - first;
    let at = |item: usize| {
        let x = x0 + layers.rank(item) as f64 * metrics.layer_pitch;
        (x, (y0 + across.get(item).copied().unwrap_or(0.0)).round())
    };
    let nodes: Vec<_> = (0..graph.nodes.len())
        .map(|node| {
            let (x, y) = at(node);
            let client = graph.nodes.get(node).is_some_and(|node| node.is_client());
            Place { x, y, r: if client { metrics.client_r } else { metrics.r } }
        })
        .collect();
    let curve = |from: usize, to: usize, start: Place, end: Place| {
        let (one, other) = (layers.rank(from), layers.rank(to));
        if from == to {
            return route::around(start, metrics.start_gap, metrics.end_gap);
        }
        if one >= other {
            return route::backward(start, end, metrics);
        }
        let bends = layers.bends.get(&(from, to)).map(Vec::as_slice).unwrap_or_default();
        let bends: Vec<_> = bends.iter().map(|bend| at(*bend)).collect();
        let callers = layers.before.get(to).map_or(0, Vec::len);
        let arrival = if callers > 1 { Arrival::Among } else { Arrival::Alone };
        route::forward(start, end, &bends, arrival, metrics)
    };
    Layout { width, height, edges: routes(graph, &nodes, curve), nodes }
}

/// Least and greatest; 0 and 0 of nothing.
fn bounds(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().reduce(f64::min).unwrap_or(0.0);
    (least, values.iter().copied().fold(least, f64::max))
}

fn routes(
    graph: &ServiceGraph,
    nodes: &[Place],
    curve: impl Fn(usize, usize, Place, Place) -> Curve,
) -> Vec<Route> {
    let route = |(from, edge, to): (usize, usize, usize)| {
        let (start, end) = (nodes.get(from)?, nodes.get(to)?);
        let Curve { path, label, straight } = curve(from, to, *start, *end);
        Some(Route { from, edge, to, path, label_x: label.0, label_y: label.1, straight })
    };
    edges(graph).filter_map(route).collect()
}

/// Layers become rows, a layer with more nodes than fit side by side several.
fn tall(graph: &ServiceGraph, layers: &Layers, metrics: &TallMetrics) -> Layout {
    let mut nodes = vec![Place { x: metrics.width / 2.0, ..Place::default() }; graph.nodes.len()];
    let is_client = |node: &usize| graph.nodes.get(*node).is_some_and(|node| node.is_client());
    let mut y = metrics.top;
    let mut last_y = metrics.top;
    for layer in &layers.layers {
        let of_layer: Vec<usize> =
            layer.iter().copied().filter(|item| !layers.is_bend(*item)).collect();
        let rows = of_layer.len().div_ceil(metrics.in_row).max(1);
        for row in of_layer.chunks(of_layer.len().div_ceil(rows).max(1)) {
            let xs = across_row(row, layers, &nodes, metrics);
            let staggered = row.len() == metrics.in_row;
            for (place, (node, x)) in row.iter().zip(xs).enumerate() {
                let lower = if staggered && place % 2 == 1 { metrics.stagger } else { 0.0 };
                let r = if is_client(node) { metrics.client_r } else { metrics.r };
                last_y = y + lower;
                if let Some(slot) = nodes.get_mut(*node) {
                    *slot = Place { x: x.round(), y: last_y, r };
                }
            }
            let clients = row.iter().all(is_client);
            y += if clients { metrics.client_pitch } else { metrics.row_pitch };
            y += if staggered { metrics.stagger } else { 0.0 };
        }
    }
    let lowest = nodes.iter().map(|node| node.y).fold(last_y, f64::max);
    let curve = |from: usize, to: usize, start: Place, end: Place| {
        if from == to {
            route::around(start, 5.0, metrics.end_gap)
        } else if layers.rank(from) < layers.rank(to) {
            route::down(start, end, metrics)
        } else {
            route::up(start, end, metrics)
        }
    };
    let edges = routes(graph, &nodes, curve);
    Layout { width: metrics.width, height: lowest + metrics.bottom, nodes, edges }
}

/// Centres of a row: each below its callers as far as the width allows.
fn across_row(row: &[usize], layers: &Layers, nodes: &[Place], metrics: &TallMetrics) -> Vec<f64> {
    let room = metrics.width - 2.0 * metrics.side;
    let between = row.len().saturating_sub(1).max(1) as f64;
    let pitch = metrics.node_pitch.min(room / between);
    let offsets: Vec<f64> = (0..row.len()).map(|place| place as f64 * pitch).collect();
    let wish = |node: &usize| {
        // Bends have no place here: a caller of an upper layer counts through them.
        let mut callers = layers.before.get(*node).cloned().unwrap_or_default();
        for caller in &mut callers {
            while layers.is_bend(*caller)
                && let Some(before) = layers.before.get(*caller).and_then(|before| before.first())
            {
                *caller = *before;
            }
        }
        let xs: Vec<f64> =
            callers.iter().filter_map(|caller| nodes.get(*caller)).map(|place| place.x).collect();
        let mean = xs.iter().sum::<f64>() / xs.len().max(1) as f64;
        (if xs.is_empty() { metrics.width / 2.0 } else { mean }, 1.0)
    };
    let wishes: Vec<_> = row.iter().map(wish).collect();
    let last = offsets.last().copied().unwrap_or(0.0);
    let within = |(x, offset): (f64, &f64)| {
        x.clamp(
            metrics.side + offset,
            (metrics.side + room - (last - offset)).max(metrics.side + offset),
        )
    };
    nearest_in_order(&wishes, &offsets).into_iter().zip(&offsets).map(within).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::backend::local::graph::{EdgeKind, EdgeStats, GraphEdge, GraphNode, NodeStats};
    use crate::backend::local::trace::ServiceId;

    /// A graph of `nodes`, of which the first is a client.
    fn graph(nodes: usize, calls: &[(usize, usize)]) -> ServiceGraph {
        let node = |place: usize| GraphNode {
            id: ServiceId::new(format!("{place:04}"), (place == 0).then_some(ServiceId::CLIENT)),
            stats: NodeStats::default(),
            edges: calls
                .iter()
                .filter(|(from, _)| *from == place)
                .map(|(_, to)| GraphEdge {
                    to: *to,
                    kind: EdgeKind::Call,
                    stats: EdgeStats::default(),
                })
                .collect(),
        };
        ServiceGraph { times_s: None, nodes: (0..nodes).map(node).collect() }
    }

    /// Client, frontend, catalogue with four callees, a queue with a worker that calls two.
    fn shop() -> ServiceGraph {
        graph(10, &[(0, 1), (1, 2), (2, 3), (2, 4), (2, 5), (2, 6), (6, 7), (7, 8), (7, 9)])
    }

    fn overlaps(layout: &Layout) -> bool {
        layout.nodes.iter().enumerate().any(|(at, one)| {
            layout
                .nodes
                .iter()
                .skip(at + 1)
                .any(|other| (one.x - other.x).hypot(one.y - other.y) < one.r + other.r)
        })
    }

    fn assert_inside(layout: &Layout) {
        for Place { x, y, r } in &layout.nodes {
            assert!(x - r >= 0.0 && x + r <= layout.width, "{layout:?}");
            assert!(y - r >= 0.0 && y + r <= layout.height, "{layout:?}");
        }
    }

    #[test]
    fn callers_stand_left_of_callees_and_in_their_middle() {
        let layout = Layout::of(&shop(), Shape::Wide);
        let places: Vec<_> = layout.nodes.iter().map(|place| (place.x, place.y)).collect();
        let xs: Vec<_> = places.iter().map(|(x, _)| *x).collect();
        assert_eq!(xs, [74.0, 264.0, 454.0, 644.0, 644.0, 644.0, 644.0, 834.0, 1024.0, 1024.0]);
        assert_eq!(places[0].1, places[1].1);
        assert_eq!(places[1].1, places[2].1);
        assert_eq!(places[6].1, places[7].1, "a chain is straight");
        assert!(layout.edges[0].straight && !layout.edges[2].straight);
        assert!(!overlaps(&layout));
        assert_inside(&layout);
    }

    #[test]
    fn on_a_phone_rows_fit_the_width() {
        let layout = Layout::of(&shop(), Shape::Tall);
        assert_eq!(layout.width, 390.0);
        let row: Vec<_> = layout.nodes[3..7].iter().map(|place| (place.x, place.y)).collect();
        let y = layout.nodes[3].y;
        assert_eq!(row, [(60.0, y), (150.0, y + 54.0), (240.0, y), (330.0, y + 54.0)]);
        assert!(!overlaps(&layout));
        assert_inside(&layout);
        // Twelve callees take three rows.
        let calls: Vec<_> = [(0, 1)].into_iter().chain((2..14).map(|to| (1, to))).collect();
        let layout = Layout::of(&graph(14, &calls), Shape::Tall);
        assert!(!overlaps(&layout));
        assert_inside(&layout);
    }

    #[test]
    fn numbers_move_nothing() {
        let mut busy = shop();
        let before = Layout::of(&busy, Shape::Wide);
        for node in &mut busy.nodes {
            node.stats.counts.fault = 1000;
            node.edges.iter_mut().for_each(|edge| edge.stats.counts.ok = 77);
        }
        assert_eq!(Layout::of(&busy, Shape::Wide), before);
    }

    #[test]
    fn rings_and_loops_are_drawn() {
        let ring = graph(3, &[(0, 1), (1, 2), (2, 1), (1, 1), (2, 2)]);
        for shape in [Shape::Wide, Shape::Tall] {
            let layout = Layout::of(&ring, shape);
            assert_eq!(layout.edges.len(), 5);
            assert!(layout.edges.iter().all(|edge| edge.path.starts_with('M')), "{layout:?}");
        }
    }

    #[test]
    fn nothing_and_one_node_have_a_drawing() {
        for shape in [Shape::Wide, Shape::Tall] {
            assert_eq!(Layout::of(&ServiceGraph::default(), shape).nodes, []);
            assert_inside(&Layout::of(&graph(1, &[]), shape));
        }
        assert_eq!(Layout::mini(&shop()).nodes[0].r, 13.0);
    }

    /// A layered graph of services with calls across layers and some back.
    fn large(nodes: usize, calls: usize) -> ServiceGraph {
        let calls: Vec<_> = (0..calls)
            .map(|at| {
                let from = at * 7919 % nodes;
                let step = 1 + at * 31 % 25;
                if at % 23 == 0 { (from, from / 2) } else { (from, (from + step).min(nodes - 1)) }
            })
            .collect();
        graph(nodes, &calls)
    }

    #[test]
    fn two_hundred_nodes_take_milliseconds() {
        let graph = large(200, 400);
        let best = (0..5)
            .map(|_| {
                let start = Instant::now();
                let layout = Layout::of(&graph, Shape::Wide);
                assert_inside(&layout);
                start.elapsed()
            })
            .min()
            .unwrap();
        // Ten in a release build; the tests are built without optimisation.
        let limit = Duration::from_millis(if cfg!(debug_assertions) { 250 } else { 10 });
        assert!(best < limit, "{best:?}");
    }

    proptest! {
        #[test]
        fn any_graph_is_drawn_inside_without_overlap(
            calls in proptest::collection::vec((0..24usize, 0..24usize), 0..60)
        ) {
            let graph = graph(24, &calls);
            for layout in [Layout::of(&graph, Shape::Wide), Layout::mini(&graph), Layout::of(&graph, Shape::Tall)] {
                prop_assert!(!overlaps(&layout));
                assert_inside(&layout);
                prop_assert_eq!(layout.edges.len(), calls.len());
                let drawn = |route: &Route| {
                    route.path.chars().all(|letter| "MC -.0123456789".contains(letter))
                        && route.label_x.is_finite() && route.label_y.is_finite()
                };
                prop_assert!(layout.edges.iter().all(drawn));
            }
        }
    }
}
