//! Documents that become spans and documents again.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::document::arbitrary::entity as any_entity;
use crate::document::{Entity, Kind};
use crate::translate::{
    NotASpan, Options, Resource, SpanKind, SpanView, Status, Value, from_document, to_documents,
};
use crate::{SegmentId, TraceId};

/// What becomes of a document: one for each segment and subsegment, parents first.
pub(super) fn there_and_back(entity: &Entity) -> Vec<Entity> {
    let spans = from_document(entity).unwrap();
    let resource = Resource::new(spans.resource.clone(), &Options::default());
    spans.spans.iter().flat_map(|span| to_documents(span, &resource)).collect()
}

/// The document as one for each segment and subsegment, parents first.
pub(super) fn apart(entity: Entity) -> Vec<Entity> {
    fn take(mut entity: Entity, out: &mut Vec<Entity>) {
        let children = std::mem::take(&mut entity.subsegments);
        let (trace_id, parent_id) = (entity.trace_id, entity.id);
        out.push(entity);
        for child in children {
            take(Entity { kind: Kind::Subsegment, trace_id, parent_id, ..child }, out);
        }
    }
    let mut out = Vec::new();
    take(entity, &mut out);
    out
}

pub(super) fn parsed(document: &str) -> Entity {
    Entity::parse(document.as_bytes()).unwrap()
}

fn attribute<'s>(span: &'s SpanView<'_>, key: &str) -> Option<&'s Value<'s>> {
    span.attributes.iter().find(|attribute| attribute.key == key).map(|it| &it.value)
}

#[test]
fn what_has_no_place_in_a_span_comes_back() {
    for members in [
        json!({"user": "ada", "service": {"version": "3", "compiler": "gc"}, "Dummy": false}),
        json!({"annotations": {
            "http.method": "GET", "aws.span.kind": "LOCAL_ROOT", "tier": "gold", "n": 1.5, "i": 3}}),
        json!({"namespace": "remote", "error": true, "subsegments": [{
            "id": "2222222222222222", "name": "stock", "start_time": 1, "end_time": 2, "http": {
                "request": {"method": "GET", "url": "http://stock/1", "traced": true},
                "response": {"status": 404}}}]}),
    ] {
        let mut document = json!({
            "id": "1f3d5b7991b3d5f7", "trace_id": "1-63ad1f0c-9b2f0a8d3c4e5f6071829304",
            "name": "shop", "start_time": 1672290060.25, "end_time": 1672290060.5,
        });
        for (key, value) in members.as_object().unwrap() {
            document[key] = value.clone();
        }
        let entity = parsed(&document.to_string());
        assert_eq!(there_and_back(&entity), apart(entity), "{members}");
    }
}

#[test]
fn spans_say_what_other_backends_ask_for() {
    let entity = parsed(
        r#"{"id":"1f3d5b7991b3d5f7","trace_id":"1-63ad1f0c-9b2f0a8d3c4e5f6071829304","name":"shop",
            "start_time":1672290060.25,"end_time":1672290060.5,"fault":true,"origin":"AWS::EKS::Container",
            "http":{"request":{"method":"POST","url":"https://shop.example/cart?x=1"},
                    "response":{"status":502}},
            "cause":{"exceptions":[{"id":"4444444444444444","type":"Timeout","message":"no answer",
                     "stack":[{"path":"db.go","line":48,"label":"get"}]}]},
            "subsegments":[{"id":"2222222222222222","name":"DynamoDB","namespace":"aws","start_time":1,
                            "end_time":2,"aws":{"operation":"GetItem","table_name":"carts"}}]}"#,
    );
    let spans = from_document(&entity).unwrap();
    let resource = |key: &str| spans.resource.iter().find(|it| it.key == key).map(|it| &it.value);
    assert_eq!(resource("service.name"), Some(&Value::from("shop")));
    assert_eq!(resource("cloud.platform"), Some(&Value::from("aws_eks".to_owned())));
    let [server, call] = spans.spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(
        (server.kind, &server.status),
        (SpanKind::Server, &Status::Error("no answer".into()))
    );
    assert_eq!(
        (server.start_ns, server.end_ns),
        (1_672_290_060_250_000_000, 1_672_290_060_500_000_000)
    );
    assert_eq!(attribute(server, "url.path"), Some(&Value::from("/cart")));
    assert_eq!(attribute(server, "http.response.status_code"), Some(&Value::Int(502)));
    let stack = &server.events[0].attributes[2].value;
    assert_eq!(stack, &Value::from("Timeout: no answer\n\tat get(db.go:48)"));
    assert_eq!((call.kind, call.parent_id), (SpanKind::Client, Some(server.id)));
    assert_eq!(attribute(call, "rpc.method"), Some(&Value::from("GetItem")));
    assert_eq!(attribute(call, "aws.xray.document.aws"), None, "the attributes say it all");
}

#[test]
fn a_document_without_ids_has_no_spans() {
    let id = Some(SegmentId::from_u64(7));
    let no_trace = Entity { id, ..Entity::default() };
    assert_eq!(from_document(&no_trace), Err(NotASpan::NoTraceId));
    let no_id = Entity { trace_id: Some(TraceId::random()), ..Entity::default() };
    assert_eq!(from_document(&no_id), Err(NotASpan::NoId));
}

#[test]
fn every_vector_document_comes_back() {
    let Ok(folder) = std::env::var("XRAY_VECTORS") else { return };
    let mut read = 0;
    for file in std::fs::read_dir(std::path::Path::new(&folder).join("segments")).unwrap() {
        let path = file.unwrap().path();
        let entity = Entity::parse(&std::fs::read(&path).unwrap()).unwrap();
        if let Ok(spans) = from_document(&entity) {
            let count = apart(entity.clone()).len();
            assert_eq!(spans.spans.len(), count, "{path:?}");
            assert_eq!(there_and_back(&entity), apart(entity), "{path:?}");
        }
        read += 1;
    }
    assert!(read >= 16, "{read} files");
}

/// Members whose value depends on the way JSON is read: parsed once, they stay.
fn settled(entity: &Entity) -> Entity {
    parsed(&entity.to_json())
}

fn with_ids(entity: &mut Entity, next: &mut u64) {
    entity.id = Some(SegmentId::from_u64(*next));
    *next += 1;
    entity.subsegments.iter_mut().for_each(|child| with_ids(child, next));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_document_comes_back(entity in any_entity()) {
        let mut entity = settled(&entity);
        with_ids(&mut entity, &mut 1);
        entity.trace_id = Some(TraceId::from_bytes([7; 16]));
        for (back, meant) in there_and_back(&entity).into_iter().zip(apart(entity)) {
            let (back, meant): (Json, Json) = (
                serde_json::from_str(&back.to_json()).unwrap(),
                serde_json::from_str(&meant.to_json()).unwrap(),
            );
            prop_assert_eq!(back, meant);
        }
    }
}
