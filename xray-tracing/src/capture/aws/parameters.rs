//! Reads the recorded parameters off requests and replies.
//!
//! In: a request about to be sent, of either protocol: JSON bodies, forms, or path and query. Out:
//! members of the `aws` block. Owns what it read until the call ends. Bodies over 256 kB are not
//! looked at, and values over 2 kB are left out.

use std::borrow::Cow;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::{Map, Value as Json};

use super::reply::Reply;
use super::resources::{self, Recorded};
use crate::layer::record::{Key, Value};
use crate::layer::scratch::Scratch;

/// Most bytes of a body that is parsed.
pub(super) const MAX_BODY_BYTES: usize = 256 * 1024;
/// Most bytes of one value.
const MAX_VALUE_BYTES: usize = 2 * 1024;

/// What a request says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sent {
    members: Vec<(String, Json)>,
    /// What the call is about: a table, a queue, a bucket, a topic, a function.
    resource: Option<String>,
}

impl Sent {
    pub(super) fn read(service: &str, operation: &str, request: &HttpRequest) -> Self {
        let recorded = resources::of(service, operation);
        let mut sent = Self::default();
        match service {
            "S3" => sent.read_s3(request),
            "Lambda" => sent.read_lambda(request),
            "SageMaker Runtime" => {
                if let Some(name) = path_part(request, "/endpoints/") {
                    sent.put("endpoint_name", Json::String(name));
                }
            }
            _ if recorded != Recorded::default() => sent.read_body(&recorded, request),
            _ => {}
        }
        sent.resource = sent.name_resource();
        sent
    }

    fn read_body(&mut self, recorded: &Recorded, request: &HttpRequest) {
        let body = request.body().bytes().filter(|body| body.len() <= MAX_BODY_BYTES);
        let Some(body) = body else { return };
        let is_form = request
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let body = if is_form {
            form(body)
        } else {
            match serde_json::from_slice(body) {
                Ok(Json::Object(body)) => body,
                _ => return,
            }
        };
        self.read_members(&body, recorded.request, recorded.counted);
        if let Some((name, under)) = recorded.keys
            && let Some(Json::Object(map)) = body.get(name)
        {
            self.put(under, map.keys().cloned().collect());
        }
    }

    fn read_members(
        &mut self,
        body: &Map<String, Json>,
        names: &[&str],
        counted: Option<(&str, &str)>,
    ) {
        for name in names {
            if let Some(value) = body.get(*name).filter(|value| !value.is_null()) {
                self.put(&snake_case(name), value.clone());
            }
        }
        if let Some((name, under)) = counted
            && let Some(list) = body.get(name)
        {
            let entries = list.as_array().map_or(0, Vec::len);
            self.put(under, entries.into());
        }
    }

    /// The bucket stands in the host or in the path, the key behind it.
    fn read_s3(&mut self, request: &HttpRequest) {
        let (host, path, query) = parts(request.uri());
        let label = host.split_once(".s3").filter(|(_, rest)| rest.starts_with(['.', '-']));
        let (bucket, key) = match label {
            Some((bucket, _)) => (bucket, path.trim_start_matches('/')),
            None => {
                path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_matches('/'), ""))
            }
        };
        if !bucket.is_empty() {
            self.put("bucket_name", decoded(bucket).into_owned().into());
        }
        if !key.is_empty() {
            self.put("key", decoded(key).into_owned().into());
        }
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let under = match name {
                "versionId" => "version_id",
                "prefix" => "prefix",
                "delimiter" => "delimiter",
                "max-keys" => "max_keys",
                "uploadId" => "upload_id",
                "partNumber" => "part_number",
                _ => continue,
            };
            self.put(under, decoded(value).into_owned().into());
        }
    }

    fn read_lambda(&mut self, request: &HttpRequest) {
        let Some(name) = path_part(request, "/functions/") else { return };
        self.put("function_name", name.into());
        for (header, under) in
            [("x-amz-invocation-type", "invocation_type"), ("x-amz-log-type", "log_type")]
        {
            if let Some(value) = request.headers().get(header) {
                self.put(under, value.into());
            }
        }
        let (_, _, query) = parts(request.uri());
        let qualifier = query.split('&').find_map(|pair| pair.strip_prefix("Qualifier="));
        if let Some(qualifier) = qualifier {
            self.put("qualifier", decoded(qualifier).into_owned().into());
        }
    }

    fn put(&mut self, name: &str, value: Json) {
        if value.to_string().len() <= MAX_VALUE_BYTES {
            self.members.push((name.to_owned(), value));
        }
    }

    fn name_resource(&self) -> Option<String> {
        const NAMES: [&str; 8] = [
            "table_name",
            "queue_url",
            "queue_name",
            "bucket_name",
            "topic_arn",
            "function_name",
            "stream_name",
            "state_machine_arn",
        ];
        let found = self.members.iter().find(|(name, _)| NAMES.contains(&name.as_str()))?;
        let (name, value) = (found.0.as_str(), found.1.as_str()?);
        // Of a queue's URL, the last part is its name.
        let short = if name == "queue_url" { value.rsplit('/').next()? } else { value };
        Some(short.to_owned())
    }

    pub(super) fn write(&self, scratch: &mut Scratch) {
        for (name, value) in &self.members {
            write(name, value, scratch);
        }
        if let Some(resource) = &self.resource {
            let names = Json::Array(vec![resource.as_str().into()]);
            write("resource_names", &names, scratch);
        }
    }
}

/// Writes what is recorded of a reply.
pub(super) fn write_reply(service: &str, operation: &str, reply: &Reply, scratch: &mut Scratch) {
    let recorded = resources::of(service, operation);
    if recorded.response.is_empty() && recorded.counted_response.is_none() {
        return;
    }
    let Some(body) = reply.json() else { return };
    let mut read = Sent::default();
    read.read_members(body, recorded.response, recorded.counted_response);
    read.write(scratch);
}

fn write(name: &str, value: &Json, scratch: &mut Scratch) {
    let key = Key::AwsNamed(scratch.body.add_text(name));
    match value {
        Json::String(text) => scratch.add_text(key, text),
        other => {
            let json = Value::Json(scratch.body.add_text(&other.to_string()));
            scratch.add(key, json);
        }
    }
}

/// What follows `before` in the path, up to the next slash.
fn path_part(request: &HttpRequest, before: &str) -> Option<String> {
    let (_, path, _) = parts(request.uri());
    let (_, rest) = path.split_once(before)?;
    let part = rest.split('/').next().filter(|part| !part.is_empty())?;
    Some(decoded(part).into_owned())
}

/// Host, path and query of a URL.
fn parts(url: &str) -> (&str, &str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    match rest.find('/') {
        Some(at) => {
            let (host, path) = rest.split_at(at);
            (host, path, query)
        }
        None => (rest, "", query),
    }
}

/// `Action=Publish&TopicArn=…`.
fn form(body: &[u8]) -> Map<String, Json> {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decoded(name).into_owned(), decoded(value).into_owned().into()))
        .collect()
}

/// Text with `%xx` resolved; what is no such code stays.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = (*first == b'%').then(|| behind.first_chunk::<2>()).flatten();
        let code = code.and_then(|code| {
            let digits = std::str::from_utf8(code).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// `TableName` is `table_name`, `QueueOwnerAWSAccountId` is `queue_owner_aws_account_id`.
pub(super) fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, char) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let begins_word = char.is_uppercase()
            && before.is_some_and(|before| {
                let next_is_lower = chars.get(at + 1).is_some_and(|next| next.is_lowercase());
                !before.is_uppercase() || next_is_lower
            });
        if begins_word {
            snake.push('_');
        }
        snake.extend(char.to_lowercase());
    }
    snake
}
