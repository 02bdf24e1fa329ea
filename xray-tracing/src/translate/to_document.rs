//! Makes segments and subsegments of a span.
//!
//! In: a span and its resource. Out: one document, or two where a call is also the first span of its
//! service. Owns the order of work: each block ticks off the attributes it says, what is left
//! becomes annotations and metadata. Infallible: names, texts and counts are made to fit, nothing is
//! lost but by a mark. Sizes are for [`split`](crate::document::split). Hot path: a span of an HTTP
//! request takes about 5 µs (`benches/translate.rs`).

use serde_json::Value as Json;

use super::annotations::{self, Annotations};
use super::attributes::Attributes;
use super::ids::{Derived, derive};
use super::keys::Key;
use super::resource::Resource;
use super::role::{Role, namespace, role};
use super::time::epoch_s;
use super::view::{SpanKind, SpanView, Status, Value};
use super::{aws, cause, http, links, metadata, naming, overlay, sql};
use crate::SegmentId;
use crate::document::limits::MAX_TEXT_CHARS;
use crate::document::{Aws, Cause, Entity, Kind, Object};

/// What the service segment above a call does not say of it. Rule: the Collector's `awsxray`
/// exporter.
const OF_THE_CALL: [Key; 4] = [
    Key::AwsRemoteService,
    Key::AwsRemoteOperation,
    Key::RemoteTarget,
    Key::KubernetesRemoteNamespace,
];

/// The documents of `span`, mostly one. Those of [`SpanView`] show an example.
pub fn to_documents(span: &SpanView<'_>, resource: &Resource) -> Vec<Entity> {
    let mut documents = converted(span, resource);
    overlay::apply(&span.attributes, &mut documents);
    documents
}

/// What the span says in its own words, before what a document said of itself.
pub(super) fn converted(span: &SpanView<'_>, resource: &Resource) -> Vec<Entity> {
    let mut attributes = Attributes::new(&span.attributes);
    let role = role(span, &attributes);
    let user = match role {
        Role::Subsegment => None,
        _ => attributes.take_text_of(&[Key::EnduserId, Key::UserId], MAX_TEXT_CHARS),
    };
    match role {
        Role::Segment => {
            let parent = span.parent_id;
            let segment = Entity { user, ..document(span, &mut attributes, resource, role) };
            vec![Entity { parent_id: parent, ..segment }]
        }
        Role::Subsegment => vec![document(span, &mut attributes, resource, role)],
        Role::CallAndService => {
            let id = derive(span.trace_id, span.id, Derived::Service);
            let call = document(span, &mut attributes, resource, role);
            let service = Entity { user, ..service_above(id, &call, span, resource) };
            vec![Entity { parent_id: Some(id), ..call }, service]
        }
    }
}

/// The one document that a span's own words make.
fn document(
    span: &SpanView<'_>,
    attributes: &mut Attributes<'_>,
    resource: &Resource,
    role: Role,
) -> Entity {
    let mut entity = identity(span, attributes, resource, role);
    let flags = Flags::of(http::status(attributes), &span.status);
    (entity.fault, entity.error, entity.throttle) = (flags.fault, flags.error, flags.throttle);
    entity.http = http::http(attributes, span, role);
    let found = cause::cause(span, attributes, resource);
    entity.cause = found.cause;
    let mut annotations = Annotations::default();
    let mut of_resource = Object::new();
    if role == Role::Segment {
        of_resource = add_resource(&mut entity, &mut annotations, resource);
        add_segment_parts(&mut entity, attributes);
    } else {
        entity.aws = aws::call(attributes);
        entity.sql = sql::sql(attributes);
    }
    // A consumer's links lead to who sent the messages: the service's business.
    if !(role == Role::CallAndService && span.kind == SpanKind::Consumer) {
        entity.links = links::links(&span.links);
    }
    annotations::of_span(attributes, &resource.indexing, &mut annotations);
    entity.annotations = annotations.list;
    entity.metadata = metadata::of_attributes(attributes, of_resource);
    let details = metadata::of_span(span, &entity, role, &found.said);
    if !details.is_empty() {
        metadata::merge(&mut entity.metadata, metadata::TRACING, details);
    }
    entity
}

fn identity(
    span: &SpanView<'_>,
    attributes: &mut Attributes<'_>,
    resource: &Resource,
    role: Role,
) -> Entity {
    let is_segment = role == Role::Segment;
    let mut entity = Entity {
        kind: if is_segment { Kind::Segment } else { Kind::Subsegment },
        name: match role {
            Role::Segment => naming::service_name(span, attributes, resource),
            _ => naming::callee_name(span, attributes, role),
        },
        id: Some(span.id),
        trace_id: Some(span.trace_id),
        parent_id: span.parent_id,
        start_time_s: Some(epoch_s(span.start_ns)),
        namespace: match role {
            Role::Segment => None,
            _ => namespace(span, attributes, role).map(str::to_owned),
        },
        ..Entity::default()
    };
    if let Some(Value::Bool(in_progress)) = attributes.get(Key::XrayInProgress) {
        entity.in_progress = *in_progress;
        attributes.tick(Key::XrayInProgress);
    }
    if !entity.in_progress {
        // Clocks step back: an end before the start would be refused.
        entity.end_time_s = Some(epoch_s(span.end_ns.max(span.start_ns)));
    }
    entity
}

/// Adds what the resource says of a segment; returns the metadata.
fn add_resource(entity: &mut Entity, annotations: &mut Annotations, resource: &Resource) -> Object {
    annotations.list.extend_from_slice(&resource.annotations.list);
    entity.origin.clone_from(&resource.origin);
    entity.resource_arn.clone_from(&resource.resource_arn);
    entity.service.clone_from(&resource.service);
    entity.aws.clone_from(&resource.aws);
    resource.metadata.clone()
}

/// Adds what attributes say of a segment alone.
fn add_segment_parts(entity: &mut Entity, attributes: &mut Attributes<'_>) {
    if let Some(rule) = attributes.take_text(&[Key::XraySamplingRule]) {
        let aws = entity.aws.get_or_insert_with(Aws::default);
        let xray = aws.extra.entry("xray").or_insert_with(|| Json::Object(Object::new()));
        if let Json::Object(xray) = xray {
            xray.insert("sampling_rule_name".to_owned(), rule.into());
        }
    }
    if entity.origin.as_deref() == Some("AWS::Lambda::Function")
        && let Some(aws) = &mut entity.aws
    {
        aws.request_id = attributes.take_text(&[Key::FaasInvocationId]);
    }
}

/// The segment of the service above a call that is its first span.
fn service_above(id: SegmentId, call: &Entity, span: &SpanView<'_>, resource: &Resource) -> Entity {
    let attributes = Attributes::new(&span.attributes);
    let mut segment = Entity {
        kind: Kind::Segment,
        name: naming::service_name(span, &attributes, resource),
        id: Some(id),
        trace_id: call.trace_id,
        parent_id: span.parent_id,
        start_time_s: call.start_time_s,
        end_time_s: call.end_time_s,
        in_progress: call.in_progress,
        fault: call.fault,
        error: call.error,
        throttle: call.throttle,
        cause: call.cause.as_ref().and_then(described_below),
        ..Entity::default()
    };
    let mut annotations = Annotations::default();
    let of_resource = add_resource(&mut segment, &mut annotations, resource);
    let of_call: Vec<_> = OF_THE_CALL
        .map(|key| crate::document::sanitize_annotation_key(key.text()).into_owned())
        .into();
    let room = crate::document::limits::MAX_ANNOTATIONS.saturating_sub(annotations.list.len());
    let shared = call.annotations.iter().filter(|(key, _)| !of_call.contains(key)).take(room);
    annotations.list.extend(shared.cloned());
    segment.annotations = annotations.list;
    if !of_resource.is_empty() {
        segment.metadata.insert("default".to_owned(), Json::Object(of_resource));
    }
    if span.kind == SpanKind::Consumer {
        segment.links = links::links(&span.links);
    }
    segment
}

/// The id of the exception that the call's subsegment describes.
fn described_below(cause: &Cause) -> Option<Cause> {
    match cause {
        Cause::Detail(detail) => detail.exceptions.first()?.id.clone().map(Cause::ExceptionId),
        Cause::ExceptionId(id) => Some(Cause::ExceptionId(id.clone())),
    }
}

struct Flags {
    fault: bool,
    error: bool,
    throttle: bool,
}

impl Flags {
    /// By the HTTP status if it says something, else by the span's.
    fn of(code: Option<i64>, status: &Status<'_>) -> Self {
        let none = Self { fault: false, error: false, throttle: false };
        match code {
            Some(400..=499) => Self { error: true, throttle: code == Some(429), ..none },
            Some(500..=599) => Self { fault: true, ..none },
            _ => Self { fault: matches!(status, Status::Error(_)), ..none },
        }
    }
}
