//! Reads `ExportTraceServiceRequest` from protobuf into JSON, by the rules of the wire format and the
//! field numbers of `trace.proto`.
//!
//! In: the bytes of a request. Out: one object for each span, resource and scope beside it. Panics on
//! what is no such message: then the test has found something.

use serde_json::{Map, Value, json};

/// The spans of a request, in its order: `traceId`, `spanId`, `parentSpanId`, `name`, `kind`, `start`,
/// `end`, `status`, `message`, `attributes`, `events`, `links`, `resource`, `scope`.
pub(super) fn spans(request: &[u8]) -> Vec<Value> {
    let mut spans = Vec::new();
    for resource_spans in messages(request, 1) {
        let resource = messages(resource_spans, 1).next().map(|it| attributes(it, 1));
        for scope_spans in messages(resource_spans, 2) {
            let scope = messages(scope_spans, 1).next().map(scope);
            for message in messages(scope_spans, 2) {
                let mut span = span(message);
                span["resource"] = resource.clone().unwrap_or_default();
                span["scope"] = scope.clone().unwrap_or_default();
                spans.push(span);
            }
        }
    }
    spans
}

fn span(message: &[u8]) -> Value {
    let status = messages(message, 15).next().unwrap_or_default();
    let event = |event| json!({"name": text(event, 2), "attributes": attributes(event, 3)});
    let link = |link| json!({"traceId": id(link, 1), "spanId": id(link, 2)});
    json!({
        "traceId": id(message, 1),
        "spanId": id(message, 2),
        "parentSpanId": id(message, 4),
        "name": text(message, 5),
        "kind": number(message, 6),
        "start": number(message, 7),
        "end": number(message, 8),
        "attributes": attributes(message, 9),
        "events": messages(message, 11).map(event).collect::<Vec<_>>(),
        "links": messages(message, 13).map(link).collect::<Vec<_>>(),
        "status": number(status, 3),
        "message": text(status, 2),
    })
}

fn scope(message: &[u8]) -> Value {
    json!({"name": text(message, 1), "version": text(message, 2)})
}

fn attributes(message: &[u8], field: u64) -> Value {
    let pairs = messages(message, field).map(|pair| {
        let value = messages(pair, 2).next().map(value);
        (text(pair, 1), value.unwrap_or_default())
    });
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn value(message: &[u8]) -> Value {
    let Some((number, found)) = fields(message).into_iter().next() else { return Value::Null };
    match (number, found) {
        (1, Found::Bytes(text)) => String::from_utf8(text.to_vec()).unwrap().into(),
        (2, Found::Number(bit)) => (bit != 0).into(),
        (3, Found::Number(number)) => (number as i64).into(),
        (4, Found::Number(bits)) => f64::from_bits(bits).into(),
        (5, Found::Bytes(list)) => messages(list, 1).map(value).collect(),
        (6, Found::Bytes(_)) => attributes(messages(message, 6).next().unwrap(), 1),
        (7, Found::Bytes(bytes)) => hex::encode(bytes).into(),
        odd => panic!("no AnyValue: {odd:?}"),
    }
}

#[derive(Clone, Copy, Debug)]
enum Found<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn messages(message: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).into_iter().filter_map(move |found| match found {
        (this, Found::Bytes(bytes)) if this == number => Some(bytes),
        _ => None,
    })
}

fn text(message: &[u8], number: u64) -> String {
    let bytes = messages(message, number).next().unwrap_or_default();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn id(message: &[u8], number: u64) -> String {
    hex::encode(messages(message, number).next().unwrap_or_default())
}

fn number(message: &[u8], number: u64) -> u64 {
    let found = fields(message).into_iter().find(|(this, _)| *this == number);
    found.map_or(0, |(_, found)| match found {
        Found::Number(number) => number,
        Found::Bytes(_) => panic!("field {number} is no number"),
    })
}

fn fields(mut rest: &[u8]) -> Vec<(u64, Found<'_>)> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let tag = varint(&mut rest);
        let found = match tag & 7 {
            0 => Found::Number(varint(&mut rest)),
            1 => Found::Number(u64::from_le_bytes(take(&mut rest, 8).try_into().unwrap())),
            2 => {
                let length = varint(&mut rest);
                Found::Bytes(take(&mut rest, usize::try_from(length).unwrap()))
            }
            5 => Found::Number(u32::from_le_bytes(take(&mut rest, 4).try_into().unwrap()).into()),
            wire_type => panic!("no wire type: {wire_type}"),
        };
        fields.push((tag >> 3, found));
    }
    fields
}

fn varint(rest: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let [byte] = take(rest, 1) else { unreachable!() };
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return value;
        }
        shift += 7;
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(length);
    *rest = left;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_field_by_field() {
        // 1 ResourceSpans { 1 Resource { 1 KeyValue k=7 }, 2 ScopeSpans { 2 Span { 5 "a", 6 kind 2 } } }
        let request = [
            &[0x0a, 0x16, 0x0a, 0x0b, 0x0a, 0x09, 0x0a, 0x03][..],
            b"key",
            &[0x12, 0x02, 0x18, 0x07],
            &[0x12, 0x07, 0x12, 0x05, 0x2a, 0x01, b'a', 0x30, 0x02],
        ]
        .concat();
        let [span] = &spans(&request)[..] else { panic!() };
        assert_eq!((&span["name"], &span["kind"]), (&json!("a"), &json!(2)));
        assert_eq!(span["resource"], json!({"key": 7}));
    }
}
