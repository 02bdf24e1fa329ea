//! The `http`, `aws` and `sql` blocks as attributes of today's conventions.

use crate::document::{Entity, Http, Kind, Sql};
use crate::translate::url::{default_port, split};
use crate::translate::{Attribute, SpanKind, Value, sql};

type Attributes<'a> = Vec<Attribute<'a>>;

pub(super) fn http_of<'a>(http: &'a Http, kind: SpanKind, attributes: &mut Attributes<'a>) {
    let request = &http.request;
    put(attributes, "http.request.method", request.method.as_deref());
    put(attributes, "url.full", request.url.as_deref());
    if kind == SpanKind::Server
        && let Some(parts) = request.url.as_deref().and_then(split)
    {
        put(attributes, "url.scheme", Some(parts.scheme));
        let (path, query) = parts.rest.split_once('?').unwrap_or((parts.rest, ""));
        put(attributes, "url.path", Some(if path.is_empty() { "/" } else { path }));
        put(attributes, "url.query", Some(query));
    }
    if let Some(parts) = request.url.as_deref().and_then(split) {
        put(attributes, "server.address", Some(parts.host));
        let port = if parts.port.is_empty() { default_port(parts.scheme) } else { parts.port };
        put_number(attributes, "server.port", port.parse().ok());
    }
    put(attributes, "user_agent.original", request.user_agent.as_deref());
    put(attributes, "client.address", request.client_ip.as_deref());
    let response = &http.response;
    put_number(attributes, "http.response.status_code", response.status.map(u64::from));
    put_number(attributes, "http.response.body.size", response.content_length);
}

/// The call of an AWS service. What runs a segment is the resource's.
pub(super) fn aws_of<'a>(entity: &'a Entity, attributes: &mut Attributes<'a>) {
    let is_aws = entity.namespace.as_deref() == Some("aws");
    if is_aws {
        put(attributes, "rpc.system", Some("aws-api"));
        put(attributes, "rpc.service", Some(&entity.name));
    }
    let Some(aws) = &entity.aws else { return };
    if let Some(rule) = aws.extra.get("xray").and_then(|xray| xray["sampling_rule_name"].as_str()) {
        put(attributes, "aws.xray.sampling_rule_name", Some(rule));
    }
    if entity.kind == Kind::Segment {
        return;
    }
    let operation = if is_aws { "rpc.method" } else { "aws.operation" };
    put(attributes, operation, aws.operation.as_deref());
    put(attributes, "aws.region", aws.region.as_deref());
    put(attributes, "aws.account_id", aws.account_id.as_deref());
    put(attributes, "aws.request_id", aws.request_id.as_deref());
    put(attributes, "aws.table_name", aws.table_name.as_deref());
    put(attributes, "aws.queue_url", aws.queue_url.as_deref());
    put_number(attributes, "http.request.resend_count", aws.retries);
    for (member, key) in [
        ("id_2", "aws.extended_request_id"),
        ("bucket_name", "aws.s3.bucket"),
        ("key", "aws.s3.key"),
        ("topic_arn", "aws.sns.topic.arn"),
        ("stream_name", "aws.kinesis.stream_name"),
        ("function_name", "faas.invoked_name"),
    ] {
        put(attributes, key, aws.extra.get(member).and_then(|value| value.as_str()));
    }
}

pub(super) fn sql_of<'a>(sql: &'a Sql, attributes: &mut Attributes<'a>) {
    if let Some(database) = &sql.database_type {
        attributes.push(Attribute::new("db.system.name", system_name(database)));
    }
    put(attributes, "db.query.text", sql.sanitized_query.as_deref());
    put(attributes, "db.user", sql.user.as_deref());
    let url = sql.url.as_deref().map(|url| url.strip_prefix("jdbc:").unwrap_or(url));
    let Some(parts) = url.and_then(split) else { return };
    put(attributes, "server.address", Some(parts.host));
    put_number(attributes, "server.port", parts.port.parse().ok());
    let database = parts.rest.split(['?', ';']).next().unwrap_or_default();
    put(attributes, "db.namespace", database.strip_prefix('/'));
}

/// `PostgreSQL`, as SDKs of X-Ray write it, is `postgresql`.
fn system_name(database: &str) -> String {
    let lower = database.to_ascii_lowercase();
    if sql::speaks_sql(&lower) { lower } else { database.to_owned() }
}

/// Adds a text that is not empty.
fn put<'a>(attributes: &mut Attributes<'a>, key: &'static str, text: Option<&'a str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        attributes.push(Attribute::new(key, text));
    }
}

fn put_number(attributes: &mut Attributes<'_>, key: &'static str, number: Option<u64>) {
    if let Some(number) = number.and_then(|number| i64::try_from(number).ok()) {
        attributes.push(Attribute::new(key, Value::Int(number)));
    }
}
