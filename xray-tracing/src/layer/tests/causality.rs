//! What led to what: links, precursors, errors that are handed up, segments told of while they run.

use std::time::{Duration, Instant};

use tracing::{info_span, instrument};

use super::{find, only};
use crate::builder;
use crate::document::Cause;
use crate::sampling::{LocalRules, Rule};
use crate::testing::{Capture, capture};

#[test]
fn an_error_that_is_handed_up_is_told_once_and_referred_to() {
    #[instrument(err)]
    fn outer() -> Result<(), String> {
        middle()
    }
    #[instrument(err)]
    fn middle() -> Result<(), String> {
        inner()
    }
    #[instrument(err)]
    fn inner() -> Result<(), String> {
        Err("the disk is full".to_owned())
    }
    let segment = only(capture(|| drop(outer())));
    let entities = std::slice::from_ref(&segment);
    let Some(Cause::Detail(detail)) = &find(entities, "inner").unwrap().cause else {
        panic!("{segment:?}")
    };
    assert_eq!(detail.exceptions[0].message.as_deref(), Some("the disk is full"));
    let id = detail.exceptions[0].id.clone().unwrap();
    for entity in [find(entities, "middle").unwrap(), &segment] {
        assert!(entity.fault);
        assert_eq!(entity.cause, Some(Cause::ExceptionId(id.clone())), "{}", entity.name);
    }
}

#[test]
fn another_error_of_the_same_text_beside_it_is_told_again() {
    let segment = only(capture(|| {
        info_span!("root").in_scope(|| {
            for name in [1, 2] {
                info_span!("step", name).in_scope(|| tracing::error!(error = "no", "lost"));
            }
        });
    }));
    for step in &segment.subsegments {
        assert!(matches!(&step.cause, Some(Cause::Detail(_))), "{step:?}");
    }
}

#[test]
fn what_a_span_waited_for_is_its_precursor() {
    let segment = only(capture(|| {
        info_span!("root").in_scope(|| {
            let first = info_span!("first");
            first.in_scope(|| {});
            let second = info_span!("second");
            second.follows_from(&first);
            second.in_scope(|| {});
        });
    }));
    let [first, second] = &segment.subsegments[..] else { panic!("{segment:?}") };
    assert_eq!(second.precursor_ids, [first.id.unwrap()]);
    assert!(first.precursor_ids.is_empty());
}

#[test]
fn a_span_that_follows_from_another_trace_is_linked_to_it() {
    let mut documents = capture(|| {
        let before = info_span!(parent: None, "before");
        before.in_scope(|| {});
        let after = info_span!(parent: None, "after");
        after.follows_from(&before);
        after.in_scope(|| {});
    });
    documents.sort_by_key(|document| document.links.len());
    let [before, after] = &documents[..] else { panic!("{documents:?}") };
    assert_eq!(after.links.len(), 1);
    assert_eq!((after.links[0].trace_id, after.links[0].id), (before.trace_id, before.id));
    assert_ne!(after.trace_id, before.trace_id);
}

#[test]
fn a_segment_is_announced_after_the_time_that_was_asked_for() {
    let options = builder("orders").sampler(LocalRules::record_all());
    let sink = crate::MemorySink::new();
    let options = options.announce_after(Duration::from_millis(1)).without_environment();
    let (layer, _guard) = options.sink(sink.clone()).build().unwrap();
    let subscriber =
        tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), layer);
    tracing::subscriber::with_default(subscriber, || {
        let _root = info_span!("root").entered();
        let until = Instant::now() + Duration::from_secs(30);
        let announced = loop {
            if let Some(document) = sink.take().pop() {
                break crate::document::Entity::parse(&document).unwrap();
            }
            assert!(Instant::now() < until, "nothing was announced");
            std::thread::yield_now();
        };
        assert!(announced.in_progress && announced.end_time_s.is_none());
    });
}

#[test]
fn attributes_of_a_span_decide_on_its_trace() {
    let rule = Rule::named("acme").priority(1).attribute("tenant", "ac*").attribute("tries", "3");
    let rule = rule.reservoir_per_s(0).fixed_rate(1.0).build().unwrap();
    let rules = LocalRules::builder().rule(rule).fallback(0, 0.0).unwrap().build();
    let capture = Capture::with(builder("orders").sampler(rules));
    tracing::dispatcher::with_default(capture.subscriber(), || {
        info_span!("job", annotation.tenant = "acme", tries = 3).in_scope(|| {});
        info_span!("job", annotation.tenant = "acme", tries = 4).in_scope(|| {});
        info_span!("job").in_scope(|| {});
    });
    let segment = only(capture.documents());
    assert_eq!(segment.metadata["default"]["tries"], 3);
}
