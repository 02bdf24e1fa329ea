//! Where trouble began, and the path from there to the client.
//!
//! A cause is written as a line: `client` if that was hit, then the services, each with its path;
//! `?` marks a service that did not report, `~` a remote entity, `!` an exception.

use serde_json::{Value, json};

use super::trace;
use crate::backend::local::trace::{Cause, CauseEntity, CauseService};

fn line(cause: &Cause) -> String {
    let entity = |entity: &CauseEntity| {
        let remote = if entity.remote { "~" } else { "" };
        let exceptions: String =
            entity.exceptions.iter().map(|exception| format!("!{}", exception.name)).collect();
        let coverage = entity.coverage.map(|share| format!(" {share}")).unwrap_or_default();
        format!("{}{remote}{exceptions}{coverage}", entity.name)
    };
    let service = |service: &CauseService| {
        let inferred = if service.inferred { "?" } else { "" };
        let path: Vec<_> = service.entity_path.iter().map(entity).collect();
        format!("{}{inferred}[{}]", service.name, path.join(" > "))
    };
    let services: Vec<_> = cause.services.iter().map(service).collect();
    let client = if cause.client_impacting { "client <- " } else { "" };
    format!("{client}{}", services.join(" > "))
}

fn faults(documents: &[Value]) -> Vec<String> {
    Cause::of_faults(&trace(documents)).iter().map(line).collect()
}

fn raised(exception: &str) -> Value {
    json!({"exceptions": [{"id": exception, "type": exception, "message": "m"}]})
}

/// A faulty segment `front` with these subsegments.
fn front(subsegments: Value) -> Value {
    json!({"id": 1, "name": "front", "start_time": 1, "end_time": 3, "fault": true,
        "subsegments": subsegments})
}

fn call(id: u64, name: &str) -> Value {
    json!({"id": id, "name": name, "namespace": "remote", "start_time": 1, "end_time": 2, "fault": true})
}

#[test]
fn a_fault_is_followed_through_the_services_to_its_exception() {
    let back = json!({"id": 3, "name": "back", "parent_id": 2, "start_time": 1, "end_time": 2,
        "fault": true, "subsegments": [{"id": 4, "name": "load", "start_time": 1, "end_time": 2,
            "fault": true, "cause": raised("Timeout")}]});
    assert_eq!(
        faults(&[front(json!([call(2, "back")])), back]),
        ["client <- front[front > back~] > back[back > load!Timeout]"]
    );
}

#[test]
fn a_flag_without_exception_at_its_end_is_no_cause() {
    assert_eq!(faults(&[front(json!([]))]), [""; 0]);
    let by_status = json!({"id": 1, "name": "front", "start_time": 1, "end_time": 2,
        "http": {"response": {"status": 500}}, "cause": raised("E")});
    assert_eq!(faults(&[by_status]), [""; 0], "a status alone does not count");
}

#[test]
fn a_callee_that_did_not_report_is_preferred_to_an_exception() {
    let mut own = front(json!([
        call(2, "vendor"),
        {"id": 3, "name": "work", "start_time": 2, "end_time": 3, "fault": true, "cause": raised("Local")},
    ]));
    own["cause"] = raised("Own");
    assert_eq!(faults(&[own]), ["client <- front[front!Own > vendor~] > vendor?[vendor]"]);
}

#[test]
fn of_equal_paths_the_last_is_taken() {
    let attempt = |id: u64, start: f64, exception: &str| {
        json!({"id": id, "name": exception, "start_time": start, "end_time": start + 0.5,
            "fault": true, "cause": raised(exception)})
    };
    assert_eq!(
        faults(&[front(json!([attempt(3, 2.0, "second"), attempt(2, 1.0, "first")]))]),
        ["client <- front[front > second!second]"]
    );
}

#[test]
fn the_id_of_an_exception_leads_to_who_raised_it() {
    let mut root = front(json!([
        {"id": 2, "name": "outer", "start_time": 1, "end_time": 2, "subsegments": [
            {"id": 3, "name": "inner", "start_time": 1, "end_time": 2, "fault": true,
                "cause": raised("ex1")}]}]));
    root["cause"] = json!("ex1");
    assert_eq!(faults(std::slice::from_ref(&root)), ["client <- front[front > outer > inner!ex1]"]);
    root["cause"] = json!("unknown");
    assert_eq!(faults(&[root]), [""; 0]);
}

#[test]
fn a_fault_that_the_caller_survived_has_a_cause_of_its_own() {
    let mut root = front(json!([call(2, "back"), call(4, "vendor")]));
    root["fault"] = json!(false);
    let back = json!({"id": 3, "name": "back", "parent_id": 2, "start_time": 1, "end_time": 2,
        "fault": true, "cause": raised("Timeout")});
    assert_eq!(faults(&[root, back]), ["back[back!Timeout]", "vendor?[vendor]"]);
}

#[test]
fn errors_are_causes_of_their_own() {
    let documents = [json!({"id": 1, "name": "front", "start_time": 1, "end_time": 2,
        "error": true, "cause": raised("NotFound")})];
    assert_eq!(faults(&documents), [""; 0]);
    let errors: Vec<_> = Cause::of_errors(&trace(&documents)).iter().map(line).collect();
    assert_eq!(errors, ["client <- front[front!NotFound]"]);
}

fn times(documents: &[Value]) -> Vec<String> {
    Cause::of_response_time(&trace(documents)).iter().map(line).collect()
}

#[test]
fn time_is_followed_while_a_child_takes_over_half_of_the_root() {
    let timed = |id: u64, name: &str, start: f64, end: f64, below: Value| json!({"id": id, "name": name, "start_time": start, "end_time": end, "subsegments": below});
    let root = |below| timed(1, "front", 10.0, 11.0, below);
    assert_eq!(times(&[root(json!([]))]), [""; 0]);
    assert_eq!(times(&[root(json!([timed(2, "half", 10.0, 10.5, json!([]))]))]), [""; 0]);
    let deep = timed(3, "deep", 10.1, 10.7, json!([]));
    assert_eq!(
        times(&[root(json!([
            timed(4, "short", 10.0, 10.25, json!([])),
            timed(2, "long", 10.0, 10.75, json!([deep])),
            timed(5, "asynchronous", 10.0, 12.0, json!([])),
        ]))]),
        ["client <- front[front 1 > long 0.75 > deep 0.6]"]
    );
}

#[test]
fn time_is_followed_into_callees_that_report_or_do_not() {
    let root = json!({"id": 1, "name": "front", "start_time": 10, "end_time": 11, "subsegments": [
        {"id": 2, "name": "back", "namespace": "remote", "start_time": 10, "end_time": 10.8}]});
    assert_eq!(
        times(std::slice::from_ref(&root)),
        ["client <- front[front 1 > back~ 0.8] > back?[back 0.8]"]
    );
    let back = json!({"id": 3, "name": "back", "parent_id": 2, "start_time": 10, "end_time": 10.7});
    assert_eq!(times(&[root, back]), ["client <- front[front 1 > back~ 0.8] > back[back 0.7]"]);
}

#[test]
fn json_has_the_members_of_the_api_and_no_null_type() {
    let cause = Cause::of_faults(&trace(&[front(json!([call(2, "vendor")]))])).remove(0);
    assert_eq!(
        cause.to_json(),
        json!({"ClientImpacting": true, "Services": [
            {"Name": "front", "Names": ["front"], "Type": "", "AccountId": null, "Inferred": false,
                "EntityPath": [
                    {"Name": "front", "Exceptions": [], "Remote": false},
                    {"Name": "vendor", "Exceptions": [], "Remote": true}]},
            {"Name": "vendor", "Names": ["vendor"], "Type": "remote", "AccountId": null,
                "Inferred": true,
                "EntityPath": [{"Name": "vendor", "Exceptions": [], "Remote": false}]},
        ]})
    );
}
