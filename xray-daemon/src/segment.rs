//! One received document, or one received span: its bytes, and the ids scanned out of them when
//! somebody asks.
//!
//! In: a range of a shared chunk. Out: the same bytes, untouched, to every backend. Owns one
//! reference to the chunk; a clone copies no document.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::ids::Ids;
use crate::otlp::{SpanContext, SpanIds};

/// A segment document on its way through the daemon, byte for byte as it came; or an OpenTelemetry
/// span, which becomes a document only in a backend that takes nothing else.
#[derive(Clone, Debug)]
pub struct Segment {
    document: Bytes,
    sender: Option<SocketAddr>,
    /// Of a span: what it shares with others of its request.
    context: Option<Arc<SpanContext>>,
}

/// What a segment holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    /// A document, or whatever came in a datagram.
    Document(&'a Bytes),
    /// A span in protobuf.
    Span(&'a Bytes, &'a Arc<SpanContext>),
}

impl Segment {
    /// Wraps a document that came from `sender` (`None`: made in this process).
    pub fn new(document: Bytes, sender: Option<SocketAddr>) -> Self {
        Self { document, sender, context: None }
    }

    /// Wraps a span in protobuf.
    pub(crate) fn of_span(
        span: Bytes,
        context: Arc<SpanContext>,
        sender: Option<SocketAddr>,
    ) -> Self {
        Self { document: span, sender, context: Some(context) }
    }

    /// A segment of that many bytes that say nothing.
    #[cfg(test)]
    pub(crate) fn of_size(bytes: usize) -> Self {
        Self::new(vec![b'x'; bytes].into(), None)
    }

    /// The JSON text as it was received; of a span its protobuf.
    pub fn document(&self) -> &Bytes {
        &self.document
    }

    /// What it holds.
    pub(crate) fn payload(&self) -> Payload<'_> {
        match &self.context {
            None => Payload::Document(&self.document),
            Some(context) => Payload::Span(&self.document, context),
        }
    }

    /// Bytes of the JSON text, or of the span.
    pub fn size_bytes(&self) -> usize {
        self.document.len()
    }

    /// Address of the process that sent it.
    pub fn sender(&self) -> Option<SocketAddr> {
        self.sender
    }

    /// The same in memory of its own: one that stays for long must not keep its chunk from going.
    pub(crate) fn detached(&self) -> Self {
        Self { document: Bytes::copy_from_slice(&self.document), ..self.clone() }
    }

    /// Its ids, as far as they can be read. Scans the document: for what is rare.
    pub fn ids(&self) -> Ids<'_> {
        if self.context.is_none() {
            return Ids::scan(&self.document);
        }
        match SpanIds::read(&self.document) {
            Ok(Some(SpanIds { trace_id, id })) => {
                Ids { trace_id: Some(trace_id.to_string().into()), id: Some(id.to_string().into()) }
            }
            _ => Ids::default(),
        }
    }
}
