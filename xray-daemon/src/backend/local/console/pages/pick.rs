//! What is picked on the map: a node, an edge, or all traces; and a range of response times.
//!
//! In: the query string. Out: the pick within a graph, links that pick, and the pick as a filter
//! expression. Owns nothing.

use serde::Deserialize;

use crate::backend::local::console::scope::Scope;
use crate::backend::local::console::scope_bar::{Extras, address};
use crate::backend::local::console::service::in_filter;
use crate::backend::local::graph::{GraphEdge, GraphNode, ServiceGraph};
use crate::backend::local::trace::ServiceId;

/// The address's words for a pick.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PickQuery {
    node: String,
    #[serde(rename = "type")]
    kind: String,
    /// The callee of an edge. Not `to`: that is the end of a range of time.
    callee: String,
    callee_type: String,
    rt: String,
    view: String,
    compare: String,
    panel: String,
}

/// What the page shows beside the question; every value valid.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MapState {
    pub(crate) picked: Picked,
    /// Chosen response times, in seconds.
    pub(crate) times_s: Option<(f64, f64)>,
    pub(crate) table: bool,
    pub(crate) compare: bool,
    /// The panel was closed.
    pub(crate) closed: bool,
}

/// What is picked, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Picked {
    /// All traces.
    #[default]
    All,
    Node(ServiceId),
    Edge(ServiceId, ServiceId),
}

/// What is picked, found in the graph.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pick<'a> {
    All,
    Node(&'a GraphNode),
    Edge(&'a GraphNode, &'a GraphEdge, &'a GraphNode),
}

impl PickQuery {
    /// Reads the state.
    pub(crate) fn state(self) -> MapState {
        let id = |name: &str, kind: &str| {
            ServiceId::new(name, Some(kind).filter(|kind| !kind.is_empty()))
        };
        let picked = match (self.node.as_str(), self.callee.as_str()) {
            ("", _) => Picked::All,
            (node, "") => Picked::Node(id(node, &self.kind)),
            (node, to) => Picked::Edge(id(node, &self.kind), id(to, &self.callee_type)),
        };
        MapState {
            picked,
            times_s: parse_times(&self.rt),
            table: self.view == "table",
            compare: self.compare == "1",
            closed: self.panel == "0",
        }
    }
}

/// `0.12-0.186` in seconds.
pub(crate) fn parse_times(text: &str) -> Option<(f64, f64)> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (from.parse::<f64>().ok()?, to.parse::<f64>().ok()?);
    let sane = from >= 0.0 && from < to && to <= 1e6;
    sane.then_some((from, to))
}

impl MapState {
    /// Pairs of the address that say this.
    pub(crate) fn extras(&self) -> Extras {
        let mut extras = Extras::new();
        let mut say = |name, value: &str| {
            if !value.is_empty() {
                extras.push((name, value.to_owned()));
            }
        };
        let kind = |id: &ServiceId| id.service_type.clone().unwrap_or_default();
        match &self.picked {
            Picked::All => {}
            Picked::Node(node) => {
                say("node", &node.name);
                say("type", &kind(node));
            }
            Picked::Edge(node, to) => {
                say("node", &node.name);
                say("type", &kind(node));
                say("callee", &to.name);
                say("callee_type", &kind(to));
            }
        }
        if let Some((from, to)) = self.times_s {
            say("rt", &format!("{from}-{to}"));
        }
        say("view", if self.table { "table" } else { "" });
        say("compare", if self.compare { "1" } else { "" });
        say("panel", if self.closed { "0" } else { "" });
        extras
    }

    /// The map with this state.
    pub(crate) fn link(&self, scope: &Scope) -> String {
        address("/", scope, &self.extras())
    }

    /// The map with something else picked, any range of times forgotten and the panel open.
    pub(crate) fn picking(&self, picked: Picked) -> Self {
        Self { picked, times_s: None, closed: false, ..self.clone() }
    }

    /// The same as a table, or as a drawing.
    pub(crate) fn as_table(&self, table: bool) -> Self {
        Self { table, ..self.clone() }
    }

    /// The same with two windows beside each other, or one.
    pub(crate) fn comparing(&self, compare: bool) -> Self {
        Self { compare, ..self.clone() }
    }

    /// What is picked, in `graph`; all where it is not there (any more).
    pub(crate) fn find<'a>(&self, graph: &'a ServiceGraph) -> Pick<'a> {
        // A link without type finds the name alone, so that people can write it themselves.
        let node = |id: &ServiceId| {
            let exact = graph
                .nodes
                .iter()
                .find(|node| node.id.name == id.name && node.id.service_type == id.service_type);
            let named =
                || graph.nodes.iter().find(|node| node.id.name == id.name && !node.is_client());
            exact.or_else(named)
        };
        match &self.picked {
            Picked::All => Pick::All,
            Picked::Node(id) => node(id).map_or(Pick::All, Pick::Node),
            Picked::Edge(from, to) => {
                let ends = node(from).zip(node(to));
                let found = ends.and_then(|(from, to)| {
                    let leads = |edge: &&GraphEdge| {
                        graph.nodes.get(edge.to).is_some_and(|node| node.id == to.id)
                    };
                    Some(Pick::Edge(from, from.edges.iter().find(leads)?, to))
                });
                found.unwrap_or(Pick::All)
            }
        }
    }
}

impl Pick<'_> {
    /// Traces that the pick is about, in the filter language; `more` is what else must hold of the
    /// node or edge, such as `fault` (may be empty). An empty answer means all traces.
    pub(crate) fn expression(&self, more: &str) -> String {
        let body = |place: String| match more {
            "" => place,
            more => format!("{place} {{ {more} }}"),
        };
        match self {
            Self::All => more.to_owned(),
            // Whoever calls from outside sends all that its services receive as root.
            Self::Node(node) if node.is_client() => {
                let root = if more.is_empty() { "root".into() } else { format!("root AND {more}") };
                format!("service({}) {{ {root} }}", in_filter(&root_of(node)))
            }
            Self::Edge(from, _, to) if from.is_client() => {
                let root = if more.is_empty() { "root".into() } else { format!("root AND {more}") };
                format!("service({}) {{ {root} }}", in_filter(&to.id))
            }
            Self::Node(node) => body(format!("service({})", in_filter(&node.id))),
            Self::Edge(from, _, to) => {
                body(format!("edge({}, {})", in_filter(&from.id), in_filter(&to.id)))
            }
        }
    }
}

/// The service that a client node calls: its own name, of whatever type.
fn root_of(client: &GraphNode) -> ServiceId {
    ServiceId::new(client.id.name.clone(), None)
}

/// Response times as a condition: `responsetime >= 0.12 AND responsetime <= 0.186`.
pub(crate) fn times_condition((from_s, to_s): (f64, f64)) -> String {
    match from_s {
        0.0 => format!("responsetime <= {to_s}"),
        from_s => format!("responsetime >= {from_s} AND responsetime <= {to_s}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::graph::{EdgeKind, EdgeStats, NodeStats};

    fn node(name: &str, kind: Option<&str>, to: &[usize]) -> GraphNode {
        let edge =
            |to: &usize| GraphEdge { to: *to, kind: EdgeKind::Call, stats: EdgeStats::default() };
        GraphNode {
            id: ServiceId::new(name, kind),
            stats: NodeStats::default(),
            edges: to.iter().map(edge).collect(),
        }
    }

    fn graph() -> ServiceGraph {
        let nodes = vec![
            node("front", None, &[2]),
            node("front", Some("client"), &[0]),
            node("stock", Some("AWS::DynamoDB::Table"), &[]),
        ];
        ServiceGraph { times_s: None, nodes }
    }

    fn state(query: &str) -> MapState {
        let uri: axum::http::Uri = format!("/?{query}").parse().unwrap();
        axum::extract::Query::<PickQuery>::try_from_uri(&uri).unwrap().0.state()
    }

    #[test]
    fn a_pick_goes_into_the_address_and_comes_back() {
        for query in [
            "",
            "node=front",
            "node=stock&type=AWS::DynamoDB::Table&rt=0.12-0.186",
            "node=front&callee=stock&callee_type=AWS::DynamoDB::Table&view=table&compare=1",
            "panel=0",
        ] {
            assert_eq!(state(query).link(&Scope::default()), crate_link(query));
        }
    }

    fn crate_link(query: &str) -> String {
        crate::backend::local::console::scope::link("/", query)
    }

    #[test]
    fn a_pick_is_found_or_means_all() {
        let graph = graph();
        let expression = |query: &str, more: &str| state(query).find(&graph).expression(more);
        assert_eq!(expression("", "fault"), "fault");
        assert_eq!(expression("node=front", "fault"), r#"service("front") { fault }"#);
        assert_eq!(
            expression("node=stock", ""),
            r#"service(id(name: "stock", type: "AWS::DynamoDB::Table"))"#
        );
        assert_eq!(
            expression("node=front&callee=stock", ""),
            r#"edge("front", id(name: "stock", type: "AWS::DynamoDB::Table"))"#
        );
        assert_eq!(
            expression("node=front&type=client&callee=front", "error"),
            r#"service("front") { root AND error }"#
        );
        assert_eq!(expression("node=gone", ""), "");
        assert_eq!(expression("node=stock&callee=front", ""), "");
    }

    #[test]
    fn a_range_of_times_is_two_numbers_in_order() {
        assert_eq!(parse_times("0.12-0.186"), Some((0.12, 0.186)));
        assert_eq!(parse_times("0-1"), Some((0.0, 1.0)));
        for bad in ["", "1", "2-1", "-1-2", "NaN-1", "0-inf", "a-b"] {
            assert_eq!(parse_times(bad), None, "{bad}");
        }
        assert_eq!(times_condition((0.0, 1.5)), "responsetime <= 1.5");
        assert_eq!(
            times_condition((0.12, 0.186)),
            "responsetime >= 0.12 AND responsetime <= 0.186"
        );
    }
}
