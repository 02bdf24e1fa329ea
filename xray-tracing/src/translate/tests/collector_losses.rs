//! What the Collector's `awsxray` receiver loses of a document or refuses, case by case: here it
//! becomes spans and comes back. The numbers are those of the list of its losses that this project
//! goes by; R9 and R13 to R15 are about datagrams and sockets and stand with the daemon's tests.

use serde_json::{Value as Json, json};

use super::round_trip::{apart, parsed, there_and_back};
use crate::document::Entity;
use crate::translate::{NotASpan, SpanKind, Status, Value, from_document};

/// A segment below a call, with `members` in place of its own; `null` takes one away.
fn segment(members: Json) -> Entity {
    let mut document = json!({
        "id": "1f3d5b7991b3d5f7", "trace_id": "1-63ad1f0c-9b2f0a8d3c4e5f6071829304", "name": "shop",
        "start_time": 1672290060.25, "end_time": 1672290060.5, "parent_id": "00f067aa0ba902b7",
    });
    for (key, value) in members.as_object().unwrap() {
        document[key] = value.clone();
    }
    parsed(&document.to_string())
}

/// The segment with a subsegment that has `members`.
fn calling(members: Json) -> Entity {
    let mut call = json!({"id": "2222222222222222", "name": "orders@db.example",
                          "start_time": 1672290060.3, "end_time": 1672290060.4});
    for (key, value) in members.as_object().unwrap() {
        call[key] = value.clone();
    }
    segment(json!({ "subsegments": [call] }))
}

#[track_caller]
fn assert_comes_back(entity: Entity) {
    assert_eq!(there_and_back(&entity), apart(entity));
}

#[test]
fn r1_flags_without_http_status_or_cause_come_back() {
    for flag in ["fault", "error", "throttle"] {
        assert_comes_back(segment(json!({ flag: true })));
        assert_comes_back(calling(json!({ flag: true })));
    }
    let fault = segment(json!({"fault": true}));
    let spans = from_document(&fault).unwrap().spans;
    assert_eq!(spans[0].status, Status::Error("".into()));
}

#[test]
fn r3_lines_of_stacks_come_back() {
    assert_comes_back(segment(json!({"fault": true, "cause": {"exceptions": [
        {"id": "1111111111111111", "type": "KeyError", "message": "'x'", "stack": [
            {"path": "/app/cart.py", "line": 48, "label": "get"},
            {"path": "C:\\app\\main.py", "line": 7, "label": "main"},
            {"path": "node:internal/timers", "line": 0, "label": "listOnTimeout"}]}]}})));
}

#[test]
fn r4_exceptions_keep_ids_chain_counts_and_folder() {
    assert_comes_back(segment(json!({"fault": true, "cause": {
        "working_directory": "/app", "paths": ["/app/lib"],
        "exceptions": [
            {"id": "1111111111111111", "type": "Outer", "message": "m", "remote": true,
             "truncated": 3, "skipped": 1, "cause": "2222222222222222",
             "stack": [{"path": "a.py", "line": 7, "label": "f", "column": 2}]},
            {"id": "2222222222222222", "message": "inner"}]}})));
    assert_comes_back(segment(json!({"fault": true, "cause": "abcdefghijklmnop"})));
}

#[test]
fn r5_sql_as_sdks_write_it_comes_back() {
    assert_comes_back(calling(json!({"namespace": "remote", "sql": {
        "url": "jdbc:postgresql://db.example:5432/orders", "preparation": "statement",
        "database_type": "PostgreSQL", "database_version": "16.1", "driver_version": "42.7",
        "user": "app", "sanitized_query": "SELECT 1", "connection_string": "odd"}})));
    assert_comes_back(calling(json!({"sql": {"sanitized_query": "SELECT 1"}})));
    assert_comes_back(calling(json!({"sql": {"url": "no database", "database_type": "SQLite"}})));
}

#[test]
fn r6_any_namespace_comes_back() {
    for namespace in ["local", "invalidNamespace", ""] {
        assert_comes_back(calling(json!({ "namespace": namespace })));
    }
}

#[test]
fn r7_links_origin_arns_tables_and_length_come_back() {
    assert_comes_back(segment(json!({
        "origin": "AWS::ECS::Fargate", "resource_arn": "arn:aws:ecs:eu-west-1:1:task/t",
        "links": [{"trace_id": "1-63ad1f00-000000000000000000000001", "id": "aaaaaaaaaaaaaaaa",
                   "attributes": {"why": "retry"}}],
        "aws": {"ecs": {"container": "c", "container_arn": "arn:c", "cluster_arn": "arn:k",
                        "task_arn": "arn:t", "task_family": "f", "launch_type": "fargate"},
                "eks": {"pod": "p"}, "cloudwatch_logs": [{"log_group": "/shop"}],
                "xray": {"sdk": "X-Ray for Go", "sampling_rule_name": "Default"}},
        "http": {"response": {"status": 200, "content_length": 17}},
    })));
    assert_comes_back(segment(json!({"origin": "AWS::EKS::Container"})));
    assert_comes_back(calling(json!({"namespace": "aws", "precursor_ids": ["1111111111111111"],
        "aws": {"operation": "GetItem", "table_names": ["a", "b"], "retries": 2, "id_2": "x"}})));
}

#[test]
fn r8_metadata_of_any_form_comes_back() {
    assert_comes_back(segment(json!({"metadata": {"a": 1, "b": [2], "ns": {"c": null}}})));
    assert_comes_back(segment(json!({"metadata": "flat"})));
}

#[test]
fn r10_a_segment_below_a_call_stays_a_segment() {
    let entity = segment(json!({}));
    let spans = from_document(&entity).unwrap().spans;
    assert_eq!((spans[0].kind, spans[0].parent_id), (SpanKind::Server, entity.parent_id));
    assert_comes_back(entity);
}

#[test]
fn r11_work_in_progress_stays_in_progress_and_has_an_end() {
    let entity = segment(json!({"in_progress": true, "end_time": null, "subsegments": [
        {"id": "2222222222222222", "name": "a", "start_time": 1672290060.3, "end_time": 1672290061},
        {"id": "3333333333333333", "name": "b", "start_time": 1672290060.4, "in_progress": true}]}));
    let spans = from_document(&entity).unwrap().spans;
    let ends: Vec<_> = spans.iter().map(|span| span.end_ns / 1_000_000).collect();
    assert_eq!(ends, [1_672_290_061_000, 1_672_290_061_000, 1_672_290_060_400]);
    let marked = |key| spans[0].attributes.iter().any(|it| it.key == key);
    assert!(marked("aws.xray.inprogress"));
    assert_eq!(spans[1].attributes.iter().find(|it| it.value == Value::Bool(true)), None);
    assert_comes_back(entity);
}

#[test]
fn r12_trace_ids_in_w3c_form_and_shortened_ones_are_taken() {
    for (sent, meant) in [
        ("63ad1f0c9b2f0a8d3c4e5f6071829304", "1-63ad1f0c-9b2f0a8d3c4e5f6071829304"),
        ("1-3ad1f0c-2f0a8d3c4e5f6071829304", "1-03ad1f0c-002f0a8d3c4e5f6071829304"),
        (" 1-63AD1F0C-9B2F0A8D3C4E5F6071829304", "1-63ad1f0c-9b2f0a8d3c4e5f6071829304"),
    ] {
        let entity = segment(json!({ "trace_id": sent }));
        let back = there_and_back(&entity);
        assert_eq!(back[0].trace_id, Some(meant.parse().unwrap()), "{sent}");
        assert_eq!((&back[0].name, back[0].end_time_s), (&entity.name, entity.end_time_s));
    }
    for refused in ["", "1--", "1-63ad1f0c", "63ad1f0c", "1-63ad1f0c-+b2f0a8d3c4e5f6071829304"] {
        let entity = segment(json!({ "trace_id": refused }));
        assert_eq!(from_document(&entity), Err(NotASpan::NoTraceId), "{refused}");
    }
    let zero = segment(json!({"trace_id": "00000000000000000000000000000000"}));
    assert_eq!(from_document(&zero), Err(NotASpan::NoTraceId));
}
