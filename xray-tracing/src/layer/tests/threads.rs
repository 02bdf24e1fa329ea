//! Spans on plain threads: moved, shared, entered in one place and left in another.

use std::sync::mpsc;
use std::thread;

use tracing::{Dispatch, Span, info_span};

use super::{find, only, tree, trees};
use crate::testing::Capture;
use crate::{annotate, current_trace};

/// Runs `work` on a thread of its own, with the subscriber.
fn on_thread<T: Send>(subscriber: &Dispatch, work: impl FnOnce() -> T + Send) -> T {
    let run = || tracing::dispatcher::with_default(subscriber, work);
    thread::scope(|scope| scope.spawn(run).join().unwrap())
}

#[test]
fn a_span_entered_on_another_thread_is_the_parent_there() {
    let capture = Capture::new();
    tracing::dispatcher::with_default(capture.subscriber(), || {
        let _root = info_span!("root").entered();
        let child = info_span!("child");
        on_thread(capture.subscriber(), || {
            let _child = child.enter();
            annotate("on", "thread");
            info_span!("grandchild").in_scope(|| {});
        });
        drop(child);
    });
    let segment = only(capture.documents());
    assert_eq!(tree(&segment), "test(child(grandchild))");
    assert_eq!(segment.subsegments[0].annotations.len(), 1);
}

#[test]
fn a_span_created_here_and_closed_there_ends_there() {
    let capture = Capture::new();
    tracing::dispatcher::with_default(capture.subscriber(), || {
        let root = info_span!("root");
        let child = info_span!(parent: &root, "child");
        on_thread(capture.subscriber(), || drop(child));
        on_thread(capture.subscriber(), || drop(root));
    });
    assert_eq!(trees(&capture.documents()), ["test(child)"]);
}

#[test]
fn many_threads_record_into_one_trace() {
    let capture = Capture::new();
    tracing::dispatcher::with_default(capture.subscriber(), || {
        let root = info_span!("root").entered();
        let parent = Span::current();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    tracing::dispatcher::with_default(capture.subscriber(), || {
                        let _parent = parent.enter();
                        for _ in 0..50 {
                            info_span!("work").in_scope(|| annotate("k", 1));
                        }
                    });
                });
            }
        });
        drop(root);
    });
    let documents = capture.documents();
    let segment = documents.iter().find(|document| document.name == "test").unwrap();
    let independent = documents.iter().filter(|document| document.name == "work");
    let worked = segment.subsegments.len() + independent.clone().count();
    assert_eq!(worked, 400);
    assert!(independent.clone().all(|work| work.parent_id == segment.id));
    assert!(independent.clone().all(|work| work.trace_id == segment.trace_id));
}

#[test]
fn what_a_thread_knew_of_an_id_does_not_outlive_the_span() {
    // Thread B looks at a span of thread A; A gives the id up and uses it again, in another trace.
    let capture = Capture::new();
    let (to_b, from_a) = mpsc::sync_channel::<Span>(0);
    let (done, is_done) = mpsc::sync_channel::<()>(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            tracing::dispatcher::with_default(capture.subscriber(), || {
                for span in from_a {
                    span.in_scope(|| info_span!("on b").in_scope(|| {}));
                    drop(span);
                    done.send(()).unwrap();
                }
            });
        });
        tracing::dispatcher::with_default(capture.subscriber(), || {
            for _ in 0..9_000 {
                let root = info_span!("root");
                to_b.send(root).unwrap();
                is_done.recv().unwrap();
            }
        });
        drop(to_b);
    });
    let documents = capture.documents();
    assert_eq!(documents.len(), 9_000);
    assert!(documents.iter().all(|document| tree(document) == "test(on b)"));
}

#[test]
fn a_thread_without_span_is_in_no_trace() {
    let capture = Capture::new();
    tracing::dispatcher::with_default(capture.subscriber(), || {
        let _root = info_span!("root").entered();
        on_thread(capture.subscriber(), || {
            assert_eq!(current_trace(), None);
            annotate("lost", 1);
        });
    });
    assert_eq!(capture.stats().context_missing, 1);
    assert!(find(&capture.documents(), "lost").is_none());
}
