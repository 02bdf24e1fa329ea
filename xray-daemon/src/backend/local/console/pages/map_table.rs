//! The service graph as a table, for screen readers and for large graphs.

use super::map_graph::{average, worst_in_words};
use super::pick::{MapState, Picked};
use crate::backend::local::console::format;
use crate::backend::local::console::scope::Scope;
use crate::backend::local::console::service::Look;
use crate::backend::local::console::text::Lang;
use crate::backend::local::graph::ServiceGraph;

/// A node as a row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TableRow {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) icon: &'static str,
    pub(crate) average: String,
    pub(crate) per_min: String,
    /// Class of the worst status that occurs.
    pub(crate) class: &'static str,
    pub(crate) status: String,
    /// Names of what it calls.
    pub(crate) calls: String,
}

/// The rows, the busiest first; clients have no numbers and are left out.
pub(crate) fn rows(
    lang: Lang,
    graph: &ServiceGraph,
    scope: &Scope,
    state: &MapState,
    observed_s: f64,
) -> Vec<TableRow> {
    let name = |node: &crate::backend::local::graph::GraphNode| {
        Look::of(lang, &node.id, node.stats.state).name
    };
    let mut nodes: Vec<_> = graph.nodes.iter().filter(|node| !node.is_client()).collect();
    nodes.sort_by_key(|node| std::cmp::Reverse(node.stats.counts.total()));
    let row = |node: &crate::backend::local::graph::GraphNode| {
        let look = Look::of(lang, &node.id, node.stats.state);
        let counts = node.stats.counts;
        let calls = node.edges.iter().filter_map(|edge| graph.nodes.get(edge.to)).map(name);
        let calls = calls.collect::<Vec<_>>().join(", ");
        let (class, status) = match counts.worst() {
            Some((status, _)) => (status.class(), worst_in_words(lang, counts)),
            None => ("ok", lang.text().status.ok.to_owned()),
        };
        TableRow {
            href: state.picking(Picked::Node(node.id.clone())).link(scope),
            name: look.name,
            kind: look.kind,
            icon: look.icon,
            average: average(lang, counts),
            per_min: format::rate(lang, counts.per_minute(observed_s)),
            class,
            status,
            calls: if calls.is_empty() { "–".to_owned() } else { calls },
        }
    };
    nodes.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::graph::{
        Counts, EdgeKind, EdgeStats, GraphEdge, GraphNode, NodeStats,
    };
    use crate::backend::local::trace::ServiceId;

    #[test]
    fn the_busiest_node_stands_first_and_names_what_it_calls() {
        let node = |name: &str, kind, throttle, edges| GraphNode {
            id: ServiceId::new(name, kind),
            stats: NodeStats {
                counts: Counts {
                    ok: 50 - throttle,
                    throttle,
                    total_us: 250_000,
                    ..Counts::default()
                },
                ..NodeStats::default()
            },
            edges,
        };
        let edge = GraphEdge { to: 1, kind: EdgeKind::Call, stats: EdgeStats::default() };
        let mut front = node("front", None, 0, vec![edge]);
        front.stats.counts.ok = 400;
        let table = node("stock", Some("AWS::DynamoDB::Table"), 2, vec![]);
        let client = node("front", Some("client"), 0, vec![]);
        let graph = ServiceGraph { times_s: None, nodes: vec![table, client, front] };
        // The edge leads to place 1, the client, here; names are taken from the graph as it is.
        let rows = rows(Lang::En, &graph, &Scope::default(), &MapState::default(), 60.0);
        let names: Vec<_> =
            rows.iter().map(|row| (row.name.as_str(), row.calls.as_str())).collect();
        assert_eq!(names, [("front", "Client"), ("stock", "–")]);
        assert_eq!((rows[1].class, rows[1].status.as_str()), ("throttle", "4% throttled"));
        assert_eq!((rows[1].average.as_str(), rows[1].per_min.as_str()), ("5\u{a0}ms", "50"));
    }
}
