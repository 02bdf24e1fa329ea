//! The local backend's API, as the AWS CLI and boto3 read it.

use e2e::{AWS_SETTINGS, AwsCli, DaemonOptions, HEADER, Numbered, Python, require, wait_until};
use serde_json::{Value, json};

use crate::traces::{SOON, documents, edges, last_hour, nodes, sampled_trace, summary};

/// A trace of two services and a database, as other SDKs write it.
fn checkout(trace_id: &str, start_s: f64) -> [Value; 2] {
    let cart = json!({
        "name": "cart", "id": "70de5b6f19ff9a0a", "trace_id": trace_id,
        "start_time": start_s, "end_time": start_s + 0.5, "origin": "AWS::EC2::Instance",
        "http": {
            "request": { "method": "POST", "url": "http://shop.example/cart", "client_ip": "192.0.2.7" },
            "response": { "status": 500, "content_length": 12 },
        },
        "fault": true, "user": "grace", "annotations": { "items": 3, "gift": true, "code": "XM-4" },
        "metadata": { "default": { "note": "ñ <b>&</b>" } }, "unknown member": [1, { "a": null }],
        "subsegments": [
            {
                "name": "payment", "id": "53995c3f42cd8ad8", "namespace": "remote", "fault": true,
                "start_time": start_s + 0.1, "end_time": start_s + 0.4,
                "http": { "request": { "method": "POST", "url": "http://payment.example/pay" },
                          "response": { "status": 500 } },
            },
            {
                "name": "orders@db.example", "id": "62be6272c1914c4a", "namespace": "remote",
                "start_time": start_s + 0.4, "end_time": start_s + 0.45,
                "sql": { "sanitized_query": "INSERT INTO orders VALUES (?)", "database_type": "PostgreSQL" },
            },
        ],
    });
    let payment = json!({
        "name": "payment", "id": "194fcc8747581230", "trace_id": trace_id,
        "parent_id": "53995c3f42cd8ad8", "start_time": start_s + 0.15, "end_time": start_s + 0.35,
        "fault": true, "http": { "response": { "status": 500 } },
        "cause": { "exceptions": [{ "id": "1b2f3c4d5e6f7081", "type": "CardError", "message": "card \"4\" declined",
                                    "stack": [{ "path": "pay.rs", "line": 7, "label": "charge" }] }] },
    });
    [cart, payment]
}

fn now_s() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_secs_f64()
}

#[tokio::test]
async fn a_trace_sent_by_udp_is_read_back_with_every_member() {
    let Some(aws) = require(AwsCli::find()) else { return };
    let daemon = DaemonOptions::local().start().await;
    let (_, trace_id) = sampled_trace(21);
    let sent = checkout(&trace_id, now_s() - 2.0);
    for document in &sent {
        daemon.send(format!("{HEADER}{document}"));
    }
    let found = documents(&daemon, &aws, &trace_id, 2).await;
    assert_eq!(found, sent);

    let summary = summary(&daemon, &aws, &trace_id, r#"service("payment") {fault}"#).await.unwrap();
    assert_eq!(summary["HasFault"], true);
    assert_eq!(summary["HasError"], false);
    assert_eq!(summary["IsPartial"], false);
    assert!((summary["ResponseTime"].as_f64().unwrap() - 0.5).abs() < 1e-3, "{summary:#}");
    assert_eq!(summary["Http"]["HttpMethod"], "POST");
    assert_eq!(summary["Http"]["ClientIp"], "192.0.2.7");
    assert_eq!(summary["EntryPoint"]["Name"], "cart");
    assert_eq!(summary["EntryPoint"]["Type"], "AWS::EC2::Instance");
    assert_eq!(summary["Users"][0]["UserName"], "grace");
    assert_eq!(
        summary["Annotations"]["items"][0]["AnnotationValue"],
        json!({ "NumberValue": 3.0 })
    );
    assert_eq!(
        summary["Annotations"]["gift"][0]["AnnotationValue"],
        json!({ "BooleanValue": true })
    );
}

#[tokio::test]
async fn boto3_reads_the_map() {
    let Some(python) = require(Python::with(&["boto3"])) else { return };
    let daemon = DaemonOptions::local().start().await;
    let (_, trace_id) = sampled_trace(22);
    for document in checkout(&trace_id, now_s() - 2.0) {
        daemon.send(format!("{HEADER}{document}"));
    }
    let services = wait_until("four nodes on the map", SOON, || async {
        let endpoint = daemon.console_url("");
        let services = python.json("service_graph.py", &[&endpoint], &AWS_SETTINGS).await;
        (services.as_array().unwrap().len() >= 4).then_some(services)
    })
    .await;
    let expected = [
        "cart (AWS::EC2::Instance)",
        "cart (client)",
        "orders@db.example (Database::SQL)",
        "payment (-)",
    ];
    assert_eq!(nodes(&services), expected);
    let expected = ["cart -> orders@db.example", "cart -> payment", "client -> cart"];
    assert_eq!(edges(&services), expected);
    let service = |name: &str, kind: Value| {
        let mut services = services.as_array().unwrap().iter();
        services.find(|service| service["Name"] == name && service["Type"] == kind).unwrap()
    };
    let cart = service("cart", json!("AWS::EC2::Instance"));
    assert_eq!((&cart["Root"], &cart["State"]), (&json!(true), &json!("active")));
    let statistics = &cart["SummaryStatistics"];
    assert_eq!((&statistics["TotalCount"], &statistics["OkCount"]), (&json!(1), &json!(0)));
    assert_eq!(statistics["FaultStatistics"]["TotalCount"], 1);
    assert_eq!(service("cart", json!("client"))["SummaryStatistics"], Value::Null);
}

#[tokio::test]
async fn the_cli_pages_through_all_summaries() {
    let Some(aws) = require(AwsCli::find()) else { return };
    let daemon = DaemonOptions::local().start().await;
    let run = Numbered::new();
    for number in 0..250 {
        daemon.send(run.datagram(number));
    }
    let range = last_hour();
    let mut args = vec!["get-trace-summaries"];
    args.extend(range.iter().map(String::as_str));
    let ids = wait_until("250 summaries", SOON, || async {
        let answer = aws.xray(&daemon.console_url(""), &args).await;
        let summaries = answer["TraceSummaries"].as_array().unwrap().clone();
        (summaries.len() >= 250).then_some(summaries)
    })
    .await;
    let mut ids: Vec<_> = ids.iter().map(|summary| summary["Id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    let expected: Vec<_> = (0..250).map(|number| run.trace_id(number)).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn a_wrong_filter_says_where_it_is_wrong() {
    let Some(aws) = require(AwsCli::find()) else { return };
    let daemon = DaemonOptions::local().start().await;
    let range = last_hour();
    let mut args = vec!["get-trace-summaries", "--filter-expression", "maybe = 1"];
    args.extend(range.iter().map(String::as_str));
    let refused = aws.attempt_xray(&daemon.console_url(""), &args).await;
    assert_ne!(refused.exit_code, Some(0));
    for part in ["InvalidRequestException", "line 1, position 1 : Invalid input symbol: 'ma'"] {
        assert!(refused.stderr.contains(part), "{part} is not in {}", refused.stderr);
    }
}

#[tokio::test]
async fn the_default_sampling_rule_is_there() {
    let Some(aws) = require(AwsCli::find()) else { return };
    let daemon = DaemonOptions::local().start().await;
    let answer = aws.xray(&daemon.console_url(""), &["get-sampling-rules"]).await;
    let records = answer["SamplingRuleRecords"].as_array().unwrap();
    let rule = &records.last().unwrap()["SamplingRule"];
    assert_eq!(rule["RuleName"], "Default");
    assert_eq!((&rule["ReservoirSize"], &rule["FixedRate"]), (&json!(1), &json!(0.05)));
}

#[tokio::test]
async fn a_refused_document_is_named_with_the_reason() {
    let Some(aws) = require(AwsCli::find()) else { return };
    let daemon = DaemonOptions::local().start().await;
    let (_, trace_id) = sampled_trace(23);
    let good = &checkout(&trace_id, now_s())[0].to_string();
    let bad = r#"{"name":"cart","id":"70de5b6f19ff9a0z","trace_id":"1-5759e988-bd862e3fe1be46a994272793","start_time":1}"#;
    let args = ["put-trace-segments", "--trace-segment-documents", good, bad];
    let answer = aws.xray(&daemon.console_url(""), &args).await;
    let unprocessed = answer["UnprocessedTraceSegments"].as_array().unwrap();
    assert_eq!(unprocessed.len(), 1, "{answer:#}");
    assert_eq!(unprocessed[0]["ErrorCode"], "InvalidId");
    assert_eq!(documents(&daemon, &aws, &trace_id, 1).await.len(), 1);
}
