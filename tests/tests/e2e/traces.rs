//! Traces read back through the AWS CLI, and the ways into their documents.

use std::time::Duration;

use e2e::{AwsCli, Daemon, wait_until};
use serde_json::Value;

/// Longest that a document may take from a socket to the API.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A `X-Amzn-Trace-Id` that begins a sampled trace, and the trace's id.
pub(crate) fn sampled_trace(unique: u64) -> (String, String) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let trace_id = format!("1-{:08x}-{:08x}{unique:016x}", now.as_secs(), now.subsec_nanos());
    (format!("Root={trace_id};Sampled=1"), trace_id)
}

/// Epoch seconds an hour ago and in a minute, as arguments of the AWS CLI.
pub(crate) fn last_hour() -> [String; 4] {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    ["--start-time".into(), (now - 3600).to_string(), "--end-time".into(), (now + 60).to_string()]
}

/// Waits until the API has `segments` segments of the trace, and returns their documents, the
/// earliest first.
pub(crate) async fn documents(
    daemon: &Daemon,
    aws: &AwsCli,
    trace_id: &str,
    segments: usize,
) -> Vec<Value> {
    let what = format!("{segments} segments of {trace_id} in the API");
    let endpoint = daemon.console_url("");
    let mut found = wait_until(&what, SOON, || async {
        let answer = aws.xray(&endpoint, &["batch-get-traces", "--trace-ids", trace_id]).await;
        let found: Vec<Value> = answer["Traces"][0]["Segments"]
            .as_array()?
            .iter()
            .map(|segment| serde_json::from_str(segment["Document"].as_str().unwrap()).unwrap())
            .collect();
        let reported = found.iter().filter(|document| document["inferred"] != true).count();
        (reported >= segments).then_some(found)
    })
    .await;
    found.retain(|document| document["inferred"] != true);
    let start = |document: &Value| document["start_time"].as_f64().unwrap();
    found.sort_by(|a, b| start(a).total_cmp(&start(b)));
    found
}

/// The summary of a trace, found by its id among all of the last hour that `filter` selects.
pub(crate) async fn summary(
    daemon: &Daemon,
    aws: &AwsCli,
    trace_id: &str,
    filter: &str,
) -> Option<Value> {
    let range = last_hour();
    let mut args = vec!["get-trace-summaries", "--filter-expression", filter];
    args.extend(range.iter().map(String::as_str));
    let answer = aws.xray(&daemon.console_url(""), &args).await;
    let summaries = answer["TraceSummaries"].as_array().unwrap();
    summaries.iter().find(|summary| summary["Id"] == trace_id).cloned()
}

/// The subsegment of a name, at any depth.
pub(crate) fn subsegment<'a>(document: &'a Value, name: &str) -> &'a Value {
    all_subsegments(document)
        .into_iter()
        .find(|subsegment| subsegment["name"] == name)
        .unwrap_or_else(|| panic!("no subsegment {name} in {document:#}"))
}

/// All subsegments, a parent before its children.
pub(crate) fn all_subsegments(document: &Value) -> Vec<&Value> {
    let own = document["subsegments"].as_array().into_iter().flatten();
    own.flat_map(|child| [vec![child], all_subsegments(child)].concat()).collect()
}

/// Names of the nodes in a service graph, each with its type in brackets, sorted.
pub(crate) fn nodes(services: &Value) -> Vec<String> {
    let services = services.as_array().unwrap();
    let mut nodes: Vec<_> = services
        .iter()
        .map(|service| {
            let kind = service["Type"].as_str().unwrap_or("-");
            format!("{} ({kind})", service["Name"].as_str().unwrap())
        })
        .collect();
    nodes.sort();
    nodes
}

/// Edges of a service graph as `caller -> callee`, sorted; a client is called `client`.
pub(crate) fn edges(services: &Value) -> Vec<String> {
    let services = services.as_array().unwrap();
    let label = |service: &Value| match service["Type"].as_str() {
        Some("client") => "client".to_owned(),
        _ => service["Name"].as_str().unwrap().to_owned(),
    };
    let by_id = |id: &Value| services.iter().find(|service| service["ReferenceId"] == *id).unwrap();
    let mut edges: Vec<_> = services
        .iter()
        .flat_map(|service| {
            let edges = service["Edges"].as_array().into_iter().flatten();
            edges.map(move |edge| {
                format!("{} -> {}", label(service), label(by_id(&edge["ReferenceId"])))
            })
        })
        .collect();
    edges.sort();
    edges
}
