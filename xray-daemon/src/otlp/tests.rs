//! What is written is read again, whatever it is; and no bytes are too strange to be read.

use std::borrow::Cow;

use bytes::Bytes;
use proptest::prelude::*;
use xray_tracing::translate::{
    Attribute, Dropped, Event, Options, ParentPlace, Scope, SpanKind, SpanLink, SpanView, Status,
    Value,
};
use xray_tracing::{SegmentId, TraceId};

use super::join::request;
use super::message::Message;
use super::split::{SpanContext, split};
use super::write::{resource, scope, span};
use super::{Datagrams, Documents, read};
use crate::backend::{Delivered, Retry, Unprocessed};
use crate::segment::{Payload, Segment};

fn any_text() -> impl Strategy<Value = Cow<'static, str>> {
    "[a-z.é\"\\\\ ]{0,12}".prop_map(Cow::Owned)
}

fn any_value() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        Just(Value::Empty),
        any_text().prop_map(Value::Text),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1e12..1e12).prop_map(Value::Double),
        any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(Cow::Owned(bytes))),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let member = (any_text(), inner.clone()).prop_map(|(key, value)| Attribute { key, value });
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::List),
            proptest::collection::vec(member, 0..4).prop_map(Value::Map),
        ]
    })
}

fn any_attributes() -> impl Strategy<Value = Vec<Attribute<'static>>> {
    let attribute = (any_text(), any_value()).prop_map(|(key, value)| Attribute { key, value });
    proptest::collection::vec(attribute, 0..4)
}

fn any_id() -> impl Strategy<Value = SegmentId> {
    (1..=u64::MAX).prop_map(SegmentId::from_u64)
}

fn any_trace_id() -> impl Strategy<Value = TraceId> {
    (1..=u128::MAX).prop_map(|bits| TraceId::from_bytes(bits.to_be_bytes()))
}

fn any_event() -> impl Strategy<Value = Event<'static>> {
    (any_text(), any::<u64>(), any_attributes()).prop_map(|(name, time_ns, attributes)| Event {
        name,
        time_ns,
        attributes,
    })
}

fn any_link() -> impl Strategy<Value = SpanLink<'static>> {
    (any_trace_id(), any_id(), any_text(), any_attributes()).prop_map(
        |(trace_id, id, trace_state, attributes)| SpanLink {
            trace_id,
            id,
            trace_state,
            attributes,
        },
    )
}

fn any_status() -> impl Strategy<Value = Status<'static>> {
    prop_oneof![Just(Status::Unset), Just(Status::Ok), any_text().prop_map(Status::Error),]
}

fn any_span() -> impl Strategy<Value = SpanView<'static>> {
    let who = (any_trace_id(), any_id(), proptest::option::of(any_id()), any_text(), any_text());
    let what = (
        prop::sample::select(vec![
            SpanKind::Unspecified,
            SpanKind::Internal,
            SpanKind::Server,
            SpanKind::Client,
            SpanKind::Producer,
            SpanKind::Consumer,
        ]),
        prop::sample::select(vec![ParentPlace::Unknown, ParentPlace::Local, ParentPlace::Remote]),
        any::<(u64, u64)>(),
        any_status(),
    );
    let lists = (
        any_attributes(),
        proptest::collection::vec(any_event(), 0..3),
        proptest::collection::vec(any_link(), 0..3),
        any::<(u32, u32, u32)>(),
    );
    let scope = (any_text(), any_text(), any_attributes());
    (who, what, lists, scope).prop_map(|(who, what, lists, scope)| SpanView {
        parent_id: who.2,
        trace_state: who.4,
        kind: what.0,
        parent: what.1,
        start_ns: what.2.0,
        end_ns: what.2.1,
        status: what.3,
        attributes: lists.0,
        events: lists.1,
        links: lists.2,
        dropped: Dropped { attributes: lists.3.0, events: lists.3.1, links: lists.3.2 },
        scope: Scope { name: scope.0, version: scope.1, attributes: scope.2 },
        ..SpanView::new(who.0, who.1, who.3)
    })
}

/// A span as a segment, by way of a request.
fn segment_of(view: &SpanView<'_>, of_resource: &[Attribute<'_>]) -> Segment {
    let context = SpanContext {
        resource: resource(of_resource).into_bytes().into(),
        scope: scope(&view.scope).into_bytes().into(),
        ..SpanContext::default()
    };
    let request = request([(span(view).into_bytes().as_slice(), &context)]);
    split(&request.into(), None).unwrap().segments.remove(0)
}

fn plain_span(id: u64) -> SpanView<'static> {
    let trace_id = "1-5f29ab21-d4ebf299219a65bd5c31d6da".parse().unwrap();
    SpanView {
        kind: SpanKind::Server,
        start_ns: 1_596_566_305_000_000_000,
        end_ns: 1_596_566_306_000_000_000,
        ..SpanView::new(trace_id, SegmentId::from_u64(id), "GET /cart")
    }
}

/// The documents of a batch, as JSON.
fn documents(batch: &[Segment], datagrams: Datagrams) -> Vec<serde_json::Value> {
    let made = Documents::of(batch, datagrams, &Options::default());
    let parsed = |it: &Segment| serde_json::from_slice(it.document()).unwrap();
    made.documents.iter().map(parsed).collect()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn datagram(prefix: &str, spans: &[SpanView<'_>]) -> Segment {
    let context = SpanContext::default();
    let spans: Vec<Vec<u8>> = spans.iter().map(|it| span(it).into_bytes()).collect();
    let request = request(spans.iter().map(|span| (span.as_slice(), &context)));
    Segment::new(format!("{prefix}{}", base64(&request)).into(), None)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_span_is_read_as_it_was_written(view in any_span(), of_resource in any_attributes()) {
        let segment = segment_of(&view, &of_resource);
        let Payload::Span(bytes, context) = segment.payload() else { panic!("no span") };
        prop_assert_eq!(read::span(bytes, &context.scope), Ok(view));
        prop_assert_eq!(read::resource(&context.resource), Ok(of_resource));
    }

    #[test]
    fn any_bytes_are_split_and_translated_without_panic(bytes: Vec<u8>) {
        let request = Bytes::from(bytes);
        if let Ok(split) = split(&request, None) {
            drop(Documents::of(&split.segments, Datagrams::Read, &Options::default()));
        }
        drop(read::resource(&request));
        drop(read::span(&request, &request));
    }

    #[test]
    fn a_span_with_one_byte_changed_never_panics(
        view in any_span(), place: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = span(&view).into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let mut scope_spans = Message::default();
        scope_spans.set_bytes(2, &bytes);
        let mut resource_spans = Message::default();
        resource_spans.message(2, &scope_spans);
        let mut request = Message::default();
        request.message(1, &resource_spans);
        if let Ok(split) = split(&request.into_bytes().into(), None) {
            let made = Documents::of(&split.segments, Datagrams::Read, &Options::default());
            for document in made.documents.iter() {
                prop_assert!(document.size_bytes() <= 64 * 1024);
            }
        }
    }
}

#[test]
fn spans_of_one_scope_share_one_context_and_their_request_is_put_together_again() {
    let context = SpanContext {
        resource: resource(&[Attribute::new("service.name", "shop")]).into_bytes().into(),
        resource_schema_url: "https://r".into(),
        scope: scope(&Scope { name: "lib".into(), ..Scope::default() }).into_bytes().into(),
        scope_schema_url: "https://s".into(),
    };
    let other = SpanContext::default();
    let [one, two, three] = [1, 2, 3].map(|id| span(&plain_span(id)).into_bytes());
    let bytes: Bytes =
        request([(one.as_slice(), &context), (&two, &context), (&three, &other)]).into();
    let split = split(&bytes, None).unwrap();
    let parts: Vec<_> = split
        .segments
        .iter()
        .map(|segment| match segment.payload() {
            Payload::Span(span, context) => (span.as_ref(), context.as_ref()),
            Payload::Document(_) => panic!("no span"),
        })
        .collect();
    assert_eq!(parts, [(one.as_slice(), &context), (&two, &context), (&three, &other)]);
    assert_eq!(request(parts), bytes);
}

#[test]
fn spans_without_ids_are_rejected_and_the_others_taken() {
    let context = SpanContext::default();
    let good = span(&plain_span(1)).into_bytes();
    let mut without_id = Message::default();
    without_id.bytes(1, &[1; 16]);
    let mut zero_id = without_id.clone();
    zero_id.set_bytes(2, &[0; 8]);
    let mut short_id = without_id.clone();
    short_id.set_bytes(2, &[1; 7]);
    let bad = [without_id, zero_id, short_id].map(Message::into_bytes);
    let spans = [&good, &bad[0], &bad[1], &bad[2], &good].map(|it| (it.as_slice(), &context));
    let split = split(&request(spans).into(), None).unwrap();
    assert_eq!((split.segments.len(), split.rejected), (2, 3));
}

#[test]
fn what_a_span_says_beyond_the_bound_is_counted_as_dropped() {
    let mut view = plain_span(1);
    view.attributes = (0..10_000).map(|_| Attribute::new("key", 1_i64)).collect();
    view.events = vec![Event { name: "late".into(), time_ns: 1, attributes: Vec::new() }];
    view.dropped.attributes = 5;
    let bytes = span(&view).into_bytes();
    let read = read::span(&bytes, &[]).unwrap();
    assert_eq!(read.attributes.len(), 8_192);
    assert_eq!((read.dropped.attributes, read.dropped.events), (5 + 1_808, 1));
}

#[test]
fn a_value_nested_too_deep_leaves_a_mark() {
    let deep = (0..100).fold(Value::Int(7), |inner, _| Value::List(vec![inner]));
    let mut view = plain_span(1);
    view.attributes = vec![Attribute { key: "deep".into(), value: deep }];
    let bytes = span(&view).into_bytes();
    let read = read::span(&bytes, &[]).unwrap();
    let (mut value, mut levels) = (&read.attributes[0].value, 0);
    while let Value::List(values) = value {
        (value, levels) = (&values[0], levels + 1);
    }
    assert_eq!((levels, value), (32, &Value::from("... (nested deeper than 32 levels)")));
    // It is still a document that can be read.
    assert_eq!(documents(&[segment_of(&view, &[])], Datagrams::Pass).len(), 1);
}

#[test]
fn a_resource_too_large_for_a_document_says_what_it_left_out() {
    let text = "x".repeat(40_000);
    let said = [("a", text.as_str()), ("b", text.as_str()), ("c", "small")];
    let bytes = resource(&said.map(|(key, text)| Attribute::new(key, text))).into_bytes();
    let read = read::resource(&bytes).unwrap();
    let keys: Vec<_> = read.iter().map(|attribute| attribute.key.as_ref()).collect();
    assert_eq!(keys, ["a", "c", "dropped_attributes_count"]);
}

#[test]
fn a_batch_without_spans_is_lent() {
    let batch = [Segment::new("{}".into(), None), datagram("T1S", &[plain_span(1)])];
    let made = Documents::of(&batch, Datagrams::Pass, &Options::default());
    assert!(matches!(made.documents, Cow::Borrowed(_)));
}

#[test]
fn datagrams_with_spans_are_read_for_a_store_and_unsampled_ones_make_no_trace() {
    let batch = [
        Segment::new(r#"{"name":"plain"}"#.into(), None),
        datagram("T1S", &[plain_span(1), plain_span(2)]),
        datagram("T1U", &[plain_span(3)]),
        Segment::new("M1AAAA".into(), None),
    ];
    let documents = documents(&batch, Datagrams::Read);
    let ids: Vec<_> = documents.iter().map(|document| document["id"].as_str()).collect();
    assert_eq!(ids, [None, Some("0000000000000001"), Some("0000000000000002")]);
}

#[test]
fn what_is_said_of_documents_is_said_of_their_spans() {
    // A client at its service's root makes two documents: the call, and the service above it.
    let mut root = plain_span(1);
    root.kind = SpanKind::Client;
    root.attributes = vec![Attribute::new("aws.span.kind", "LOCAL_ROOT")];
    let broken = Segment::new("T1S!".into(), None);
    let batch = [broken, segment_of(&root, &[]), segment_of(&plain_span(2), &[])];
    let made = Documents::of(&batch, Datagrams::Read, &Options::default());
    assert_eq!(made.documents.len(), 3);
    let said = |index, retry| {
        let (code, message) = ("Code".to_owned(), "why".to_owned());
        Unprocessed { index, code, message, retry }
    };
    let delivered = Delivered {
        unprocessed: vec![said(0, Retry::No), said(1, Retry::Yes), said(2, Retry::No)],
    };
    let found: Vec<_> = made
        .of_segments(delivered)
        .unprocessed
        .into_iter()
        .map(|it| (it.index, it.code, it.retry))
        .collect();
    assert_eq!(
        found,
        [
            (0, "InvalidSpan".to_owned(), Retry::No),
            (1, "Code".to_owned(), Retry::Yes),
            (2, "Code".to_owned(), Retry::No),
        ]
    );
}

#[test]
fn a_span_of_any_size_becomes_documents_that_fit() {
    let mut view = plain_span(1);
    let text = "x".repeat(300_000);
    view.attributes = vec![Attribute::new("note", text.as_str())];
    let batch = [segment_of(&view, &[])];
    let made = Documents::of(&batch, Datagrams::Pass, &Options::default());
    assert_eq!(made.documents.len(), 1);
    assert!(made.documents[0].size_bytes() <= 64 * 1024);
}
