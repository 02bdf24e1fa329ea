//! What code inside a span can say and ask: annotations, metadata, user, the current trace.
//!
//! In: values, from anywhere below a segment. Out: the same to the current record; ids, decision and
//! header of the current trace. Owns nothing. Outside any segment nothing is recorded, and counted.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use tracing::Instrument;

use crate::document::cut_chars;
use crate::document::limits::MAX_ANNOTATION_KEY_CHARS as MAX_KEY_CHARS;
use crate::layer::ContextMissing;
use crate::layer::clock;
use crate::layer::current::{self, InContext};
use crate::layer::record::{Flags, Key, Value};
use crate::layer::scratch::{MAX_VALUE_BYTES, Scratch};
use crate::{SegmentId, TraceHeader, TraceId};

/// Least time between two log lines about a missing segment.
const TELL_EVERY_NS: u64 = 10_000_000_000;

/// A value for [`annotate`]: text, number or bool.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Annotation<'a> {
    /// Text, cut after 1,000 characters.
    Text(Cow<'a, str>),
    /// A whole number.
    Signed(i64),
    /// A whole number that may exceed [`i64::MAX`].
    Unsigned(u64),
    /// Any other number; what is not finite is kept as text.
    Float(f64),
    /// True or false.
    Bool(bool),
}

macro_rules! annotation_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Annotation<'_> {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

annotation_from! {
    String => Text, i8 => Signed, i16 => Signed, i32 => Signed, i64 => Signed, u8 => Unsigned,
    u16 => Unsigned, u32 => Unsigned, u64 => Unsigned, f32 => Float, f64 => Float, bool => Bool,
}

impl From<usize> for Annotation<'_> {
    fn from(value: usize) -> Self {
        Self::Unsigned(value as u64)
    }
}

impl<'a> From<&'a str> for Annotation<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Annotation<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

/// Adds an indexed value to the current span: filter expressions find it.
///
/// X-Ray indexes 50 a trace; keys are letters, digits, `_` and `.`, others become `_`. Where the
/// trace is not recorded this costs a few nanoseconds.
///
/// ```
/// let documents = xray_tracing::testing::capture(|| {
///     tracing::info_span!("checkout").in_scope(|| xray_tracing::annotate("tier", "gold"));
/// });
/// let expected = xray_tracing::document::AnnotationValue::String("gold".into());
/// assert_eq!(documents[0].annotations, [("tier".to_owned(), expected)]);
/// ```
pub fn annotate<'a>(key: &str, value: impl Into<Annotation<'a>>) {
    say("annotate", |scratch| {
        let key = Key::Annotation(scratch.body.add_text(cut_chars(key, MAX_KEY_CHARS)));
        match value.into() {
            Annotation::Text(text) => scratch.add_text(key, &text),
            Annotation::Signed(number) => scratch.add(key, Value::Signed(number)),
            Annotation::Unsigned(number) => scratch.add(key, Value::Unsigned(number)),
            Annotation::Float(number) => scratch.add(key, Value::Float(number)),
            Annotation::Bool(bool) => scratch.add(key, Value::Bool(bool)),
        }
    });
}

/// Adds a value of any shape to the current span; it is shown, not indexed.
///
/// It stands in the namespace `default`. What cannot be written as JSON is noted as text that says
/// why; what has more than 16 kB of it as well.
pub fn metadata(key: &str, value: &(impl Serialize + ?Sized)) {
    say("metadata", |scratch| {
        let key = Key::Metadata(scratch.body.add_text(cut_chars(key, MAX_KEY_CHARS)));
        add_json(scratch, key, value);
    });
}

/// The same in a namespace of its own, not `default`. (What begins with `AWS.` is X-Ray's: there
/// that beginning is dropped.)
///
/// ```
/// let documents = xray_tracing::testing::capture(|| {
///     let cart = [1, 2];
///     tracing::info_span!("checkout").in_scope(|| xray_tracing::metadata_in("shop", "cart", &cart));
/// });
/// assert_eq!(documents[0].metadata["shop"]["cart"][1], 2);
/// ```
pub fn metadata_in(namespace: &str, key: &str, value: &(impl Serialize + ?Sized)) {
    say("metadata_in", |scratch| {
        let namespace = namespace.trim_start_matches("AWS.");
        let namespace = scratch.body.add_text(cut_chars(namespace, MAX_KEY_CHARS));
        let key = scratch.body.add_text(cut_chars(key, MAX_KEY_CHARS));
        add_json(scratch, Key::MetadataIn { namespace, key }, value);
    });
}

fn add_json(scratch: &mut Scratch, key: Key, value: &(impl Serialize + ?Sized)) {
    let written = match serde_json::to_string(value) {
        Ok(json) if json.len() <= MAX_VALUE_BYTES => Value::Json(scratch.body.add_text(&json)),
        Ok(json) => {
            let note = format!("{} bytes of JSON, more than can be kept", json.len());
            Value::Text(scratch.body.add_text(&note))
        }
        Err(error) => {
            let note = format!("not JSON: {error}");
            Value::Text(scratch.body.add_text(cut_chars(&note, MAX_KEY_CHARS)))
        }
    };
    scratch.add(key, written);
}

/// Links the current span to another trace: one that led to this work, such as that of a message.
/// X-Ray keeps 20 a document.
pub fn link(header: &TraceHeader) {
    say("link", |scratch| scratch.add_link(header));
}

/// Names the user on whose behalf the request runs; a segment has one, from whichever span it is
/// said.
pub fn set_user(user: &str) {
    say("set_user", |scratch| scratch.add_text(Key::User, user));
}

/// Lets `read` put something into the scratch, and adds it to the current record.
fn say(what: &'static str, read: impl FnOnce(&mut Scratch)) {
    let said = current::with_spot(|tracer, place| {
        // The value's own code runs here, where no lock of ours is held.
        if let Some(place) = place {
            Scratch::with(|scratch| {
                read(scratch);
                tracer.enrich(place, scratch, Flags::default());
            });
        }
    });
    if said == Some(None) {
        missing(what);
    }
}

/// Counts what was said outside any segment, and tells people about it, but not all the time.
fn missing(what: &'static str) {
    static LAST_TOLD_NS: AtomicU64 = AtomicU64::new(0);
    let Some(tracer) = current::tracer() else { return };
    tracer.counters.context_missing.add(1);
    if tracer.settings.context_missing == ContextMissing::Ignore {
        return;
    }
    let (now_ns, last_ns) = (clock::now_ns(), LAST_TOLD_NS.load(Ordering::Relaxed));
    let is_due = last_ns == 0 || now_ns.saturating_sub(last_ns) >= TELL_EVERY_NS;
    let mine = LAST_TOLD_NS.compare_exchange(last_ns, now_ns, Ordering::Relaxed, Ordering::Relaxed);
    if is_due && mine.is_ok() {
        tracing::error!(
            what,
            "called outside any X-Ray segment, nothing is recorded; call it inside a span, and \
             start tasks with xray_tracing::spawn"
        );
    }
}

/// The trace that the calling code runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CurrentTrace {
    /// Its id.
    pub trace_id: TraceId,
    /// The segment or subsegment of the current span: parent of what is called from here.
    pub parent_id: SegmentId,
    /// Whether it is recorded.
    pub sampled: bool,
    /// The sampling rule that decided (or `excluded`); `None` when the caller had decided.
    pub rule: Option<Arc<str>>,
}

impl CurrentTrace {
    /// `1-5759e988-bd862e3fe1be46a994272793@53995c3f42cd8ad8`: what log lines say after
    /// `AWS-XRAY-TRACE-ID`.
    pub fn log_id(&self) -> String {
        format!("{}@{}", self.trace_id, self.parent_id)
    }
}

/// The trace that the calling code runs in, sampled or not; `None` outside any.
///
/// It works inside the formatter of a log line as well.
///
/// ```
/// use xray_tracing::testing::capture;
/// assert_eq!(xray_tracing::current_trace(), None);
/// capture(|| {
///     let span = tracing::info_span!("checkout");
///     let trace = span.in_scope(xray_tracing::current_trace).unwrap();
///     assert!(trace.sampled);
/// });
/// ```
pub fn current_trace() -> Option<CurrentTrace> {
    current::with_current(|_, root, place| CurrentTrace {
        trace_id: root.trace_id(),
        parent_id: place.map_or(root.segment_id, |place| SegmentId::from_u64(place.id)),
        sampled: root.sampled,
        rule: root.rule.clone(),
    })
    .flatten()
}

/// The header for a call to another service, `None` outside any trace. The capture of clients adds
/// it by itself; this is for protocols of your own.
///
/// It says `Sampled=0` where the trace is not recorded, so that nobody records half of it.
pub fn current_header() -> Option<TraceHeader> {
    current::with_current(|_, root, place| {
        let parent = place.map_or(root.segment_id, |place| SegmentId::from_u64(place.id));
        root.outgoing(parent)
    })
    .flatten()
}

/// The headers for a call to another service, by name; none outside any trace.
///
/// That is `x-amzn-trace-id`, and W3C `traceparent` (with `tracestate`) where it came in, or where
/// [`Builder::send_traceparent`](crate::Builder::send_traceparent) asks for it.
pub fn current_headers() -> Vec<(&'static str, String)> {
    let headers = current::with_current(|tracer, root, place| {
        let parent = place.map_or(root.segment_id, |place| SegmentId::from_u64(place.id));
        root.outgoing_headers(tracer, parent)
    });
    headers.flatten().unwrap_or_default()
}

/// `tokio::spawn` that keeps the current span as parent.
#[cfg(feature = "tokio")]
#[track_caller]
pub fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(keep_trace(future))
}

/// Lets `future` run in the trace and span of the caller, wherever it is polled: for executors other
/// than tokio. (`spawn` does it by itself.)
pub fn keep_trace<F: Future>(future: F) -> impl Future<Output = F::Output> {
    InContext::current(future.in_current_span())
}
