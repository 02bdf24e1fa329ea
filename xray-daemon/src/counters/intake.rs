//! What arrived by UDP, and what was refused there.
//!
//! In: one call per batch of datagrams; one per refused datagram. Out: an [`IntakeSnapshot`].
//! Owns the counters, the ring of refused datagrams and the table of senders.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::recent::{RecentRefused, RefusedDatagram};
use super::senders::Senders;
use super::{IntakeSnapshot, SenderSnapshot};

/// Why a datagram, a span or a request was not taken, as the label `reason` of `segments_rejected_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectReason {
    /// Its first line is not `{"format": "json", "version": 1}`.
    Header,
    /// No line break, so no header is told from a document.
    NoNewline,
    /// Nothing behind the header.
    NoDocument,
    /// Longer than a datagram that can hold a document.
    Oversize,
    /// A span in OTLP without valid ids.
    SpanIds,
    /// An OTLP request that cannot be read, is too large, or is of another kind. Counts as one.
    OtlpRequest,
}

impl RejectReason {
    /// All reasons, in the order of the metrics page.
    pub const ALL: [Self; 6] = [
        Self::Header,
        Self::NoNewline,
        Self::NoDocument,
        Self::Oversize,
        Self::SpanIds,
        Self::OtlpRequest,
    ];

    /// The value of the label `reason`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::NoNewline => "no_newline",
            Self::NoDocument => "no_document",
            Self::Oversize => "oversize",
            Self::SpanIds => "span_ids",
            Self::OtlpRequest => "otlp_request",
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// The counters of intake.
#[derive(Debug, Default)]
pub struct IntakeCounters {
    received: AtomicU64,
    received_bytes: AtomicU64,
    empty: AtomicU64,
    rejected: [AtomicU64; RejectReason::ALL.len()],
    kernel_drops: AtomicU64,
    recent: Mutex<RecentRefused>,
    senders: Mutex<Senders>,
}

impl IntakeCounters {
    /// Adds datagrams that were not empty, good and bad ones.
    pub(crate) fn add_received(&self, datagrams: u64, bytes: u64) {
        self.received.fetch_add(datagrams, Ordering::Relaxed);
        self.received_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds empty datagrams; they are not segments and count for nothing else.
    pub(crate) fn add_empty(&self, datagrams: u64) {
        self.empty.fetch_add(datagrams, Ordering::Relaxed);
    }

    /// Sets what the kernel has thrown away because socket buffers were full.
    pub(crate) fn set_kernel_drops(&self, datagrams: u64) {
        self.kernel_drops.store(datagrams, Ordering::Relaxed);
    }

    /// Adds what came from one sender in one batch.
    pub(crate) fn add_sender(&self, sender: SocketAddr, taken: u64, refused: u64, at: SystemTime) {
        if let Ok(mut senders) = self.senders.lock() {
            senders.add(sender, taken, refused, at);
        }
    }

    /// Counts what was refused of an OTLP request.
    #[cfg(feature = "otlp-in")]
    pub(crate) fn add_rejected(&self, reason: RejectReason, spans: u64) {
        self.rejected[reason.index()].fetch_add(spans, Ordering::Relaxed);
    }

    /// Counts a refused datagram and keeps its beginning.
    pub(crate) fn reject(&self, refused: RefusedDatagram) {
        self.rejected[refused.kind.index()].fetch_add(1, Ordering::Relaxed);
        if let Ok(mut recent) = self.recent.lock() {
            recent.push(refused);
        }
    }

    /// Datagrams received so far that were not empty.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// The last refused datagrams, newest first.
    pub fn refused_datagrams(&self) -> Vec<RefusedDatagram> {
        self.recent.lock().map(|recent| recent.newest_first()).unwrap_or_default()
    }

    /// Who sent lately, the busiest first.
    pub fn senders(&self) -> Vec<SenderSnapshot> {
        let now = SystemTime::now();
        self.senders.lock().map(|mut senders| senders.snapshot(now)).unwrap_or_default()
    }

    pub(crate) fn snapshot(&self) -> IntakeSnapshot {
        IntakeSnapshot {
            received: self.received(),
            received_bytes: self.received_bytes.load(Ordering::Relaxed),
            empty: self.empty.load(Ordering::Relaxed),
            rejected: RejectReason::ALL
                .map(|reason| (reason, self.rejected[reason.index()].load(Ordering::Relaxed))),
            kernel_drops: self.kernel_drops.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_datagram_is_counted_by_reason_and_kept() {
        let intake = IntakeCounters::default();
        let sender = "127.0.0.1:9".parse().unwrap();
        let text = b"hello\n".as_slice();
        intake.reject(RefusedDatagram::new(sender, text, RejectReason::Header, "no header".into()));
        let snapshot = intake.snapshot();
        assert_eq!(snapshot.rejected(RejectReason::Header), 1);
        assert_eq!(snapshot.rejected_total(), 1);
        assert_eq!(intake.refused_datagrams()[0].begins_with, "hello\n");
    }

    #[test]
    fn labels_stand_in_the_order_of_the_enum() {
        for (place, reason) in RejectReason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), place);
        }
    }
}
