//! Traces from JSON. Ids are short in the tests: `"id": 1`, `"parent_id": 1` become full ids, a
//! missing `trace_id` is filled in.

use bytes::Bytes;
use serde_json::{Value, json};
use xray_tracing::TraceId;
use xray_tracing::document::Entity;

use crate::backend::local::trace::{Received, Trace};

/// Trace `number`.
pub(in crate::backend::local) fn trace_id(number: u8) -> TraceId {
    let mut bytes = [0; 16];
    bytes[15] = number;
    TraceId::from_bytes(bytes)
}

/// The id that `number` stands for.
pub(in crate::backend::local) fn id(number: u64) -> String {
    format!("{number:016x}")
}

/// The documents, one call each, a second apart from 5000 s on.
pub(in crate::backend::local) fn received(documents: &[Value]) -> Vec<Received> {
    let one = |(document, seq): (&Value, u64)| {
        let text = Bytes::from(with_ids(document).to_string());
        Received {
            entity: Entity::parse(&text).unwrap(),
            document: text,
            received_at_s: 5000.0 + seq as f64,
            seq,
            sender: None,
        }
    };
    documents.iter().zip(0..).map(one).collect()
}

/// Trace 1 of these documents.
pub(in crate::backend::local) fn trace(documents: &[Value]) -> Trace {
    Trace::assemble(trace_id(1), received(documents))
}

/// Writes numbers in the place of ids out in full.
fn with_ids(document: &Value) -> Value {
    let mut document = document.clone();
    let mut waiting = vec![&mut document];
    while let Some(entity) = waiting.pop() {
        let Value::Object(members) = entity else { continue };
        for (key, value) in members {
            match (key.as_str(), value) {
                ("id" | "parent_id", value) if value.is_u64() => {
                    *value = json!(id(value.as_u64().unwrap()));
                }
                ("trace_id", value) if value.is_u64() => {
                    *value = json!(trace_id(value.as_u64().unwrap() as u8).to_string());
                }
                ("subsegments" | "links", Value::Array(inner)) => waiting.extend(inner),
                _ => {}
            }
        }
    }
    document
}
