//! Reads the blocks of a document: `http`, `aws`, `sql`, `cause`, `service`, `links`.
//!
//! In: a JSON value. Out: the block, with what it does not know in `extra`; or the value, if it is
//! no block at all. Owns nothing.

use serde_json::Value;

use super::read_values::{
    bool, extend, object, segment_id, set, set_some, sort_members, status, text, trace_id, unsigned,
};
use super::{
    Aws, Cause, CauseDetail, Exception, Http, HttpRequest, HttpResponse, Link, Service, Sql,
    StackFrame,
};

pub(super) fn link(value: Value) -> Result<Link, Value> {
    let mut link = Link::default();
    link.extra = sort_members(object(value)?, |key, value| match key {
        "trace_id" => set_some(&mut link.trace_id, value, trace_id),
        "id" => set_some(&mut link.id, value, segment_id),
        _ => Err(value),
    });
    Ok(link)
}

pub(super) fn cause(value: Value) -> Result<Cause, Value> {
    let mut detail = CauseDetail::default();
    let object = match value {
        Value::String(id) => return Ok(Cause::ExceptionId(id)),
        other => object(other)?,
    };
    detail.extra = sort_members(object, |key, value| match key {
        "working_directory" => set_some(&mut detail.working_directory, value, text),
        "paths" => extend(&mut detail.paths, value, text),
        "exceptions" => extend(&mut detail.exceptions, value, exception),
        _ => Err(value),
    });
    Ok(Cause::Detail(detail))
}

fn exception(value: Value) -> Result<Exception, Value> {
    let mut exception = Exception::default();
    exception.extra = sort_members(object(value)?, |key, value| match key {
        "id" => set_some(&mut exception.id, value, text),
        "message" => set_some(&mut exception.message, value, text),
        "type" => set_some(&mut exception.exception_type, value, text),
        "remote" => set(&mut exception.remote, value, bool),
        "truncated" => set_some(&mut exception.truncated, value, unsigned),
        "skipped" => set_some(&mut exception.skipped, value, unsigned),
        "cause" => set_some(&mut exception.cause, value, text),
        "stack" => extend(&mut exception.stack, value, frame),
        _ => Err(value),
    });
    Ok(exception)
}

fn frame(value: Value) -> Result<StackFrame, Value> {
    let mut frame = StackFrame::default();
    frame.extra = sort_members(object(value)?, |key, value| match key {
        "path" => set_some(&mut frame.path, value, text),
        "line" => set_some(&mut frame.line, value, unsigned),
        "label" => set_some(&mut frame.label, value, text),
        _ => Err(value),
    });
    Ok(frame)
}

pub(super) fn http(value: Value) -> Result<Http, Value> {
    let mut http = Http::default();
    http.extra = sort_members(object(value)?, |key, value| match key {
        "request" => set(&mut http.request, value, http_request),
        "response" => set(&mut http.response, value, http_response),
        _ => Err(value),
    });
    Ok(http)
}

fn http_request(value: Value) -> Result<HttpRequest, Value> {
    let mut request = HttpRequest::default();
    request.extra = sort_members(object(value)?, |key, value| match key {
        "method" => set_some(&mut request.method, value, text),
        "url" => set_some(&mut request.url, value, text),
        "user_agent" => set_some(&mut request.user_agent, value, text),
        "client_ip" => set_some(&mut request.client_ip, value, text),
        "x_forwarded_for" => set(&mut request.x_forwarded_for, value, bool),
        "traced" => set(&mut request.traced, value, bool),
        _ => Err(value),
    });
    Ok(request)
}

fn http_response(value: Value) -> Result<HttpResponse, Value> {
    let mut response = HttpResponse::default();
    response.extra = sort_members(object(value)?, |key, value| match key {
        "status" => set_some(&mut response.status, value, status),
        "content_length" => set_some(&mut response.content_length, value, unsigned),
        _ => Err(value),
    });
    Ok(response)
}

pub(super) fn aws(value: Value) -> Result<Aws, Value> {
    let mut aws = Aws::default();
    aws.extra = sort_members(object(value)?, |key, value| match key {
        "operation" => set_some(&mut aws.operation, value, text),
        "region" => set_some(&mut aws.region, value, text),
        "account_id" => set_some(&mut aws.account_id, value, text),
        "request_id" => set_some(&mut aws.request_id, value, text),
        "table_name" => set_some(&mut aws.table_name, value, text),
        "queue_url" => set_some(&mut aws.queue_url, value, text),
        "retries" => set_some(&mut aws.retries, value, unsigned),
        _ => Err(value),
    });
    Ok(aws)
}

pub(super) fn sql(value: Value) -> Result<Sql, Value> {
    let mut sql = Sql::default();
    sql.extra = sort_members(object(value)?, |key, value| match key {
        "connection_string" => set_some(&mut sql.connection_string, value, text),
        "url" => set_some(&mut sql.url, value, text),
        "sanitized_query" => set_some(&mut sql.sanitized_query, value, text),
        "database_type" => set_some(&mut sql.database_type, value, text),
        "database_version" => set_some(&mut sql.database_version, value, text),
        "driver_version" => set_some(&mut sql.driver_version, value, text),
        "user" => set_some(&mut sql.user, value, text),
        "preparation" => set_some(&mut sql.preparation, value, text),
        _ => Err(value),
    });
    Ok(sql)
}

pub(super) fn service(value: Value) -> Result<Service, Value> {
    let mut service = Service::default();
    service.extra = sort_members(object(value)?, |key, value| match key {
        "version" => set_some(&mut service.version, value, text),
        _ => Err(value),
    });
    Ok(service)
}
