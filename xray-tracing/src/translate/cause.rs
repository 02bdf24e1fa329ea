//! The `cause` block: exception events, or the text of an error status.
//!
//! In: a span's events and status. Out: the block, and which events it says in full. Owns nothing.
//! Rule: the Collector's `awsxray` exporter; beyond it: the status text stands beside exceptions,
//! what no stack parser reads stays an event in metadata.

use super::attributes::Attributes;
use super::ids::{Derived, derive};
use super::keys::Key;
use super::resource::Resource;
use super::role::is_aws_api;
use super::stack::{Trace, Traced, read};
use super::view::{Event, SpanKind, SpanView, Status, Value};
use crate::document::{Cause, CauseDetail, Exception};

const TYPE: &str = "exception.type";
const MESSAGE: &str = "exception.message";
const STACK: &str = "exception.stacktrace";
const ESCAPED: &str = "exception.escaped";

/// The block, and for each event whether it says all of it.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) cause: Option<Cause>,
    pub(super) said: Vec<bool>,
}

/// Makes the block.
pub(super) fn cause(
    span: &SpanView<'_>,
    attributes: &mut Attributes<'_>,
    resource: &Resource,
) -> Found {
    let mut reader = Reader {
        span,
        language: resource.language.as_deref(),
        is_remote: matches!(span.kind, SpanKind::Client | SpanKind::Producer),
        exceptions: Vec::new(),
    };
    let is_aws = is_aws_api(attributes);
    let said = span.events.iter().map(|event| match event.name.as_ref() {
        "exception" => reader.exception(event),
        "HTTP request failure" if is_aws => reader.failed_request(event),
        _ => false,
    });
    let said = said.collect();
    let mut detail = CauseDetail { exceptions: reader.exceptions, ..CauseDetail::default() };
    if let Status::Error(message) = &span.status {
        status(message, span, attributes, &mut detail);
    }
    let cause = (detail != CauseDetail::default()).then_some(Cause::Detail(detail));
    Found { cause, said }
}

/// Adds what an error status says.
fn status(
    message: &str,
    span: &SpanView<'_>,
    attributes: &mut Attributes<'_>,
    detail: &mut CauseDetail,
) {
    if !detail.exceptions.is_empty() {
        if !message.is_empty() && !detail.exceptions.iter().any(|it| says(it, message)) {
            detail.extra.insert("message".to_owned(), message.into());
        }
        return;
    }
    let mut text = || attributes.take_text(&[Key::HttpStatusText]);
    let message = if message.is_empty() { text() } else { Some(message.to_owned()) };
    if message.is_some() {
        let id = derive(span.trace_id, span.id, Derived::Exception(0)).to_string();
        detail.exceptions.push(Exception { id: Some(id), message, ..Exception::default() });
    }
}

/// Whether an exception says `text`, as `message` or as `Type: message`.
fn says(exception: &Exception, text: &str) -> bool {
    let message = exception.message.as_deref().unwrap_or_default();
    let type_name = exception.exception_type.as_deref().unwrap_or_default();
    text == message
        || text.strip_prefix(type_name).is_some_and(|rest| rest == format!(": {message}"))
}

struct Reader<'s> {
    span: &'s SpanView<'s>,
    language: Option<&'s str>,
    is_remote: bool,
    exceptions: Vec<Exception>,
}

impl Reader<'_> {
    /// Reads an exception event; says whether nothing of it is left.
    fn exception(&mut self, event: &Event<'_>) -> bool {
        let text = |key| of(event, key).and_then(Value::as_text).unwrap_or_default();
        let mut trace = self.trace(of(event, STACK));
        let is_whole = trace.is_whole;
        if trace.exceptions.is_empty() {
            trace.exceptions.push(Traced::default());
        }
        if let Some(outermost) = trace.exceptions.first_mut() {
            // What the SDK says counts more than what stands in the trace.
            if !text(TYPE).is_empty() {
                text(TYPE).clone_into(&mut outermost.type_name);
            }
            if !text(MESSAGE).is_empty() {
                text(MESSAGE).clone_into(&mut outermost.message);
            }
        }
        self.add(trace);
        is_whole && event.attributes.iter().all(is_said)
    }

    fn trace(&self, stack: Option<&Value<'_>>) -> Trace {
        let nothing = Trace { exceptions: Vec::new(), is_whole: true };
        match stack {
            Some(Value::Text(text)) if !text.is_empty() => {
                let mut trace = read(text, self.language);
                trace.is_whole &= trace.has_frames();
                trace
            }
            // The chain of sources, as `tracing-opentelemetry` records it.
            Some(Value::List(sources)) => {
                let texts = sources.iter().map(|source| source.as_text().unwrap_or_default());
                let traced = |(place, message): (usize, &str)| Traced {
                    message: message.to_owned(),
                    cause: (place < sources.len()).then_some(place + 1),
                    ..Traced::default()
                };
                let exceptions = std::iter::once("").chain(texts).enumerate().map(traced);
                Trace { exceptions: exceptions.collect(), is_whole: true }
            }
            _ => nothing,
        }
    }

    /// An attempt of the AWS SDK that failed.
    fn failed_request(&mut self, event: &Event<'_>) -> bool {
        let code = of(event, Key::HttpResponseStatusCode.text()).and_then(Value::as_integer);
        let text = of(event, "aws.http.error_message").and_then(Value::as_text);
        let (Some(code), Some(text)) = (code, text) else { return false };
        let (seconds, micros) = (event.time_ns / 1_000_000_000, event.time_ns / 1_000 % 1_000_000);
        let traced = Traced {
            type_name: "aws.http.error.event".to_owned(),
            message: format!("{code}@{seconds}.{micros:06}@{text}"),
            ..Traced::default()
        };
        self.is_remote = true;
        self.add(Trace { exceptions: vec![traced], is_whole: true });
        event.attributes.len() == 2
    }

    fn add(&mut self, trace: Trace) {
        let first = self.exceptions.len();
        let id = |place: usize| {
            let number = Derived::Exception(first + place);
            derive(self.span.trace_id, self.span.id, number).to_string()
        };
        let said = |text: String| (!text.is_empty()).then_some(text);
        let exceptions: Vec<_> = trace
            .exceptions
            .into_iter()
            .enumerate()
            .map(|(place, traced)| Exception {
                id: Some(id(place)),
                exception_type: said(traced.type_name),
                message: said(traced.message),
                remote: self.is_remote,
                truncated: (traced.left_out > 0).then_some(traced.left_out),
                cause: traced.cause.map(id),
                stack: traced.stack,
                ..Exception::default()
            })
            .collect();
        self.exceptions.extend(exceptions);
    }
}

fn of<'s>(event: &'s Event<'_>, key: &str) -> Option<&'s Value<'s>> {
    event.attributes.iter().find(|attribute| attribute.key == key).map(|it| &it.value)
}

/// Whether the exception says this attribute.
fn is_said(attribute: &super::view::Attribute<'_>) -> bool {
    match attribute.key.as_ref() {
        TYPE | MESSAGE | STACK => true,
        // The default, which Python writes every time.
        ESCAPED => match &attribute.value {
            Value::Bool(escaped) => !escaped,
            value => value.as_text().is_some_and(|text| text.eq_ignore_ascii_case("false")),
        },
        _ => false,
    }
}
