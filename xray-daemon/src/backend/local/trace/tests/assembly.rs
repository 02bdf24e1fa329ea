//! Which document wins, what is folded where, what the times of the whole are.

use serde_json::json;

use super::trace;
use crate::backend::local::trace::{Entry, Status, Trace};

/// Depth and name of every entity, in reading order.
fn outline(trace: &Trace) -> Vec<String> {
    let line = |entry: &Entry| {
        let orphan = if entry.orphan { " (orphan)" } else { "" };
        format!("{}{}{orphan}", "-".repeat(entry.depth), entry.entity.name)
    };
    trace.entries().iter().map(line).collect()
}

#[test]
fn a_call_and_its_callee_hang_together() {
    let trace = trace(&[
        json!({"id": 3, "name": "back", "parent_id": 2, "start_time": 1.2, "end_time": 1.7}),
        json!({"id": 1, "name": "front", "start_time": 1, "end_time": 2, "subsegments": [
            {"id": 4, "name": "late", "start_time": 1.8, "end_time": 1.9},
            {"id": 2, "name": "call", "namespace": "remote", "start_time": 1.1, "end_time": 1.75},
        ]}),
    ]);
    assert_eq!(outline(&trace), ["front", "-call", "--back", "-late"]);
    let segments: Vec<_> =
        trace.entries().iter().map(|entry| entry.segment.map(|segment| segment.at())).collect();
    assert_eq!(segments, [Some(0), Some(0), Some(2), Some(0)]);
    assert!(trace.entries().iter().all(|entry| entry.attached));
    let descendants: Vec<_> = trace.entries().iter().map(|entry| entry.descendants).collect();
    assert_eq!(descendants, [3, 1, 0, 0]);
}

#[test]
fn the_first_completion_wins_with_its_tree() {
    let first = json!({"id": 1, "name": "first", "start_time": 1, "end_time": 2, "subsegments": [
        {"id": 2, "name": "part", "start_time": 1, "end_time": 1.5}]});
    let second = json!({"id": 1, "name": "second", "start_time": 1, "end_time": 9, "subsegments": [
        {"id": 3, "name": "other", "start_time": 1, "end_time": 1.5}]});
    let unfinished = json!({"id": 1, "name": "open", "start_time": 1, "in_progress": true});
    for documents in [
        [first.clone(), second.clone(), unfinished.clone()],
        [unfinished.clone(), first.clone(), second.clone()],
        [first, unfinished, second],
    ] {
        let trace = trace(&documents);
        assert_eq!(outline(&trace), ["first", "-part"]);
        assert_eq!(trace.revision(), 3);
    }
}

#[test]
fn of_unfinished_documents_the_last_counts() {
    let trace = trace(&[
        json!({"id": 1, "name": "one", "start_time": 1, "in_progress": true}),
        json!({"id": 1, "name": "two", "start_time": 1, "in_progress": true}),
    ]);
    assert_eq!(outline(&trace), ["two"]);
    assert_eq!(trace.entries()[0].status(), Status::InProgress);
}

#[test]
fn an_independent_subsegment_is_folded_into_its_parent_wherever_that_is() {
    let parent = json!({"id": 1, "name": "segment", "start_time": 1, "end_time": 2, "subsegments": [
        {"id": 2, "name": "embedded", "start_time": 1, "end_time": 2}]});
    let child = json!({"id": 3, "type": "subsegment", "parent_id": 2, "name": "own document",
        "start_time": 1.1, "end_time": 1.2});
    let grandchild = json!({"id": 4, "type": "subsegment", "parent_id": 3, "name": "below it",
        "start_time": 1.1, "end_time": 1.2});
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
        let documents = order.map(|at| [&parent, &child, &grandchild][at].clone());
        let trace = trace(&documents);
        assert_eq!(outline(&trace), ["segment", "-embedded", "--own document", "---below it"]);
    }
}

#[test]
fn an_unfinished_embedded_subsegment_is_completed_by_its_own_document() {
    let trace = trace(&[
        json!({"id": 1, "name": "segment", "start_time": 1, "in_progress": true, "subsegments": [
            {"id": 2, "name": "call", "start_time": 1, "in_progress": true, "subsegments": [
                {"id": 3, "name": "kept", "start_time": 1, "end_time": 1.1}]}]}),
        json!({"id": 2, "type": "subsegment", "parent_id": 1, "name": "call", "start_time": 1,
            "end_time": 1.5}),
    ]);
    assert_eq!(outline(&trace), ["segment", "-call", "--kept"]);
    assert_eq!(trace.entries()[1].end_s, Some(1.5));
}

#[test]
fn what_has_no_parent_here_is_kept_and_marked() {
    let trace = trace(&[
        json!({"id": 7, "name": "callee", "parent_id": 99, "start_time": 3, "end_time": 4}),
        json!({"id": 8, "type": "subsegment", "parent_id": 98, "name": "part", "start_time": 2,
            "end_time": 3}),
        json!({"id": 1, "name": "root", "start_time": 5, "end_time": 6}),
    ]);
    assert_eq!(outline(&trace), ["root", "part (orphan)", "callee (orphan)"]);
    let attached: Vec<_> = trace.entries().iter().map(|entry| entry.attached).collect();
    assert_eq!(attached, [true, false, false]);
    assert_eq!(trace.start_time_s(), 3.0, "the earliest segment, not the earliest subsegment");
    assert_eq!(trace.duration_s(), Some(1.0), "of what is attached to the root");
}

#[test]
fn orphans_alone_make_a_trace_without_root() {
    let trace = trace(&[json!({"id": 8, "type": "subsegment", "parent_id": 98, "name": "part",
        "start_time": 2, "end_time": 3})]);
    assert_eq!(outline(&trace), ["part (orphan)"]);
    assert_eq!((trace.root(), trace.duration_s(), trace.start_time_s()), (None, None, 2.0));
    assert_eq!(trace.read_back(), []);
}

#[test]
fn a_segment_and_the_subsegment_that_called_it_may_share_an_id() {
    let trace = trace(&[
        json!({"id": 5, "name": "callee", "parent_id": 5, "start_time": 1.2, "end_time": 1.5}),
        json!({"id": 1, "name": "caller", "start_time": 1, "end_time": 2, "subsegments": [
            {"id": 5, "name": "call", "start_time": 1.1, "end_time": 1.6}]}),
    ]);
    assert_eq!(outline(&trace), ["caller", "-call", "--callee"]);
}

#[test]
fn the_duration_includes_asynchronous_tails_and_the_response_time_does_not() {
    let documents = [
        json!({"id": 1, "name": "front", "start_time": 100, "end_time": 102, "subsegments": [
            {"id": 2, "name": "back", "namespace": "remote", "start_time": 100.5, "end_time": 101.5}]}),
        json!({"id": 3, "name": "back", "parent_id": 2, "start_time": 100.5, "end_time": 107}),
    ];
    let whole = trace(&documents);
    assert_eq!((whole.response_time_s(), whole.duration_s()), (Some(2.0), Some(7.0)));
    let unfinished =
        json!({"id": 4, "name": "more", "parent_id": 3, "start_time": 101, "in_progress": true});
    let [one, two] = documents;
    let open = trace(&[one, two, unfinished]);
    assert_eq!((open.response_time_s(), open.duration_s()), (Some(2.0), None));
}

#[test]
fn documents_of_one_call_are_one_revision() {
    let mut documents = super::received(&[
        json!({"id": 1, "name": "a", "start_time": 1, "end_time": 2}),
        json!({"id": 2, "name": "b", "parent_id": 1, "start_time": 1, "end_time": 2}),
        json!({"id": 3, "name": "c", "parent_id": 1, "start_time": 1, "end_time": 2}),
    ]);
    documents[1].seq = 0;
    let trace = Trace::assemble(super::fixtures::trace_id(1), documents);
    assert_eq!((trace.revision(), trace.updated_at_s()), (2, 5002.0));
}
