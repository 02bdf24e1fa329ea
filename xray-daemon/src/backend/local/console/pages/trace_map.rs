//! The small map of one trace: services in columns, solid where trouble began.
//!
//! In: the trace's services and calls, and where they stand. Out: coordinates and text. Owns
//! nothing. Labels of what calls nothing further stand to the right, all others below.

use std::collections::{BTreeMap, BTreeSet};

use crate::backend::local::console::draw::px;
use crate::backend::local::console::format;
use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::service::{Look, cut};
use crate::backend::local::console::text::fill;
use crate::backend::local::graph::{GraphNode, Layout, NodeState, Place, Route, ServiceGraph};
use crate::backend::local::trace::{
    EntryIndex, Row, ServiceId, Status, Timeline, Topology, Trace, Trouble,
};

/// Characters of a name.
const NAME_CHARS: usize = 22;
/// Half the size of an icon.
const ICON: f64 = 7.0;

/// The drawing.
#[derive(Debug)]
pub(crate) struct TraceMap {
    pub(crate) width: String,
    pub(crate) height: String,
    /// Everything in one sentence, since it is an image.
    pub(crate) label: String,
    pub(crate) edges: Vec<MapEdge>,
    pub(crate) nodes: Vec<MapNode>,
}

/// A call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MapEdge {
    pub(crate) path: String,
    pub(crate) bad: bool,
}

/// A service.
#[derive(Debug)]
pub(crate) struct MapNode {
    pub(crate) class: String,
    pub(crate) icon: &'static str,
    pub(crate) name: String,
    pub(crate) time: String,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) r: String,
    pub(crate) icon_x: String,
    pub(crate) icon_y: String,
    /// The label stands to the right.
    pub(crate) leaf: bool,
    pub(crate) text_x: String,
    pub(crate) text_y: String,
    pub(crate) time_y: String,
}

/// What one service did in the trace.
#[derive(Debug, Default)]
struct Part {
    status: Status,
    began: bool,
    pending: bool,
    times_ms: Vec<f64>,
}

impl TraceMap {
    /// The map of `trace`, whose rows are those of `timeline`.
    pub(crate) fn new(
        frame: &Frame,
        trace: &Trace,
        timeline: &Timeline,
        graph: &ServiceGraph,
    ) -> Self {
        let topology = Topology::of(trace);
        let parts = parts(trace, timeline, &topology);
        let layout = Layout::mini(graph);
        let bad = failed_calls(trace, &topology);
        let edge = |route: &Route| {
            let (from, to) = (graph.nodes.get(route.from)?, graph.nodes.get(route.to)?);
            Some(MapEdge { path: route.path.clone(), bad: bad.contains(&(&from.id, &to.id)) })
        };
        let places = graph.nodes.iter().zip(&layout.nodes);
        let nodes: Vec<_> = places
            .map(|(node, place)| map_node(frame, node, parts.get(&node.id), *place))
            .collect();
        Self {
            width: px(nodes.iter().map(|node| node.right).fold(layout.width, f64::max)),
            height: px(layout.height),
            label: sentence(frame, graph),
            edges: layout.edges.iter().filter_map(edge).collect(),
            nodes: nodes.into_iter().map(|node| node.drawn).collect(),
        }
    }
}

/// What each service did: its own segments, or the calls that are all that is known of it.
fn parts<'a>(
    trace: &Trace,
    timeline: &Timeline,
    topology: &'a Topology,
) -> BTreeMap<&'a ServiceId, Part> {
    let rows: BTreeMap<EntryIndex, &Row> =
        timeline.rows.iter().map(|row| (row.entry, row)).collect();
    let mut parts = BTreeMap::<&ServiceId, Part>::new();
    for (service, node) in &topology.nodes {
        let part = parts.entry(service).or_default();
        for row in node.segments.iter().chain(&node.inferred_from).filter_map(|it| rows.get(it)) {
            part.status = part.status.max(row.status);
            part.pending |= row.in_progress;
            part.times_ms.push(row.duration_ms);
            part.began |= row.trouble == Trouble::BeganHere;
        }
    }
    // Trouble inside a service began in that service; a call that failed belongs to its callee.
    let inside = timeline.rows.iter().filter(|row| row.trouble == Trouble::BeganHere);
    for row in inside.filter(|row| trace.inferred(row.entry).is_none()) {
        let service = trace.service(row.entry);
        if let Some(part) = service.as_ref().and_then(|service| parts.get_mut(service)) {
            part.began = true;
        }
    }
    parts
}

/// Calls that ended in a fault, as the caller saw them.
fn failed_calls<'a>(
    trace: &Trace,
    topology: &'a Topology,
) -> BTreeSet<(&'a ServiceId, &'a ServiceId)> {
    let failed = |index: Option<EntryIndex>| {
        index.and_then(|index| trace.entry(index)).is_some_and(|it| it.status() == Status::Fault)
    };
    let calls = topology.calls.iter();
    let calls = calls.filter(|call| failed(call.subsegment.or(call.segment)));
    calls.map(|call| (&call.from, &call.to)).collect()
}

/// A node and where its label ends.
struct PlacedNode {
    drawn: MapNode,
    right: f64,
}

fn map_node(frame: &Frame, node: &GraphNode, part: Option<&Part>, place: Place) -> PlacedNode {
    let Place { x, y, r } = place;
    let look = Look::of(frame.lang, &node.id, node.stats.state);
    let leaf = node.edges.is_empty() && !node.is_client();
    let (name, time) =
        (cut(&look.name, NAME_CHARS), part.map(|part| times(frame, part)).unwrap_or_default());
    let label_chars = name.chars().count() + time.chars().count() + 1;
    let below = y + r + 16.0;
    PlacedNode {
        right: if leaf { x + r + 16.0 + label_chars as f64 * 6.7 } else { x + 70.0 },
        drawn: MapNode {
            class: node_class(node, part),
            icon: look.icon,
            name,
            time,
            x: px(x),
            y: px(y),
            r: px(r),
            icon_x: px(x - ICON),
            icon_y: px(y - ICON),
            leaf,
            text_x: px(if leaf { x + r + 7.0 } else { x }),
            text_y: px(if leaf { y + 4.0 } else { below }),
            time_y: px(below + 14.0),
        },
    }
}

fn node_class(node: &GraphNode, part: Option<&Part>) -> String {
    match part {
        _ if node.is_client() => String::new(),
        Some(Part { pending: true, status: Status::Ok | Status::InProgress, .. }) => {
            "pending".to_owned()
        }
        Some(part) if part.status > Status::InProgress && !part.began => {
            format!("{} passed", part.status.class())
        }
        Some(part) => part.status.class().to_owned(),
        None => "ok".to_owned(),
    }
}

/// `402 ms`, `2 × 148 ms` of the mean, `544 ms…`.
fn times(frame: &Frame, part: &Part) -> String {
    let count = part.times_ms.len();
    if count == 0 {
        return String::new();
    }
    let mean_ms = part.times_ms.iter().sum::<f64>() / count as f64;
    let time = format::duration(frame.lang, mean_ms / 1e3);
    let open = if part.pending { "…" } else { "" };
    if count == 1 { format!("{time}{open}") } else { format!("{count} × {time}{open}") }
}

fn sentence(frame: &Frame, graph: &ServiceGraph) -> String {
    let name = |id: &ServiceId| Look::of(frame.lang, id, NodeState::Active).name;
    let calls = graph.nodes.iter().filter(|node| !node.edges.is_empty()).map(|node| {
        let to = node.edges.iter().filter_map(|edge| graph.nodes.get(edge.to));
        let to: Vec<_> = to.map(|to| name(&to.id)).collect();
        fill(frame.t.trace.calls_of, &[&name(&node.id), &to.join(", ")])
    });
    calls.collect::<Vec<_>>().join("; ")
}
