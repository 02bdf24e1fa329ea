//! What the local store and the console ask of traces, filters and the graph, one question each.
//!
//! ```sh
//! cargo bench -p xray-daemon --no-default-features --features local --bench trace_logic
//! ```
//!
//! The trace is one of the demo: four segments, six subsegments, 2.5 KB. Goals: a map of 200
//! services in 10 ms; summary and share of the graph in less than reading the documents takes.

#![expect(clippy::expect_used, reason = "a bench ends where its own input is wrong")]

use bytes::Bytes;
use divan::{Bencher, black_box};
use serde_json::{Value, json};
use xray_daemon::backend::local::filter::{Filter, NoGroups, TraceView};
use xray_daemon::backend::local::graph::{
    Contribution, EdgeKind, EdgeStats, GraphEdge, GraphNode, Layout, NodeStats, ServiceGraph, Shape,
};
use xray_daemon::backend::local::trace::{Received, ServiceId, Summary, Timeline, Trace};
use xray_tracing::TraceId;
use xray_tracing::document::Entity;

fn main() {
    divan::main();
}

const TRACE: &str = "1-5f29ab21-d4ebf299219a65bd5c31d6da";

fn trace_id() -> TraceId {
    TRACE.parse().expect("a valid id")
}

fn call(id: u64, namespace: &str, name: &str, more: Value) -> Value {
    let mut call = json!({"id": format!("{id:016x}"), "name": name, "namespace": namespace,
        "start_time": 1000.1, "end_time": 1000.2, "http": {
            "request": {"method": "GET", "url": "http://x.example/products/14"},
            "response": {"status": 200}}});
    call.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    call
}

fn segment(id: u64, name: &str, parent: Option<u64>, calls: Vec<Value>) -> String {
    json!({"id": format!("{id:016x}"), "trace_id": TRACE, "name": name, "start_time": 1000.0,
        "end_time": 1000.4, "parent_id": parent.map(|parent| format!("{parent:016x}")),
        "origin": "AWS::EKS::Container", "annotations": {"product_id": 14, "version": "1"},
        "metadata": {"tracing": {"span": "post_product"}}, "http": {
            "request": {"method": "POST", "url": "http://shop.example/products",
                "user_agent": "Mozilla/5.0", "client_ip": "10.0.0.1"},
            "response": {"status": 200}},
        "subsegments": calls})
    .to_string()
}

fn documents() -> Vec<String> {
    let sql = json!({"sql": {"sanitized_query": "INSERT INTO products (id, name) VALUES (?, ?)"}});
    let item = json!({"aws": {"operation": "GetItem", "table_name": "stock"}});
    let none = || json!({});
    vec![
        segment(1, "Frontend", None, vec![call(2, "remote", "Product-Catalog", none())]),
        segment(
            3,
            "Product-Catalog",
            Some(2),
            vec![
                call(4, "remote", "products@db", sql),
                call(5, "remote", "Product-Detail", none()),
                call(6, "aws", "DynamoDB", item),
            ],
        ),
        segment(7, "Product-Detail", Some(5), vec![call(8, "local", "load", none())]),
        segment(9, "Worker", Some(6), vec![call(10, "local", "load", none())]),
    ]
}

fn received() -> Vec<Received> {
    let read = |(document, seq): (String, u64)| Received {
        entity: Entity::parse(document.as_bytes()).expect("a document"),
        document: Bytes::from(document),
        received_at_s: 1001.0,
        seq,
        sender: None,
    };
    documents().into_iter().zip(0..).map(read).collect()
}

fn assembled() -> Trace {
    Trace::assemble(trace_id(), received())
}

#[divan::bench]
fn read_the_documents(bencher: Bencher<'_, '_>) {
    let documents = documents();
    bencher.bench(|| {
        let read = documents.iter().map(|document| Entity::parse(document.as_bytes()));
        read.filter(Result::is_ok).count()
    });
}

#[divan::bench]
fn assemble(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(received).bench_values(|received| Trace::assemble(trace_id(), received));
}

#[divan::bench]
fn summarise_and_add_to_the_graph(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(assembled).bench_refs(|trace| {
        let share = Contribution::of(trace, &|_, _| None);
        (Summary::of(trace).encode(), share.encode())
    });
}

#[divan::bench]
fn draw_the_timeline(bencher: Bencher<'_, '_>) {
    let trace = assembled();
    bencher.bench(|| Timeline::of(black_box(&trace)));
}

#[divan::bench]
fn give_the_documents_back(bencher: Bencher<'_, '_>) {
    let trace = assembled();
    bencher.bench(|| black_box(&trace).read_back());
}

const FILTERS: [&str; 3] = [
    "fault OR responsetime > 0.1",
    "http.url CONTAINS \"/cart\" AND annotation.product_id = 14",
    "edge(\"Frontend\", \"Product-Catalog\") {fault}",
];

#[divan::bench(args = FILTERS)]
fn read_a_filter(filter: &str) -> bool {
    Filter::parse(black_box(filter)).is_ok()
}

#[divan::bench(args = FILTERS)]
fn ask_a_trace(bencher: Bencher<'_, '_>, filter: &str) {
    let (trace, filter) = (assembled(), Filter::parse(filter).expect("a filter"));
    let summary = Summary::of(&trace);
    bencher.bench(|| {
        filter.matches(&TraceView { summary: &summary, trace: Some(&trace), groups: &NoGroups })
    });
}

/// Services in layers, with calls over up to 25 of them and some back.
fn graph(services: usize) -> ServiceGraph {
    let node = |place: usize| GraphNode {
        id: ServiceId::new(format!("{place:04}"), (place == 0).then_some(ServiceId::CLIENT)),
        stats: NodeStats::default(),
        edges: Vec::new(),
    };
    let mut graph = ServiceGraph { times_s: None, nodes: (0..services).map(node).collect() };
    for call in 0..services * 2 {
        let from = call * 7919 % services;
        let ahead = (from + 1 + call * 31 % 25).min(services - 1);
        let to = if call % 23 == 0 { from / 2 } else { ahead };
        if let Some(node) = graph.nodes.get_mut(from) {
            let stats = EdgeStats::default();
            node.edges.push(GraphEdge { to, kind: EdgeKind::Call, stats });
        }
    }
    graph
}

#[divan::bench(args = [10, 50, 200])]
fn draw_a_map(bencher: Bencher<'_, '_>, services: usize) {
    let graph = graph(services);
    bencher.bench(|| Layout::of(black_box(&graph), Shape::Wide));
}
