//! Causes as exception events.

use std::borrow::Cow;
use std::fmt::Write;

use crate::document::{Cause, Entity, Exception};
use crate::translate::{Attribute, Event};

/// An `exception` event for each exception. They happened some time before `time_ns`.
pub(super) fn events_of(entity: &Entity, time_ns: u64) -> Vec<Event<'_>> {
    let Some(Cause::Detail(detail)) = &entity.cause else { return Vec::new() };
    let event = |exception| Event {
        name: Cow::Borrowed("exception"),
        time_ns,
        attributes: attributes_of(exception),
    };
    detail.exceptions.iter().map(event).collect()
}

/// The message of the first exception, for the span's status.
pub(super) fn message_of(entity: &Entity) -> &str {
    let Some(Cause::Detail(detail)) = &entity.cause else { return "" };
    let said = detail.extra.get("message").and_then(|message| message.as_str());
    let first = || detail.exceptions.first()?.message.as_deref();
    said.or_else(first).unwrap_or_default()
}

fn attributes_of(exception: &Exception) -> Vec<Attribute<'_>> {
    let mut attributes = Vec::new();
    if let Some(type_name) = &exception.exception_type {
        attributes.push(Attribute::new("exception.type", type_name.as_str()));
    }
    if let Some(message) = &exception.message {
        attributes.push(Attribute::new("exception.message", message.as_str()));
    }
    if !exception.stack.is_empty() {
        attributes.push(Attribute::new("exception.stacktrace", stack_of(exception)));
    }
    attributes
}

/// The stack as Java prints it: what every backend can show and our own parser reads.
fn stack_of(exception: &Exception) -> String {
    let mut text = String::new();
    text.push_str(exception.exception_type.as_deref().unwrap_or("exception"));
    if let Some(message) = &exception.message {
        text.push_str(": ");
        text.push_str(message);
    }
    for frame in &exception.stack {
        let label = frame.label.as_deref().unwrap_or_default();
        let path = frame.path.as_deref().unwrap_or_default();
        // Writing to a string cannot fail.
        match frame.line {
            Some(line) => write!(text, "\n\tat {label}({path}:{line})").ok(),
            None => write!(text, "\n\tat {label}({path})").ok(),
        };
    }
    if let Some(count) = exception.truncated.filter(|count| *count > 0) {
        write!(text, "\n\t... {count} more").ok();
    }
    text
}
