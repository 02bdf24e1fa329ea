//! One received document: its bytes, and the ids scanned out of them when somebody asks.
//!
//! In: a range of a shared chunk. Out: the same bytes, untouched, to every backend. Owns one
//! reference to the chunk; a clone copies no document.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::ids::Ids;

/// A segment document on its way through the daemon, byte for byte as it came.
#[derive(Clone, Debug)]
pub struct Segment {
    document: Bytes,
    sender: Option<SocketAddr>,
}

impl Segment {
    /// Wraps a document that came from `sender` (`None`: made in this process).
    pub fn new(document: Bytes, sender: Option<SocketAddr>) -> Self {
        Self { document, sender }
    }

    /// A segment of that many bytes that say nothing.
    #[cfg(test)]
    pub(crate) fn of_size(bytes: usize) -> Self {
        Self::new(vec![b'x'; bytes].into(), None)
    }

    /// The JSON text as it was received.
    pub fn document(&self) -> &Bytes {
        &self.document
    }

    /// Bytes of the JSON text.
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
        Ids::scan(&self.document)
    }
}
