//! What the translator knows of a span: names, numbers and references, nothing copied.
//!
//! In: a span of any representation (`SpanData` of the OpenTelemetry SDK, OTLP protobuf), whose
//! texts are lent. Out: the same in one form. Owns nothing but the lists. Built by whoever has the
//! span, and by [`from_document`](super::from_document) the other way round. Rule: OTLP
//! `trace.proto`, `common.proto`.

use std::borrow::Cow;

use crate::{SegmentId, TraceId};

/// A span, its texts borrowed from wherever it came.
///
/// ```
/// use xray_tracing::translate::{Attribute, Options, Resource, SpanKind, SpanView, to_documents};
/// let trace_id = "1-5f29ab21-d4ebf299219a65bd5c31d6da".parse()?;
/// let span = SpanView {
///     kind: SpanKind::Server,
///     attributes: vec![Attribute::new("http.response.status_code", 404_i64)],
///     ..SpanView::new(trace_id, "70de5b6f19ff9a0a".parse()?, "GET /cart")
/// };
/// let resource = Resource::new(vec![Attribute::new("service.name", "shop")], &Options::default());
/// let document = to_documents(&span, &resource).remove(0);
/// assert_eq!((document.name.as_str(), document.error), ("shop", true));
/// # Ok::<(), xray_tracing::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SpanView<'a> {
    /// The trace; any 16 bytes, W3C ids too.
    pub trace_id: TraceId,
    /// The span's own id, not zero.
    pub id: SegmentId,
    /// The parent's id; `None` at the root.
    pub parent_id: Option<SegmentId>,
    /// Where the parent is.
    pub parent: ParentPlace,
    /// `tracestate` as it came.
    pub trace_state: Cow<'a, str>,
    /// What the span is to the request.
    pub kind: SpanKind,
    /// The operation.
    pub name: Cow<'a, str>,
    /// Start, in nanoseconds since 1970.
    pub start_ns: u64,
    /// End, in nanoseconds since 1970; 0 if it was not given.
    pub end_ns: u64,
    /// How it ended.
    pub status: Status<'a>,
    /// What is said about it.
    pub attributes: Vec<Attribute<'a>>,
    /// What happened meanwhile, exceptions among it.
    pub events: Vec<Event<'a>>,
    /// Spans of other traces.
    pub links: Vec<SpanLink<'a>>,
    /// What the SDK left out.
    pub dropped: Dropped,
    /// Who made the span.
    pub scope: Scope<'a>,
}

impl<'a> SpanView<'a> {
    /// An internal span at the root, from 0 to 0, that says nothing.
    pub fn new(trace_id: TraceId, id: SegmentId, name: impl Into<Cow<'a, str>>) -> Self {
        Self {
            trace_id,
            id,
            parent_id: None,
            parent: ParentPlace::Unknown,
            trace_state: Cow::Borrowed(""),
            kind: SpanKind::Internal,
            name: name.into(),
            start_ns: 0,
            end_ns: 0,
            status: Status::Unset,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            dropped: Dropped::default(),
            scope: Scope::default(),
        }
    }
}

/// Whether the parent is of the same process. OTLP says it in the span's flags, the SDK in
/// `parent_span_is_remote`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParentPlace {
    /// Not said.
    #[default]
    Unknown,
    /// In this process.
    Local,
    /// In another process: this span is the first of its own.
    Remote,
}

/// The kind of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanKind {
    /// Not said.
    #[default]
    Unspecified,
    /// Work inside the process.
    Internal,
    /// Answers a request.
    Server,
    /// Makes a request.
    Client,
    /// Puts a message into a queue.
    Producer,
    /// Works on a message of a queue.
    Consumer,
}

/// How a span ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Status<'a> {
    /// Not said.
    #[default]
    Unset,
    /// Well, says the application.
    Ok,
    /// Not well; the text may be empty.
    Error(Cow<'a, str>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute<'a> {
    /// The key.
    pub key: Cow<'a, str>,
    /// The value.
    pub value: Value<'a>,
}

impl<'a> Attribute<'a> {
    /// An attribute.
    pub fn new(key: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// The value of an attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// None at all.
    #[default]
    Empty,
    /// Text.
    Text(Cow<'a, str>),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// A list of values.
    List(Vec<Value<'a>>),
    /// Keys and values.
    Map(Vec<Attribute<'a>>),
}

/// Something that happened during a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// What: `exception`, or any text.
    pub name: Cow<'a, str>,
    /// When, in nanoseconds since 1970.
    pub time_ns: u64,
    /// What is said about it.
    pub attributes: Vec<Attribute<'a>>,
}

/// A link to another span.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanLink<'a> {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub id: SegmentId,
    /// Its `tracestate`.
    pub trace_state: Cow<'a, str>,
    /// Why there is a link.
    pub attributes: Vec<Attribute<'a>>,
}

/// How many of each the SDK left out because of its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Attributes.
    pub attributes: u32,
    /// Events.
    pub events: u32,
    /// Links.
    pub links: u32,
}

/// The library that made a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its version.
    pub version: Cow<'a, str>,
    /// What else is said about it.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl<'a> From<Vec<Value<'a>>> for Value<'a> {
    fn from(values: Vec<Value<'a>>) -> Self {
        Self::List(values)
    }
}

impl<'a> From<Vec<Attribute<'a>>> for Value<'a> {
    fn from(members: Vec<Attribute<'a>>) -> Self {
        Self::Map(members)
    }
}

impl Value<'_> {
    /// The text of a text that is not empty.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A whole number, also one written as text.
    pub(super) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Double(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
                Some(*value as i64)
            }
            _ => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }
}
