//! What counts as an exception: ERROR events that carry an error, and panics.
//!
//! In: events, and threads that unwind. Out: exceptions with their chain of causes, in a
//! [`Scratch`]. Owns a note of the last panic of each thread. An ERROR event with a field `error` or
//! `exception` is an exception; a message alone is not.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core::field::Visit;
use tracing_core::{Event, Field};

use super::body::Body;
use super::record::{ExceptionRecord, Name, Text};
use super::scratch::{Bounded, Scratch, cut_text};
#[cfg(feature = "aws")]
use crate::document::cut_bytes;

/// Longest chain of causes that is followed.
const MAX_CHAIN: usize = 8;
/// Longest name of an error's type.
const MAX_KIND_BYTES: usize = 100;
/// Type of an error of which only the text is known.
const UNKNOWN_KIND: &str = "Error";

/// Reads the error of an event into the scratch; false if it has none.
pub(crate) fn read_event(event: &Event<'_>, scratch: &mut Scratch) -> bool {
    let mut reader = ErrorReader { scratch, comment: Text::default() };
    event.record(&mut reader);
    let comment = reader.comment;
    let meta = event.metadata();
    let Some(first) = scratch.body.exceptions.first_mut() else { return false };
    first.comment = comment;
    first.file = meta.file().map(Name::Static);
    first.line = meta.line().unwrap_or(0);
    first.label = meta.module_path().map(Name::Static);
    true
}

struct ErrorReader<'a> {
    scratch: &'a mut Scratch,
    comment: Text,
}

impl ErrorReader<'_> {
    fn is_error(&self, field: &Field) -> bool {
        matches!(field.name(), "error" | "exception") && self.scratch.body.exceptions.is_empty()
    }
}

impl Visit for ErrorReader<'_> {
    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        if self.is_error(field) {
            add_chain(self.scratch, error);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.is_error(field) {
            let message = cut_text(&mut self.scratch.body, value);
            let kind = self.scratch.body.add_text(UNKNOWN_KIND);
            push(&mut self.scratch.body, kind, message);
        } else if field.name() == "message" {
            self.comment = cut_text(&mut self.scratch.body, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.is_error(field) {
            let message = self.scratch.debug_text(value);
            let kind = self.scratch.body.add_text(UNKNOWN_KIND);
            push(&mut self.scratch.body, kind, message);
        } else if field.name() == "message" {
            self.comment = self.scratch.debug_text(value);
        }
    }
}

/// Adds an error of which only the text is known.
#[cfg(feature = "tower")]
pub(crate) fn add_message(scratch: &mut Scratch, message: &str) {
    let message = cut_text(&mut scratch.body, message);
    let kind = scratch.body.add_text(UNKNOWN_KIND);
    push(&mut scratch.body, kind, message);
}

/// Adds an error and what caused it, outermost first.
pub(crate) fn add_chain(scratch: &mut Scratch, error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    for left in (0..MAX_CHAIN).rev() {
        let Some(error) = next else { return };
        next = error.source();
        let message = scratch.debug_text(&format_args!("{error}"));
        let kind = kind_of(&mut scratch.body, error);
        let added = push(&mut scratch.body, kind, message);
        added.has_cause = left > 0 && next.is_some();
    }
}

/// The first exception is of this type, and happened elsewhere.
#[cfg(feature = "aws")]
pub(crate) fn name_remote(scratch: &mut Scratch, kind: &str) {
    let kind = scratch.body.add_text(cut_bytes(kind, MAX_KIND_BYTES));
    if let Some(first) = scratch.body.exceptions.first_mut() {
        (first.kind, first.is_remote) = (kind, true);
    }
}

/// The name that most errors' `Debug` begins with: `ParseIntError { kind: Empty }`.
fn kind_of(body: &mut Body, error: &(dyn Error + 'static)) -> Text {
    let start = body.text_bytes();
    let mut bounded = Bounded { text: body.text_mut(), left: MAX_KIND_BYTES };
    // Fails when there is no more room: that is the point.
    let complete = fmt::write(&mut bounded, format_args!("{error:?}")).is_ok();
    let printed = body.text(body.text_since(start));
    let name = printed.len() - printed.trim_start_matches(is_name).len();
    let rest = printed.get(name..).unwrap_or_default();
    let is_type = printed.starts_with(|first: char| first.is_ascii_uppercase())
        && (rest.starts_with(" {")
            || rest.starts_with(['{', '('])
            || (rest.is_empty() && complete));
    let kept = if is_type { name } else { 0 };
    body.text_mut().truncate(start + kept);
    if !is_type {
        body.text_mut().push_str(UNKNOWN_KIND);
    }
    body.text_since(start)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Adds an exception without record; it gets one when the scratch is copied to a trace.
fn push(body: &mut Body, kind: Text, message: Text) -> &mut ExceptionRecord {
    body.add_exception(ExceptionRecord {
        record: 0,
        id: fastrand::u64(1..),
        kind,
        message,
        has_cause: false,
        is_remote: false,
        comment: Text::default(),
        file: None,
        line: 0,
        label: None,
    })
}

/// A panic, as the hook saw it.
#[derive(Clone, Debug, Default)]
struct LastPanic {
    number: u64,
    message: String,
    file: String,
    line: u32,
}

thread_local! {
    static LAST_PANIC: RefCell<LastPanic> = const {
        RefCell::new(LastPanic { number: 0, message: String::new(), file: String::new(), line: 0 })
    };
}

/// Remembers message and place of a panic for the spans that it will unwind.
pub(crate) fn note_panic(panic: &PanicHookInfo<'_>) {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let message = panic.payload_as_str().unwrap_or("a value that is not text");
    let location = panic.location();
    let note = LastPanic {
        number: NUMBER.fetch_add(1, Ordering::Relaxed),
        message: message.to_owned(),
        file: location.map(|at| at.file().to_owned()).unwrap_or_default(),
        line: location.map_or(0, std::panic::Location::line),
    };
    // Not a second panic, whatever happens.
    drop(LAST_PANIC.try_with(|last| last.try_borrow_mut().map(|mut last| *last = note)));
}

/// Number of the panic that unwinds this thread; 0 when the hook is not installed.
pub(crate) fn panic_number() -> u64 {
    LAST_PANIC.try_with(|last| last.try_borrow().map_or(0, |last| last.number)).unwrap_or(0)
}

/// Describes that panic, in the scratch; returns the exception's id.
pub(crate) fn read_panic(scratch: &mut Scratch) -> u64 {
    let panic = LAST_PANIC.try_with(|last| last.try_borrow().map(|last| last.clone()));
    let panic = panic.ok().and_then(Result::ok).unwrap_or_default();
    let said = if panic.number == 0 { "panicked" } else { &panic.message };
    let message = cut_text(&mut scratch.body, said);
    let kind = scratch.body.add_text("panic");
    let file = (!panic.file.is_empty()).then(|| Name::Text(scratch.body.add_text(&panic.file)));
    let exception = push(&mut scratch.body, kind, message);
    (exception.file, exception.line) = (file, panic.line);
    exception.id
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cart 7 cannot be loaded")]
    struct LoadCart {
        #[source]
        source: io::Error,
    }

    fn chain(error: &(dyn Error + 'static)) -> Vec<(String, String, bool)> {
        Scratch::with(|scratch| {
            add_chain(scratch, error);
            let text = |text| scratch.body.text(text).to_owned();
            let exceptions = scratch.body.exceptions.iter();
            exceptions.map(|e| (text(e.kind), text(e.message), e.has_cause)).collect()
        })
    }

    #[test]
    fn an_error_brings_its_causes_with_it() {
        let source = io::Error::other("connection reset".parse::<u8>().unwrap_err());
        assert_eq!(
            chain(&LoadCart { source }),
            [
                ("LoadCart".to_owned(), "cart 7 cannot be loaded".to_owned(), true),
                ("Custom".to_owned(), "invalid digit found in string".to_owned(), false),
            ]
        );
    }

    #[test]
    fn an_error_that_prints_no_type_is_just_an_error() {
        #[derive(thiserror::Error)]
        #[error("no")]
        struct Quoted(&'static str);
        impl fmt::Debug for Quoted {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
        let kind = |debug| chain(&Quoted(debug)).remove(0).0;
        assert_eq!(kind("\"text\""), "Error");
        assert_eq!(kind("Something went wrong"), "Error");
        assert_eq!(kind("Io { code: 5 }"), "Io");
        assert_eq!(kind("NotFound"), "NotFound");
        assert_eq!(kind("Wrapped(1)"), "Wrapped");
        assert_eq!(kind("lower case"), "Error");
        assert_eq!(kind(""), "Error");
    }

    #[test]
    fn a_long_chain_is_cut() {
        fn endless(depth: u32) -> Option<Box<io::Error>> {
            let next = (depth > 0).then(|| endless(depth - 1)).flatten();
            Some(Box::new(match next {
                Some(next) => io::Error::other(Link(next)),
                None => io::Error::other("the end"),
            }))
        }
        #[derive(Debug, thiserror::Error)]
        #[error("link")]
        struct Link(#[source] Box<io::Error>);
        let chain = chain(&*endless(50).unwrap());
        assert_eq!(chain.len(), MAX_CHAIN);
        assert!(!chain[MAX_CHAIN - 1].2);
    }
}
