//! The store as its users see it: what goes in can be asked for.

mod graphs;
mod life;
mod putting;
mod questions;
mod retention;

use bytes::Bytes;
use serde_json::{Value, json};
use xray_tracing::TraceId;

use super::{Incoming, Store, TraceQuery, Window};
use crate::backend::local::LocalConfig;
use crate::backend::local::filter::Filter;

/// A private store.
async fn store() -> Store {
    store_with(LocalConfig::default()).await
}

async fn store_with(config: LocalConfig) -> Store {
    Store::open(&config).await.unwrap()
}

/// The `number`th trace.
fn trace_id(number: u32) -> TraceId {
    format!("1-{number:08x}-000000000000000000000000").parse().unwrap()
}

/// A complete segment of trace `trace`, which `more` adds to.
fn segment(trace: u32, id: u64, name: &str, times_s: (f64, f64), more: Value) -> Value {
    let mut segment = json!({
        "trace_id": trace_id(trace).to_string(),
        "id": format!("{id:016x}"),
        "name": name,
        "start_time": times_s.0,
        "end_time": times_s.1,
    });
    let (Value::Object(segment_map), Value::Object(more)) = (&mut segment, more) else {
        panic!("objects only");
    };
    segment_map.extend(more);
    segment
}

/// The same, still running.
fn running(mut segment: Value) -> Value {
    let map = segment.as_object_mut().unwrap();
    map.remove("end_time");
    map.insert("in_progress".into(), true.into());
    segment
}

/// Stores the documents in one call; the codes of those that were not taken.
async fn put(store: &Store, documents: &[Value]) -> Vec<String> {
    let incoming: Vec<_> = documents
        .iter()
        .map(|document| Incoming { document: Bytes::from(document.to_string()), sender: None })
        .collect();
    store.put(&incoming).await.unwrap().into_iter().map(|unstored| unstored.code).collect()
}

/// The numbers of the traces that `filter` lets through, newest first.
async fn found(store: &Store, filter: &str) -> Vec<u32> {
    let query = TraceQuery::new(Window::ALL, Filter::parse(filter).unwrap());
    let page = store.traces(query).await.unwrap();
    assert_eq!(page.next, None);
    page.items.iter().map(|summary| summary.id.epoch_s()).collect()
}
