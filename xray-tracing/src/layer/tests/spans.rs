//! What is recorded of spans, and of what is said inside them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::json;
use tracing::{Level, debug_span, field, info_span, instrument, span};

use super::{only, tree, trees};
use crate::document::{AnnotationValue, Entity, Kind};
use crate::sampling::{Decision, LocalRules, Sampler, SamplingRequest};
use crate::testing::{Capture, capture};
use crate::{annotate, builder, current_header, current_trace, metadata, set_user};

#[test]
fn a_local_root_is_a_segment_of_the_service_and_its_descendants_are_subsegments() {
    let segment = only(capture(|| {
        let _root = info_span!("nightly-report").entered();
        let first = info_span!("load").entered();
        info_span!("query").in_scope(|| {});
        drop(first);
        info_span!("render").in_scope(|| {});
    }));
    assert_eq!(tree(&segment), "test(load(query),render)");
    assert_eq!(segment.kind, Kind::Segment);
    assert_eq!(segment.parent_id, None);
    assert_eq!(segment.metadata["tracing"], json!({"span": "nightly-report"}));
    assert!(segment.trace_id.is_some() && segment.id.is_some());
    let (start, end) = (segment.start_time_s.unwrap(), segment.end_time_s.unwrap());
    let load = &segment.subsegments[0];
    assert!(start <= load.start_time_s.unwrap() && load.end_time_s.unwrap() <= end);
    assert!(!segment.in_progress);
}

#[test]
fn documents_pass_the_validator() {
    let segment = only(capture(|| {
        let _root = info_span!("root", annotation.tier = "gold", cart = ?[1, 2]).entered();
        info_span!("SELECT * FROM t;").in_scope(|| set_user("u-7"));
    }));
    let mut document = Vec::new();
    segment.encode(&mut document);
    assert_eq!(crate::document::validate(&segment, document.len()), []);
}

#[test]
fn fields_become_annotations_and_metadata_by_their_prefix() {
    let segment = only(capture(|| {
        let _root = info_span!(
            "root",
            annotation.order_id = 7,
            annotation.gold = true,
            annotation.total = 12.5,
            annotation.tier = "gold",
            metadata.cart = ?vec!["apple"],
            plain = -3,
            large = u64::MAX,
        )
        .entered();
    }));
    let number = |value| AnnotationValue::Number(value);
    assert_eq!(
        segment.annotations,
        [
            ("order_id".to_owned(), number(7.0)),
            ("gold".to_owned(), AnnotationValue::Bool(true)),
            ("total".to_owned(), number(12.5)),
            ("tier".to_owned(), AnnotationValue::String("gold".to_owned())),
        ]
    );
    assert_eq!(
        segment.metadata["default"],
        json!({"cart": "[\"apple\"]", "plain": -3, "large": u64::MAX})
    );
}

#[test]
fn of_a_field_recorded_twice_the_later_value_counts() {
    let segment = only(capture(|| {
        let span = info_span!("root", annotation.state = "new", total = field::Empty);
        span.record("annotation.state", "paid");
        span.record("total", 1);
        span.record("total", 2);
    }));
    let paid = AnnotationValue::String("paid".to_owned());
    assert_eq!(segment.annotations, [("state".to_owned(), paid)]);
    assert_eq!(segment.metadata["default"], json!({"total": 2}));
}

#[test]
fn code_inside_a_span_can_add_to_it() {
    let cart = BTreeMap::from([("apple", 3), ("pear", 1)]);
    let segment = only(capture(|| {
        let _root = info_span!("root").entered();
        annotate("tier", "gold");
        annotate("count", 3_usize);
        let _child = info_span!("child").entered();
        annotate("name with spaces", String::from("x"));
        metadata("cart", &cart);
        set_user("u-7");
    }));
    let text = |text: &str| AnnotationValue::String(text.to_owned());
    assert_eq!(
        segment.annotations,
        [("tier".to_owned(), text("gold")), ("count".to_owned(), AnnotationValue::Number(3.0))]
    );
    assert_eq!(segment.user.as_deref(), Some("u-7"));
    let child = &segment.subsegments[0];
    assert_eq!(child.annotations, [("name_with_spaces".to_owned(), text("x"))]);
    assert_eq!(child.metadata["default"], json!({"cart": {"apple": 3, "pear": 1}}));
}

#[test]
fn a_user_field_anywhere_names_the_users_segment() {
    let segment = only(capture(|| {
        let _root = info_span!("root").entered();
        let _child = info_span!("child", user = "u-9").entered();
    }));
    assert_eq!(segment.user.as_deref(), Some("u-9"));
}

#[test]
fn metadata_that_is_no_json_or_too_much_says_so() {
    struct Broken;
    impl serde::Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("out of paper"))
        }
    }
    let segment = only(capture(|| {
        let _root = info_span!("root").entered();
        metadata("broken", &Broken);
        metadata("large", &"x".repeat(20_000));
    }));
    assert_eq!(
        segment.metadata["default"],
        json!({
            "broken": "not JSON: out of paper",
            "large": "20002 bytes of JSON, more than can be kept",
        })
    );
}

#[test]
fn hostile_names_and_values_make_valid_documents() {
    let segment = only(capture(|| {
        let _root = info_span!("root", "\"quoted\"" = "line\nbreak \u{0} \"'\\ 😀").entered();
        info_span!("<script>", otel.name = "GET /products/{id}?q=\u{7}").in_scope(|| {});
    }));
    assert_eq!(segment.subsegments[0].name, "GET /products/idq=");
    assert_eq!(segment.metadata["default"], json!({"\"quoted\"": "line\nbreak \u{0} \"'\\ 😀"}));
}

#[test]
fn numbers_that_json_has_no_text_for_are_kept_as_text() {
    let segment = only(capture(|| {
        info_span!("root", nan = f64::NAN, annotation.rate = f64::INFINITY).in_scope(|| {});
    }));
    assert_eq!(segment.metadata["default"], json!({"nan": "NaN"}));
    let inf = AnnotationValue::String("inf".to_owned());
    assert_eq!(segment.annotations, [("rate".to_owned(), inf)]);
}

#[test]
fn spans_below_the_level_are_left_out_and_their_children_move_up() {
    let segment = only(capture(|| {
        let _root = info_span!("root").entered();
        let _debug = debug_span!("detail").entered();
        info_span!("child").in_scope(|| annotate("in", "child"));
        annotate("in", "root");
    }));
    assert_eq!(tree(&segment), "test(child)");
    assert_eq!(segment.annotations.len(), 1);
}

#[test]
fn the_level_can_be_lowered() {
    let capture =
        Capture::with(builder("orders").sampler(LocalRules::record_all()).max_level(Level::DEBUG));
    tracing::dispatcher::with_default(capture.subscriber(), || {
        let _root = info_span!("root").entered();
        debug_span!("detail").in_scope(|| {});
    });
    assert_eq!(trees(&capture.documents()), ["orders(detail)"]);
}

#[test]
fn spans_of_libraries_open_no_segment_and_are_counted() {
    let capture = Capture::new();
    tracing::dispatcher::with_default(capture.subscriber(), || {
        let connection = span!(target: "hyper::proto", Level::INFO, "connection").entered();
        info_span!("job").in_scope(|| {});
        drop(connection);
        debug_span!("detail").in_scope(|| {});
    });
    let segment = only(capture.documents());
    assert_eq!(segment.metadata["tracing"], json!({"span": "job"}));
    assert_eq!(capture.stats().roots_ignored, 2);
}

#[test]
fn explicit_parents_and_roots_are_respected() {
    let documents = capture(|| {
        let first = info_span!("first");
        let _second = info_span!("second").entered();
        info_span!(parent: &first, "child").in_scope(|| {});
        info_span!(parent: None, "third").in_scope(|| {});
    });
    let spans: Vec<_> =
        documents.iter().map(|segment| segment.metadata["tracing"]["span"].clone()).collect();
    assert_eq!(spans, ["third", "second", "first"]);
    assert_eq!(trees(&documents), ["test", "test", "test(child)"]);
}

#[test]
fn a_debug_that_traces_while_it_is_recorded_does_no_harm() {
    struct Chatty;
    impl fmt::Debug for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info_span!("inside").in_scope(|| annotate("from", "debug"));
            f.write_str("chatty")
        }
    }
    let segment = only(capture(|| {
        let _root = info_span!("root").entered();
        info_span!("child", value = ?Chatty).in_scope(|| {});
    }));
    let child = segment.subsegments.iter().find(|child| child.name == "child").unwrap();
    assert_eq!(child.metadata["default"], json!({"value": "chatty"}));
}

#[test]
fn instrumented_functions_are_subsegments_with_their_arguments() {
    #[instrument(fields(annotation.order_id = id))]
    fn checkout(id: u64) {
        charge(2.5);
    }
    #[instrument(skip_all)]
    fn charge(_amount: f64) {}
    let segment = only(capture(|| info_span!("root").in_scope(|| checkout(7))));
    assert_eq!(tree(&segment), "test(checkout(charge))");
    let checkout = &segment.subsegments[0];
    let id = AnnotationValue::Number(7.0);
    assert_eq!(checkout.annotations, [("order_id".to_owned(), id)]);
    assert_eq!(checkout.metadata["default"], json!({"id": 7}));
}

#[test]
fn the_segment_says_who_made_it() {
    let capture =
        Capture::with(builder("orders").sampler(LocalRules::record_all()).service_version("1.2.3"));
    tracing::dispatcher::with_default(capture.subscriber(), || info_span!("r").in_scope(|| {}));
    let segment = only(capture.documents());
    let xray = &segment.aws.unwrap().extra["xray"];
    assert_eq!(xray["sdk"], "xray-tracing for Rust");
    assert_eq!(xray["sdk_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(xray.get("sampling_rule_name"), None);
    let service = segment.service.unwrap();
    assert_eq!(service.version.as_deref(), Some("1.2.3"));
    assert_eq!(service.extra["runtime"], "Rust");
}

#[test]
fn the_current_trace_is_known_sampled_or_not() {
    for (rules, sampled) in [(LocalRules::record_all(), true), (LocalRules::record_none(), false)] {
        let capture = Capture::with(builder("orders").sampler(rules));
        tracing::dispatcher::with_default(capture.subscriber(), || {
            assert_eq!(current_header(), None);
            let _root = info_span!("root").entered();
            let root = current_trace().unwrap();
            assert_eq!((root.sampled, root.rule.as_deref()), (sampled, Some("Default")));
            let _child = info_span!("child").entered();
            let child = current_trace().unwrap();
            assert_eq!(child.trace_id, root.trace_id);
            assert_eq!(child.parent_id == root.parent_id, !sampled);
            assert_eq!(
                current_header().unwrap().to_string(),
                format!(
                    "Root={};Parent={};Sampled={}",
                    root.trace_id,
                    child.parent_id,
                    u8::from(sampled)
                )
            );
        });
        let expected: &[&str] = if sampled { &["orders(child)"] } else { &[] };
        assert_eq!(trees(&capture.documents()), expected);
        let stats = capture.stats();
        assert_eq!(
            (stats.roots_sampled, stats.roots_unsampled),
            match sampled {
                true => (1, 0),
                false => (0, 1),
            }
        );
    }
}

#[test]
fn the_parent_in_the_header_is_the_subsegment_in_the_document() {
    let mut parent = None;
    let segment = only(capture(|| {
        let _root = info_span!("root").entered();
        let _child = info_span!("child").entered();
        parent = current_trace().map(|trace| trace.parent_id);
    }));
    assert_eq!(segment.subsegments[0].id, parent);
}

/// Samples every second root.
#[derive(Debug, Default)]
struct Alternating(std::sync::atomic::AtomicU64);

impl Sampler for Alternating {
    fn decide(&self, request: &SamplingRequest<'_>, _: u64) -> Decision {
        assert_eq!((request.service_name, request.http), ("orders", None));
        let before = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Decision {
            sampled: before.is_multiple_of(2),
            rule: Some(Arc::from("every-second")),
            ..Decision::default()
        }
    }
}

#[test]
fn an_unsampled_trace_leaves_nothing_and_disturbs_no_other() {
    let capture = Capture::with(builder("orders").sampler(Alternating::default()));
    tracing::dispatcher::with_default(capture.subscriber(), || {
        for _ in 0..100 {
            let sampled = info_span!("sampled").entered();
            let unsampled = info_span!(parent: None, "unsampled").entered();
            info_span!("lost").in_scope(|| annotate("lost", true));
            drop(unsampled);
            info_span!("kept").in_scope(|| {});
            drop(sampled);
        }
    });
    assert_eq!(trees(&capture.documents()), vec!["orders(kept)"; 100]);
}

#[test]
fn span_ids_that_come_back_are_told_apart() {
    // More spans than an id has generations (8,192), and more than there are cells (64).
    let capture = Capture::with(builder("orders").sampler(Alternating::default()));
    tracing::dispatcher::with_default(capture.subscriber(), || {
        for _ in 0..10_000 {
            let _root = info_span!("root").entered();
            info_span!("child").in_scope(|| {});
        }
        let many: Vec<_> = (0..200).map(|_| info_span!("root")).collect();
        for span in &many {
            info_span!(parent: span, "child").in_scope(|| {});
        }
    });
    let documents = capture.documents();
    assert_eq!(documents.len(), 5_100);
    assert!(documents.iter().all(|document: &Entity| tree(document) == "orders(child)"));
}

#[test]
fn below_a_filter_spans_move_up_past_those_it_hides() {
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::prelude::*;

    let sink = crate::MemorySink::new();
    let options = builder("orders").sampler(LocalRules::record_all()).sink(sink.clone());
    let (layer, guard) = options.without_environment().build().unwrap();
    let layer = layer.with_filter(filter_fn(|metadata| metadata.name() != "hidden"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        // The ids come back: what was known of a span that the filter let through must not be
        // believed of one that it hides.
        for _ in 0..9_000 {
            let _root = info_span!("root").entered();
            let _hidden = info_span!("hidden").entered();
            info_span!("child").in_scope(|| annotate("k", 1));
            annotate("hidden", true);
        }
    });
    assert!(guard.flush(std::time::Duration::from_secs(30)));
    let lost = guard.stats().dropped_queue_full;
    let documents: Vec<_> = sink.take().iter().map(|d| Entity::parse(d).unwrap()).collect();
    assert_eq!(documents.len() as u64 + lost, 9_000);
    for document in &documents {
        assert_eq!(tree(document), "orders(child)");
        assert_eq!(document.annotations.len(), 1);
    }
}

#[test]
fn two_layers_in_one_process_do_not_mix() {
    let (first, second) = (Capture::new(), Capture::new());
    let enter = |capture: &Capture| tracing::dispatcher::set_default(capture.subscriber());
    let in_first = enter(&first);
    let root = info_span!("root");
    let in_second = enter(&second);
    let other = info_span!("other root");
    info_span!(parent: &other, "other child").in_scope(|| {});
    drop(other);
    drop(in_second);
    info_span!(parent: &root, "child").in_scope(|| {});
    drop(root);
    drop(in_first);
    assert_eq!(trees(&first.documents()), ["test(child)"]);
    assert_eq!(trees(&second.documents()), ["test(other child)"]);
}
