//! What holds for any span, however odd.

use std::borrow::Cow;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::document::limits::MAX_DOCUMENT_BYTES;
use crate::document::{Entity, split, validate};
use crate::translate::keys::Key;
use crate::translate::{
    Attribute, Dropped, Event, Options, ParentPlace, Resource, Scope, SpanKind, SpanLink, SpanView,
    Status, Value, from_document, to_documents,
};
use crate::{SegmentId, TraceId};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        Just(String::new()),
        Just("https://ada:pw@shop.example:8443/cart?id=1".to_owned()),
        Just("aws-api".to_owned()),
        Just("LOCAL_ROOT".to_owned()),
        Just("postgresql".to_owned()),
        Just("10.0.0.9".to_owned()),
        Just("{\"a\":1}".to_owned()),
        Just("é".repeat(1_200)),
        Just("E: m\n\tat a.B.c(B.java:7)\nCaused by: F\n\t... 2 more".to_owned()),
        (100_u16..600).prop_map(|status| status.to_string()),
    ]
}

fn value() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (0_i64..1_000).prop_map(Value::Int),
        any::<f64>().prop_map(Value::Double),
        vec(any::<u8>(), 0..5).prop_map(|bytes| Value::Bytes(Cow::Owned(bytes))),
        Just(Value::Empty),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let member = (text(), inner.clone()).prop_map(|(key, value)| Attribute::new(key, value));
        prop_oneof![vec(inner, 0..4).prop_map(Value::List), vec(member, 0..4).prop_map(Value::Map)]
    })
}

fn key() -> impl Strategy<Value = String> {
    let known = (0..Key::COUNT).prop_map(|place| Key::ALL[place].text().to_owned());
    let special = prop::sample::select(vec![
        "aws.xray.metadata.ns",
        "aws.xray.metadata.AWS.x",
        "aws.xray.metadata.tracing",
        "exception.type",
        "exception.message",
        "exception.stacktrace",
        "service.name",
        "cloud.platform",
        "cloud.provider",
        "telemetry.sdk.language",
        "faas.id",
        "message.type",
    ]);
    prop_oneof![4 => known, 1 => any::<String>(), 1 => special.prop_map(str::to_owned)]
}

fn attributes(most: usize) -> impl Strategy<Value = Vec<Attribute<'static>>> {
    let attribute = (key(), value()).prop_map(|(key, value)| Attribute::new(key, value));
    vec(attribute, 0..most)
}

fn kind() -> impl Strategy<Value = SpanKind> {
    prop::sample::select(vec![
        SpanKind::Unspecified,
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ])
}

fn span() -> impl Strategy<Value = SpanView<'static>> {
    let ids = (any::<[u8; 16]>(), 1_u64.., proptest::option::of(1_u64..));
    let place =
        prop::sample::select(vec![ParentPlace::Unknown, ParentPlace::Local, ParentPlace::Remote]);
    let event_name = prop_oneof![Just("exception".to_owned()), text()];
    let event =
        (event_name, any::<u64>(), attributes(5)).prop_map(|(name, time_ns, attributes)| Event {
            name: Cow::Owned(name),
            time_ns,
            attributes,
        });
    let link = (any::<[u8; 16]>(), 1_u64.., text(), attributes(2)).prop_map(
        |(trace_id, id, trace_state, attributes)| SpanLink {
            trace_id: TraceId::from_bytes(trace_id),
            id: SegmentId::from_u64(id),
            trace_state: Cow::Owned(trace_state),
            attributes,
        },
    );
    let status = prop_oneof![
        Just(Status::Unset),
        Just(Status::Ok),
        text().prop_map(|text| Status::Error(Cow::Owned(text)))
    ];
    let said = (attributes(14), vec(event, 0..4), vec(link, 0..25), status);
    let rest = (text(), text(), attributes(2), any::<[u32; 3]>());
    (ids, place, kind(), any::<[u64; 2]>(), said, rest).prop_map(
        |(ids, parent, kind, times, (attributes, events, links, status), rest)| SpanView {
            parent_id: ids.2.map(SegmentId::from_u64),
            parent,
            kind,
            start_ns: times[0],
            end_ns: times[1],
            attributes,
            events,
            links,
            status,
            trace_state: Cow::Owned(rest.1),
            scope: Scope {
                name: Cow::Owned(rest.0.clone()),
                attributes: rest.2,
                ..Scope::default()
            },
            dropped: Dropped { attributes: rest.3[0], events: rest.3[1], links: rest.3[2] },
            ..SpanView::new(TraceId::from_bytes(ids.0), SegmentId::from_u64(ids.1), rest.0)
        },
    )
}

fn resource() -> impl Strategy<Value = Resource> {
    (attributes(8), any::<bool>(), vec(key(), 0..4)).prop_map(|(attributes, index_all, indexed)| {
        let options = Options { index_all, indexed, ..Options::default() };
        Resource::new(attributes, &options)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_document_keeps_the_rules(span in span(), resource in resource()) {
        for document in to_documents(&span, &resource) {
            let violations = validate(&document, 0);
            prop_assert!(violations.is_empty(), "{violations:?} {}", document.to_json());
            let read = Entity::parse(document.to_json().as_bytes()).unwrap();
            prop_assert_eq!(read, document);
        }
    }

    #[test]
    fn a_span_makes_the_same_documents_every_time(span in span(), resource in resource()) {
        let documents = to_documents(&span, &resource);
        prop_assert_eq!(&documents, &to_documents(&span, &resource));
        let ids: Vec<_> = documents.iter().map(|document| document.id).collect();
        prop_assert_eq!(ids[0], Some(span.id));
        prop_assert!(ids.len() == 1 || documents[0].parent_id == ids[1]);
    }

    #[test]
    fn what_is_split_fits(span in span(), resource in resource()) {
        for document in to_documents(&span, &resource) {
            for part in split(document, MAX_DOCUMENT_BYTES).documents {
                prop_assert!(part.len() <= MAX_DOCUMENT_BYTES);
            }
        }
    }

    #[test]
    fn no_attribute_without_a_place_is_lost(mut span in span(), names in vec("[a-z]{8}", 1..5)) {
        for (place, name) in names.iter().enumerate() {
            span.attributes.push(Attribute::new(format!("own.{name}.{place}"), name.clone()));
        }
        let documents = to_documents(&span, &Resource::default());
        let text: String = documents.iter().map(Entity::to_json).collect();
        for (place, name) in names.iter().enumerate() {
            let told = format!("\"own.{name}.{place}\":\"{name}\"");
            prop_assert!(text.contains(&told), "{told} {text}");
        }
    }

    #[test]
    fn documents_of_spans_come_back_by_way_of_spans(span in span(), resource in resource()) {
        for document in to_documents(&span, &resource) {
            let spans = from_document(&document).unwrap();
            let resource = Resource::new(spans.resource.clone(), &Options::default());
            let again = to_documents(&spans.spans[0], &resource);
            prop_assert_eq!(again, vec![document]);
        }
    }
}
