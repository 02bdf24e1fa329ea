//! Writes what was said about a record: the `http` and `sql` blocks, annotations and metadata.
//!
//! In: the values of one record, in the order they came; of two with the same key the later counts.
//! Out: the members of its document. Owns nothing.

use std::borrow::Cow;

use super::body::{Body, Fields};
use super::record::{Field, Key, Value};
use crate::SegmentId;
use crate::document::json::Writer;
use crate::document::limits::{MAX_ANNOTATION_VALUE_CHARS, MAX_HTTP_TEXT_CHARS, MAX_LINKS};
use crate::document::{cut_chars, sanitize_annotation_key};

/// How far is looked ahead for a later value of the same key. (Farther ones stand twice: JSON
/// readers take one of them.)
const LOOK_AHEAD: usize = 64;

/// The `http` block.
#[derive(Debug, Default)]
pub(crate) struct HttpValues<'a> {
    method: Option<&'a str>,
    url: Option<&'a str>,
    user_agent: Option<&'a str>,
    client_ip: Option<&'a str>,
    forwarded_for: bool,
    status: Option<u64>,
    content_length: Option<u64>,
    is_empty: bool,
}

impl<'a> HttpValues<'a> {
    pub(crate) fn of(body: &'a Body, fields: Fields<'a>) -> Self {
        let mut http = Self { is_empty: true, ..Self::default() };
        for field in fields {
            let text = || body.text_of(field.value);
            match field.key {
                Key::Method => http.method = text(),
                Key::Url => http.url = text(),
                Key::UserAgent => http.user_agent = text(),
                Key::ClientIp => http.client_ip = text(),
                Key::ForwardedFor => http.forwarded_for = true,
                Key::Status => http.status = unsigned(field.value),
                Key::ContentLength => http.content_length = unsigned(field.value),
                _ => continue,
            }
            http.is_empty = false;
        }
        http
    }

    pub(crate) fn write(&self, json: &mut Writer<'_>) {
        if self.is_empty {
            return;
        }
        json.literal_key("\"http\":");
        json.open_object();
        json.literal_key("\"request\":");
        json.open_object();
        let texts = [
            ("method", self.method),
            ("url", self.url),
            ("user_agent", self.user_agent),
            ("client_ip", self.client_ip),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                json.key(key);
                json.text(cut_chars(text, MAX_HTTP_TEXT_CHARS));
            }
        }
        if self.forwarded_for {
            json.literal_key("\"x_forwarded_for\":");
            json.bool(true);
        }
        json.close_object();
        if self.status.is_some() || self.content_length.is_some() {
            json.literal_key("\"response\":");
            json.open_object();
            let numbers = [("status", self.status), ("content_length", self.content_length)];
            for (key, number) in numbers {
                if let Some(number) = number {
                    json.key(key);
                    json.unsigned(number);
                }
            }
            json.close_object();
        }
        json.close_object();
    }
}

/// The `sql` block.
#[derive(Debug, Default)]
pub(crate) struct SqlValues<'a> {
    url: Option<&'a str>,
    query: Option<&'a str>,
    database: Option<&'a str>,
    user: Option<&'a str>,
}

impl<'a> SqlValues<'a> {
    pub(crate) fn of(body: &'a Body, fields: Fields<'a>) -> Self {
        let mut sql = Self::default();
        for field in fields {
            let text = || body.text_of(field.value);
            match field.key {
                Key::SqlUrl => sql.url = text(),
                Key::SqlQuery => sql.query = text(),
                Key::SqlDatabase => sql.database = text(),
                Key::SqlUser => sql.user = text(),
                _ => {}
            }
        }
        sql
    }

    pub(crate) fn write(&self, json: &mut Writer<'_>) {
        let texts = [
            ("url", self.url),
            ("sanitized_query", self.query),
            ("database_type", self.database),
            ("user", self.user),
        ];
        if texts.iter().all(|(_, text)| text.is_none()) {
            return;
        }
        json.literal_key("\"sql\":");
        json.open_object();
        for (key, text) in texts {
            if let Some(text) = text {
                json.key(key);
                json.text(text);
            }
        }
        json.close_object();
    }
}

/// Writes the `aws` block of a call.
pub(crate) fn write_aws(json: &mut Writer<'_>, body: &Body, fields: Fields<'_>) {
    json.literal_key("\"aws\":");
    json.open_object();
    for field in fields {
        match field.key {
            Key::Aws(key) => json.key(key),
            Key::AwsNamed(key) => json.key(body.text(key)),
            _ => continue,
        }
        write_value(json, body, field.value);
    }
    json.close_object();
}

/// Writes the traces that led to this one.
pub(crate) fn write_links(json: &mut Writer<'_>, body: &Body, fields: Fields<'_>) {
    let mut links = fields.filter(|field| field.key == Key::Link).take(MAX_LINKS).peekable();
    if links.peek().is_none() {
        return;
    }
    json.literal_key("\"links\":");
    json.open_array();
    for link in links {
        write_value(json, body, link.value);
    }
    json.close_array();
}

/// Writes the subsegments that this one waited for.
pub(crate) fn write_precursors(json: &mut Writer<'_>, fields: Fields<'_>) {
    let mut ids = fields.filter(|field| field.key == Key::Precursor).peekable();
    if ids.peek().is_none() {
        return;
    }
    json.literal_key("\"precursor_ids\":");
    json.open_array();
    for id in ids.filter_map(|field| unsigned(field.value)) {
        json.segment_id(SegmentId::from_u64(id));
    }
    json.close_array();
}

/// What a key asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Destination<'a> {
    Annotation(&'a str),
    Metadata(&'a str),
    Elsewhere,
}

/// Whether a record has annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Annotated {
    Yes,
    No,
}

/// What was said about a record.
pub(crate) struct Said<'a> {
    pub(crate) body: &'a Body,
    pub(crate) fields: Fields<'a>,
    pub(crate) is_segment: bool,
    /// A key may stand among the fields more than once.
    pub(crate) repeats: bool,
    /// Some values may have a namespace of their own.
    pub(crate) has_rare: bool,
}

impl<'a> Said<'a> {
    /// Writes the `metadata` block; a segment's `span_name` has a namespace of its own.
    pub(crate) fn write_metadata(&self, json: &mut Writer<'_>, span_name: &str) -> Annotated {
        let mut annotated = Annotated::No;
        let (mut is_open, mut has_values) = (false, false);
        if !span_name.is_empty() {
            json.literal_key("\"metadata\":");
            json.open_object();
            json.literal_key("\"tracing\":");
            json.open_object();
            json.literal_key("\"span\":");
            json.text(span_name);
            json.close_object();
            is_open = true;
        }
        let mut fields = self.fields.clone();
        while let Some(field) = fields.next() {
            let to = self.destination(field.key);
            let key = match to {
                Destination::Metadata(key) => key,
                Destination::Annotation(_) => {
                    annotated = Annotated::Yes;
                    continue;
                }
                Destination::Elsewhere => continue,
            };
            if self.is_said_again(to, &fields) {
                continue;
            }
            if !is_open {
                json.literal_key("\"metadata\":");
                json.open_object();
                is_open = true;
            }
            if !has_values {
                json.literal_key("\"default\":");
                json.open_object();
                has_values = true;
            }
            json.key(key);
            write_value(json, self.body, field.value);
        }
        if has_values {
            json.close_object();
        }
        if self.has_rare {
            is_open = self.write_namespaces(json, is_open);
        }
        if is_open {
            json.close_object();
        }
        annotated
    }

    /// Writes the namespaces that are named, each once; returns whether the block is open.
    fn write_namespaces(&self, json: &mut Writer<'_>, mut is_open: bool) -> bool {
        let named = |field: &Field| match field.key {
            Key::MetadataIn { namespace, key } => {
                Some((self.body.text(namespace), self.body.text(key)))
            }
            _ => None,
        };
        let mut written: Vec<&str> = Vec::new();
        for (namespace, _) in self.fields.clone().filter_map(named) {
            if written.contains(&namespace) {
                continue;
            }
            written.push(namespace);
            if !is_open {
                json.literal_key("\"metadata\":");
                json.open_object();
                is_open = true;
            }
            json.key(namespace);
            json.open_object();
            let mut fields = self.fields.clone();
            while let Some(field) = fields.next() {
                let Some((of, key)) = named(field).filter(|(of, _)| *of == namespace) else {
                    continue;
                };
                let is_same = |later: &Field| named(later) == Some((of, key));
                if !fields.clone().take(LOOK_AHEAD).any(is_same) {
                    json.key(key);
                    write_value(json, self.body, field.value);
                }
            }
            json.close_object();
        }
        is_open
    }

    /// Writes the `annotations` block of a record that has some.
    pub(crate) fn write_annotations(&self, json: &mut Writer<'_>) {
        json.literal_key("\"annotations\":");
        json.open_object();
        let mut fields = self.fields.clone();
        while let Some(field) = fields.next() {
            let to = self.destination(field.key);
            let Destination::Annotation(key) = to else { continue };
            if self.is_said_again(to, &fields) {
                continue;
            }
            json.key(&sanitize_annotation_key(key));
            match field.value {
                Value::Text(text) | Value::Json(text) => {
                    json.text(cut_chars(self.body.text(text), MAX_ANNOTATION_VALUE_CHARS));
                }
                value => write_value(json, self.body, value),
            }
        }
        json.close_object();
    }

    fn is_said_again(&self, to: Destination<'_>, later: &Fields<'_>) -> bool {
        let is_same = |field: &Field| self.destination(field.key) == to;
        self.repeats && later.clone().take(LOOK_AHEAD).any(is_same)
    }

    fn destination(&self, key: Key) -> Destination<'a> {
        match key {
            Key::Field("otel.name") if !self.is_segment => Destination::Elsewhere,
            Key::Field(name) => match name.strip_prefix("annotation.") {
                Some(name) => Destination::Annotation(name),
                None => Destination::Metadata(name.strip_prefix("metadata.").unwrap_or(name)),
            },
            Key::Annotation(name) => Destination::Annotation(self.body.text(name)),
            Key::Metadata(name) => Destination::Metadata(self.body.text(name)),
            // Only a segment has a user of its own.
            Key::User if !self.is_segment => Destination::Metadata("user"),
            _ => Destination::Elsewhere,
        }
    }
}

fn write_value(json: &mut Writer<'_>, body: &Body, value: Value) {
    match value {
        Value::Signed(number) => json.signed(number),
        Value::Unsigned(number) => json.unsigned(number),
        Value::Float(number) if number.is_finite() => json.float(number),
        Value::Float(number) => json.text(&number.to_string()),
        Value::Bool(bool) => json.bool(bool),
        Value::Text(text) => json.text(body.text(text)),
        Value::Json(text) => json.raw(body.text(text)),
    }
}

fn unsigned(value: Value) -> Option<u64> {
    match value {
        Value::Unsigned(number) => Some(number),
        _ => None,
    }
}

impl Body {
    /// The text of a value that is text.
    fn text_of(&self, value: Value) -> Option<&str> {
        match value {
            Value::Text(text) => Some(self.text(text)),
            _ => None,
        }
    }

    /// Any value as text.
    pub(crate) fn value_text(&self, value: Value) -> Cow<'_, str> {
        match value {
            Value::Signed(number) => number.to_string().into(),
            Value::Unsigned(number) => number.to_string().into(),
            Value::Float(number) => number.to_string().into(),
            Value::Bool(bool) => bool.to_string().into(),
            Value::Text(text) | Value::Json(text) => self.text(text).into(),
        }
    }
}
