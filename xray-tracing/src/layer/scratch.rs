//! Reads the fields of spans, into a buffer of this thread.
//!
//! In: `tracing` values. Out: keys and values, to be copied into a trace. Owns one buffer a thread.
//! A user's `Debug` runs here, where no lock of ours is held: it may take its time, take locks or
//! make spans of its own. What it prints is cut after 16 kB.

use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Write};

use tracing_core::Field;
use tracing_core::field::Visit;

use super::body::Body;
use super::record::{Key, Text, Value};
use crate::TraceHeader;
use crate::document::cut_bytes;

/// Most bytes of one value.
pub(crate) const MAX_VALUE_BYTES: usize = 16 * 1024;
/// Stands where a value was cut.
pub(crate) const CUT_MARK: &str = "…";

/// Values read, not yet part of a trace.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Loose values, exceptions, and the text of both.
    pub(crate) body: Body,
    /// The segment's user.
    pub(crate) user: Option<Value>,
    /// Some of the values are [rare](Key::is_rare).
    pub(crate) has_rare: bool,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Scratch {
    /// Runs `work` with an empty buffer: this thread's, or, inside a `Debug` that makes spans, one
    /// of its own.
    pub(crate) fn with<R>(work: impl FnOnce(&mut Self) -> R) -> R {
        let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
        let result = work(&mut scratch);
        scratch.body.clear();
        scratch.user = None;
        scratch.has_rare = false;
        // Without thread-locals, at the very end of a thread, it is just freed.
        SCRATCH.try_with(|kept| kept.set(Some(scratch))).ok();
        result
    }

    pub(crate) fn add(&mut self, key: Key, value: Value) {
        match key {
            Key::User => self.user = Some(value),
            key => {
                self.has_rare |= key.is_rare();
                self.body.add_loose_field(key, value);
            }
        }
    }

    pub(crate) fn add_text(&mut self, key: Key, text: &str) {
        let value = Value::Text(cut_text(&mut self.body, text));
        self.add(key, value);
    }

    /// Adds a link to another trace; nothing if the header names none.
    pub(crate) fn add_link(&mut self, header: &TraceHeader) {
        let Some(trace_id) = header.root else { return };
        let link = match header.parent {
            Some(id) => format!(r#"{{"trace_id":"{trace_id}","id":"{id}"}}"#),
            None => format!(r#"{{"trace_id":"{trace_id}"}}"#),
        };
        let link = Value::Json(self.body.add_text(&link));
        self.add(Key::Link, link);
    }

    /// Prints `value` with `Debug`.
    pub(crate) fn debug_text(&mut self, value: &dyn fmt::Debug) -> Text {
        let start = self.body.text_bytes();
        let mut bounded = Bounded { text: self.body.text_mut(), left: MAX_VALUE_BYTES };
        // Stops early when there is no room; a value that fails of itself leaves what it wrote.
        if write!(bounded, "{value:?}").is_err() && bounded.left == 0 {
            self.body.text_mut().push_str(CUT_MARK);
        }
        self.body.text_since(start)
    }
}

/// Values as text, by name: what sampling rules compare. Without any it allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Attributes(Vec<(String, String)>);

impl Attributes {
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl Scratch {
    /// What was read so far. A field `annotation.tenant` is known as `tenant` as well.
    pub(crate) fn attributes(&self) -> Attributes {
        let mut attributes = Vec::new();
        for (key, value) in self.body.loose_fields() {
            let value = self.body.value_text(value);
            let mut add = |name: &str| attributes.push((name.to_owned(), value.to_string()));
            match key {
                Key::Field(name) => {
                    add(name);
                    let prefixes = ["annotation.", "metadata."];
                    prefixes.iter().filter_map(|prefix| name.strip_prefix(prefix)).for_each(add);
                }
                Key::Annotation(name) => add(self.body.text(name)),
                _ => {}
            }
        }
        Attributes(attributes)
    }
}

/// Adds `text`, cut after [`MAX_VALUE_BYTES`].
pub(crate) fn cut_text(body: &mut Body, text: &str) -> Text {
    if text.len() <= MAX_VALUE_BYTES {
        return body.add_text(text);
    }
    let start = body.text_bytes();
    body.text_mut().push_str(cut_bytes(text, MAX_VALUE_BYTES));
    body.text_mut().push_str(CUT_MARK);
    body.text_since(start)
}

/// Writes text up to a limit, then fails.
pub(crate) struct Bounded<'a> {
    pub(crate) text: &'a mut String,
    pub(crate) left: usize,
}

impl Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.left {
            self.left -= text.len();
            self.text.push_str(text);
            return Ok(());
        }
        self.text.push_str(cut_bytes(text, self.left));
        self.left = 0;
        Err(fmt::Error)
    }
}

fn key_of(field: &Field) -> Key {
    match field.name() {
        "user" => Key::User,
        name => Key::Field(name),
    }
}

impl Visit for Scratch {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(key_of(field), Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(key_of(field), Value::Unsigned(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(key_of(field), Value::Float(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(key_of(field), Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add_text(key_of(field), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = self.debug_text(value);
        self.add(key_of(field), Value::Text(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_prints_is_cut() {
        let text = |value: &dyn fmt::Debug| {
            Scratch::with(|scratch| {
                let text = scratch.debug_text(value);
                scratch.body.text(text).to_owned()
            })
        };
        assert_eq!(text(&format_args!("short")), "short");
        let long = "é".repeat(MAX_VALUE_BYTES);
        let cut = text(&format_args!("{long}"));
        assert_eq!(cut.len(), MAX_VALUE_BYTES + CUT_MARK.len());
        assert!(cut.ends_with("é…"));
    }

    #[test]
    fn a_debug_that_records_itself_gets_a_buffer_of_its_own() {
        struct Nested;
        impl fmt::Debug for Nested {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let inner = Scratch::with(|scratch| {
                    let text = scratch.debug_text(&1);
                    scratch.body.text(text).to_owned()
                });
                write!(f, "inner {inner}")
            }
        }
        let outer = Scratch::with(|scratch| {
            let text = scratch.debug_text(&Nested);
            scratch.body.text(text).to_owned()
        });
        assert_eq!(outer, "inner 1");
    }
}
