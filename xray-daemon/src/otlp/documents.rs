//! Makes a batch into documents only, for the backends that take nothing else.
//!
//! In: a batch of segments, spans among them. Out: a batch of documents, and which segment each is
//! of. Owns both. A span is translated again each time its batch is sent: its documents are the same
//! every time, ids included. Without spans the batch is lent, not copied.
//!
//! How it counts: all counters of delivery count what intake took, a span as one segment and
//! a datagram as one, however many documents they make (none, one, two, or more where one is too
//! large). A span of which any document was refused is refused; of which any must be sent again, is
//! sent again with all of them, which a service takes for the same documents.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use xray_tracing::document::limits::MAX_DOCUMENT_BYTES;
use xray_tracing::document::split as split_document;
use xray_tracing::translate::{Options, Resource, to_documents};

use super::datagram::{Held, decode, held};
use super::split::{SpanContext, split};
use super::{Malformed, read};
use crate::backend::{Delivered, Retry, Unprocessed};
use crate::segment::{Payload, Segment};

/// Code of spans that cannot be read, or of those without ids.
const INVALID_SPAN: &str = "InvalidSpan";

/// Whether datagrams with OTLP in them are read, or passed on as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Datagrams {
    /// As AWS takes them.
    Pass,
    /// For whoever takes documents only.
    Read,
}

/// A batch of documents.
#[derive(Debug)]
pub(crate) struct Documents<'a> {
    /// The documents.
    pub(crate) documents: Cow<'a, [Segment]>,
    /// For each document the place of its segment in the batch; empty if they are the same.
    of: Vec<usize>,
    /// Segments that are no document and cannot be made one.
    refused: Vec<Unprocessed>,
}

impl<'a> Documents<'a> {
    /// The documents of `batch`.
    pub(crate) fn of(batch: &'a [Segment], datagrams: Datagrams, options: &Options) -> Self {
        if batch.iter().all(|segment| is_document(segment, datagrams)) {
            return Self { documents: Cow::Borrowed(batch), of: Vec::new(), refused: Vec::new() };
        }
        let mut maker = Maker { options, context: None, documents: Vec::new(), of: Vec::new() };
        let mut refused = Vec::new();
        for (index, segment) in batch.iter().enumerate() {
            if let Err(message) = maker.add(index, segment, datagrams) {
                let code = INVALID_SPAN.to_owned();
                refused.push(Unprocessed { index, code, message, retry: Retry::No });
            }
        }
        Self { documents: Cow::Owned(maker.documents), of: maker.of, refused }
    }

    /// What was said of the documents, said of the segments of the batch.
    pub(crate) fn of_segments(self, delivered: Delivered) -> Delivered {
        if !matches!(self.documents, Cow::Owned(_)) {
            return delivered;
        }
        let mut unprocessed = self.refused;
        for document in delivered.unprocessed {
            let Some(index) = self.of.get(document.index).copied() else { continue };
            match unprocessed.iter_mut().find(|other| other.index == index) {
                // Sent again, all of its documents are.
                Some(other) if document.retry == Retry::Yes => other.retry = Retry::Yes,
                Some(_) => {}
                None => unprocessed.push(Unprocessed { index, ..document }),
            }
        }
        Delivered { unprocessed }
    }
}

fn is_document(segment: &Segment, datagrams: Datagrams) -> bool {
    match segment.payload() {
        Payload::Document(document) => {
            datagrams == Datagrams::Pass || held(document) == Held::Document
        }
        Payload::Span(..) => false,
    }
}

struct Maker<'o> {
    options: &'o Options,
    /// The context of the last span, made ready: spans of one request follow each other.
    context: Option<(Arc<SpanContext>, Resource)>,
    documents: Vec<Segment>,
    of: Vec<usize>,
}

impl Maker<'_> {
    fn add(&mut self, place: usize, segment: &Segment, datagrams: Datagrams) -> Result<(), String> {
        match segment.payload() {
            Payload::Span(span, context) => self
                .add_span(place, segment, span, context)
                .map_err(|error| format!("a span cannot be read: {error}")),
            Payload::Document(document) if datagrams == Datagrams::Read => match held(document) {
                Held::Document => self.keep(place, segment),
                Held::Spans(spans) => self.add_request(place, segment, spans),
                // AWS makes statistics of them, and no trace.
                Held::Unsampled | Held::Metrics => Ok(()),
            },
            Payload::Document(_) => self.keep(place, segment),
        }
    }

    fn keep(&mut self, place: usize, document: &Segment) -> Result<(), String> {
        self.push(place, document.clone());
        Ok(())
    }

    /// Takes every span of a datagram that can be taken.
    fn add_request(
        &mut self,
        place: usize,
        segment: &Segment,
        base64: &[u8],
    ) -> Result<(), String> {
        let no_request = || "what follows T1S is no trace request in base64".to_owned();
        let request = decode(base64).ok_or_else(no_request)?;
        let split = split(&request, segment.sender()).map_err(|_| no_request())?;
        let mut refused = split.rejected;
        for part in &split.segments {
            if let Payload::Span(span, context) = part.payload()
                && self.add_span(place, segment, span, context).is_err()
            {
                refused += 1;
            }
        }
        match refused {
            0 => Ok(()),
            _ => Err(format!(
                "{refused} spans of the datagram are not valid, {} are taken",
                split.segments.len() + split.rejected - refused
            )),
        }
    }

    fn add_span(
        &mut self,
        place: usize,
        segment: &Segment,
        span: &Bytes,
        context: &Arc<SpanContext>,
    ) -> Result<(), Malformed> {
        let span = read::span(span, &context.scope)?;
        let made = to_documents(&span, self.resource(context)?);
        for document in made {
            for part in split_document(document, MAX_DOCUMENT_BYTES).documents {
                self.push(place, Segment::new(part.into(), segment.sender()));
            }
        }
        Ok(())
    }

    fn resource(&mut self, context: &Arc<SpanContext>) -> Result<&Resource, Malformed> {
        let known = |(known, _): &(Arc<SpanContext>, Resource)| {
            Arc::ptr_eq(known, context) || known.resource == context.resource
        };
        let resource = match self.context.take().filter(known) {
            Some((_, resource)) => resource,
            None => Resource::new(read::resource(&context.resource)?, self.options),
        };
        Ok(&self.context.insert((Arc::clone(context), resource)).1)
    }

    fn push(&mut self, place: usize, document: Segment) {
        self.documents.push(document);
        self.of.push(place);
    }
}
