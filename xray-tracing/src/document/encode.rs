//! Writes a segment as its document, straight into a byte buffer.
//!
//! In: an [`Entity`]. Out: compact JSON; what is empty, missing or false is left out. Owns nothing
//! and cannot fail. Members stand in the order in which the service gives documents back (id, name,
//! start_time, trace_id, end_time first), those it never gives back beside their like. Unknown
//! members come last.

use serde_json::Value;

use super::json::Writer;
use super::{
    AnnotationValue, Aws, Cause, CauseDetail, Entity, Exception, Http, HttpRequest, HttpResponse,
    Kind, Link, Object, Service, Sql, StackFrame,
};
use crate::SegmentId;

impl Entity {
    /// Appends the document to `out`. [`parse`](Self::parse) reads it back as the same value, if
    /// all its numbers are finite.
    ///
    /// ```
    /// use xray_tracing::document::Entity;
    /// let entity = Entity { name: "cart".into(), start_time_s: Some(1.5), ..Entity::default() };
    /// let mut document = Vec::new();
    /// entity.encode(&mut document);
    /// assert_eq!(document, br#"{"name":"cart","start_time":1.5}"#);
    /// ```
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_entity(&mut Writer::new(out), self, Place::Document);
    }

    /// The document as text.
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.encode(&mut out);
        // Every part of it was text before.
        String::from_utf8(out).unwrap_or_default()
    }
}

/// Where an entity stands: an embedded subsegment needs no `type`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    Embedded,
}

fn write_entity(json: &mut Writer<'_>, entity: &Entity, place: Place) {
    json.open_object();
    write_identity(json, entity);
    if place == Place::Document && entity.kind == Kind::Subsegment {
        text(json, "type", Some("subsegment"));
    }
    flag(json, "inferred", entity.inferred);
    flag(json, "fault", entity.fault);
    flag(json, "error", entity.error);
    flag(json, "throttle", entity.throttle);
    block(json, "cause", entity.cause.as_ref(), write_cause);
    block(json, "http", entity.http.as_ref(), write_http);
    block(json, "aws", entity.aws.as_ref(), write_aws);
    block(json, "sql", entity.sql.as_ref(), write_sql);
    block(json, "service", entity.service.as_ref(), write_service);
    text(json, "user", entity.user.as_deref());
    write_annotations(json, entity);
    if !entity.metadata.is_empty() {
        json.key("metadata");
        write_object(json, &entity.metadata);
    }
    text(json, "origin", entity.origin.as_deref());
    text(json, "resource_arn", entity.resource_arn.as_deref());
    list(json, "links", &entity.links, &entity.extra, write_link);
    list(json, "precursor_ids", &entity.precursor_ids, &entity.extra, write_id);
    list(json, "subsegments", &entity.subsegments, &entity.extra, |json, child| {
        write_entity(json, child, Place::Embedded);
    });
    text(json, "namespace", entity.namespace.as_deref());
    write_rest(json, &entity.extra, |key| match key {
        "annotations" => !entity.annotations.is_empty(),
        "links" => !entity.links.is_empty(),
        "precursor_ids" => !entity.precursor_ids.is_empty(),
        "subsegments" => !entity.subsegments.is_empty(),
        _ => false,
    });
    json.close_object();
}

fn write_identity(json: &mut Writer<'_>, entity: &Entity) {
    id(json, "id", entity.id);
    if !entity.name.is_empty() {
        text(json, "name", Some(&entity.name));
    }
    time(json, "start_time", entity.start_time_s);
    if let Some(trace_id) = entity.trace_id {
        json.key("trace_id");
        json.trace_id(trace_id);
    }
    time(json, "end_time", entity.end_time_s);
    flag(json, "in_progress", entity.in_progress);
    id(json, "parent_id", entity.parent_id);
}

fn write_annotations(json: &mut Writer<'_>, entity: &Entity) {
    if entity.annotations.is_empty() {
        return;
    }
    json.key("annotations");
    json.open_object();
    for (key, value) in &entity.annotations {
        json.key(key);
        match value {
            AnnotationValue::String(text) => json.text(text),
            AnnotationValue::Number(number) => json.float(*number),
            AnnotationValue::Bool(bool) => json.bool(*bool),
        }
    }
    if let Some(Value::Object(unusable)) = entity.extra.get("annotations") {
        write_rest(json, unusable, |_| false);
    }
    json.close_object();
}

fn write_cause(json: &mut Writer<'_>, cause: &Cause) {
    match cause {
        Cause::ExceptionId(id) => json.text(id),
        Cause::Detail(detail) => write_cause_detail(json, detail),
    }
}

fn write_cause_detail(json: &mut Writer<'_>, cause: &CauseDetail) {
    json.open_object();
    text(json, "working_directory", cause.working_directory.as_deref());
    list(json, "paths", &cause.paths, &cause.extra, |json, path| json.text(path));
    list(json, "exceptions", &cause.exceptions, &cause.extra, write_exception);
    write_rest(json, &cause.extra, |key| match key {
        "paths" => !cause.paths.is_empty(),
        "exceptions" => !cause.exceptions.is_empty(),
        _ => false,
    });
    json.close_object();
}

fn write_exception(json: &mut Writer<'_>, exception: &Exception) {
    json.open_object();
    text(json, "id", exception.id.as_deref());
    text(json, "message", exception.message.as_deref());
    text(json, "type", exception.exception_type.as_deref());
    flag(json, "remote", exception.remote);
    unsigned(json, "truncated", exception.truncated);
    unsigned(json, "skipped", exception.skipped);
    text(json, "cause", exception.cause.as_deref());
    list(json, "stack", &exception.stack, &exception.extra, write_frame);
    write_rest(json, &exception.extra, |key| key == "stack" && !exception.stack.is_empty());
    json.close_object();
}

fn write_frame(json: &mut Writer<'_>, frame: &StackFrame) {
    json.open_object();
    text(json, "path", frame.path.as_deref());
    unsigned(json, "line", frame.line);
    text(json, "label", frame.label.as_deref());
    write_rest(json, &frame.extra, |_| false);
    json.close_object();
}

fn write_http(json: &mut Writer<'_>, http: &Http) {
    json.open_object();
    if http.request != HttpRequest::default() {
        block(json, "request", Some(&http.request), write_http_request);
    }
    if http.response != HttpResponse::default() {
        block(json, "response", Some(&http.response), write_http_response);
    }
    write_rest(json, &http.extra, |_| false);
    json.close_object();
}

fn write_http_request(json: &mut Writer<'_>, request: &HttpRequest) {
    json.open_object();
    text(json, "method", request.method.as_deref());
    text(json, "url", request.url.as_deref());
    text(json, "user_agent", request.user_agent.as_deref());
    text(json, "client_ip", request.client_ip.as_deref());
    flag(json, "x_forwarded_for", request.x_forwarded_for);
    flag(json, "traced", request.traced);
    write_rest(json, &request.extra, |_| false);
    json.close_object();
}

fn write_http_response(json: &mut Writer<'_>, response: &HttpResponse) {
    json.open_object();
    unsigned(json, "status", response.status.map(u64::from));
    unsigned(json, "content_length", response.content_length);
    write_rest(json, &response.extra, |_| false);
    json.close_object();
}

fn write_aws(json: &mut Writer<'_>, aws: &Aws) {
    json.open_object();
    text(json, "operation", aws.operation.as_deref());
    text(json, "region", aws.region.as_deref());
    text(json, "account_id", aws.account_id.as_deref());
    text(json, "request_id", aws.request_id.as_deref());
    text(json, "table_name", aws.table_name.as_deref());
    text(json, "queue_url", aws.queue_url.as_deref());
    unsigned(json, "retries", aws.retries);
    write_rest(json, &aws.extra, |_| false);
    json.close_object();
}

fn write_sql(json: &mut Writer<'_>, sql: &Sql) {
    json.open_object();
    text(json, "connection_string", sql.connection_string.as_deref());
    text(json, "url", sql.url.as_deref());
    text(json, "sanitized_query", sql.sanitized_query.as_deref());
    text(json, "database_type", sql.database_type.as_deref());
    text(json, "database_version", sql.database_version.as_deref());
    text(json, "driver_version", sql.driver_version.as_deref());
    text(json, "user", sql.user.as_deref());
    text(json, "preparation", sql.preparation.as_deref());
    write_rest(json, &sql.extra, |_| false);
    json.close_object();
}

fn write_service(json: &mut Writer<'_>, service: &Service) {
    json.open_object();
    text(json, "version", service.version.as_deref());
    write_rest(json, &service.extra, |_| false);
    json.close_object();
}

fn write_link(json: &mut Writer<'_>, link: &Link) {
    json.open_object();
    if let Some(trace_id) = link.trace_id {
        json.key("trace_id");
        json.trace_id(trace_id);
    }
    id(json, "id", link.id);
    write_rest(json, &link.extra, |_| false);
    json.close_object();
}

fn write_id(json: &mut Writer<'_>, id: &SegmentId) {
    json.segment_id(*id);
}

fn write_object(json: &mut Writer<'_>, object: &Object) {
    json.open_object();
    write_rest(json, object, |_| false);
    json.close_object();
}

/// The members that the model does not know, without those that `written` says are out already.
fn write_rest(json: &mut Writer<'_>, extra: &Object, written: impl Fn(&str) -> bool) {
    for (key, value) in extra {
        if !written(key) {
            json.key(key);
            json.value(value);
        }
    }
}

fn text(json: &mut Writer<'_>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        json.key(key);
        json.text(value);
    }
}

fn unsigned(json: &mut Writer<'_>, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        json.key(key);
        json.unsigned(value);
    }
}

fn flag(json: &mut Writer<'_>, key: &str, value: bool) {
    if value {
        json.key(key);
        json.bool(true);
    }
}

fn id(json: &mut Writer<'_>, key: &str, value: Option<SegmentId>) {
    if let Some(value) = value {
        json.key(key);
        json.segment_id(value);
    }
}

/// A time that is no number would make the document unreadable: it is left out.
fn time(json: &mut Writer<'_>, key: &str, epoch_s: Option<f64>) {
    if let Some(epoch_s) = epoch_s.filter(|epoch_s| epoch_s.is_finite()) {
        json.key(key);
        json.float(epoch_s);
    }
}

fn block<T>(
    json: &mut Writer<'_>,
    key: &str,
    value: Option<&T>,
    write: impl Fn(&mut Writer<'_>, &T),
) {
    if let Some(value) = value {
        json.key(key);
        write(json, value);
    }
}

/// A list, and behind its elements those of the same list that the model could not read.
fn list<T>(
    json: &mut Writer<'_>,
    key: &str,
    values: &[T],
    extra: &Object,
    write: impl Fn(&mut Writer<'_>, &T),
) {
    if values.is_empty() {
        return;
    }
    json.key(key);
    json.open_array();
    for value in values {
        write(json, value);
    }
    if let Some(Value::Array(unusable)) = extra.get(key) {
        for value in unusable {
            json.value(value);
        }
    }
    json.close_array();
}
