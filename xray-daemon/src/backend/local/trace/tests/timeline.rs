//! The rows of a trace: a product is inserted, a call is tried twice, a worker runs on.

use serde_json::{Value, json};

use super::{received, trace, trace_id};
use crate::backend::local::trace::{Interval, Row, RowKind, Status, Timeline, Trace, Trouble};

const START_S: f64 = 1000.0;

/// An entity from and to these milliseconds.
fn entity(id: u64, name: &str, from_ms: f64, to_ms: Option<f64>, more: Value) -> Value {
    let mut entity = json!({"id": id, "name": name, "start_time": START_S + from_ms / 1e3,
        "end_time": to_ms.map(|to_ms| START_S + to_ms / 1e3), "in_progress": to_ms.is_none()});
    entity.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    entity
}

fn http(method: &str, url: &str, status: u16) -> Value {
    json!({"request": {"method": method, "url": url}, "response": {"status": status}})
}

fn insert_product() -> Trace {
    let call = |id, name, from, to, http: Value| {
        entity(
            id,
            name,
            from,
            Some(to),
            json!({"namespace": "remote", "fault": true, "http": http}),
        )
    };
    let aws = |id, name, from, to, more| {
        let mut call = entity(id, name, from, Some(to), json!({"namespace": "aws"}));
        let more: Value = more;
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    };
    let detail = |id: u64, parent: u64, from: f64, to: f64| {
        entity(
            id,
            "Product-Detail",
            from,
            Some(to),
            json!({"parent_id": parent, "fault": true,
            "http": http("GET", "http://detail/catalogDetail", 500),
            "subsegments": [entity(id + 1, "load_vendors", from + 3.0, Some(to - 2.0),
                json!({"fault": true}))]}),
        )
    };
    let update = |id, from, to, status: u16, throttle: bool| {
        aws(
            id,
            "DynamoDB",
            from,
            to,
            json!({"throttle": throttle,
            "aws": {"operation": "UpdateItem", "table_name": "stock"},
            "http": {"response": {"status": status}}}),
        )
    };
    let documents = [
        entity(
            1,
            "Frontend",
            0.0,
            Some(402.0),
            json!({"fault": true,
            "http": http("POST", "http://shop:9000/products?session=1", 502),
            "subsegments": [
                entity(2, "validate", 1.0, Some(4.0), json!({})),
                call(3, "Product-Catalog", 6.0, 396.0, http("POST", "http://cat/products/14", 500)),
            ]}),
        ),
        entity(
            4,
            "Product-Catalog",
            9.0,
            Some(392.0),
            json!({"parent_id": 3, "fault": true,
            "http": http("POST", "http://cat/products/14", 500),
            "subsegments": [
                entity(5, "insert_product", 12.0, Some(41.0), json!({"subsegments": [
                    entity(6, "products", 15.0, Some(38.0), json!({"namespace": "remote", "sql": {
                        "sanitized_query": "insert into \"products\"(id, name) values (?, ?)"}}))]})),
                aws(7, "SQS", 44.0, 59.0, json!({"aws": {"operation": "SendMessage",
                    "queue_url": "http://sqs/1/restock"}, "http": {"response": {"status": 200}}})),
                call(8, "Product-Detail", 63.0, 215.0, http("GET", "http://detail/catalogDetail", 500)),
                call(9, "Product-Detail", 232.0, 388.0, http("GET", "http://detail/catalogDetail", 500)),
            ]}),
        ),
        detail(10, 8, 66.0, 212.0),
        detail(12, 9, 235.0, 385.0),
        entity(
            14,
            "Restock-Worker",
            96.0,
            None,
            json!({
            "metadata": {"tracing": {"span": "receive restock"}},
            "subsegments": [
                update(15, 104.0, 118.0, 400, true),
                update(16, 168.0, 179.0, 200, false),
                entity(17, "vendors", 186.0, Some(249.0), json!({"namespace": "remote",
                    "http": http("GET", "http://vendors/stock/14", 404)})),
                entity(18, "vendors", 262.0, None, json!({"namespace": "remote"})),
            ]}),
        ),
    ];
    let mut documents = received(&documents);
    documents.iter_mut().for_each(|document| document.received_at_s = START_S + 0.64);
    Trace::assemble(trace_id(1), documents)
}

/// Depth, name, detail, code and status of a row; `*` where trouble began.
fn what(row: &Row) -> String {
    let trouble = if row.trouble == Trouble::BeganHere { "*" } else { "" };
    let code = row.status_code.map(|code| format!(" {code}")).unwrap_or_default();
    let status = row.status.class();
    format!("{}{} | {} |{code} {status}{trouble}", "-".repeat(row.depth), row.name, row.detail)
}

#[test]
fn rows_say_what_happened_and_where_trouble_began() {
    let rows: Vec<_> = Timeline::of(&insert_product()).rows.iter().map(what).collect();
    assert_eq!(
        rows,
        [
            "Frontend | POST /products | 502 fault",
            "-validate |  | ok",
            "-Product-Catalog | POST /products/14 | 500 fault",
            "--Product-Catalog | POST /products/14 | 500 fault",
            "---insert_product |  | ok",
            "----products | INSERT INTO products | ok",
            "---restock | SQS SendMessage | 200 ok",
            "---Product-Detail | GET /catalogDetail, try 1 | 500 fault",
            "----Product-Detail | GET /catalogDetail | 500 fault",
            "-----load_vendors |  | fault*",
            "---Product-Detail | GET /catalogDetail, try 2 | 500 fault",
            "----Product-Detail | GET /catalogDetail | 500 fault",
            "-----load_vendors |  | fault*",
            "Restock-Worker | receive restock | pending",
            "-stock | DynamoDB UpdateItem, try 1 | 400 throttle*",
            "-stock | DynamoDB UpdateItem, try 2 | 200 ok",
            "-vendors | GET /stock/14 | 404 error*",
            "-vendors |  | pending",
        ]
    );
}

#[test]
fn rows_stand_on_one_axis_and_what_lives_reaches_its_end() {
    let timeline = Timeline::of(&insert_product());
    assert_eq!((timeline.start_s, timeline.total_ms), (START_S, 640.0));
    assert_eq!((timeline.response_ms, timeline.in_progress), (Some(402.0), true));
    let place = |row: &Row| (row.start_ms, row.duration_ms, row.in_progress, row.after_response_ms);
    assert_eq!(place(&timeline.rows[5]), (15.0, 23.0, false, 0.0));
    assert_eq!(place(&timeline.rows[13]), (96.0, 544.0, true, 238.0));
    assert_eq!(place(&timeline.rows[17]), (262.0, 378.0, true, 238.0));
    let below = |row: &Row| (row.children, row.descendants, row.worst_below);
    assert_eq!(below(&timeline.rows[0]), (2, 12, Status::Fault));
    assert_eq!(below(&timeline.rows[13]), (4, 4, Status::Error));
    let kinds: Vec<_> = timeline.rows.iter().map(|row| row.kind).collect();
    assert_eq!(kinds[0..3], [RowKind::Service, RowKind::Local, RowKind::Remote]);
    assert_eq!((kinds[5], kinds[6], kinds[14]), (RowKind::Sql, RowKind::Queue, RowKind::KeyValue));
}

#[test]
fn the_critical_path_is_what_the_response_waited_for() {
    let timeline = Timeline::of(&insert_product());
    let waits = |at: usize| -> Vec<(f64, f64)> {
        let interval = |interval: &Interval| (interval.start_ms, interval.end_ms);
        timeline.rows[at].critical_ms.iter().map(interval).collect()
    };
    assert_eq!(waits(0), [(0.0, 1.0), (4.0, 6.0), (396.0, 402.0)]);
    assert_eq!(waits(2), [(6.0, 9.0), (392.0, 396.0)]);
    assert_eq!(waits(3), [(9.0, 12.0), (41.0, 44.0), (59.0, 63.0), (215.0, 232.0), (388.0, 392.0)]);
    assert_eq!(waits(12), [(238.0, 383.0)]);
    assert_eq!(waits(13), [], "nobody waits for the worker");
    let all: f64 = (0..timeline.rows.len()).flat_map(waits).map(|(from, to)| to - from).sum();
    assert!((all - 402.0).abs() < 1e-6, "{all}");
}

#[test]
fn of_parallel_work_the_last_to_end_is_waited_for() {
    let trace = trace(&[entity(
        1,
        "root",
        0.0,
        Some(100.0),
        json!({"subsegments": [
            entity(2, "short", 10.0, Some(40.0), json!({})),
            entity(3, "long", 20.0, Some(90.0), json!({})),
            entity(4, "asynchronous", 30.0, Some(500.0), json!({})),
            entity(5, "skewed clock", 95.0, Some(101.0), json!({})),
        ]}),
    )]);
    let timeline = Timeline::of(&trace);
    let waits: Vec<(&str, f64, f64)> = timeline
        .rows
        .iter()
        .flat_map(|row| {
            row.critical_ms.iter().map(|at| (row.name.as_str(), at.start_ms, at.end_ms))
        })
        .collect();
    assert_eq!(
        waits,
        [
            ("root", 0.0, 10.0),
            ("root", 90.0, 95.0),
            ("short", 10.0, 20.0),
            ("long", 20.0, 90.0),
            ("skewed clock", 95.0, 100.0),
        ]
    );
    assert_eq!(timeline.rows[3].name, "asynchronous");
    assert_eq!(timeline.rows[3].after_response_ms, 400.0);
}

#[test]
fn trouble_passes_through_unmarked_work_but_not_through_success() {
    let below = |marked: bool, namespace: &str| {
        let trace = trace(&[entity(
            1,
            "root",
            0.0,
            Some(9.0),
            json!({"fault": true, "subsegments": [
            entity(2, "between", 0.0, Some(8.0), json!({"namespace": namespace, "subsegments": [
                entity(3, "below", 0.0, Some(7.0), json!({"fault": marked}))]}))]}),
        )]);
        Timeline::of(&trace).rows[0].trouble
    };
    assert_eq!(below(true, "local"), Trouble::PassedOn);
    assert_eq!(below(false, "local"), Trouble::BeganHere);
    assert_eq!(below(true, "remote"), Trouble::BeganHere, "the call went well");
}

#[test]
fn an_error_below_does_not_explain_a_fault_but_a_throttle_does() {
    let caused_by = |flag: &str| {
        let trace = trace(&[entity(
            1,
            "root",
            0.0,
            Some(9.0),
            json!({"fault": true, "subsegments": [
            entity(2, "call", 0.0, Some(8.0), json!({"namespace": "remote", flag: true}))]}),
        )]);
        Timeline::of(&trace).rows[0].trouble
    };
    assert_eq!(caused_by("error"), Trouble::BeganHere);
    assert_eq!(caused_by("throttle"), Trouble::PassedOn);
    assert_eq!(caused_by("fault"), Trouble::PassedOn);
}

#[test]
fn calls_repeated_after_success_are_no_tries() {
    let call = |id: u64, at: f64, fault: bool| {
        entity(id, "back", at, Some(at + 1.0), json!({"namespace": "remote", "fault": fault}))
    };
    let trace = trace(&[entity(
        1,
        "root",
        0.0,
        Some(9.0),
        json!({"subsegments": [
        call(2, 0.0, false), call(3, 1.0, true), call(4, 1.5, false), call(5, 3.0, true),
        call(6, 4.0, true), call(7, 5.0, false), call(8, 6.0, false)]}),
    )]);
    let details: Vec<_> =
        Timeline::of(&trace).rows.into_iter().skip(1).map(|row| row.detail).collect();
    // The third began before the second had failed.
    assert_eq!(details, ["", "", "", "try 1", "try 2", "try 3", ""]);
}

#[test]
fn an_old_trace_in_progress_is_not_stretched_to_its_import() {
    let timeline = Timeline::of(&trace(&[entity(
        1,
        "root",
        0.0,
        None,
        json!({"subsegments": [
        entity(2, "part", 0.0, Some(50.0), json!({}))]}),
    )]));
    assert_eq!((timeline.total_ms, timeline.rows[0].duration_ms), (50.0, 50.0));
    assert_eq!(Timeline::of(&trace(&[])), Timeline { start_s: 0.0, ..Timeline::default() });
}
