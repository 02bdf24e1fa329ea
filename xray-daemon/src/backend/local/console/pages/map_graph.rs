//! The drawing of the service graph: nodes with rings, edges with labels, all as links.
//!
//! In: the graph, where things stand, what is picked. Out: text and coordinates for
//! `pages/map_graph.html`. Owns nothing. Drawn twice a page: left to right, and top down for
//! phones.

use super::pick::{MapState, Pick, Picked};
use crate::backend::local::console::draw::{Arc, Shares, arcs, px};
use crate::backend::local::console::format;
use crate::backend::local::console::scope::Scope;
use crate::backend::local::console::service::Look;
use crate::backend::local::console::text::{Lang, fill};
use crate::backend::local::graph::{
    Counts, EdgeKind, GraphEdge, GraphNode, Layout, Place, Route, ServiceGraph, Shape,
};
use crate::backend::local::trace::Status;

/// A change is worth an eye from this share of the time before…
const NOTABLE_SHARE: f64 = 0.5;
/// … and from this many milliseconds.
const NOTABLE_MS: f64 = 1.0;

/// The drawing.
#[derive(Debug)]
pub(crate) struct Drawing {
    /// `wide` or `tall`.
    pub(crate) class: &'static str,
    pub(crate) label: &'static str,
    pub(crate) width: String,
    pub(crate) height: String,
    pub(crate) edges: Vec<DrawnEdge>,
    pub(crate) nodes: Vec<DrawnNode>,
}

/// A circle with all that stands on it.
#[derive(Debug)]
pub(crate) struct DrawnNode {
    pub(crate) href: String,
    pub(crate) label: String,
    pub(crate) picked: bool,
    pub(crate) client: bool,
    pub(crate) icon: &'static str,
    pub(crate) name: String,
    /// Full name, for the tool tip.
    pub(crate) full_name: String,
    /// Left out on phones.
    pub(crate) kind: Option<String>,
    pub(crate) average: String,
    pub(crate) per_min: String,
    pub(crate) arcs: Vec<Arc>,
    pub(crate) flag: Option<Flag>,
    pub(crate) change: Option<Change>,
    pub(crate) at: Spots,
}

/// Coordinates of a node's parts.
#[derive(Debug, Default)]
pub(crate) struct Spots {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) disc_r: String,
    pub(crate) halo_r: String,
    pub(crate) ring_r: String,
    pub(crate) average_y: String,
    pub(crate) per_min_y: String,
    pub(crate) badge_y: String,
    pub(crate) badge_icon_x: String,
    pub(crate) badge_icon_y: String,
    pub(crate) icon_x: String,
    pub(crate) icon_y: String,
    pub(crate) name_y: String,
    pub(crate) kind_y: String,
}

/// Worst share, beside the ring.
#[derive(Debug)]
pub(crate) struct Flag {
    pub(crate) class: &'static str,
    pub(crate) text: String,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) icon_x: String,
    pub(crate) icon_y: String,
    pub(crate) text_x: String,
    pub(crate) text_y: String,
}

/// Change of the average, in place of the rate.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) text: String,
    /// Worth an eye.
    pub(crate) notable: bool,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) text_y: String,
}

/// A curve with its label.
#[derive(Debug)]
pub(crate) struct DrawnEdge {
    pub(crate) href: String,
    pub(crate) label: String,
    pub(crate) path: String,
    pub(crate) width: String,
    /// Touches what is picked.
    pub(crate) lit: bool,
    /// A link between traces, not a call.
    pub(crate) link: bool,
    /// There is room for numbers beside it.
    pub(crate) labelled: bool,
    pub(crate) time: String,
    pub(crate) per_min: String,
    pub(crate) label_x: String,
    pub(crate) time_y: String,
    pub(crate) per_min_y: String,
    /// Ground of a label on the line; none where it stands above and below.
    pub(crate) ground: Option<(String, String)>,
}

/// What a drawing is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DrawInput<'a> {
    pub(crate) lang: Lang,
    pub(crate) graph: &'a ServiceGraph,
    pub(crate) layout: &'a Layout,
    pub(crate) shape: Shape,
    pub(crate) scope: &'a Scope,
    pub(crate) state: &'a MapState,
    pub(crate) pick: Pick<'a>,
    /// Length of the time in which traffic was seen.
    pub(crate) observed_s: f64,
    /// The same graph before and after, where they are compared.
    pub(crate) compare: Option<(&'a ServiceGraph, &'a ServiceGraph)>,
}

impl Drawing {
    /// Draws the graph.
    pub(crate) fn new(input: DrawInput<'_>) -> Self {
        let DrawInput { lang, graph, layout, shape, .. } = input;
        let t = &lang.text().map;
        let busiest = busiest_per_min(graph, input.observed_s);
        let nodes = graph.nodes.iter().zip(&layout.nodes);
        let edges = layout.edges.iter().filter_map(|route| input.edge(route, busiest));
        let (class, label) = match shape {
            Shape::Wide => ("wide", t.left_to_right),
            Shape::Tall => ("tall", t.top_to_bottom),
        };
        Self {
            class,
            label,
            width: px(layout.width),
            height: px(layout.height),
            edges: edges.collect(),
            nodes: nodes.map(|(node, place)| input.node(node, *place)).collect(),
        }
    }
}

fn busiest_per_min(graph: &ServiceGraph, observed_s: f64) -> f64 {
    let edges = graph.nodes.iter().flat_map(|node| &node.edges);
    edges.map(|edge| edge.stats.counts.per_minute(observed_s)).fold(0.0, f64::max)
}

impl DrawInput<'_> {
    fn node(&self, node: &GraphNode, place: Place) -> DrawnNode {
        let t = &self.lang.text().map;
        let look = Look::of(self.lang, &node.id, node.stats.state);
        let client = node.is_client();
        // A client has no numbers of its own: it sends what its edges carry.
        let counts = if client { sum_of_edges(node) } else { node.stats.counts };
        let rate = format::rate(self.lang, counts.per_minute(self.observed_s));
        let average = average(self.lang, counts);
        let label = [
            look.name.clone(),
            look.kind.clone(),
            if client { String::new() } else { format!("{} {average}", t.average.to_lowercase()) },
            fill(t.per_minute, &[&rate]),
            worst_in_words(self.lang, counts),
        ];
        let picked = matches!(self.pick, Pick::Node(it) if it.id == node.id);
        DrawnNode {
            href: self.state.picking(Picked::Node(node.id.clone())).link(self.scope),
            label: label.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "),
            picked,
            client,
            icon: look.icon,
            name: look.drawn_name,
            full_name: node.id.name.clone(),
            kind: (self.shape == Shape::Wide && !client).then_some(look.kind),
            average,
            per_min: format!("{rate}{}", t.per_min),
            arcs: arcs(place.x, place.y, place.r - 1.5, shares(counts)),
            flag: if client { None } else { flag(self.lang, counts, place) },
            change: self.change(node, place),
            at: Spots::of(place, client),
        }
    }

    fn edge(&self, route: &Route, busiest_per_min: f64) -> Option<DrawnEdge> {
        let t = &self.lang.text().map;
        let from = self.graph.nodes.get(route.from)?;
        let edge = from.edges.get(route.edge)?;
        let to = self.graph.nodes.get(edge.to)?;
        let name = |node: &GraphNode| Look::of(self.lang, &node.id, node.stats.state).name;
        let link = edge.kind == EdgeKind::Link;
        let per_min = edge.stats.counts.per_minute(self.observed_s);
        let rate = format::rate(self.lang, per_min);
        let time = if link { String::new() } else { average(self.lang, edge.stats.counts) };
        let pattern = if link { t.link_of } else { t.edge_of };
        let mut label = fill(pattern, &[&name(from), &name(to)]);
        if !link {
            let trouble = worst_in_words(self.lang, edge.stats.counts);
            label = format!("{label}: {time}, {}, {trouble}", fill(t.per_minute, &[&rate]));
        }
        let (time_y, per_min_y) = if route.straight { (-8.0, 17.0) } else { (-3.0, 11.0) };
        let ground = (!route.straight && !link)
            .then(|| (px(route.label_x - 25.0), px(route.label_y - 16.0)));
        Some(DrawnEdge {
            href: self.state.picking(Picked::Edge(from.id.clone(), to.id.clone())).link(self.scope),
            label,
            path: route.path.clone(),
            width: px(line_width(per_min, busiest_per_min)),
            lit: self.touches(from, edge, to),
            link,
            labelled: !link && self.shape == Shape::Wide,
            time,
            per_min: if link { String::new() } else { format!("{rate}{}", t.per_min) },
            label_x: px(route.label_x),
            time_y: px(route.label_y + time_y),
            per_min_y: px(route.label_y + per_min_y),
            ground,
        })
    }

    fn touches(&self, from: &GraphNode, edge: &GraphEdge, to: &GraphNode) -> bool {
        match self.pick {
            Pick::All => false,
            Pick::Node(node) => node.id == from.id || node.id == to.id,
            Pick::Edge(a, picked, b) => {
                a.id == from.id && b.id == to.id && picked.kind == edge.kind
            }
        }
    }

    fn change(&self, node: &GraphNode, place: Place) -> Option<Change> {
        let (before, after) = self.compare.filter(|_| !node.is_client())?;
        let average = |graph: &ServiceGraph| {
            graph.nodes.iter().find(|it| it.id == node.id)?.stats.counts.average_ms()
        };
        let text_and_weight = match (average(before), average(after)) {
            (Some(before), Some(after)) => {
                let change_ms = after - before;
                let notable = change_ms.abs() >= NOTABLE_MS
                    && change_ms.abs() >= before.min(after) * NOTABLE_SHARE;
                (format::change(self.lang, change_ms / 1e3), notable)
            }
            (None, Some(_)) => (self.lang.text().compare.new_node.to_owned(), true),
            (_, None) => ("–".to_owned(), false),
        };
        let (text, notable) = text_and_weight;
        let width = 14.0 + text.chars().count() as f64 * 6.4;
        Some(Change {
            text,
            notable,
            x: px(place.x - width / 2.0),
            y: px(place.y + 2.0),
            width: px(width),
            text_y: px(place.y + 14.0),
        })
    }
}

/// All that a client's edges carry.
pub(super) fn sum_of_edges(node: &GraphNode) -> Counts {
    let mut sum = Counts::default();
    for Counts { ok, error, throttle, fault, total_us } in
        node.edges.iter().map(|edge| edge.stats.counts)
    {
        sum.ok = sum.ok.saturating_add(ok);
        sum.error = sum.error.saturating_add(error);
        sum.throttle = sum.throttle.saturating_add(throttle);
        sum.fault = sum.fault.saturating_add(fault);
        sum.total_us = sum.total_us.saturating_add(total_us);
    }
    sum
}

pub(super) fn shares(counts: Counts) -> Shares {
    let Counts { ok, error, fault, throttle, .. } = counts;
    Shares { ok, error, fault, throttle }
}

/// Mean response time in words; a dash without requests.
pub(super) fn average(lang: Lang, counts: Counts) -> String {
    counts.average_ms().map_or_else(|| "–".to_owned(), |ms| format::duration(lang, ms / 1e3))
}

/// `6.1% fault`, or that there is no trouble.
pub(super) fn worst_in_words(lang: Lang, counts: Counts) -> String {
    let t = &lang.text().status;
    let Some((status, share)) = counts.worst() else { return t.no_trouble.to_owned() };
    let word = match status {
        Status::Fault => t.share_fault,
        Status::Throttle => t.share_throttle,
        _ => t.share_error,
    };
    format!("{} {word}", format::percent(lang, share))
}

/// 1 for the least traffic, 4.2 for the most, by its logarithm.
fn line_width(per_min: f64, busiest_per_min: f64) -> f64 {
    1.0 + 3.2 * per_min.max(1.0).ln() / busiest_per_min.max(2.0).ln()
}

fn flag(lang: Lang, counts: Counts, place: Place) -> Option<Flag> {
    let (status, share) = counts.worst()?;
    let text = format::percent(lang, share);
    let width = 25.0 + text.chars().count() as f64 * 7.4;
    let x = (place.x - 13.0 - width).max(1.0);
    let y = place.y - place.r - 8.0;
    Some(Flag {
        class: status.class(),
        text,
        x: px(x),
        y: px(y),
        width: px(width),
        icon_x: px(x + 5.0),
        icon_y: px(y + 4.0),
        text_x: px(x + 20.0),
        text_y: px(y + 14.0),
    })
}

impl Spots {
    fn of(place: Place, client: bool) -> Self {
        let Place { x, y, r } = place;
        Self {
            x: px(x),
            y: px(y),
            disc_r: px(r),
            halo_r: px(r + 8.0),
            ring_r: px(r - 1.5),
            average_y: px(y - 2.0),
            per_min_y: px(y + 12.0),
            badge_y: px(y + r - 1.0),
            badge_icon_x: px(x - 6.5),
            badge_icon_y: px(y + r - 7.5),
            icon_x: px(x - 10.0),
            icon_y: px(y - 10.0),
            name_y: px(y + r + if client { 18.0 } else { 25.0 }),
            kind_y: px(y + r + 40.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::graph::{EdgeStats, NodeStats};
    use crate::backend::local::trace::ServiceId;

    fn counts(ok: u64, fault: u64, average_ms: u64) -> Counts {
        let total_us = (ok + fault) * average_ms * 1_000;
        Counts { ok, fault, total_us, ..Counts::default() }
    }

    fn node(name: &str, kind: Option<&str>, counts: Counts, edges: Vec<GraphEdge>) -> GraphNode {
        let stats = NodeStats { counts, ..NodeStats::default() };
        GraphNode { id: ServiceId::new(name, kind), stats, edges }
    }

    fn graph(average_ms: u64) -> ServiceGraph {
        let numbers = counts(2_984, 194, average_ms);
        let stats = EdgeStats { counts: numbers, ..EdgeStats::default() };
        let edge = GraphEdge { to: 0, kind: EdgeKind::Call, stats };
        let nodes = vec![
            node("Frontend", None, numbers, vec![]),
            node("Frontend", Some("client"), Counts::default(), vec![edge]),
        ];
        ServiceGraph { times_s: None, nodes }
    }

    fn layout() -> Layout {
        Layout {
            width: 300.0,
            height: 200.0,
            nodes: vec![
                Place { x: 238.0, y: 100.0, r: 36.0 },
                Place { x: 74.0, y: 100.0, r: 28.0 },
            ],
            edges: vec![Route {
                from: 1,
                edge: 0,
                to: 0,
                path: "M107 100C156 100 144 100 193 100".into(),
                label_x: 150.0,
                label_y: 100.0,
                straight: true,
            }],
        }
    }

    fn draw(
        graph: &ServiceGraph,
        compare: Option<(&ServiceGraph, &ServiceGraph)>,
        state: &MapState,
    ) -> Drawing {
        Drawing::new(DrawInput {
            lang: Lang::En,
            graph,
            layout: &layout(),
            shape: Shape::Wide,
            scope: &Scope::default(),
            state,
            pick: state.find(graph),
            observed_s: 900.0,
            compare,
        })
    }

    #[test]
    fn a_node_says_its_numbers_in_text_and_aloud() {
        let drawing = draw(&graph(46), None, &MapState::default());
        let node = &drawing.nodes[0];
        assert_eq!((node.average.as_str(), node.per_min.as_str()), ("46\u{a0}ms", "212/min"));
        assert_eq!(node.label, "Frontend, Service, average 46\u{a0}ms, 212 per minute, 6.1% fault");
        assert_eq!(node.href, "/?node=Frontend");
        let flag = node.flag.as_ref().unwrap();
        assert_eq!((flag.class, flag.text.as_str(), flag.x.as_str()), ("fault", "6.1%", "170.4"));
        assert_eq!((flag.y.as_str(), flag.width.as_str()), ("56", "54.6"));
    }

    #[test]
    fn a_client_has_an_icon_and_the_rate_of_its_calls() {
        let drawing = draw(&graph(46), None, &MapState::default());
        let client = &drawing.nodes[1];
        assert_eq!((client.name.as_str(), client.icon), ("Client", "t-client"));
        assert_eq!(client.label, "Client, callers from outside, 212 per minute, 6.1% fault");
        assert!(client.flag.is_none() && client.change.is_none());
        assert_eq!(client.href, "/?node=Frontend&type=client");
    }

    #[test]
    fn an_edge_is_as_wide_as_its_traffic_and_lit_beside_the_pick() {
        let graph = graph(46);
        let state = MapState::default().picking(Picked::Node(ServiceId::new("Frontend", None)));
        let drawing = draw(&graph, None, &state);
        let edge = &drawing.edges[0];
        assert_eq!((edge.width.as_str(), edge.lit), ("4.2", true));
        assert_eq!((edge.time_y.as_str(), edge.per_min_y.as_str()), ("92", "117"));
        assert_eq!(edge.label, "Client to Frontend: 46\u{a0}ms, 212 per minute, 6.1% fault");
        assert_eq!(edge.href, "/?node=Frontend&type=client&callee=Frontend");
        assert!(drawing.nodes[0].picked);
        assert_eq!([line_width(0.2, 403.0), line_width(403.0, 403.0)], [1.0, 4.2]);
    }

    #[test]
    fn a_change_of_half_the_time_stands_out() {
        let state = MapState::default();
        let change = |before, after| {
            let (before, after) = (graph(before), graph(after));
            let drawing = draw(&after, Some((&before, &after)), &state);
            let change = drawing.nodes.into_iter().next().unwrap().change.unwrap();
            (change.text, change.notable)
        };
        assert_eq!(change(17, 46), ("+29\u{a0}ms".into(), true));
        assert_eq!(change(46, 17), ("−29\u{a0}ms".into(), true));
        assert_eq!(change(9, 12), ("+3\u{a0}ms".into(), false));
        assert_eq!(change(9, 9), ("0\u{a0}ms".into(), false));
    }
}
