//! The official Node SDK in an Express application, read back by the AWS CLI.

use e2e::{AwsCli, DaemonOptions, Node, require};
use reqwest::Client;
use serde_json::json;

use crate::traces::{documents, sampled_trace, subsegment, summary};

fn tools() -> Option<(Node, AwsCli)> {
    let packages = ["aws-xray-sdk-core", "aws-xray-sdk-express", "express"];
    Some((require(Node::with(&packages))?, require(AwsCli::find())?))
}

#[tokio::test]
async fn an_express_request_comes_back_complete() {
    let Some((node, aws)) = tools() else { return };
    let daemon = DaemonOptions::local().start().await;
    let address = daemon.address();
    let stock = node.serve("stock.mjs", &[("AWS_XRAY_DAEMON_ADDRESS", &address)]).await;
    let (header, trace_id) = sampled_trace(11);
    let request = Client::new().get(stock.url("/stock/9")).header("X-Amzn-Trace-Id", header);
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), r#"{"left":12}"#);

    let found = documents(&daemon, &aws, &trace_id, 1).await;
    let [document] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(document["name"], "stock");
    assert_eq!(document["annotations"], json!({ "shelf": "S-9" }));
    assert_eq!(document["http"]["response"]["status"], 200);
    assert_eq!(document["http"]["request"]["url"], stock.url("/stock/9"));
    assert_eq!(document["aws"]["xray"]["sdk"], "X-Ray for Node.js");
    assert_eq!(document["service"]["runtime"], "node");
    let count = subsegment(document, "count");
    assert_eq!(count["annotations"], json!({ "exact": true }));
    assert_eq!(count["metadata"], json!({ "stock": { "shelves": [3, 4] } }));
    assert!(summary(&daemon, &aws, &trace_id, r#"annotation.shelf = "S-9""#).await.is_some());
    assert!(summary(&daemon, &aws, &trace_id, r#"annotation.shelf = "S-8""#).await.is_none());
}

#[tokio::test]
async fn an_error_comes_back_as_fault_and_cause() {
    let Some((node, aws)) = tools() else { return };
    let daemon = DaemonOptions::local().start().await;
    let address = daemon.address();
    let stock = node.serve("stock.mjs", &[("AWS_XRAY_DAEMON_ADDRESS", &address)]).await;
    let (header, trace_id) = sampled_trace(12);
    let request = Client::new().get(stock.url("/broken")).header("X-Amzn-Trace-Id", header);
    assert_eq!(request.send().await.unwrap().status(), 503);

    let found = documents(&daemon, &aws, &trace_id, 1).await;
    assert_eq!(found[0]["fault"], true);
    let exception = &subsegment(&found[0], "forklift")["cause"]["exceptions"][0];
    assert_eq!(exception["type"], "RangeError");
    assert_eq!(exception["message"], "forklift 4 is out of range");
    let summary = summary(&daemon, &aws, &trace_id, "service(\"stock\") {fault}").await.unwrap();
    assert_eq!(summary["Http"]["HttpStatus"], 503);
}
