//! Spans in async code: on both runtimes of tokio, across awaits, in tasks that are given up.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, info_span, instrument};

use super::{find, only, tree, trees};
use crate::document::{AnnotationValue, Entity};
use crate::testing::{Capture, capture_async};
use crate::{annotate, current_trace, spawn};

fn runtimes() -> [Runtime; 2] {
    let build = |mut builder: Builder| builder.enable_all().build().unwrap();
    let mut multi = Builder::new_multi_thread();
    multi.worker_threads(4);
    [build(Builder::new_current_thread()), build(multi)]
}

/// What `work` made, run inside a root.
fn traced(runtime: &Runtime, work: impl Future<Output = ()>) -> Vec<Entity> {
    runtime.block_on(capture_async(|| work.instrument(info_span!("root"))))
}

#[instrument]
async fn step(name: &'static str) {
    yield_now().await;
    annotate("step", name);
    yield_now().await;
}

#[test]
fn spans_keep_their_parents_across_awaits() {
    for runtime in runtimes() {
        let segment = only(traced(&runtime, async {
            step("first").await;
            async { step("second").await }.instrument(info_span!("outer")).await;
        }));
        assert_eq!(tree(&segment), "test(step,outer(step))");
        let first = &segment.subsegments[0].annotations[0].1;
        assert_eq!(*first, AnnotationValue::String("first".to_owned()));
    }
}

#[test]
fn concurrent_children_do_not_become_each_others() {
    for runtime in runtimes() {
        let segment = only(traced(&runtime, async {
            tokio::join!(step("a"), step("b"), step("c"));
        }));
        assert_eq!(tree(&segment), "test(step,step,step)");
    }
}

#[test]
fn a_spawned_task_keeps_its_parent_on_any_worker() {
    for runtime in runtimes() {
        let documents = traced(&runtime, async {
            let tasks: Vec<_> = (0..40).map(|_| spawn(step("task"))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        let segment = only(documents);
        assert_eq!(segment.subsegments.len(), 40);
        assert!(segment.subsegments.iter().all(|task| task.annotations.len() == 1));
    }
}

#[test]
fn a_cancelled_future_ends_when_it_is_dropped() {
    for runtime in runtimes() {
        let segment = only(traced(&runtime, async {
            let never = std::future::pending::<()>().instrument(info_span!("never"));
            assert!(tokio::time::timeout(Duration::from_millis(1), never).await.is_err());
            step("after").await;
        }));
        assert_eq!(tree(&segment), "test(never,step)");
        let [never, after] = &segment.subsegments[..] else { panic!("{segment:?}") };
        assert!(never.end_time_s <= after.start_time_s);
    }
}

#[test]
fn the_loser_of_a_select_ends_with_it() {
    for runtime in runtimes() {
        let segment = only(traced(&runtime, async {
            tokio::select! {
                () = step("winner") => {}
                () = std::future::pending().instrument(info_span!("loser")) => {}
            }
        }));
        let mut names: Vec<_> = segment.subsegments.iter().map(|child| &*child.name).collect();
        names.sort_unstable();
        assert_eq!(names, ["loser", "step"]);
        assert!(!segment.in_progress);
    }
}

#[test]
fn an_aborted_task_ends_and_so_does_its_trace() {
    for runtime in runtimes() {
        let segment = only(traced(&runtime, async {
            let (started, is_started) = oneshot::channel();
            let task = spawn(
                async move {
                    started.send(()).unwrap();
                    std::future::pending::<()>().await;
                }
                .instrument(info_span!("task")),
            );
            is_started.await.unwrap();
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }));
        assert_eq!(tree(&segment), "test(task)");
    }
}

#[test]
fn a_span_moves_with_its_task_from_thread_to_thread() {
    // Each block runs on a runtime of its own, the span goes through all of them.
    let capture = Capture::new();
    let span = tracing::dispatcher::with_default(capture.subscriber(), || info_span!("root"));
    for runtime in runtimes() {
        let work = step("moved").instrument(span.clone());
        let task = runtime.spawn(work.with_subscriber(capture.subscriber().clone()));
        runtime.block_on(task).unwrap();
    }
    tracing::dispatcher::with_default(capture.subscriber(), || drop(span));
    assert_eq!(trees(&capture.documents()), ["test(step,step)"]);
}

#[test]
fn a_root_that_ends_before_its_task_still_is_the_parent() {
    for runtime in runtimes() {
        let capture = Capture::new();
        let work = async {
            let (go, may_go) = oneshot::channel::<()>();
            let root = info_span!("root");
            let id = root.in_scope(|| current_trace().unwrap().parent_id);
            let task = root.in_scope(|| {
                spawn(async {
                    may_go.await.unwrap();
                    step("late").await;
                })
            });
            drop(root);
            go.send(()).unwrap();
            task.await.unwrap();
            id
        };
        let id = runtime.block_on(work.with_subscriber(capture.subscriber().clone()));
        let documents = capture.documents();
        let segment = find(&documents, "test").unwrap();
        assert_eq!(segment.id, Some(id));
        assert_eq!(tree(segment), "test(step)");
    }
}
