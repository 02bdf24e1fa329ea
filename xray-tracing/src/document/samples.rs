//! Whole documents as SDKs send them: what the model makes of each.
//!
//! The samples say what SDKs in use say, in our own words; `XRAY_VECTORS=DIR` adds every file of
//! `DIR/segments`.

use serde_json::{Map, Value};

use super::{Cause, Entity, Kind};

/// A web server's segment, with an embedded remote call and AWS call that failed.
const SERVER: &str = r#"{
  "trace_id": "1-63ad1f0c-9b2f0a8d3c4e5f6071829304", "id": "1f3d5b7991b3d5f7", "name": "shop",
  "start_time": 1672290060.25, "end_time": 1672290060.5, "parent_id": "00f067aa0ba902b7",
  "origin": "AWS::EKS::Container", "user": "ada", "fault": true, "error": false,
  "http": {
    "request": {"method": "POST", "url": "http://shop.example/cart", "client_ip": "10.0.0.7",
                "user_agent": "curl/8", "x_forwarded_for": true},
    "response": {"status": 502, "content_length": 17}},
  "aws": {
    "account_id": "111122223333", "eks": {"cluster_name": "c1", "pod": "shop-7d", "container_id": "ab12"},
    "cloudwatch_logs": [{"log_group": "/shop"}],
    "xray": {"sdk": "X-Ray for Go", "sdk_version": "1.8.0", "sampling_rule_name": "Default"}},
  "service": {"version": "3.1", "compiler": "gc", "compiler_version": "go1.21"},
  "annotations": {"tier": "gold", "items": 3, "gift": false},
  "metadata": {"default": {"cart": [1, 2, {"sku": "a"}]}, "debug": {"slow": true}},
  "links": [{"trace_id": "1-63ad1f00-000000000000000000000001", "id": "aaaaaaaaaaaaaaaa",
             "attributes": {"why": "retry"}}],
  "subsegments": [
    {"id": "2222222222222222", "name": "stock.example", "namespace": "remote",
     "start_time": 1672290060.26, "end_time": 1672290060.3, "precursor_ids": ["1111111111111111"],
     "http": {"request": {"method": "GET", "url": "http://stock.example/1", "traced": true},
              "response": {"status": 200, "content_length": "12"}}},
    {"id": "3333333333333333", "name": "DynamoDB", "namespace": "aws",
     "start_time": 1672290060.31, "end_time": 1672290060.4, "fault": true,
     "aws": {"operation": "GetItem", "region": "eu-west-1", "table_name": "carts", "retries": 2,
             "request_id": "R1", "resource_names": ["carts"]},
     "cause": {"working_directory": "/app", "paths": ["/app/lib"], "exceptions": [
       {"id": "4444444444444444", "type": "Timeout", "message": "no answer after 3 s", "remote": true,
        "truncated": 4, "skipped": 1, "cause": "5555555555555555",
        "stack": [{"path": "db.go", "line": 48, "label": "get", "column": 7}]}]}}],
  "Dummy": false
}"#;

/// A database call on its own, its parent already sent.
const INDEPENDENT_SQL: &str = r#"{
  "name": "orders@db.example", "id": "6666666666666666", "type": "subsegment",
  "trace_id": "1-63ad1f0c-9b2f0a8d3c4e5f6071829304", "parent_id": "1f3d5b7991b3d5f7",
  "start_time": 1672290061, "end_time": 1672290061.001, "namespace": "remote", "traced": true,
  "sql": {"url": "postgresql://db.example:5432/orders", "preparation": "statement",
          "database_type": "PostgreSQL", "database_version": "16.1", "driver_version": "sqlx 0.9",
          "user": "app", "sanitized_query": "SELECT * FROM orders WHERE id = ?"}
}"#;

/// Work that is still going on.
const IN_PROGRESS: &str = r#"{"trace_id":"1-63ad1f0c-9b2f0a8d3c4e5f6071829304",
  "id":"7777777777777777","name":"import","start_time":1672290060.000001,"in_progress":true}"#;

/// An error that a subsegment describes: the parent only names its id.
const CAUSE_IS_AN_ID: &str = r#"{"trace_id":"1-63ad1f0c-9b2f0a8d3c4e5f6071829304",
  "id":"8888888888888888","name":"job","start_time":1,"end_time":2,"fault":true,
  "cause":"9999999999999999"}"#;

fn reencoded(document: &str) -> String {
    Entity::parse(document.as_bytes()).unwrap().to_json()
}

#[test]
fn a_servers_segment_is_understood() {
    let entity = Entity::parse(SERVER.as_bytes()).unwrap();
    insta::assert_debug_snapshot!(entity);
}

#[test]
fn documents_are_written_in_the_services_order() {
    let documents = [SERVER, INDEPENDENT_SQL, IN_PROGRESS, CAUSE_IS_AN_ID].map(reencoded);
    insta::assert_snapshot!(documents.join("\n"));
}

#[test]
fn no_sample_loses_a_member() {
    for document in [SERVER, INDEPENDENT_SQL, IN_PROGRESS, CAUSE_IS_AN_ID] {
        assert_nothing_lost(document);
    }
}

#[test]
fn every_vector_file_survives() {
    let Ok(vectors) = std::env::var("XRAY_VECTORS") else { return };
    let files = std::fs::read_dir(std::path::Path::new(&vectors).join("segments")).unwrap();
    let mut read = 0;
    for file in files {
        let path = file.unwrap().path();
        let document = std::fs::read_to_string(&path).unwrap();
        assert_nothing_lost(&document);
        let entity = Entity::parse(document.as_bytes()).unwrap();
        let expect_subsegment = path.to_string_lossy().contains("indepSubsegment");
        assert!(!expect_subsegment || entity.kind == Kind::Subsegment, "{path:?}");
        if path.ends_with("minCauseIsExceptionId.txt") {
            assert_eq!(entity.cause, Some(Cause::ExceptionId("abcdefghijklmnop".into())));
        }
        read += 1;
    }
    assert!(read >= 16, "{read} files in {vectors}/segments");
}

fn assert_nothing_lost(document: &str) {
    let sent: Value = serde_json::from_str(document).unwrap();
    let kept: Value = serde_json::from_str(&reencoded(document)).unwrap();
    assert_eq!(normal(kept), normal(sent), "{document}");
}

/// What the encoder may write differently: flags that are false are left out, numbers lose their
/// quotes, whole numbers their fraction.
fn normal(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(key, value)| !(is_flag(key) && *value == Value::Bool(false)))
                .map(|(key, value)| match (key.as_str(), value) {
                    ("content_length", Value::String(text)) => {
                        (key, text.parse::<f64>().unwrap().into())
                    }
                    (_, value) => (key, normal(value)),
                })
                .collect::<Map<_, _>>(),
        ),
        Value::Array(elements) => elements.into_iter().map(normal).collect(),
        Value::Number(number) => number.as_f64().unwrap().into(),
        other => other,
    }
}

fn is_flag(key: &str) -> bool {
    ["fault", "error", "throttle", "in_progress", "x_forwarded_for", "traced"].contains(&key)
}
