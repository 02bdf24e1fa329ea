//! When things end, and when their documents leave.

use serde_json::json;
use tracing::{Span, info_span};

use super::{find, only, trees};
use crate::testing::{Capture, capture};
use crate::{annotate, builder};

#[test]
fn a_span_ends_at_its_last_exit_not_at_its_close() {
    let segment = only(capture(|| {
        let root = info_span!("root").entered();
        let first = info_span!("first");
        first.in_scope(|| {});
        info_span!("second").in_scope(|| {});
        drop(first); // long after it was left
        drop(root);
    }));
    let [first, second] = &segment.subsegments[..] else { panic!("{segment:?}") };
    assert!(first.end_time_s <= second.start_time_s);
}

#[test]
fn a_span_that_is_never_entered_ends_when_it_is_dropped() {
    let segment = only(capture(|| {
        let _root = info_span!("root").entered();
        drop(info_span!("unused"));
    }));
    assert!(segment.subsegments[0].end_time_s >= segment.subsegments[0].start_time_s);
}

#[test]
fn a_trace_of_many_spans_leaves_in_parts_that_belong_together() {
    let documents = capture(|| {
        let _root = info_span!("root").entered();
        for _ in 0..250 {
            let _child = info_span!("child").entered();
            info_span!("grandchild").in_scope(|| {});
        }
    });
    let segment = find(&documents, "test").unwrap();
    assert!(segment.subsegments.len() <= 100);
    // Who is whose child, embedded or not.
    let (mut parents, mut waiting) = (Vec::new(), Vec::new());
    for document in &documents {
        assert_eq!(document.trace_id, segment.trace_id);
        waiting.push((document.parent_id, document));
    }
    while let Some((parent, entity)) = waiting.pop() {
        parents.push((&*entity.name, entity.id, parent));
        waiting.extend(entity.subsegments.iter().map(|child| (entity.id, child)));
    }
    let of = |name| parents.iter().filter(move |(of, _, _)| *of == name);
    assert_eq!((of("child").count(), of("grandchild").count()), (250, 250));
    assert!(of("child").all(|(_, _, parent)| *parent == segment.id));
    let children: Vec<_> = of("child").map(|(_, id, _)| *id).collect();
    assert!(of("grandchild").all(|(_, _, parent)| children.contains(parent)));
}

#[test]
fn large_values_leave_in_documents_that_fit() {
    let text = "x".repeat(10_000);
    let capture = Capture::new();
    tracing::dispatcher::with_default(capture.subscriber(), || {
        let _root = info_span!("root", root = text).entered();
        for _ in 0..20 {
            info_span!("child", text).in_scope(|| {});
        }
    });
    let documents = capture.documents();
    let children: usize =
        documents.iter().map(|d| d.subsegments.len() + usize::from(d.name == "child")).sum();
    assert_eq!(children, 20);
    for document in &documents {
        let mut bytes = Vec::new();
        document.encode(&mut bytes);
        assert!(bytes.len() <= crate::document::limits::MAX_DATAGRAM_DOCUMENT_BYTES);
    }
}

#[test]
fn a_segment_that_cannot_fit_is_cut_and_kept() {
    let text = "x".repeat(16_000);
    let capture = Capture::new();
    tracing::dispatcher::with_default(capture.subscriber(), || {
        let root = info_span!("root").entered();
        for number in 0..8 {
            crate::metadata(&format!("text{number}"), &text[..15_000]);
        }
        annotate("kept", true);
        drop(root);
    });
    let segment = only(capture.documents());
    assert_eq!(segment.annotations.len(), 1);
    assert!(segment.metadata["default"]["text0"].is_string());
    assert_eq!(capture.stats().dropped(), 0);
}

#[test]
fn deep_trees_are_cut_where_parsers_would_stop() {
    fn nest(depth: usize) {
        if depth > 0 {
            info_span!("deep").in_scope(|| nest(depth - 1));
        }
    }
    let documents = capture(|| info_span!("root").in_scope(|| nest(90)));
    let depth = |mut entity: &crate::document::Entity| {
        let mut levels = 1;
        while let Some(child) = entity.subsegments.first() {
            entity = child;
            levels += 1;
        }
        levels
    };
    let levels: Vec<usize> = documents.iter().map(depth).collect();
    assert_eq!(levels.iter().sum::<usize>(), 91);
    assert!(levels.iter().all(|levels| *levels <= 31), "{levels:?}");
    for (above, below) in documents.iter().zip(&documents[1..]) {
        let mut bottom = above;
        while let Some(child) = bottom.subsegments.first() {
            bottom = child;
        }
        assert_eq!(below.parent_id, bottom.id);
    }
}

#[test]
fn a_span_that_is_never_closed_is_told_of_as_in_progress_once() {
    let capture = Capture::new();
    tracing::dispatcher::with_default(capture.subscriber(), || {
        let forgotten = info_span!("forgotten");
        forgotten.in_scope(|| info_span!("child").in_scope(|| {}));
        std::mem::forget(forgotten);
    });
    let documents = capture.documents();
    assert_eq!(trees(&documents), ["test", "child"]);
    assert!(documents[0].in_progress && documents[0].end_time_s.is_none());
    assert_eq!(documents[0].metadata["tracing"], json!({"span": "forgotten"}));
    assert_eq!(documents[1].parent_id, documents[0].id);
    assert_eq!(trees(&capture.documents()), Vec::<String>::new());
}

#[test]
fn a_root_told_of_as_in_progress_is_completed_later() {
    let capture = Capture::new();
    let enter = || tracing::dispatcher::set_default(capture.subscriber());
    let entered = enter();
    let root = info_span!("root");
    root.in_scope(|| annotate("early", true));
    let begun = only(capture.documents());
    root.in_scope(|| annotate("late", true));
    drop(root);
    let ended = only(capture.documents());
    drop(entered);
    assert!(begun.in_progress && !ended.in_progress);
    assert_eq!((begun.id, begun.trace_id), (ended.id, ended.trace_id));
    assert_eq!(ended.annotations.len(), 2);
}

#[test]
fn a_disabled_layer_records_nothing_and_says_nothing() {
    let (layer, guard) = disabled().build().unwrap();
    use tracing_subscriber::prelude::*;
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _root = info_span!("root").entered();
        annotate("lost", 1);
        assert_eq!(crate::current_trace(), None);
        assert!(!Span::current().is_none());
    });
    assert!(guard.flush(std::time::Duration::ZERO));
    assert_eq!(guard.stats(), crate::Stats::default());
}

fn disabled() -> crate::Builder {
    builder("orders").disabled()
}
