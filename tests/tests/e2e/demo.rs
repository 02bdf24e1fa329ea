//! The demo as a newcomer meets it: one command, a table of links, Ctrl-C.

use std::net::TcpListener;
use std::time::Duration;

use e2e::{AWS_SETTINGS, AwsCli, Demo, Python, Signal, require, wait_until};
use reqwest::{Client, StatusCode, redirect};
use serde_json::{Value, json};

use crate::traces::{all_subsegments, edges, nodes};

const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn ctrl_c_stops_all_of_it_with_0() {
    let mut demo = Demo::start().await;
    let (shop, console) = (demo.url("shop", "/ping"), demo.url("console", "/"));
    assert_eq!(reqwest::get(&shop).await.unwrap().status(), 200);
    assert_eq!(reqwest::get(&console).await.unwrap().status(), 200);
    let status = demo.end(Signal::INT, Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(0), "{}", demo.log());
    assert!(reqwest::get(&shop).await.is_err() && reqwest::get(&console).await.is_err());
    assert!(!demo.log().contains("panicked"), "{}", demo.log());
}

#[tokio::test]
async fn a_busy_port_is_named_with_the_way_out() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let mut process = Demo::launch(&["--console", &address.to_string()]);
    let status = process.wait(SOON).await;
    let log = process.log();
    assert!(status.code().is_some_and(|code| code != 0), "{status}: {log}");
    assert!(log.contains(&address.port().to_string()), "{log}");
    assert!(log.to_lowercase().contains("in use"), "{log}");
    assert!(log.contains("--console"), "no way out in {log}");
}

#[tokio::test]
async fn the_map_draws_itself_from_the_load() {
    let Some(python) = require(Python::with(&["boto3"])) else { return };
    let demo = Demo::start().await;
    let endpoint = demo.url("console", "");
    let services = wait_until("the whole chain on the map", SOON, || async {
        let services = python.json("service_graph.py", &[&endpoint], &AWS_SETTINGS).await;
        let edges = edges(&services);
        let database = nodes(&services).iter().any(|node| node.ends_with("(Database::SQL)"));
        let chain = [
            "client -> Frontend",
            "Frontend -> Product-Catalog",
            "Product-Catalog -> Product-Detail",
        ];
        let whole = database && chain.iter().all(|edge| edges.iter().any(|found| found == edge));
        whole.then_some(services)
    })
    .await;
    // One node a service, though each is a client and a server.
    let names: Vec<_> = nodes(&services);
    let frontends = names.iter().filter(|name| name.starts_with("Frontend (")).count();
    assert_eq!(frontends, 2, "the service and its clients, in {names:?}");
}

/// Whether a document is of this service; every tenth call goes to version 2 of the detail.
fn is(document: &Value, service: &str) -> bool {
    document["inferred"] != true
        && document["name"].as_str().is_some_and(|name| name.trim_end_matches("-V2") == service)
}

/// What the shop answers to a form, without following it.
async fn add(demo: &Demo, id: u64, name: &str) -> (StatusCode, String) {
    let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    let form = format!("id={id}&name={name}");
    let request = client
        .post(demo.url("shop", "/products"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let answer = request.send().await.unwrap();
    let header = answer.headers().get("x-amzn-trace-id").and_then(|value| value.to_str().ok());
    let root = header.unwrap_or_default().split(';').find_map(|part| part.strip_prefix("Root="));
    (answer.status(), root.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn every_product_that_a_person_adds_has_a_complete_trace() {
    let Some(aws) = require(AwsCli::find()) else { return };
    let demo = Demo::start().await;
    let endpoint = demo.url("console", "");
    let mut trace_ids = Vec::new();
    // More in a row than a reservoir of one a second lets through.
    for id in 800..805 {
        let (status, trace_id) = add(&demo, id, "Lamp").await;
        assert_eq!(status, 303, "id {id}");
        assert_eq!(trace_id.len(), 35, "id {id}: {trace_id:?}");
        trace_ids.push(trace_id);
    }
    for trace_id in &trace_ids {
        let what = format!("three segments of {trace_id}");
        let documents = wait_until(&what, SOON, || async {
            let args = ["batch-get-traces", "--trace-ids", trace_id];
            let answer = aws.xray(&endpoint, &args).await;
            let segments = answer["Traces"][0]["Segments"].as_array()?.clone();
            let read = |segment: &Value| {
                serde_json::from_str::<Value>(segment["Document"].as_str().unwrap()).unwrap()
            };
            let documents: Vec<_> = segments.iter().map(read).collect();
            let of = |name: &str| documents.iter().any(|document| is(document, name));
            let complete =
                ["Frontend", "Product-Catalog", "Product-Detail"].iter().all(|name| of(name));
            complete.then_some(documents)
        })
        .await;
        let catalog =
            documents.iter().find(|document| document["name"] == "Product-Catalog").unwrap();
        let subsegments = all_subsegments(catalog);
        let statement = |each: &Value| each["sql"]["sanitized_query"].as_str().map(str::to_owned);
        let insert = subsegments
            .iter()
            .find(|each| statement(each).is_some_and(|text| text.starts_with("INSERT")))
            .unwrap_or_else(|| panic!("no INSERT in {catalog:#}"));
        assert_eq!(insert["namespace"], "remote");
        assert_eq!(insert["sql"]["database_type"], "SQLite");
        let text = statement(insert).unwrap();
        assert!(!text.contains("Lamp"), "a value is in {text}");
        // Traced by plain OpenTelemetry, it is a part of the same trace.
        let detail = documents.iter().find(|document| is(document, "Product-Detail")).unwrap();
        assert_eq!(detail["aws"]["xray"]["sdk"], "opentelemetry for rust");
        assert_eq!(detail["http"]["response"]["status"], 200);
        assert!(["1", "2"].map(Value::from).contains(&detail["annotations"]["version"]));
        let call = subsegments.iter().find(|each| each["id"] == detail["parent_id"]).unwrap();
        assert!(call["http"]["request"]["url"].as_str().unwrap().ends_with("/catalogDetail"));
        let frontend = documents.iter().find(|document| document["name"] == "Frontend").unwrap();
        assert_eq!(frontend["http"]["request"]["method"], "POST");
        assert_eq!(frontend["http"]["response"]["status"], 303);
        assert_eq!(frontend["in_progress"], Value::Null);
    }
}

#[tokio::test]
async fn the_curl_lines_of_the_workshop_answer_as_they_did() {
    let demo = Demo::start().await;
    let client = Client::new();
    let catalog = |path: &str| demo.url("catalog", path);
    let add = client.post(catalog("/products/901")).json(&json!({ "name": "Table" }));
    let added: Value = add.send().await.unwrap().json().await.unwrap();
    let expected = json!({ "status": "New Product added to Product Catalog", "name": "Table" });
    assert_eq!(added, expected);

    let all: Value = reqwest::get(catalog("/products/")).await.unwrap().json().await.unwrap();
    assert_eq!(all["products"]["901"], "Table");
    // Every tenth call goes to version 2.
    let versions = [
        json!({ "version": "1", "vendors": ["ABC.com"] }),
        json!({ "version": "2", "vendors": ["ABC.com", "XYZ.com"] }),
    ];
    assert!(versions.contains(&all["details"]), "{}", all["details"]);
    let one: Value = reqwest::get(catalog("/products/901")).await.unwrap().json().await.unwrap();
    assert_eq!(one["name"], "Table");
    assert_eq!(one["status"], "Product Details retrieved");

    let detail: Value =
        reqwest::get(demo.url("detail", "/catalogDetail")).await.unwrap().json().await.unwrap();
    assert_eq!(detail, versions[0]);
    assert_eq!(reqwest::get(catalog("/products/424242")).await.unwrap().status(), 404);
    assert_eq!(reqwest::get(catalog("/products/table")).await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_fault_in_the_detail_is_a_fault_at_every_caller() {
    let Some(aws) = require(AwsCli::find()) else { return };
    let demo = Demo::start().await;
    let endpoint = demo.url("console", "");
    for version in ["detail", "detail-v2"] {
        let injected = reqwest::get(demo.url(version, "/injectFault")).await.unwrap();
        assert_eq!(injected.status(), 500);
    }
    let (status, trace_id) = add(&demo, 950, "Lamp").await;
    assert!(status.is_server_error(), "{status}");
    let documents = wait_until("the failed trace", SOON, || async {
        let answer = aws.xray(&endpoint, &["batch-get-traces", "--trace-ids", &trace_id]).await;
        let segments = answer["Traces"][0]["Segments"].as_array()?.clone();
        let read = |segment: &Value| {
            serde_json::from_str::<Value>(segment["Document"].as_str().unwrap()).unwrap()
        };
        let documents: Vec<_> = segments.iter().map(read).collect();
        (documents.iter().filter(|document| document["inferred"] != true).count() >= 3)
            .then_some(documents)
    })
    .await;
    for name in ["Frontend", "Product-Catalog", "Product-Detail"] {
        let document = documents.iter().find(|document| is(document, name)).unwrap();
        assert_eq!(document["fault"], true, "{name}: {document:#}");
    }
    for version in ["detail", "detail-v2"] {
        assert_eq!(reqwest::get(demo.url(version, "/resetFault")).await.unwrap().status(), 200);
    }
    assert_eq!(add(&demo, 951, "Lamp").await.0, 303);
}
