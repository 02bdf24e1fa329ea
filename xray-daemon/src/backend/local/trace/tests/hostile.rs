//! Documents that nobody honest would send: no panic, no endless loop, linear time.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use xray_tracing::SegmentId;
use xray_tracing::document::{AnnotationValue, Entity, Kind};

use super::trace;
use crate::backend::local::trace::{Cause, Received, Summary, Timeline, Topology, Trace};

/// Everything that can be asked of a trace.
fn read_all(trace: &Trace) -> (Summary, Timeline) {
    Topology::of(trace);
    trace.read_back();
    let summary = Summary::of(trace);
    let bytes = summary.encode();
    assert_eq!(Summary::decode(trace.id(), &bytes).as_ref(), Some(&summary));
    (summary, Timeline::of(trace))
}

/// Each entry hangs under an earlier one, and the ranges below entries nest.
fn assert_is_tree(trace: &Trace) {
    for (index, entry) in trace.indexed() {
        assert!(entry.parent.is_none_or(|parent| parent < index));
        for child in &entry.children {
            assert_eq!(trace.entry(*child).unwrap().parent, Some(index));
        }
        assert_eq!(trace.subtree(index).len(), entry.descendants + 1);
    }
}

#[test]
fn a_ring_of_parents_is_cut_at_its_earliest_member() {
    let segment = |id: u64, parent: u64, start: f64| {
        json!({"id": id, "name": format!("s{id}"), "parent_id": parent, "start_time": start,
            "end_time": start + 1.0})
    };
    let trace = trace(&[
        segment(1, 3, 10.0),
        segment(2, 1, 9.0),
        segment(3, 2, 11.0),
        segment(4, 4, 12.0),
        segment(5, 3, 13.0),
    ]);
    assert_is_tree(&trace);
    let names: Vec<_> = trace
        .entries()
        .iter()
        .map(|entry| (entry.entity.name.as_str(), entry.depth, entry.orphan))
        .collect();
    assert_eq!(
        names,
        [("s2", 0, true), ("s3", 1, false), ("s1", 2, false), ("s5", 2, false), ("s4", 0, true)]
    );
    let (summary, _) = read_all(&trace);
    assert_eq!((trace.root(), summary.is_partial, summary.orphans), (None, true, 2));
}

#[test]
fn times_that_are_none_are_taken_from_the_parent_or_the_arrival() {
    let trace = trace(&[json!({"id": 1, "name": "milliseconds", "start_time": 1.7e12,
    "end_time": 1.7e12, "subsegments": [
        {"id": 2, "name": "negative", "start_time": -5, "end_time": -1},
        {"id": 3, "name": "backwards", "start_time": 5001, "end_time": 4000},
        {"id": 4, "name": "huge", "start_time": 1e308, "end_time": 1e308},
    ]})]);
    let times: Vec<_> = trace.entries().iter().map(|entry| (entry.start_s, entry.end_s)).collect();
    assert_eq!(
        times,
        [
            (5000.0, Some(5000.0)),
            (5000.0, Some(5000.0)),
            (5000.0, Some(5000.0)),
            (5001.0, Some(5001.0)),
        ]
    );
    read_all(&trace);
}

/// Runs on a small stack, where recursion over a deep tree would end the process, and takes less
/// than `limit` of processor time (the machine may be busy).
fn within_small_stack_and(limit: Duration, work: impl FnOnce() + Send + 'static) {
    let timed = move || {
        work();
        processor_time()
    };
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(timed).unwrap();
    let took = thread.join().unwrap();
    assert!(took < limit, "took {took:?}");
}

/// Of this thread so far; nothing where the system does not tell.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// A call that failed, as its document says it.
fn call(id: u64, start_s: f64, end_s: f64) -> Entity {
    Entity {
        kind: Kind::Subsegment,
        id: Some(SegmentId::from_u64(id)),
        name: "call".into(),
        namespace: Some("remote".into()),
        start_time_s: Some(start_s),
        end_time_s: Some(end_s),
        fault: true,
        ..Entity::default()
    }
}

fn root(subsegments: Vec<Entity>) -> Entity {
    Entity { kind: Kind::Segment, namespace: None, subsegments, ..call(1, 1000.0, 2000.0) }
}

fn arrived(entity: Entity, seq: u64) -> Received {
    Received { document: Bytes::new(), entity, received_at_s: 3000.0, seq, sender: None }
}

#[test]
fn a_chain_of_a_hundred_thousand_subsegments_is_read_without_recursion() {
    within_small_stack_and(Duration::from_secs(60), || {
        let link = |at: u64| Entity {
            parent_id: Some(SegmentId::from_u64(at)),
            ..call(at + 1, 1000.0, 2000.0 - at as f64 / 1000.0)
        };
        let documents = std::iter::once(root(Vec::new())).chain((1..100_000).map(link));
        let documents = documents.zip(0..).map(|(entity, seq)| arrived(entity, seq));
        let trace = Trace::assemble(super::fixtures::trace_id(1), documents.collect());
        assert_is_tree(&trace);
        let (summary, timeline) = read_all(&trace);
        assert_eq!(summary.subsegments, 99_999);
        assert_eq!((timeline.rows.len(), timeline.omitted_rows), (10_000, 90_000));
        assert_eq!(timeline.rows[9_999].depth, 9_999);
        assert_eq!(summary.fault_root_causes.len(), 1);
    });
}

#[test]
fn a_hundred_thousand_siblings_with_equal_values_take_no_square_of_time() {
    within_small_stack_and(Duration::from_secs(60), || {
        let child = |at: u64| {
            let start_s = 1000.0 + at as f64 / 1e3;
            let annotations = vec![
                ("key".into(), AnnotationValue::Number(at as f64)),
                ("same".into(), AnnotationValue::Number(1.0)),
            ];
            Entity { annotations, ..call(at + 2, start_s, start_s + 0.0005) }
        };
        let document = arrived(root((0..100_000).map(child).collect()), 0);
        let trace = Trace::assemble(super::fixtures::trace_id(1), vec![document]);
        let (summary, timeline) = read_all(&trace);
        assert_eq!(summary.annotations["key"].len(), 100_000);
        assert_eq!(summary.annotations["same"].len(), 1);
        assert_eq!(summary.fault_root_causes.len(), 1);
        assert_eq!(timeline.rows[1].detail, "try 1");
        assert_eq!(timeline.rows[9_999].detail, "try 9999");
    });
}

fn any_entity() -> impl Strategy<Value = Value> {
    let time = prop_oneof![
        3 => (0..40u32).prop_map(|tenths| json!(1000.0 + f64::from(tenths) / 10.0)),
        1 => any::<f64>().prop_map(|time| json!(time)),
    ];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let ids = (0..6u64, proptest::option::of(0..6u64), any::<bool>());
    let names = (
        prop_oneof![Just("a"), Just("b"), Just("")],
        prop_oneof![Just("aws"), Just("remote"), Just("local"), Just("")],
        prop_oneof![
            Just(Value::Null),
            Just(json!("ex1")),
            Just(json!({"exceptions": [{"id": "ex1"}]}))
        ],
    );
    (ids, flags, names, time.clone(), proptest::option::of(time)).prop_map(
        |((id, parent, own), (fault, error, throttle), (name, namespace, cause), start, end)| {
            json!({"id": id, "parent_id": parent, "type": if own { "subsegment" } else { "" },
                "name": name, "namespace": namespace, "fault": fault, "error": error,
                "throttle": throttle, "start_time": start, "end_time": end, "cause": cause,
                "in_progress": end.is_none()})
        },
    )
}

fn any_document() -> impl Strategy<Value = Value> {
    any_entity().prop_recursive(3, 12, 3, |inner| {
        (any_entity(), proptest::collection::vec(inner, 0..3)).prop_map(|(mut entity, below)| {
            entity["subsegments"] = json!(below);
            entity
        })
    })
}

proptest! {
    #[test]
    fn any_documents_make_a_tree_that_can_be_read(
        documents in proptest::collection::vec(any_document(), 0..8)
    ) {
        let trace = trace(&documents);
        assert_is_tree(&trace);
        let (summary, timeline) = read_all(&trace);
        prop_assert!(summary.duration_s.is_none_or(|duration_s| duration_s >= 0.0));
        prop_assert_eq!(timeline.rows.len(), trace.entries().len());
        for row in &timeline.rows {
            prop_assert!(row.start_ms >= 0.0 && row.duration_ms >= 0.0 && row.after_response_ms >= 0.0);
            // Doubles of the year 9999 are 30 µs apart.
            prop_assert!(row.start_ms + row.duration_ms <= timeline.total_ms + 0.1);
            prop_assert!(row.critical_ms.is_sorted_by(|one, next| one.end_ms <= next.start_ms));
        }
        // Each moment of the response is waited for once.
        let waited: f64 = timeline.rows.iter().flat_map(|row| &row.critical_ms)
            .map(|stretch| stretch.end_ms - stretch.start_ms).sum();
        if let Some(root) = trace.root().filter(|_| timeline.response_ms.is_some()) {
            let root_ms = trace.entry(root).unwrap().duration_s().unwrap() * 1e3;
            prop_assert!((waited - root_ms).abs() <= 0.1 * timeline.rows.len() as f64);
        }
        for cause in Cause::of_faults(&trace) {
            prop_assert!(cause.services.iter().all(|service| !service.entity_path.is_empty()));
        }
    }
}
