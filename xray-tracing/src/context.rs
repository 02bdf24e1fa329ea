//! What code inside a span can say and ask: annotations, metadata, user, the current trace.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use crate::{SegmentId, TraceId};

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
pub fn annotate<'a>(key: &str, value: impl Into<Annotation<'a>>) {
    let _unused: (&str, Annotation<'_>) = (key, value.into());
}

/// Adds a value of any shape to the current span; it is shown, not indexed.
pub fn metadata(key: &str, value: &(impl Serialize + ?Sized)) {
    let _unused = (key, serde_json::to_value(value));
}

/// Names the user on whose behalf the request runs.
pub fn set_user(user: &str) {
    let _unused = user;
}

/// The trace that the calling code runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CurrentTrace {
    /// Its id.
    pub trace_id: TraceId,
    /// The segment or subsegment of the current span, parent of what is called from here.
    pub parent_id: SegmentId,
    /// Whether it is recorded.
    pub sampled: bool,
    /// The sampling rule that decided; `None` when the caller had decided.
    pub rule: Option<Arc<str>>,
}

/// The trace that the calling code runs in, sampled or not; `None` outside any.
pub fn current_trace() -> Option<CurrentTrace> {
    None
}

/// `tokio::spawn` that keeps the current span as parent.
#[cfg(feature = "tokio")]
pub fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    use tracing::Instrument;
    tokio::spawn(future.in_current_span())
}
