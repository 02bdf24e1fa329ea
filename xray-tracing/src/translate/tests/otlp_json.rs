//! Spans in OTLP's JSON, as vectors and facts write them.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::translate::{
    Attribute, Dropped, Event, Options, ParentPlace, Resource, Scope, SpanKind, SpanLink, SpanView,
    Status, Value,
};
use crate::{SegmentId, TraceId};

/// Calls `each` with every span of a request and its resource.
pub(super) fn each_span(
    request: &Json,
    options: &Options,
    mut each: impl FnMut(&SpanView<'_>, &Resource),
) {
    for resource_spans in list(&request["resourceSpans"]) {
        let attributes = attributes(&resource_spans["resource"]["attributes"]);
        let resource = Resource::new(attributes, options);
        for scope_spans in list(&resource_spans["scopeSpans"]) {
            for json in list(&scope_spans["spans"]) {
                each(&span(json, &scope_spans["scope"]), &resource);
            }
        }
    }
}

fn span<'a>(json: &'a Json, scope: &'a Json) -> SpanView<'a> {
    let count = |key: &str| json[key].as_u64().unwrap_or(0) as u32;
    let flags = json["flags"].as_u64().unwrap_or(0);
    SpanView {
        parent_id: segment_id(&json["parentSpanId"]),
        parent: match flags >> 8 & 3 {
            1 => ParentPlace::Local,
            3 => ParentPlace::Remote,
            _ => ParentPlace::Unknown,
        },
        trace_state: text(&json["traceState"]),
        kind: match json["kind"].as_u64() {
            Some(1) => SpanKind::Internal,
            Some(2) => SpanKind::Server,
            Some(3) => SpanKind::Client,
            Some(4) => SpanKind::Producer,
            Some(5) => SpanKind::Consumer,
            _ => SpanKind::Unspecified,
        },
        start_ns: nanoseconds(&json["startTimeUnixNano"]),
        end_ns: nanoseconds(&json["endTimeUnixNano"]),
        status: match json["status"]["code"].as_u64() {
            Some(1) => Status::Ok,
            Some(2) => Status::Error(text(&json["status"]["message"])),
            _ => Status::Unset,
        },
        attributes: attributes(&json["attributes"]),
        events: list(&json["events"])
            .map(|event| Event {
                name: text(&event["name"]),
                time_ns: nanoseconds(&event["timeUnixNano"]),
                attributes: attributes(&event["attributes"]),
            })
            .collect(),
        links: list(&json["links"])
            .map(|link| SpanLink {
                trace_id: trace_id(&link["traceId"]),
                id: segment_id(&link["spanId"]).unwrap(),
                trace_state: text(&link["traceState"]),
                attributes: attributes(&link["attributes"]),
            })
            .collect(),
        dropped: Dropped {
            attributes: count("droppedAttributesCount"),
            events: count("droppedEventsCount"),
            links: count("droppedLinksCount"),
        },
        scope: Scope {
            name: text(&scope["name"]),
            version: text(&scope["version"]),
            attributes: attributes(&scope["attributes"]),
        },
        ..SpanView::new(
            trace_id(&json["traceId"]),
            segment_id(&json["spanId"]).unwrap(),
            text(&json["name"]),
        )
    }
}

fn attributes<'a>(json: &'a Json) -> Vec<Attribute<'a>> {
    let attribute =
        |json: &'a Json| Attribute { key: text(&json["key"]), value: value(&json["value"]) };
    list(json).map(attribute).collect()
}

fn value(json: &Json) -> Value<'_> {
    let Some((kind, json)) = json.as_object().and_then(|object| object.iter().next()) else {
        return Value::Empty;
    };
    match kind.as_str() {
        "stringValue" => Value::Text(text(json)),
        "boolValue" => Value::Bool(json.as_bool().unwrap()),
        "intValue" => {
            Value::Int(json.as_str().map_or(json.as_i64(), |it| it.parse().ok()).unwrap())
        }
        "doubleValue" => Value::Double(json.as_f64().unwrap()),
        "bytesValue" => match json.as_str() {
            Some("AAE=") => Value::Bytes(Cow::Borrowed(&[0, 1])),
            other => panic!("bytes {other:?}"),
        },
        "arrayValue" => Value::List(list(&json["values"]).map(value).collect()),
        "kvlistValue" => Value::Map(attributes(&json["values"])),
        other => panic!("value {other}"),
    }
}

fn list(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().into_iter().flatten()
}

fn text(json: &Json) -> Cow<'_, str> {
    Cow::Borrowed(json.as_str().unwrap_or_default())
}

fn nanoseconds(json: &Json) -> u64 {
    json.as_str().map_or(json.as_u64(), |text| text.parse().ok()).unwrap_or(0)
}

fn trace_id(json: &Json) -> TraceId {
    let (epoch, unique) = json.as_str().unwrap().split_at(8);
    format!("1-{epoch}-{unique}").parse().unwrap()
}

fn segment_id(json: &Json) -> Option<SegmentId> {
    json.as_str().filter(|hex| !hex.is_empty()).map(|hex| hex.parse().unwrap())
}
