//! Opening, closing, clearing.

use serde_json::json;

use super::*;
use crate::backend::local::LocalError;
use crate::backend::local::store::StoreError;

fn config(directory: &tempfile::TempDir) -> LocalConfig {
    LocalConfig { data_dir: Some(directory.path().to_owned()), ..LocalConfig::default() }
}

#[tokio::test]
async fn traces_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = store_with(config(&directory)).await;
    put(&store, &[segment(1, 1, "cart", (10.0, 11.0), json!({"annotations": {"n": 1}}))]).await;
    store.close().await;

    let store = store_with(config(&directory)).await;
    put(&store, &[segment(2, 2, "cart", (20.0, 21.0), json!({"annotations": {"n": 1}}))]).await;
    assert_eq!(found(&store, "annotation.n = 1").await, [2, 1]);
    store.close().await;
}

#[tokio::test]
async fn two_daemons_do_not_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let _first = store_with(config(&directory)).await;
    let second = Store::open(&config(&directory)).await.unwrap_err();
    assert!(matches!(second, LocalError::Locked { .. }), "{second:?}");
}

#[tokio::test]
async fn a_closed_store_takes_nothing_more() {
    let store = store().await;
    store.close().await;
    let document = Bytes::from(segment(1, 1, "cart", (10.0, 11.0), json!({})).to_string());
    let refused = store.put(&[Incoming { document, sender: None }]).await;
    assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
}

#[tokio::test]
async fn clearing_removes_all_traces_and_the_graph() {
    let store = store().await;
    put(&store, &[segment(1, 1, "cart", (10.0, 11.0), json!({"annotations": {"n": 1}}))]).await;
    put(&store, &[json!("junk")]).await;
    store.clear().await.unwrap();
    assert_eq!(found(&store, "").await, [0; 0]);
    assert_eq!(store.annotation_keys().await.unwrap(), [""; 0]);
    assert_eq!(store.services().await.unwrap().len(), 0);
    assert_eq!(store.refused().len(), 0);
    let graph = store.graph(Window::ALL, Filter::parse("").unwrap()).await.unwrap();
    assert_eq!(graph.nodes.len(), 0);
    // And it goes on.
    put(&store, &[segment(2, 1, "cart", (10.0, 11.0), json!({"annotations": {"n": 1}}))]).await;
    assert_eq!(found(&store, "annotation.n = 1").await, [2]);
}
