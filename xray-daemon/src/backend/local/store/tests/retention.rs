//! Old traces go, and take their places in all indexes with them.

use std::time::Duration;

use serde_json::json;

use super::*;

/// Waits until the store holds `traces`.
async fn wait_for_traces(store: &Store, wanted: impl Fn(u64) -> bool) -> u64 {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let traces = store.stats().await.unwrap().traces;
        if wanted(traces) {
            return traces;
        }
        assert!(tokio::time::Instant::now() < deadline, "{traces} traces");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_older_than_the_retention_goes() {
    let config = LocalConfig { retention: Duration::ZERO, ..LocalConfig::default() };
    let store = store_with(config).await;
    let more = json!({"annotations": {"n": 1}, "user": "alice"});
    put(&store, &[segment(1, 1, "cart", (10.0, 11.0), more)]).await;
    wait_for_traces(&store, |traces| traces == 0).await;
    assert_eq!(found(&store, "").await, [0; 0]);
    assert_eq!(store.annotation_keys().await.unwrap(), [""; 0]);
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.segments, stats.expired), (0, 1));
    let graph = store.graph(Window::ALL, Filter::parse("").unwrap()).await.unwrap();
    assert_eq!(graph.nodes.len(), 0);
}

#[tokio::test]
async fn the_oldest_make_room_when_the_store_is_full() {
    let limit = 4 << 20;
    let store = store_with(LocalConfig { max_store_bytes: limit, ..LocalConfig::default() }).await;
    let long = json!({"metadata": {"default": {"text": "x".repeat(40_000)}}});
    for number in 1..=200 {
        put(&store, &[segment(number, 1, "cart", (f64::from(number), 1e3), long.clone())]).await;
    }
    let left = wait_for_traces(&store, |traces| (20..=100).contains(&traces)).await;
    let traces = found(&store, "").await;
    assert_eq!(traces.first(), Some(&200));
    assert!(traces.len() as u64 <= left, "{} of {left}", traces.len());
}
