//! Every member of a summary.

use serde_json::{Value, json};
use xray_tracing::document::AnnotationValue;

use super::{trace, trace_id};
use crate::backend::local::trace::{AnnotationSummary, ServiceId, Status, Summary, UserSummary};

fn summary(documents: &[Value]) -> Summary {
    Summary::of(&trace(documents))
}

fn two_services() -> Vec<Value> {
    vec![
        json!({"id": 1, "name": "front", "origin": "AWS::EC2::Instance", "start_time": 100.25,
            "end_time": 102.25, "user": "alice", "resource_arn": "arn:front",
            "http": {"request": {"method": "GET", "url": "http://shop.example/api/a?x=1",
                "user_agent": "curl", "client_ip": "10.0.0.1"}, "response": {"status": 200}},
            "aws": {"ec2": {"instance_id": "i-0a", "availability_zone": "eu-west-1a"}},
            "annotations": {"rank": 10, "shared": true},
            "subsegments": [{"id": 2, "name": "back", "namespace": "remote", "start_time": 100.5,
                "end_time": 101.5, "annotations": {"rank": 11}}]}),
        json!({"id": 3, "name": "back", "parent_id": 2, "start_time": 100.5, "end_time": 107.25,
            "fault": true, "user": "alice", "annotations": {"shared": true, "text": "t"}}),
    ]
}

#[test]
fn it_speaks_of_the_root_and_collects_from_all() {
    let found = summary(&two_services());
    assert_eq!(found.id, trace_id(1));
    assert_eq!(
        (found.start_time_s, found.duration_s, found.response_time_s),
        (100.25, Some(7.0), Some(2.0))
    );
    assert_eq!((found.has_fault, found.has_error, found.has_throttle), (false, false, false));
    assert_eq!((found.is_partial, found.worst, found.revision), (false, Status::Fault, 2));
    assert_eq!(found.title, "GET /api/a");
    assert_eq!(found.http.url.as_deref(), Some("http://shop.example/api/a?x=1"));
    assert_eq!(found.http.status, Some(200));
    assert_eq!(found.http.method.as_deref(), Some("GET"));
    assert_eq!(found.http.user_agent.as_deref(), Some("curl"));
    assert_eq!(found.http.client_ip.as_deref(), Some("10.0.0.1"));
    let front = ServiceId::new("front", Some("AWS::EC2::Instance"));
    let back = ServiceId::new("back", None);
    let client = ServiceId::new("front", Some("client"));
    assert_eq!(found.service_ids, [back.clone(), front.clone(), client]);
    assert_eq!(found.entry_point, Some(front.clone()));
    let both = vec![back.clone(), front.clone()];
    let said = |value, service_ids: &[ServiceId]| AnnotationSummary {
        value,
        service_ids: service_ids.to_vec(),
    };
    assert_eq!(
        found.annotations["rank"],
        [
            said(AnnotationValue::Number(10.0), std::slice::from_ref(&front)),
            said(AnnotationValue::Number(11.0), std::slice::from_ref(&front)),
        ]
    );
    assert_eq!(found.annotations["shared"], [said(AnnotationValue::Bool(true), &both)]);
    assert_eq!(found.annotations["text"], [said(AnnotationValue::String("t".into()), &[back])]);
    assert_eq!(found.users, [UserSummary { name: "alice".into(), service_ids: both }]);
    assert_eq!(found.resource_arns, ["arn:front"]);
    assert_eq!(found.instance_ids, ["i-0a"]);
    assert_eq!(found.availability_zones, ["eu-west-1a"]);
    assert_eq!((found.segments, found.subsegments, found.orphans), (2, 1, 0));
    assert_eq!((found.has_inferred, found.updated_at_s), (false, 5001.0));
    assert_eq!(Summary::decode(found.id, &found.encode()), Some(found));
}

#[test]
fn flags_come_from_the_root_or_from_its_status() {
    let flags = |root: Value| {
        let mut document = json!({"id": 1, "name": "r", "start_time": 1, "end_time": 2});
        document.as_object_mut().unwrap().extend(root.as_object().unwrap().clone());
        let found = summary(&[document]);
        (found.has_fault, found.has_error, found.has_throttle)
    };
    let status = |status: u16| json!({"http": {"response": {"status": status}}});
    assert_eq!(flags(status(200)), (false, false, false));
    assert_eq!(flags(status(404)), (false, true, false));
    assert_eq!(flags(status(429)), (false, false, true));
    assert_eq!(flags(status(503)), (true, false, false));
    assert_eq!(flags(json!({"error": true, "throttle": true})), (false, false, true));
    let flagged = json!({"error": true, "http": {"response": {"status": 503}}});
    assert_eq!(flags(flagged), (false, true, false), "a flag counts more than the status");
}

#[test]
fn what_is_in_progress_or_incomplete_is_partial() {
    let open = summary(&[json!({"id": 1, "name": "r", "start_time": 1, "in_progress": true})]);
    assert_eq!((open.is_partial, open.duration_s, open.response_time_s), (true, None, None));
    assert_eq!(open.worst, Status::InProgress);
    let orphan =
        summary(&[json!({"id": 1, "name": "r", "parent_id": 9, "start_time": 1, "end_time": 2})]);
    assert_eq!((orphan.is_partial, orphan.orphans, orphan.entry_point), (true, 1, None));
    assert_eq!((orphan.duration_s, orphan.has_fault), (None, false));
    assert_eq!(orphan.title, "r");
    let whole = summary(&[json!({"id": 1, "name": "r", "start_time": 1, "end_time": 2,
        "subsegments": [{"id": 2, "name": "c", "namespace": "remote", "start_time": 1, "end_time": 2,
            "http": {"request": {"traced": true}}}]})]);
    assert_eq!((whole.is_partial, whole.has_inferred), (false, true));
}

#[test]
fn a_trace_without_http_is_called_by_the_span_of_its_root() {
    let named = summary(&[json!({"id": 1, "name": "Worker", "start_time": 1, "end_time": 2,
        "metadata": {"tracing": {"span": "receive restock"}}})]);
    assert_eq!(named.title, "receive restock");
    let plain = summary(&[json!({"id": 1, "name": "Worker", "start_time": 1, "end_time": 2})]);
    assert_eq!(plain.title, "Worker");
    assert_eq!(summary(&[]).title, "");
}

#[test]
fn times_are_rounded_to_milliseconds() {
    let found = summary(&[json!({"id": 1, "name": "r", "start_time": 1790158405.123456,
        "end_time": 1790158405.1355})]);
    assert_eq!(found.response_time_s, Some(0.012));
    assert_eq!(found.start_time_s, 1790158405.123456);
}
