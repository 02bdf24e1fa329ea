//! The documents that `BatchGetTraces` answers.

use serde_json::{Value, json};

use super::fixtures::id;
use super::{trace, trace_id};
use crate::backend::local::trace::Trace;

fn documents(trace: &Trace) -> Vec<Value> {
    let read = |document: &String| serde_json::from_str(document).unwrap();
    trace.read_back().iter().map(|one| read(&one.document)).collect()
}

#[test]
fn what_came_on_its_own_is_folded_in_and_loses_what_its_place_says() {
    let trace = trace(&[
        json!({"id": 1, "trace_id": 1, "name": "front", "start_time": 1, "end_time": 2,
            "odd": [1, {"kept": true}], "http": {"request": {"traced": true, "url": "u"}},
            "subsegments": [{"id": 2, "name": "a", "start_time": 1.1, "end_time": 1.2,
                "cause": {"exceptions": [{"id": "e", "stack": []}]}}]}),
        json!({"id": 3, "trace_id": 1, "type": "subsegment", "parent_id": 2, "name": "b",
            "start_time": 1.1, "end_time": 1.15, "namespace": "local"}),
        json!({"id": 4, "trace_id": 1, "type": "subsegment", "parent_id": 1, "name": "c",
            "start_time": 1.3, "end_time": 1.4}),
    ]);
    assert_eq!(
        documents(&trace),
        [json!({
            "id": id(1), "trace_id": trace_id(1).to_string(), "name": "front", "start_time": 1,
            "end_time": 2, "odd": [1, {"kept": true}], "http": {"request": {"url": "u"}},
            "subsegments": [
                {"id": id(2), "name": "a", "start_time": 1.1, "end_time": 1.2,
                    "cause": {"exceptions": [{"id": "e"}]},
                    "subsegments": [{"id": id(3), "name": "b", "start_time": 1.1, "end_time": 1.15,
                        "namespace": "local"}]},
                {"id": id(4), "name": "c", "start_time": 1.3, "end_time": 1.4},
            ],
        })]
    );
    assert_eq!(trace.read_back()[0].id.to_string(), id(1));
}

#[test]
fn a_callee_that_did_not_report_gets_an_inferred_segment_until_it_does() {
    let caller = json!({"id": 1, "trace_id": 1, "name": "front", "start_time": 1, "end_time": 2,
    "subsegments": [
        {"id": 2, "name": "worker", "namespace": "remote", "start_time": 1.1, "end_time": 1.2,
            "fault": true, "http": {"request": {"url": "u", "traced": true}},
            "cause": {"exceptions": [{"id": "e"}]}},
        {"id": 3, "name": "DynamoDB", "namespace": "aws", "start_time": 1.3, "end_time": 1.4,
            "aws": {"operation": "GetItem", "table_name": "t"}},
        {"id": 4, "name": "db@host", "namespace": "remote", "start_time": 1.5, "end_time": 1.6,
            "sql": {"sanitized_query": "SELECT 1"}},
        {"id": 5, "name": "open", "namespace": "remote", "start_time": 1.7, "in_progress": true},
        {"id": 6, "name": "local work", "start_time": 1.8, "end_time": 1.9},
    ]});
    let before = trace(std::slice::from_ref(&caller));
    let found = documents(&before);
    let inferred = |call: u64, more: Value| {
        let at = found.iter().position(|document| document["parent_id"] == id(call)).unwrap();
        let mut expected = json!({"id": found[at]["id"], "trace_id": trace_id(1).to_string(),
            "parent_id": id(call), "inferred": true});
        expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(found[at], expected);
    };
    assert_eq!(found.len(), 4);
    inferred(
        2,
        json!({"name": "worker", "start_time": 1.1, "end_time": 1.2, "fault": true,
        "http": {"request": {"url": "u"}}}),
    );
    inferred(
        3,
        json!({"name": "DynamoDB", "start_time": 1.3, "end_time": 1.4,
        "aws": {"operation": "GetItem", "table_name": "t"}, "origin": "AWS::DynamoDB::Table"}),
    );
    inferred(
        4,
        json!({"name": "db@host", "start_time": 1.5, "end_time": 1.6,
        "origin": "Database::SQL"}),
    );
    assert_eq!(documents(&trace(std::slice::from_ref(&caller))), found, "ids are stable");

    let worker =
        json!({"id": 7, "name": "worker", "parent_id": 2, "start_time": 1.1, "end_time": 1.2});
    let after = documents(&trace(&[caller, worker]));
    let parents: Vec<_> = after.iter().map(|document| document["parent_id"].clone()).collect();
    assert_eq!(parents, [Value::Null, json!(id(2)), json!(id(3)), json!(id(4))]);
    assert_eq!(after[1]["inferred"], Value::Null);
}

#[test]
fn what_is_too_deep_for_readers_of_json_stands_beside_its_parent() {
    let mut documents = vec![json!({"id": 1, "name": "root", "start_time": 1, "end_time": 2})];
    documents.extend((2..100_u64).map(|at| {
        json!({"id": at, "type": "subsegment", "parent_id": at - 1, "name": "deep",
            "start_time": 1, "end_time": 2})
    }));
    let text = trace(&documents).read_back().remove(0).document;
    assert_eq!(text.matches("\"deep\"").count(), 98);
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let mut depth = 0;
    while let Some(below) = value.get_mut("subsegments").and_then(Value::as_array_mut) {
        depth += 1;
        assert_eq!(below.len(), if depth == 50 { 49 } else { 1 });
        value = below.remove(0);
    }
    assert_eq!(depth, 50);
}

#[test]
fn a_part_of_a_segment_can_be_had_alone() {
    let trace = trace(&[json!({"id": 1, "name": "root", "start_time": 1, "end_time": 2,
        "subsegments": [{"id": 2, "name": "a", "start_time": 1, "end_time": 2, "subsegments": [
            {"id": 3, "name": "b", "start_time": 1, "end_time": 2}]}]})]);
    let part = trace.find(id(2).parse().unwrap()).unwrap();
    let value: Value = serde_json::from_str(&trace.document(part)).unwrap();
    assert_eq!(value["subsegments"][0]["name"], "b");
    assert_eq!(value["type"], "subsegment");
}
