//! The worked examples of the service graph, and the sums of many traces.
//!
//! A graph is written as lines: `#0 name/type/state root ok1 Σ2`, then its edges `→#1 ok/error/
//! throttle/fault Σ` with aliases.

use serde_json::{Value, json};

use super::*;
use crate::backend::local::trace::tests::{received, trace, trace_id};
use crate::backend::local::trace::{ServiceId, Trace};

fn no_links(_: xray_tracing::TraceId, _: xray_tracing::SegmentId) -> Option<LinkEnd> {
    None
}

fn contribution(documents: &[Value]) -> Contribution {
    let trace = trace(documents);
    let contribution = Contribution::of(&trace, &no_links);
    assert_eq!(Contribution::decode(&contribution.encode()).as_ref(), Some(&contribution));
    contribution
}

fn graph(documents: &[Value]) -> Vec<String> {
    lines(&ServiceGraph::build(contribution(documents)))
}

fn lines(graph: &ServiceGraph) -> Vec<String> {
    (0..).zip(&graph.nodes).map(|(place, node)| line(place, node)).collect()
}

fn line(place: usize, node: &GraphNode) -> String {
    let ServiceId { name, service_type, .. } = &node.id;
    let service_type = service_type.as_deref().unwrap_or("null");
    let NodeStats { state, roots, counts, pending, .. } = &node.stats;
    let mut line = format!("#{place} {name}/{service_type}/{}", state.as_str());
    if *roots > 0 {
        line += " root";
    }
    for (word, count) in [
        ("ok", counts.ok),
        ("error", counts.error),
        ("throttle", counts.throttle),
        ("fault", counts.fault),
        ("pending", *pending),
    ] {
        if count > 0 {
            line += &format!(" {word}{count}");
        }
    }
    if counts.total() > 0 {
        line += &format!(" Σ{}", counts.total_response_time_s());
    }
    node.edges.iter().fold(line, |line, edge| line + &edge_text(edge))
}

fn edge_text(edge: &GraphEdge) -> String {
    let Counts { ok, error, throttle, fault, .. } = edge.stats.counts;
    let mut text = match edge.kind {
        EdgeKind::Link => format!(" →#{} link {:?}", edge.to, edge.stats.age.entries_s()),
        EdgeKind::Call => {
            let total_s = edge.stats.counts.total_response_time_s();
            format!(" →#{} {ok}/{error}/{throttle}/{fault} Σ{total_s}", edge.to)
        }
    };
    for (alias, count) in &edge.stats.aliases {
        let service_type = alias.service_type.as_deref().unwrap_or("null");
        text += &format!(" as {}/{service_type}×{count}", alias.name);
    }
    text
}

#[test]
fn a_single_segment_is_a_service_and_its_client() {
    let front = json!({"id": 1, "name": "front", "origin": "AWS::EC2::Instance",
        "start_time": 1000.0, "end_time": 1002.0, "http": {"response": {"status": 200}}});
    assert_eq!(
        graph(std::slice::from_ref(&front)),
        [
            "#0 front/AWS::EC2::Instance/active root ok1 Σ2",
            "#1 front/client/unknown →#0 1/0/0/0 Σ2",
        ]
    );
    let graph = ServiceGraph::build(contribution(&[front]));
    assert_eq!(graph.nodes[0].stats.response.entries_s(), [(2.0, 1)]);
    assert_eq!(graph.nodes[0].stats.duration.entries_s(), [(2.0, 1)]);
    assert_eq!(graph.nodes[1].edges[0].stats.response.entries_s(), [(2.0, 1)]);
    assert_eq!(graph.times_s, Some((1000, 1001)));
    assert_eq!(graph.incoming().total(), 1);
}

fn front_with_worker() -> Value {
    json!({"id": 1, "name": "front", "start_time": 1000, "end_time": 1002, "subsegments": [
        {"id": 2, "name": "worker", "namespace": "remote", "start_time": 1000.5,
            "end_time": 1001.5, "http": {"response": {"status": 200}}}]})
}

#[test]
fn a_callee_that_does_not_report_is_a_node_of_its_call() {
    assert_eq!(
        graph(&[front_with_worker()]),
        [
            "#0 front/null/active root ok1 Σ2 →#2 1/0/0/0 Σ1",
            "#1 front/client/unknown →#0 1/0/0/0 Σ2",
            "#2 worker/remote/passive ok1 Σ1",
        ]
    );
}

#[test]
fn a_callee_that_reports_takes_the_place_of_the_inferred_node() {
    let worker = json!({"id": 3, "name": "worker", "parent_id": 2, "start_time": 1000.6,
        "end_time": 1001.4, "fault": true, "http": {"response": {"status": 503}}});
    assert_eq!(
        graph(&[front_with_worker(), worker]),
        [
            "#0 front/null/active root ok1 Σ2 →#2 1/0/0/0 Σ1 as worker/remote×1",
            "#1 front/client/unknown →#0 1/0/0/0 Σ2",
            "#2 worker/null/active fault1 Σ0.8",
        ]
    );
}

#[test]
fn aws_calls_lead_to_resources_and_statements_to_databases() {
    let aws = |id: u64, name: &str, start: f64, end: f64, more: Value| {
        let mut call = json!({"id": id, "name": name, "namespace": "aws", "start_time": start,
            "end_time": end});
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    };
    let topic = "arn:aws:sns:eu-west-1:111122223333:done";
    let front = json!({"id": 1, "name": "front", "start_time": 0, "end_time": 1, "subsegments": [
        aws(2, "DynamoDB", 0.1, 0.3, json!({"aws": {"operation": "PutItem", "table_name": "orders"},
            "throttle": true, "error": true, "http": {"response": {"status": 400}}})),
        aws(3, "SNS", 0.4, 0.5, json!({"aws": {"operation": "Publish", "topic_arn": topic}})),
        aws(4, "STS", 0.6, 0.7, json!({})),
        {"id": 5, "name": "shop@db:5432", "namespace": "remote", "sql": {"url": "db"},
            "start_time": 0.8, "end_time": 0.9, "fault": true},
    ]});
    let lines = graph(std::slice::from_ref(&front));
    assert_eq!(
        lines,
        [
            "#0 STS/AWS::STS/unknown ok1 Σ0.1".to_owned(),
            format!("#1 {topic}/AWS::SNS/unknown ok1 Σ0.1"),
            "#2 front/null/active root ok1 Σ1 →#0 1/0/0/0 Σ0.1 →#1 1/0/0/0 Σ0.1 →#4 0/0/1/0 Σ0.2 \
         →#5 0/0/0/1 Σ0.1"
                .to_owned(),
            "#3 front/client/unknown →#2 1/0/0/0 Σ1".to_owned(),
            "#4 orders/AWS::DynamoDB::Table/unknown throttle1 Σ0.2".to_owned(),
            "#5 shop@db:5432/Database::SQL/unknown fault1 Σ0.1".to_owned(),
        ]
    );
}

/// Root segments of `front`, one a trace.
fn front(duration_s: f64, more: Value) -> Value {
    let mut root =
        json!({"id": 1, "name": "front", "start_time": 1000, "end_time": 1000.0 + duration_s});
    root.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    root
}

fn four_requests() -> Vec<Value> {
    vec![
        front(1.25, json!({})),
        front(2.5, json!({"error": true, "http": {"response": {"status": 400}}})),
        front(0.4, json!({"error": true, "throttle": true, "http": {"response": {"status": 429}}})),
        front(1.0, json!({"fault": true, "http": {"response": {"status": 500}}})),
    ]
}

#[test]
fn traces_add_up_and_one_in_progress_is_left_out() {
    let mut sum = Contribution::default();
    let open = json!({"id": 1, "name": "front", "start_time": 1000, "in_progress": true,
        "subsegments": [{"id": 2, "name": "db", "namespace": "remote", "start_time": 1, "end_time": 2}]});
    for request in four_requests().into_iter().chain([open.clone()]) {
        sum.merge(&contribution(&[request]));
    }
    let graph = ServiceGraph::build(sum.clone());
    assert_eq!(
        lines(&graph),
        [
            "#0 front/null/active root ok1 error1 throttle1 fault1 Σ5.15",
            "#1 front/client/unknown →#0 1/1/1/1 Σ5.15",
        ]
    );
    let expected = [(0.4, 1), (1.0, 1), (1.25, 1), (2.5, 1)];
    assert_eq!(graph.nodes[0].stats.response.entries_s(), expected);
    assert_eq!(graph.nodes[0].stats.traces, 4);
    // On the map of that one trace it is shown.
    let trace = trace(&[open]);
    let live = Contribution::with_unfinished(&trace, &no_links);
    assert_eq!(
        lines(&ServiceGraph::build(live)),
        [
            "#0 db/remote/passive ok1 Σ1",
            "#1 front/null/active root pending1 →#0 1/0/0/0 Σ1",
            "#2 front/client/unknown →#1 0/0/0/0 Σ0",
        ]
    );
}

#[test]
fn local_work_makes_no_alias_and_a_link_is_an_edge_with_an_age() {
    let api = trace(&[
        json!({"id": 1, "trace_id": 1, "name": "api", "start_time": 0, "end_time": 4,
            "subsegments": [{"id": 2, "name": "work", "start_time": 1, "end_time": 3}]}),
        json!({"id": 3, "trace_id": 1, "name": "jobs", "parent_id": 2, "start_time": 1.2,
            "end_time": 3.2}),
    ]);
    let mail = json!({"id": 4, "trace_id": 2, "name": "mail", "start_time": 10, "end_time": 11,
        "links": [{"trace_id": 1, "id": 1}]});
    let mail = Trace::assemble(trace_id(2), received(&[mail]));
    let link_end = |trace, id| (trace == api.id()).then(|| LinkEnd::of(&api, id))?;
    let mut sum = Contribution::of(&api, &link_end);
    sum.merge(&Contribution::of(&mail, &link_end));
    assert_eq!(
        lines(&ServiceGraph::build(sum)),
        [
            "#0 api/null/active root ok1 Σ4 →#2 1/0/0/0 Σ2 →#3 link [(6.0, 1)]",
            "#1 api/client/unknown →#0 1/0/0/0 Σ4",
            "#2 jobs/null/active ok1 Σ2",
            "#3 mail/null/active root ok1 Σ1",
            "#4 mail/client/unknown →#3 1/0/0/0 Σ1",
        ]
    );
    // Alone, the consumer has no edge to a producer that is not there.
    assert_eq!(
        lines(&ServiceGraph::build(Contribution::of(&mail, &no_links))),
        ["#0 mail/null/active root ok1 Σ1", "#1 mail/client/unknown →#0 1/0/0/0 Σ1",]
    );
}

#[test]
fn a_retry_behind_one_call_is_one_call_for_the_caller() {
    let retried = |id: u64, start: f64, fault: bool| {
        json!({"id": id, "name": "worker", "parent_id": 2, "start_time": start,
            "end_time": start + 0.25, "fault": fault})
    };
    let documents = [front_with_worker(), retried(3, 1000.5, true), retried(4, 1000.75, false)];
    assert_eq!(
        graph(&documents),
        [
            "#0 front/null/active root ok1 Σ2 →#2 1/0/0/0 Σ1 as worker/remote×1",
            "#1 front/client/unknown →#0 1/0/0/0 Σ2",
            "#2 worker/null/active ok1 fault1 Σ0.5",
        ]
    );
}

#[test]
fn a_service_that_calls_itself_has_an_edge_to_itself() {
    let documents = [
        json!({"id": 1, "name": "loop", "start_time": 0, "end_time": 2}),
        json!({"id": 2, "name": "loop", "parent_id": 1, "start_time": 0.5, "end_time": 1.5}),
    ];
    assert_eq!(
        graph(&documents),
        ["#0 loop/null/active root ok2 Σ3 →#0 1/0/0/0 Σ1", "#1 loop/client/unknown →#0 1/0/0/0 Σ2",]
    );
}

#[test]
fn the_duration_of_a_node_has_the_tails_and_its_response_time_has_not() {
    let documents = [
        front_with_worker(),
        json!({"id": 3, "name": "worker", "parent_id": 2, "start_time": 1000.5, "end_time": 1007}),
    ];
    let graph = ServiceGraph::build(contribution(&documents));
    let stats = &graph.nodes[0].stats;
    assert_eq!(
        (stats.response.entries_s(), stats.duration.entries_s()),
        (vec![(2.0, 1)], vec![(7.0, 1)])
    );
}

#[test]
fn a_callee_in_progress_is_a_node_without_numbers() {
    let worker = json!({"id": 3, "name": "worker", "parent_id": 2, "start_time": 1000.6, "in_progress": true});
    assert_eq!(
        graph(&[front_with_worker(), worker]),
        [
            "#0 front/null/active root ok1 Σ2 →#2 1/0/0/0 Σ1 as worker/remote×1",
            "#1 front/client/unknown →#0 1/0/0/0 Σ2",
            "#2 worker/null/active",
        ]
    );
}

#[test]
fn what_a_trace_added_can_be_taken_away_when_it_grows() {
    let before = contribution(&[front_with_worker()]);
    let after = contribution(&[
        front_with_worker(),
        json!({"id": 3, "name": "worker", "parent_id": 2, "start_time": 1000.6, "end_time": 1001}),
    ]);
    let mut sum = Contribution::default();
    for request in four_requests() {
        sum.merge(&contribution(&[request]));
    }
    let others = sum.clone();
    sum.merge(&before);
    sum.subtract(&before);
    sum.merge(&after);
    assert!(!sum.nodes.contains_key(&ServiceId::new("worker", Some("remote"))));
    sum.subtract(&after);
    assert_eq!(sum, others);
    let mut nothing = others.clone();
    nothing.subtract(&others);
    assert!(nothing.is_empty());
}

#[test]
fn bytes_that_are_damaged_read_as_none() {
    let bytes = contribution(&[front_with_worker()]).encode();
    for length in 0..bytes.len() {
        assert_eq!(Contribution::decode(&bytes[..length]), None);
    }
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0xff;
        // No panic and no huge allocation; some damage cannot be seen.
        drop(Contribution::decode(&damaged));
    }
    let stats = NodeStats::default();
    let mut bytes = Vec::new();
    stats.encode(&mut bytes);
    assert_eq!(NodeStats::decode(&bytes), Some(stats));
    bytes.push(0);
    assert_eq!(NodeStats::decode(&bytes), None);
}
