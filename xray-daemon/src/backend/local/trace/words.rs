//! What an entity is called in lists and rows: short, for people.
//!
//! In: an entity. Out: text of bounded length, not escaped. Owns nothing.

use xray_tracing::document::{Aws, Entity, Http, Sql};

use super::{Callee, CalleeKind, RowKind};

/// Most characters of a name or detail.
const MAX_CHARS: usize = 200;
/// Most characters of a statement.
const MAX_STATEMENT_CHARS: usize = 80;

/// The path of a URL, without query; the text itself if it is none.
pub(super) fn url_path(url: &str) -> &str {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/"),
        None => url,
    };
    path.split(['?', '#']).next().unwrap_or(path)
}

/// Icon, name and detail of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) kind: RowKind,
    pub(super) name: String,
    pub(super) detail: String,
}

impl Words {
    pub(super) fn segment(entity: &Entity) -> Self {
        let span_name = || span_name(entity).map(str::to_owned);
        let detail = entity.http.as_ref().and_then(request).or_else(span_name);
        Self::new(RowKind::Service, &entity.name, &detail.unwrap_or_default())
    }

    pub(super) fn subsegment(entity: &Entity, callee: Option<&Callee>) -> Self {
        let request = || entity.http.as_ref().and_then(request);
        match callee.map(|callee| callee.kind) {
            None => Self::new(RowKind::Local, &entity.name, &request().unwrap_or_default()),
            Some(CalleeKind::Remote) => {
                Self::new(RowKind::Remote, &entity.name, &request().unwrap_or_default())
            }
            Some(CalleeKind::Sql) => {
                let statement = entity.sql.as_ref().and_then(statement);
                Self::new(RowKind::Sql, &entity.name, &statement.unwrap_or_default())
            }
            Some(CalleeKind::Aws) => Self::aws(entity),
        }
    }

    /// `stock`, `DynamoDB UpdateItem`.
    fn aws(entity: &Entity) -> Self {
        let operation = entity.aws.as_ref().and_then(|aws| aws.operation.as_deref());
        let kind = aws_kind(&entity.name);
        match (entity.aws.as_ref().and_then(resource_name), operation) {
            (Some(resource), Some(operation)) => {
                Self::new(kind, resource, &format!("{} {operation}", entity.name))
            }
            (Some(resource), None) => Self::new(kind, resource, &entity.name),
            (None, operation) => Self::new(kind, &entity.name, operation.unwrap_or_default()),
        }
    }

    fn new(kind: RowKind, name: &str, detail: &str) -> Self {
        Self { kind, name: cut(name, MAX_CHARS), detail: cut(detail, MAX_CHARS) }
    }
}

/// `POST /products`.
pub(super) fn request(http: &Http) -> Option<String> {
    let path = http.request.url.as_deref().map(url_path);
    match (http.request.method.as_deref(), path) {
        (Some(method), Some(path)) => Some(format!("{method} {path}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

/// The name of the span that became the segment, which itself is named after the service: so our
/// layer writes it.
pub(super) fn span_name(entity: &Entity) -> Option<&str> {
    let name = entity.metadata.get("tracing")?.get("span")?.as_str()?;
    Some(name).filter(|name| *name != entity.name)
}

/// What a statement does to what: `INSERT INTO products`, `SELECT FROM products`.
fn statement(sql: &Sql) -> Option<String> {
    let query = sql.sanitized_query.as_deref()?;
    let mut words = query.split_whitespace();
    let verb = words.next()?.to_ascii_uppercase();
    let after = |before: &str| {
        let mut words = query.split_whitespace();
        words.find(|word| word.eq_ignore_ascii_case(before))?;
        words.next().map(table).filter(|table| !table.is_empty())
    };
    let short = match verb.as_str() {
        "SELECT" => after("FROM").map(|table| format!("SELECT FROM {table}")),
        "INSERT" => after("INTO").map(|table| format!("INSERT INTO {table}")),
        "DELETE" => after("FROM").map(|table| format!("DELETE FROM {table}")),
        "UPDATE" => words.next().map(|word| format!("UPDATE {}", table(word))),
        _ => None,
    };
    let whole = || query.split_whitespace().take(20).collect::<Vec<_>>().join(" ");
    Some(cut(&short.unwrap_or_else(whole), MAX_STATEMENT_CHARS))
}

/// A table without what is written against it: `products(id,name)`, `"products";`.
fn table(word: &str) -> &str {
    let end = word.find(['(', ',', ';', ')']).unwrap_or(word.len());
    word.get(..end).unwrap_or(word).trim_matches(['"', '`', '[', ']'])
}

fn aws_kind(service: &str) -> RowKind {
    let service = service.to_ascii_lowercase();
    let is_any = |words: &[&str]| words.iter().any(|word| service.contains(word));
    if is_any(&["dynamo", "elasticache", "memorydb", "dax"]) {
        RowKind::KeyValue
    } else if is_any(&["sqs", "sns", "kinesis", "firehose", "eventbridge", "events", "kafka"]) {
        RowKind::Queue
    } else {
        RowKind::Aws
    }
}

/// The last part of whatever names the resource: a table, a queue's URL, a topic's ARN.
fn resource_name(aws: &Aws) -> Option<&str> {
    let other = |member: &str| aws.extra.get(member).and_then(|name| name.as_str());
    let last = |name: &'_ str, separator: char| name.rfind(separator).map_or(0, |at| at + 1);
    let queue = aws.queue_url.as_deref().and_then(|url| url.get(last(url, '/')..));
    let topic = other("topic_arn").and_then(|arn| arn.get(last(arn, ':')..));
    [aws.table_name.as_deref(), other("bucket_name"), queue, topic, other("function_name")]
        .into_iter()
        .flatten()
        .find(|name| !name.is_empty())
}

fn cut(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
