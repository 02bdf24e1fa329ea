//! Spans of the SDK as an OTLP request in JSON.
//!
//! In: spans and their resource. Out: the request. Owns nothing. Rule: OTLP specification, "JSON
//! Protobuf Encoding": ids in hex, times as text, enums as numbers.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Event, Link, SpanId, SpanKind, Status};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use serde_json::{Value as Json, json};

/// Bits of a span's flags that say where its parent is. Rule: `trace.proto`, `SpanFlags`.
const HAS_IS_REMOTE: u32 = 1 << 8;
const IS_REMOTE: u32 = 1 << 9;

/// The request of `spans`; all of a service have one scope.
pub(super) fn request(resource: &Resource, spans: &[SpanData]) -> Json {
    let of_resource: Vec<Json> =
        resource.iter().map(|(key, value)| attribute(key.as_str(), value)).collect();
    let scope = spans.first().map(|span| {
        json!({"name": span.instrumentation_scope.name(), "version": span.instrumentation_scope.version()})
    });
    let spans: Vec<Json> = spans.iter().map(span).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": of_resource},
        "scopeSpans": [{"scope": scope, "spans": spans}],
    }]})
}

fn span(span: &SpanData) -> Json {
    let has_parent = span.parent_span_id != SpanId::INVALID;
    let remote = if span.parent_span_is_remote { IS_REMOTE } else { 0 };
    json!({
        "traceId": span.span_context.trace_id().to_string(),
        "spanId": span.span_context.span_id().to_string(),
        "parentSpanId": has_parent.then(|| span.parent_span_id.to_string()),
        "traceState": span.span_context.trace_state().header(),
        "flags": u32::from(span.span_context.trace_flags().to_u8()) | HAS_IS_REMOTE | remote,
        "name": span.name,
        "kind": kind(&span.span_kind),
        "startTimeUnixNano": nanoseconds(span.start_time),
        "endTimeUnixNano": nanoseconds(span.end_time),
        "attributes": attributes(&span.attributes),
        "droppedAttributesCount": span.dropped_attributes_count,
        "events": span.events.iter().map(event).collect::<Vec<_>>(),
        "droppedEventsCount": span.events.dropped_count,
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
        "droppedLinksCount": span.links.dropped_count,
        "status": status(&span.status),
    })
}

fn event(event: &Event) -> Json {
    json!({
        "timeUnixNano": nanoseconds(event.timestamp),
        "name": event.name,
        "attributes": attributes(&event.attributes),
    })
}

fn link(link: &Link) -> Json {
    json!({
        "traceId": link.span_context.trace_id().to_string(),
        "spanId": link.span_context.span_id().to_string(),
        "attributes": attributes(&link.attributes),
    })
}

fn status(status: &Status) -> Json {
    match status {
        Status::Unset => json!({}),
        Status::Ok => json!({"code": 1}),
        Status::Error { description } => json!({"code": 2, "message": description}),
    }
}

fn kind(kind: &SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn attributes(said: &[KeyValue]) -> Vec<Json> {
    said.iter().map(|it| attribute(it.key.as_str(), &it.value)).collect()
}

fn attribute(key: &str, said: &Value) -> Json {
    json!({"key": key, "value": value(said)})
}

fn value(said: &Value) -> Json {
    match said {
        Value::Bool(it) => json!({"boolValue": it}),
        Value::I64(it) => json!({"intValue": it.to_string()}),
        Value::F64(it) => json!({"doubleValue": it}),
        Value::String(it) => json!({"stringValue": it.as_str()}),
        Value::Array(Array::Bool(them)) => list(them.iter().map(|it| json!({"boolValue": it}))),
        Value::Array(Array::I64(them)) => {
            list(them.iter().map(|it| json!({"intValue": it.to_string()})))
        }
        Value::Array(Array::F64(them)) => list(them.iter().map(|it| json!({"doubleValue": it}))),
        Value::Array(Array::String(them)) => {
            list(them.iter().map(|it| json!({"stringValue": it.as_str()})))
        }
        // A kind of value that is still to come.
        other => json!({"stringValue": other.to_string()}),
    }
}

fn list(values: impl Iterator<Item = Json>) -> Json {
    json!({"arrayValue": {"values": values.collect::<Vec<_>>()}})
}

fn nanoseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_by_their_type() {
        let written = |value: Value| self::value(&value).to_string();
        assert_eq!(written(true.into()), r#"{"boolValue":true}"#);
        assert_eq!(written(7_i64.into()), r#"{"intValue":"7"}"#);
        assert_eq!(written(1.5.into()), r#"{"doubleValue":1.5}"#);
        assert_eq!(written("a".into()), r#"{"stringValue":"a"}"#);
        let texts = Value::Array(Array::String(vec!["a".into(), "b".into()]));
        assert_eq!(
            written(texts),
            r#"{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":"b"}]}}"#
        );
    }

    #[test]
    fn times_are_nanoseconds_as_text() {
        let time = UNIX_EPOCH + std::time::Duration::from_nanos(1_596_566_305_000_000_007);
        assert_eq!(nanoseconds(time), "1596566305000000007");
    }
}
