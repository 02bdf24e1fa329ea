//! The official Python SDK in a Flask application, read back by AWS CLI and boto3.

use e2e::{AWS_SETTINGS, AwsCli, Daemon, DaemonOptions, Node, Python, Service, require};
use reqwest::Client;
use serde_json::{Value, json};

use crate::traces::{documents, edges, nodes, sampled_trace, subsegment, summary};

async fn shop(python: &Python, daemon: &Daemon, stock_url: &str) -> Service {
    let address = daemon.address();
    let env = [("AWS_XRAY_DAEMON_ADDRESS", &*address), ("STOCK_URL", stock_url)];
    python.serve("shop.py", &env).await
}

async fn get(url: String, trace_header: &str) -> u16 {
    let request = Client::new().get(url).header("X-Amzn-Trace-Id", trace_header);
    request.send().await.unwrap().status().as_u16()
}

fn tools() -> Option<(Python, AwsCli)> {
    let python = require(Python::with(&["aws_xray_sdk", "flask", "requests", "boto3"]))?;
    Some((python, require(AwsCli::find())?))
}

#[tokio::test]
async fn a_flask_request_comes_back_complete() {
    let Some((python, aws)) = tools() else { return };
    let daemon = DaemonOptions::local().start().await;
    let shop = shop(&python, &daemon, "").await;
    let (header, trace_id) = sampled_trace(1);
    assert_eq!(get(shop.url("/items/7"), &header).await, 200);

    let found = documents(&daemon, &aws, &trace_id, 1).await;
    let [document] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(document["name"], "shop");
    assert_eq!(document["user"], "ada");
    assert_eq!(document["annotations"], json!({ "item": 7 }));
    assert_eq!(document["http"]["request"]["method"], "GET");
    assert_eq!(document["http"]["request"]["url"], shop.url("/items/7"));
    assert_eq!(document["http"]["request"]["client_ip"], "127.0.0.1");
    assert_eq!(document["http"]["response"]["status"], 200);
    assert_eq!(document["aws"]["xray"]["sdk"], "X-Ray for Python");
    assert_eq!(document["service"]["runtime"], "CPython");
    let price = subsegment(document, "price");
    assert_eq!(price["annotations"], json!({ "currency": "EUR", "sale": true }));
    assert_eq!(price["metadata"], json!({ "prices": { "list": { "EUR": 49.5 } } }));
    let database = subsegment(document, "items.db");
    assert_eq!(database["namespace"], "remote");
    assert_eq!(database["sql"]["database_type"], "sqlite3");

    let summary = summary(&daemon, &aws, &trace_id, "annotation.item = 7 AND ok").await.unwrap();
    assert_eq!(summary["HasFault"], false);
    assert_eq!(summary["Http"]["HttpStatus"], 200);
    assert_eq!(summary["Users"][0]["UserName"], "ada");
    assert_eq!(summary["Annotations"]["currency"][0]["AnnotationValue"]["StringValue"], "EUR");
}

#[tokio::test]
async fn an_exception_comes_back_as_fault_and_cause() {
    let Some((python, aws)) = tools() else { return };
    let daemon = DaemonOptions::local().start().await;
    let shop = shop(&python, &daemon, "").await;
    let (header, trace_id) = sampled_trace(2);
    assert_eq!(get(shop.url("/broken"), &header).await, 500);

    let found = documents(&daemon, &aws, &trace_id, 1).await;
    let document = &found[0];
    assert_eq!(document["fault"], true);
    let discount = subsegment(document, "discount");
    assert_eq!(discount["fault"], true);
    let exception = &discount["cause"]["exceptions"][0];
    assert_eq!(exception["type"], "ZeroDivisionError");
    assert_eq!(exception["message"], "float division by zero");
    assert_eq!(exception["stack"][0]["label"], "broken");
    // The segment points to the exception of its subsegment.
    assert_eq!(document["cause"], exception["id"]);

    let summary = summary(&daemon, &aws, &trace_id, "fault AND http.status = 500").await.unwrap();
    assert_eq!((&summary["HasFault"], &summary["HasError"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn a_trace_through_python_and_node_makes_one_map() {
    let Some((python, aws)) = tools() else { return };
    let packages = ["aws-xray-sdk-core", "aws-xray-sdk-express", "express"];
    let Some(node) = require(Node::with(&packages)) else { return };
    let daemon = DaemonOptions::local().start().await;
    let address = daemon.address();
    let stock = node.serve("stock.mjs", &[("AWS_XRAY_DAEMON_ADDRESS", &address)]).await;
    let shop = shop(&python, &daemon, &stock.url("")).await;
    let (header, trace_id) = sampled_trace(3);
    assert_eq!(get(shop.url("/items/8"), &header).await, 200);

    let found = documents(&daemon, &aws, &trace_id, 2).await;
    let names: Vec<_> = found.iter().map(|document| &document["name"]).collect();
    assert_eq!(names, ["shop", "stock"]);
    assert_eq!(found[1]["parent_id"], subsegment(&found[0], "127.0.0.1")["id"]);

    let services: Value =
        python.json("service_graph.py", &[&daemon.console_url("")], &AWS_SETTINGS).await;
    let expected = ["items.db (Database::SQL)", "shop (-)", "shop (client)", "stock (-)"];
    assert_eq!(nodes(&services), expected);
    assert_eq!(edges(&services), ["client -> shop", "shop -> items.db", "shop -> stock"]);
    let shop = services.as_array().unwrap().iter().find(|service| service["Root"] == true).unwrap();
    assert_eq!(shop["SummaryStatistics"]["TotalCount"], 1);
    assert_eq!(shop["SummaryStatistics"]["OkCount"], 1);
}
