//! Where documents end up: the daemon's socket, or a sink of the caller's.
//!
//! In: one document at a time, from the sender's thread. Out: datagrams, or calls of a [`Sink`].
//! Owns the socket or sink.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::{Counters, UdpOutput};

/// Takes documents instead of the daemon: for tests, files, other transports.
///
/// Called on the sender's thread alone, one document at a time; it may block.
pub trait Sink: Send + 'static {
    /// Takes one document: the JSON of a segment or independent subsegment.
    ///
    /// # Errors
    /// The document is then counted as lost (`dropped_send_failed`).
    fn send(&mut self, document: &[u8]) -> io::Result<()>;
}

/// Keeps documents in memory; clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemorySink {
    documents: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl MemorySink {
    /// An empty sink.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes out what came so far, in that order.
    pub fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.documents.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for MemorySink {
    fn send(&mut self, document: &[u8]) -> io::Result<()> {
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        documents.push(document.to_vec());
        Ok(())
    }
}

pub(crate) enum Output {
    Udp(UdpOutput),
    Sink(Box<dyn Sink>),
}

impl Output {
    /// Whether documents can be sent now; if not, they are better kept for a moment.
    pub(crate) fn is_ready(&mut self, now: Instant) -> bool {
        match self {
            Self::Udp(udp) => udp.is_ready(now),
            Self::Sink(_) => true,
        }
    }

    /// Sends one document, and counts what became of it.
    pub(crate) fn send(&mut self, document: &[u8], counters: &Counters) {
        match self {
            Self::Udp(udp) => udp.send(document, counters),
            Self::Sink(sink) => match sink.send(document) {
                Ok(()) => counters.documents_sent.add(1),
                Err(_) => counters.dropped_send_failed.add(1),
            },
        }
    }
}
