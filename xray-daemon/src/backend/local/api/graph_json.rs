//! Service graphs as the API writes them.

use serde_json::{Value, json};

use crate::backend::local::graph::{
    Counts, EdgeKind, GraphEdge, GraphNode, Histogram, ServiceGraph, TimesS,
};

/// The services of `graph`. `bounds_s`: epoch seconds of nodes that have none of their own.
pub(super) fn services(graph: &ServiceGraph, bounds_s: TimesS) -> Vec<Value> {
    graph.nodes.iter().zip(0..).map(|(node, id)| service(graph, node, id, bounds_s)).collect()
}

fn service(graph: &ServiceGraph, node: &GraphNode, reference_id: usize, bounds_s: TimesS) -> Value {
    let stats = &node.stats;
    let times_s = stats.times_s.or(bounds_s);
    let edges: Vec<_> = node.edges.iter().map(|to| edge(to, times_s)).collect();
    // Whoever sends the first requests has no numbers of its own, but lists all the same: Grafana
    // reads them.
    let is_client = node.is_client();
    let histogram = |of: &Histogram| if is_client { Vec::new() } else { bins(of) };
    debug_assert!(node.edges.iter().all(|edge| edge.to < graph.nodes.len()));
    json!({
        "ReferenceId": reference_id,
        "Name": node.id.name,
        "Names": [node.id.name],
        "Root": (stats.roots > 0).then_some(true),
        "AccountId": node.id.account_id,
        "Type": node.id.service_type,
        "State": stats.state.as_str(),
        "StartTime": times_s.map(|(start_s, _)| start_s),
        "EndTime": times_s.map(|(_, end_s)| end_s),
        "Edges": edges,
        "SummaryStatistics": (!is_client).then(|| statistics(&stats.counts)),
        "DurationHistogram": histogram(&stats.duration),
        "ResponseTimeHistogram": histogram(&stats.response),
    })
}

fn edge(GraphEdge { to, kind, stats }: &GraphEdge, times_s: TimesS) -> Value {
    let times_s = stats.times_s.or(times_s);
    let aliases: Vec<_> = stats
        .aliases
        .keys()
        .map(|alias| {
            json!({ "Name": alias.name, "Names": [alias.name], "Type": alias.service_type })
        })
        .collect();
    let mut edge = json!({
        "ReferenceId": to,
        "StartTime": times_s.map(|(start_s, _)| start_s),
        "EndTime": times_s.map(|(_, end_s)| end_s),
        "SummaryStatistics": statistics(&stats.counts),
        "ResponseTimeHistogram": bins(&stats.response),
        "Aliases": aliases,
    });
    // Only edges of links have these members; they have no statistics.
    if *kind == EdgeKind::Link {
        edge["EdgeType"] = json!("link");
        edge["ReceivedEventAgeHistogram"] = json!(bins(&stats.age));
        edge["SummaryStatistics"] = Value::Null;
    }
    edge
}

/// `ServiceStatistics` and `EdgeStatistics`.
pub(super) fn statistics(counts: &Counts) -> Value {
    json!({
        "OkCount": counts.ok,
        "ErrorStatistics": {
            "ThrottleCount": counts.throttle,
            "OtherCount": counts.error,
            "TotalCount": counts.throttle.saturating_add(counts.error),
        },
        "FaultStatistics": { "OtherCount": counts.fault, "TotalCount": counts.fault },
        "TotalCount": counts.total(),
        "TotalResponseTime": counts.total_response_time_s(),
    })
}

/// A histogram.
pub(super) fn bins(histogram: &Histogram) -> Vec<Value> {
    let entries = histogram.entries_s();
    entries.into_iter().map(|(value, count)| json!({ "Value": value, "Count": count })).collect()
}
