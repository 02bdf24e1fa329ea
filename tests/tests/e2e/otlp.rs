//! OpenTelemetry's own SDKs send spans: they come back from the local X-Ray, and reach AWS.

use std::time::Duration;

use e2e::fake_xray::{FakeXray, Fault};
use e2e::{AwsCli, Daemon, DaemonOptions, Python, require};
use serde_json::{Value, json};

use crate::traces::{documents, subsegment};

/// Longest that documents may take to the service, retries included.
const SOON: Duration = Duration::from_secs(60);
/// Spans of the shop's one request.
const SPANS: usize = 4;

fn sdk() -> Option<Python> {
    let http = "opentelemetry.exporter.otlp.proto.http";
    require(Python::with(&["opentelemetry.sdk", http, "opentelemetry.exporter.otlp.proto.grpc"]))
}

/// One request of the shop; what it says of its trace.
async fn shop(python: &Python, daemon: &Daemon, protocol: &str, compression: &str) -> Value {
    let url = match protocol {
        "grpc" => daemon.otlp_grpc_url(),
        _ => daemon.otlp_http_url(""),
    };
    let env =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("OTEL_EXPORTER_OTLP_COMPRESSION", compression)];
    let said = python.json("otel_shop.py", &[protocol], &env).await;
    assert_eq!(said["exported"], true, "{}", daemon.log());
    said
}

#[tokio::test]
async fn a_request_traced_by_the_python_sdk_comes_back_complete() {
    let Some(python) = sdk() else { return };
    let Some(aws) = require(AwsCli::find()) else { return };
    let daemon = DaemonOptions::local().taking_otlp().start().await;
    for (protocol, compression) in [("http", "none"), ("grpc", "gzip")] {
        let said = shop(&python, &daemon, protocol, compression).await;
        let trace_id = said["trace_id"].as_str().unwrap();
        let found = documents(&daemon, &aws, trace_id, 1).await;
        let [shop] = &found[..] else { panic!("{found:#?}") };
        assert_eq!((&shop["name"], &shop["id"]), (&json!("shop"), &said["span_id"]));
        assert_eq!((&shop["fault"], &shop["user"]), (&json!(true), &json!("ada")));
        assert_eq!(shop["http"]["request"]["url"], "http://shop.example:8080/cart/7");
        assert_eq!(shop["http"]["request"]["client_ip"], "203.0.113.9");
        assert_eq!(shop["http"]["response"]["status"], 500);
        assert_eq!(shop["annotations"], json!({ "cart.items": 3 }));
        assert_eq!(shop["service"]["version"], "1.2");
        assert_eq!(shop["aws"]["xray"]["sdk"], "opentelemetry for python");
        assert_eq!(shop["links"][0]["trace_id"], "1-5f29ab21-d4ebf299219a65bd5c31d6da");
        assert_eq!(shop["metadata"]["tracing"]["events"][0]["name"], "cache miss");
        assert_eq!(shop["metadata"]["tracing"]["scope"]["version"], "0.9");
        // Conventions of today, and of yesterday.
        let query = subsegment(shop, "shop@db.example");
        assert_eq!(query["sql"]["sanitized_query"], "SELECT * FROM carts WHERE id = $1");
        assert_eq!(query["namespace"], "remote");
        let stock = subsegment(shop, "stock");
        assert_eq!(stock["http"]["response"]["status"], 429);
        assert_eq!((&stock["error"], &stock["throttle"]), (&json!(true), &json!(true)));
        let exceptions = &subsegment(shop, "discount")["cause"]["exceptions"];
        assert_eq!(exceptions[0]["type"], "ValueError");
        assert_eq!(exceptions[0]["stack"][0]["label"], "discount");
        assert_eq!(exceptions[0]["cause"], exceptions[1]["id"]);
        assert_eq!(exceptions[1]["type"], "ZeroDivisionError");
    }
    let metrics = daemon.metrics().await;
    assert_eq!(metrics.sum("segments_received_total", ""), 2.0 * SPANS as f64);
    assert_eq!(metrics.sum("segments_sent_total", "backend=\"local\""), 2.0 * SPANS as f64);
}

/// Says that everything that was accepted is sent or counted elsewhere.
async fn assert_accounted(daemon: &Daemon, sent: usize) {
    daemon.wait_for_metric("segments_sent_total", "backend=\"aws\"", sent as f64).await;
    let metrics = daemon.metrics().await;
    let sum = |name: &str| metrics.sum(name, "backend=\"aws\"");
    let settled = ["sent", "refused", "dropped"].map(|it| sum(&format!("segments_{it}_total")));
    let waiting = ["queued", "in_flight", "spooled"].map(|it| sum(&format!("segments_{it}")));
    assert_eq!(
        sum("segments_accepted_total") + sum("segments_replayed_total"),
        settled.iter().sum::<f64>() + waiting.iter().sum::<f64>(),
        "{}",
        metrics.0
    );
    assert_eq!(waiting, [0.0; 3]);
}

#[tokio::test]
async fn spans_reach_aws_as_documents_though_the_service_fails_at_first() {
    let Some(python) = sdk() else { return };
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).taking_otlp().start().await;
    xray.misbehave_for(2, &Fault::INTERNAL);
    let said = shop(&python, &daemon, "http", "gzip").await;
    let received = xray.wait_for_documents(SPANS, SOON).await;
    let received: Vec<Value> =
        received.iter().map(|document| serde_json::from_str(document).unwrap()).collect();
    for document in &received {
        assert_eq!(document["trace_id"], said["trace_id"]);
    }
    let names = |kind: Value| {
        let of_kind = received.iter().filter(|document| document["type"] == kind);
        let mut names: Vec<_> = of_kind.map(|document| document["name"].clone()).collect();
        names.sort_by_key(Value::to_string);
        names
    };
    assert_eq!(names(Value::Null), ["shop"]);
    assert_eq!(names(json!("subsegment")), ["discount", "shop@db.example", "stock"]);
    assert_accounted(&daemon, SPANS).await;
}

#[tokio::test]
async fn a_span_without_an_id_is_rejected_alone_and_counted() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).taking_otlp().start().await;
    // The first span of its service calls somebody: two documents.
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": "worker"}}]},
        "scopeSpans": [{"spans": [
            {"traceId": "6b05a073cee02d06ef732f1c68667f80", "spanId": "d72517028620f2a3", "kind": 3,
             "name": "GET", "startTimeUnixNano": "1795530867000000000",
             "endTimeUnixNano": "1795530868000000000", "attributes": [
                {"key": "aws.span.kind", "value": {"stringValue": "LOCAL_ROOT"}},
                {"key": "aws.local.service", "value": {"stringValue": "worker"}},
                {"key": "aws.remote.service", "value": {"stringValue": "stock"}}]},
            {"traceId": "6b05a073cee02d06ef732f1c68667f80", "spanId": "", "name": "lost"}]}]}]});
    let answer = reqwest::Client::new()
        .post(daemon.otlp_http_url("/v1/traces"))
        .header("content-type", "application/json")
        .body(request.to_string());
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1");

    let received = xray.wait_for_documents(2, SOON).await;
    let mut received: Vec<Value> =
        received.iter().map(|document| serde_json::from_str(document).unwrap()).collect();
    received.sort_by_key(|document| document["name"].to_string());
    let [call, service] = &received[..] else { panic!("{received:#?}") };
    assert_eq!((&call["name"], &call["type"]), (&json!("stock"), &json!("subsegment")));
    assert_eq!((&service["name"], &service["type"]), (&json!("worker"), &Value::Null));
    assert_eq!(call["parent_id"], service["id"]);
    // Two documents, but one span.
    assert_accounted(&daemon, 1).await;
    let metrics = daemon.metrics().await;
    assert_eq!(metrics.sum("segments_received_total", ""), 2.0);
    assert_eq!(metrics.sum("segments_rejected_total", "reason=\"span_ids\""), 1.0);
}

/// What the AWS distribution is told beside where to send: no other signals, no look-ups.
const DISTRIBUTION: [(&str, &str); 6] = [
    ("OTEL_SERVICE_NAME", "worker"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
    ("OTEL_AWS_APPLICATION_SIGNALS_ENABLED", "true"),
    ("OTEL_AWS_APPLICATION_SIGNALS_RUNTIME_ENABLED", "false"),
    ("AWS_REGION", "eu-west-1"),
];

/// One message of a worker in a function, which sends datagrams.
async fn worker_in_a_function(python: &Python, daemon: &Daemon, sampler: &str) -> Value {
    let address = daemon.address();
    let own = [
        ("AWS_LAMBDA_FUNCTION_NAME", "worker"),
        ("AWS_XRAY_DAEMON_ADDRESS", &*address),
        ("OTEL_TRACES_SAMPLER", sampler),
    ];
    python.json("adot_worker.py", &[], &[&DISTRIBUTION[..], &own].concat()).await
}

#[tokio::test]
async fn datagrams_of_the_aws_distribution_are_understood_by_the_local_store() {
    let Some(python) = require(Python::with_aws_distribution()) else { return };
    let Some(aws) = require(AwsCli::find()) else { return };
    let daemon = DaemonOptions::local().start().await;
    let said = worker_in_a_function(&python, &daemon, "always_on").await;
    let found = documents(&daemon, &aws, said["trace_id"].as_str().unwrap(), 1).await;
    let [worker] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(worker["name"], "worker");
    assert_eq!(worker["aws"]["xray"]["auto_instrumentation"], true);
    let message = subsegment(worker, "aws_sqs");
    assert_eq!((&message["id"], &message["namespace"]), (&said["span_id"], &json!("remote")));
    let call = subsegment(message, "UnknownRemoteService");
    assert_eq!(call["http"]["request"]["url"], "https://stock.example/items/7");

    // What was not sampled is no trace.
    let said = worker_in_a_function(&python, &daemon, "always_off").await;
    daemon.wait_for_metric("segments_sent_total", "backend=\"local\"", 2.0).await;
    let trace_id = said["trace_id"].as_str().unwrap();
    let answer =
        aws.xray(&daemon.console_url(""), &["batch-get-traces", "--trace-ids", trace_id]).await;
    assert_eq!(answer["Traces"], json!([]));
}

#[tokio::test]
async fn datagrams_of_the_aws_distribution_reach_aws_as_they_are() {
    let Some(python) = require(Python::with_aws_distribution()) else { return };
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    worker_in_a_function(&python, &daemon, "always_on").await;
    worker_in_a_function(&python, &daemon, "always_off").await;
    let mut received = xray.wait_for_documents(2, SOON).await;
    received.sort();
    let [sampled, unsampled] = &received[..] else { panic!("{received:?}") };
    assert!(sampled.starts_with("T1SC") && unsampled.starts_with("T1UC"), "{received:?}");
    // The same words, so the same length: nothing was cut or added.
    assert_eq!(sampled.len(), unsampled.len());
    let base64 =
        |text: &str| text.bytes().all(|it| it.is_ascii_alphanumeric() || b"+/=".contains(&it));
    assert!(received.iter().all(|document| base64(document)), "{received:?}");
}

#[tokio::test]
async fn the_aws_distribution_sends_by_otlp_as_well() {
    let Some(python) = require(Python::with_aws_distribution()) else { return };
    let Some(aws) = require(AwsCli::find()) else { return };
    let daemon = DaemonOptions::local().taking_otlp().start().await;
    let endpoint = daemon.otlp_http_url("/v1/traces");
    let own = [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &*endpoint),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "otel"),
        ("OTEL_TRACES_SAMPLER", "always_on"),
        ("OTEL_AWS_APPLICATION_SIGNALS_ENABLED", "false"),
    ];
    let said = python.json("adot_worker.py", &[], &[&DISTRIBUTION[..], &own].concat()).await;
    let found = documents(&daemon, &aws, said["trace_id"].as_str().unwrap(), 1).await;
    let [worker] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(worker["name"], "worker");
    assert_eq!(worker["id"], said["span_id"]);
    assert_eq!(worker["subsegments"][0]["http"]["response"]["status"], 200);
}
