//! What becomes of documents: added, replaced, ignored, refused.

use serde_json::json;

use super::*;
use crate::backend::local::store::SurveyQuery;

#[tokio::test]
async fn a_segment_can_be_asked_for_as_soon_as_it_is_stored() {
    let store = store().await;
    assert!(put(&store, &[segment(1, 1, "cart", (10.0, 12.5), json!({}))]).await.is_empty());

    let trace = store.trace(trace_id(1)).await.unwrap().unwrap();
    assert_eq!(trace.duration_s(), Some(2.5));
    assert_eq!(store.trace(trace_id(2)).await.unwrap().map(|trace| trace.id()), None);
    assert_eq!(found(&store, "").await, [1]);
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.traces, stats.segments, stats.oldest_s), (1, 1, Some(10.0)));
}

#[tokio::test]
async fn documents_are_kept_byte_for_byte() {
    let store = store().await;
    let text = format!(
        "{{ \"name\":\"caf\\u00e9\",\"unknown\":[1e3], \"id\":\"00000000000000aA\",\
         \"trace_id\":\"{}\", \"start_time\":1.50,\"end_time\":2E0}}",
        trace_id(1)
    );
    let document = Bytes::from(text);
    store.put(&[Incoming { document: document.clone(), sender: None }]).await.unwrap();
    let trace = store.trace(trace_id(1)).await.unwrap().unwrap();
    let source = trace.source(&trace.entries()[0]).unwrap();
    assert_eq!(source.document, document);
}

#[tokio::test]
async fn completion_replaces_progress_and_is_final() {
    let store = store().await;
    let started = running(segment(1, 1, "cart", (10.0, 0.0), json!({})));
    put(&store, std::slice::from_ref(&started)).await;
    let page = store.traces(TraceQuery::new(Window::ALL, Filter::parse("").unwrap())).await;
    let summary = page.unwrap().items.remove(0);
    assert_eq!((summary.duration_s, summary.is_partial, summary.revision), (None, true, 1));

    put(&store, &[segment(1, 1, "cart", (10.0, 11.0), json!({}))]).await;
    put(&store, &[started, segment(1, 1, "cart", (10.0, 99.0), json!({"fault": true}))]).await;

    let page = store.traces(TraceQuery::new(Window::ALL, Filter::parse("").unwrap())).await;
    let summary = page.unwrap().items.remove(0);
    assert_eq!((summary.duration_s, summary.has_fault), (Some(1.0), false));
    // One a call, repetitions too.
    assert_eq!(summary.revision, 3);
}

#[tokio::test]
async fn a_segment_and_a_subsegment_may_share_an_id() {
    let store = store().await;
    let call = json!({"type": "subsegment", "parent_id": "0000000000000001",
        "namespace": "remote"});
    put(
        &store,
        &[
            segment(1, 1, "front", (10.0, 12.0), json!({})),
            segment(1, 2, "back", (10.5, 11.5), call),
            segment(1, 2, "back", (10.6, 11.4), json!({"parent_id": "0000000000000002"})),
        ],
    )
    .await;
    assert_eq!(store.trace(trace_id(1)).await.unwrap().unwrap().entries().len(), 3);
}

#[tokio::test]
async fn a_bad_document_does_not_take_the_others_with_it() {
    let store = store().await;
    let refused = put(
        &store,
        &[json!({"name": "no ids"}), segment(1, 1, "cart", (10.0, 11.0), json!({})), json!([])],
    )
    .await;
    assert_eq!(refused, ["MissingId", "ParseError"]);
    assert_eq!(found(&store, "").await, [1]);
    assert_eq!(store.refused().len(), 2);
    assert_eq!(store.refused()[0].code, "ParseError");
    assert_eq!(store.stats().await.unwrap().refused, 2);
}

#[tokio::test]
async fn a_trace_over_its_size_says_so_and_keeps_what_it_has() {
    let store = store_with(LocalConfig { max_trace_bytes: 1_000, ..LocalConfig::default() }).await;
    let long = json!({"metadata": {"default": {"text": "x".repeat(600)}}});
    assert!(put(&store, &[segment(1, 1, "cart", (10.0, 11.0), long.clone())]).await.is_empty());
    assert_eq!(put(&store, &[segment(1, 2, "late", (10.0, 11.0), long)]).await, ["InvalidSegment"]);
    // A small one still fits, and other traces are not concerned.
    let small = [segment(1, 3, "s", (10.0, 11.0), json!({}))];
    assert!(put(&store, &small).await.is_empty());

    let found = store.batch(&[trace_id(1)]).await.unwrap();
    assert!(found[0].limit_exceeded);
    assert_eq!(found[0].trace.entries().len(), 2);
    assert!(store.refused()[0].message.contains("a trace holds up to 1000 bytes"));
}

#[tokio::test]
async fn a_trace_of_very_many_documents_is_complete_after_a_tick() {
    let store = store().await;
    put(&store, &[segment(1, 1, "root", (10.0, 20.0), json!({}))]).await;
    for call in 0..8 {
        let documents: Vec<_> = (0..100)
            .map(|number| {
                let more = json!({"parent_id": "0000000000000001"});
                segment(1, 2 + call * 100 + number, "leaf", (11.0, 12.0), more)
            })
            .collect();
        assert!(put(&store, &documents).await.is_empty());
    }
    assert_eq!(store.trace(trace_id(1)).await.unwrap().unwrap().entries().len(), 801);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let query = TraceQuery::new(Window::ALL, Filter::parse("").unwrap());
        let summary = store.traces(query).await.unwrap().items.remove(0);
        if summary.segments == 801 {
            assert_eq!(summary.revision, 9);
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{} segments", summary.segments);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn in_a_rush_of_documents_every_row_is_right_after_a_tick() {
    let store = store().await;
    let (traces, parts) = (1_500, 5);
    // Part by part, so that each trace is known when its later parts come.
    for part in 1..=parts {
        let documents: Vec<_> = (0..traces)
            .map(|number| {
                let more = match part {
                    1 => json!({}),
                    _ => json!({"parent_id": "0000000000000001", "fault": part == parts}),
                };
                segment(number, part, "cart", (10.0, 11.0 + part as f64), more)
            })
            .collect();
        for call in documents.chunks(500) {
            assert!(put(&store, call).await.is_empty());
        }
    }
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    let matching = async |text: &str| {
        let filter = Filter::parse(text).unwrap();
        let window = Window::ALL;
        let query = SurveyQuery { window, filter, buckets: 1, bins: 1 };
        store.survey(query).await.unwrap().matched
    };
    while matching("duration = 6").await < u64::from(traces) {
        assert!(tokio::time::Instant::now() < deadline, "rows are late for ever");
        tokio::task::yield_now().await;
    }
    let graph = store.graph(Window::ALL, Filter::parse("").unwrap()).await.unwrap();
    let cart = graph.nodes.iter().find(|node| node.id.name == "cart").unwrap();
    let counts = cart.stats.counts;
    assert_eq!((counts.total(), counts.fault), (u64::from(traces) * parts, u64::from(traces)));
}

#[tokio::test]
async fn changes_move_with_each_commit() {
    let store = store().await;
    let mut changes = store.changes();
    put(&store, &[segment(1, 1, "cart", (10.0, 11.0), json!({}))]).await;
    changes.changed().await.unwrap();
    assert_eq!(changes.borrow_and_update().documents, 1);
}
