//! Entities and documents at random, for the property tests of this folder. Strategies are boxed, since
//! their types, nested, would not fit on the stack of a test.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    AnnotationValue, Aws, Cause, CauseDetail, Entity, Exception, Http, HttpRequest, HttpResponse,
    Kind, Link, Object, Service, Sql, StackFrame,
};
use crate::{SegmentId, TraceId};

/// Any segment or independent subsegment, up to three levels of subsegments, members that the
/// model does not know among them.
pub(crate) fn entity() -> impl Strategy<Value = Entity> {
    let child = plain().prop_map(|entity| Entity { kind: Kind::Subsegment, ..entity }).boxed();
    let tree = child.prop_recursive(3, 12, 4, |child| {
        (plain(), vec(child, 0..4)).prop_map(|(entity, subsegments)| Entity {
            kind: Kind::Subsegment,
            subsegments,
            ..entity
        })
    });
    (plain(), vec(tree, 0..4), any::<bool>()).prop_map(|(entity, subsegments, independent)| {
        Entity {
            kind: if independent { Kind::Subsegment } else { Kind::Segment },
            subsegments,
            ..entity
        }
    })
}

/// An object with the model's own member names and values of any type.
pub(super) fn odd_object() -> impl Strategy<Value = Value> {
    const NAMES: [&str; 28] = [
        "name",
        "id",
        "trace_id",
        "parent_id",
        "type",
        "start_time",
        "end_time",
        "in_progress",
        "namespace",
        "origin",
        "user",
        "fault",
        "cause",
        "http",
        "request",
        "response",
        "status",
        "content_length",
        "aws",
        "retries",
        "sql",
        "service",
        "annotations",
        "metadata",
        "links",
        "exceptions",
        "stack",
        "line",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        finite().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("70de5b6f19ff9a0a")),
        Just(json!("1-5f29ab21-d4ebf299219a65bd5c31d6da")),
        Just(json!("200")),
    ];
    let any_value = leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            vec((prop::sample::select(&NAMES[..]), inner.clone()), 0..8).prop_map(members),
            (vec(inner, 0..4)).prop_map(|children| json!({ "subsegments": children })),
        ]
    });
    vec((prop::sample::select(&NAMES[..]), any_value), 0..12).prop_map(members)
}

fn members(members: Vec<(&str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn plain() -> BoxedStrategy<Entity> {
    (identity(), (blocks(), said()), lists())
        .prop_map(|(identity, (blocks, said), lists)| Entity {
            cause: blocks.cause,
            http: blocks.http,
            aws: blocks.aws,
            sql: blocks.sql,
            service: blocks.service,
            user: said.user,
            origin: said.origin,
            resource_arn: said.resource_arn,
            namespace: said.namespace,
            annotations: lists.annotations,
            metadata: lists.metadata,
            links: lists.links,
            precursor_ids: lists.precursor_ids,
            extra: lists.extra,
            ..identity
        })
        .boxed()
}

fn identity() -> BoxedStrategy<Entity> {
    let ids = (option::of(segment_id()), option::of(trace_id()), option::of(segment_id()));
    let times = (option::of(finite()), option::of(finite()));
    (any::<String>(), ids, times, any::<[bool; 5]>())
        .prop_map(|(name, ids, times, flags)| Entity {
            name,
            id: ids.0,
            trace_id: ids.1,
            parent_id: ids.2,
            start_time_s: times.0,
            end_time_s: times.1,
            in_progress: flags[0],
            inferred: flags[1],
            fault: flags[2],
            error: flags[3],
            throttle: flags[4],
            ..Entity::default()
        })
        .boxed()
}

fn blocks() -> BoxedStrategy<Entity> {
    let blocks =
        (option::of(cause()), option::of(http()), option::of(aws()), option::of(sql()), extra());
    blocks
        .prop_map(|(cause, http, aws, sql, extra)| Entity {
            cause,
            http,
            aws,
            sql,
            service: Some(Service { version: Some("1.2".into()), extra }),
            ..Entity::default()
        })
        .boxed()
}

fn said() -> BoxedStrategy<Entity> {
    (words(), words(), words(), words())
        .prop_map(|(user, origin, resource_arn, namespace)| Entity {
            user,
            origin,
            resource_arn,
            namespace,
            ..Entity::default()
        })
        .boxed()
}

fn lists() -> BoxedStrategy<Entity> {
    let link = (option::of(trace_id()), option::of(segment_id()), extra())
        .prop_map(|(trace_id, id, extra)| Link { trace_id, id, extra });
    let metadata = btree_map("[a-z]{1,8}", extra().prop_map(Value::Object), 0..3);
    let lists = (annotations(), metadata, vec(link, 0..3), vec(segment_id(), 0..3), extra());
    lists
        .prop_map(|(annotations, metadata, links, precursor_ids, extra)| Entity {
            annotations,
            metadata: metadata.into_iter().collect(),
            links,
            precursor_ids,
            extra,
            ..Entity::default()
        })
        .boxed()
}

fn annotations() -> BoxedStrategy<Vec<(String, AnnotationValue)>> {
    let value = prop_oneof![
        any::<String>().prop_map(AnnotationValue::String),
        finite().prop_map(AnnotationValue::Number),
        any::<bool>().prop_map(AnnotationValue::Bool),
    ];
    btree_map("[A-Za-z0-9_]{1,12}", value, 0..5).prop_map(|map| map.into_iter().collect()).boxed()
}

fn cause() -> BoxedStrategy<Cause> {
    let frame = (words(), option::of(any::<u64>()), words(), extra())
        .prop_map(|(path, line, label, extra)| StackFrame { path, line, label, extra });
    let exception = (words(), words(), any::<bool>(), option::of(any::<u64>()), vec(frame, 0..4))
        .prop_map(|(message, exception_type, remote, truncated, stack)| Exception {
            id: Some("abcdefghijklmnop".into()),
            message,
            exception_type,
            remote,
            truncated,
            stack,
            ..Exception::default()
        });
    let detail = (words(), vec(any::<String>(), 0..3), vec(exception, 0..3), extra()).prop_map(
        |(working_directory, paths, exceptions, extra)| {
            Cause::Detail(CauseDetail { working_directory, paths, exceptions, extra })
        },
    );
    prop_oneof![any::<String>().prop_map(Cause::ExceptionId), detail].boxed()
}

fn http() -> BoxedStrategy<Http> {
    let request =
        (words(), words(), any::<bool>(), extra()).prop_map(|(method, url, traced, extra)| {
            HttpRequest { method, url, traced, extra, ..HttpRequest::default() }
        });
    let response = (option::of(any::<u16>()), option::of(any::<u64>())).prop_map(
        |(status, content_length)| HttpResponse {
            status,
            content_length,
            ..HttpResponse::default()
        },
    );
    (request, response, extra())
        .prop_map(|(request, response, extra)| Http { request, response, extra })
        .boxed()
}

fn aws() -> BoxedStrategy<Aws> {
    (words(), words(), option::of(any::<u64>()), extra())
        .prop_map(|(operation, region, retries, extra)| Aws {
            operation,
            region,
            retries,
            extra,
            ..Aws::default()
        })
        .boxed()
}

fn sql() -> BoxedStrategy<Sql> {
    (words(), words(), extra())
        .prop_map(|(url, sanitized_query, extra)| Sql {
            url,
            sanitized_query,
            extra,
            ..Sql::default()
        })
        .boxed()
}

/// Members that no model knows: the names begin with `x_`.
fn extra() -> BoxedStrategy<Object> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        finite().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        vec(any::<bool>(), 0..3).prop_map(Value::from),
    ];
    btree_map("x_[a-z]{1,6}", value, 0..3).prop_map(|map| map.into_iter().collect()).boxed()
}

fn words() -> impl Strategy<Value = Option<String>> {
    option::of(any::<String>())
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("JSON has finite numbers only", |value| value.is_finite())
}

fn segment_id() -> impl Strategy<Value = SegmentId> {
    any::<u64>().prop_map(SegmentId::from_u64)
}

fn trace_id() -> impl Strategy<Value = TraceId> {
    any::<[u8; 16]>().prop_map(TraceId::from_bytes)
}
