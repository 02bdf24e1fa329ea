//! Pages, filters, numbers and graphs over what is stored.

use serde_json::json;

use super::*;
use crate::backend::local::store::{SurveyQuery, TimeRange};

/// Ten traces that start a second apart; every third is a fault.
async fn ten() -> Store {
    let store = store().await;
    for number in 1..=10 {
        let start_s = f64::from(number);
        let more = json!({"fault": number % 3 == 0, "annotations": {"number": number}});
        put(&store, &[segment(number, 1, "cart", (start_s, start_s + 0.5), more)]).await;
    }
    store
}

fn query(filter: &str) -> TraceQuery {
    TraceQuery::new(Window::ALL, Filter::parse(filter).unwrap())
}

#[tokio::test]
async fn pages_are_newest_first_and_lose_nothing() {
    let store = ten().await;
    let (mut seen, mut processed, mut after) = (Vec::new(), 0, None);
    loop {
        let page = store.traces(TraceQuery { after, limit: 4, ..query("") }).await.unwrap();
        assert!(page.items.len() <= 4);
        seen.extend(page.items.iter().map(|summary| summary.id.epoch_s()));
        processed += page.processed;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=10).rev().collect::<Vec<_>>());
    assert_eq!(processed, 10);
}

#[tokio::test]
async fn traces_of_one_moment_are_paged_in_order_of_arrival() {
    let store = store().await;
    for number in 1..=5 {
        put(&store, &[segment(number, 1, "cart", (7.0, 8.0), json!({}))]).await;
    }
    let first = store.traces(TraceQuery { limit: 3, ..query("") }).await.unwrap();
    let rest = store.traces(TraceQuery { limit: 3, after: first.next, ..query("") }).await.unwrap();
    let ids = |page: &crate::backend::local::store::Page<_>| -> Vec<u32> {
        page.items.iter().map(|s: &crate::backend::local::trace::Summary| s.id.epoch_s()).collect()
    };
    assert_eq!((ids(&first), ids(&rest)), (vec![5, 4, 3], vec![2, 1]));
    assert_eq!((first.processed, rest.processed), (3, 2));
    assert_eq!(rest.next, None);
}

#[tokio::test]
async fn the_window_includes_both_ends() {
    let store = ten().await;
    let window = Window { start_s: 3.0, end_s: 5.0 };
    let page = store.traces(TraceQuery { window, ..query("") }).await.unwrap();
    assert_eq!(page.items.len(), 3);
    assert_eq!(page.processed, 3);
}

#[tokio::test]
async fn other_times_of_a_trace_select_too() {
    let store = ten().await;
    let more = json!({"parent_id": "0000000000000001"});
    put(&store, &[segment(5, 2, "tail", (5.1, 40.0), more)]).await;
    let of = async |range, start_s, end_s| -> Vec<u32> {
        let window = Window { start_s, end_s };
        let page = store.traces(TraceQuery { window, range, ..query("") }).await.unwrap();
        page.items.iter().map(|summary| summary.id.epoch_s()).collect()
    };
    assert_eq!(of(TimeRange::Service, 39.0, 41.0).await, [5]);
    // Both ends of trace 5 lie outside, nothing of it between.
    assert_eq!(of(TimeRange::Service, 6.2, 20.0).await, [10, 9, 8, 7, 6]);
    // The newest update first.
    let received = of(TimeRange::Event, 1e9, 1e10).await;
    assert_eq!(received.len(), 10);
    assert_eq!(received[..2], [5, 10]);
    assert_eq!(of(TimeRange::Event, 0.0, 100.0).await, [0; 0]);
}

#[tokio::test]
async fn a_survey_counts_what_a_list_would_show() {
    let store = ten().await;
    let survey = store
        .survey(SurveyQuery {
            window: Window { start_s: 0.0, end_s: 10.0 },
            filter: Filter::parse("").unwrap(),
            buckets: 5,
            bins: 2,
        })
        .await
        .unwrap();
    assert_eq!((survey.processed, survey.matched, survey.complete), (10, 10, true));
    assert_eq!((survey.total.ok, survey.total.fault), (7, 3));
    let buckets: Vec<_> =
        survey.buckets.iter().map(|b| (b.start_s, b.counts.ok, b.counts.fault)).collect();
    assert_eq!(buckets, [(0.0, 1, 0), (2.0, 1, 1), (4.0, 2, 0), (6.0, 1, 1), (8.0, 2, 1)]);
    assert_eq!(survey.latency.iter().map(|bin| bin.count).sum::<u64>(), 10);
    assert_eq!((survey.p50_s, survey.p99_s), (Some(0.5), Some(0.5)));
}

#[tokio::test]
async fn completions_come_from_what_is_there() {
    let store = store().await;
    let more = json!({"origin": "AWS::EC2::Instance",
        "annotations": {"city": "a \"b\"", "ok": true, "n": 2.5}});
    put(&store, &[segment(1, 1, "cart", (1.0, 2.0), more)]).await;
    assert_eq!(store.annotation_keys().await.unwrap(), ["city", "n", "ok"]);
    assert_eq!(store.annotation_values("city").await.unwrap(), [r#""a \"b\"""#]);
    assert_eq!(store.annotation_values("n").await.unwrap(), ["2.5"]);
    assert_eq!(store.annotation_values("ok").await.unwrap(), ["true"]);
    assert_eq!(store.annotation_values("none").await.unwrap(), [""; 0]);
}
