//! Takes a request: counts its spans and gives them to the buffer.
//!
//! In: the bytes of a request. Out: segments to the buffer, and what to tell the sender. Owns
//! a share of both. How it counts: every span is received, and rejected where it has no valid ids;
//! a request that cannot be read counts as one of either. What a full buffer turns away is not
//! received: its sender has it still.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::time::Instant;
use tracing::warn;

use crate::buffer::{Buffer, charged};
use crate::counters::{Counters, RefusedDatagram, RejectReason};
use crate::log_limit::LogLimit;
use crate::otlp::{Split, count, split};

/// What a request brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Spans that were refused; the others are taken.
    pub(crate) rejected: usize,
}

/// Why a request was not taken at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotTaken {
    /// Not such a message.
    #[error("the body is no ExportTraceServiceRequest")]
    Malformed,
    /// No room now.
    #[error("the buffer is full; send again later")]
    Full,
}

/// Where requests go.
#[derive(Debug)]
pub(crate) struct SpanReceiver {
    counters: Arc<Counters>,
    buffer: Arc<Buffer>,
    refusals: LogLimit,
    turned_away: LogLimit,
}

impl SpanReceiver {
    pub(crate) fn new(counters: Arc<Counters>, buffer: Arc<Buffer>) -> Self {
        Self { counters, buffer, refusals: LogLimit::new(), turned_away: LogLimit::new() }
    }

    /// Whether a request can be taken now.
    pub(super) fn has_room(&self) -> bool {
        !self.buffer.is_full()
    }

    /// Takes `request`, or nothing of it.
    pub(super) fn receive(&self, request: Vec<u8>, sender: SocketAddr) -> Result<Taken, NotTaken> {
        if !self.has_room() {
            return Err(NotTaken::Full);
        }
        let size_bytes = request.len();
        let entries = count(&request).map_err(|_| NotTaken::Malformed)?;
        let request = charged(request, entries, self.counters.held_bytes());
        // Counted just now, so it can be read.
        let Split { mut segments, rejected } = split(&request, Some(sender)).unwrap_or_default();
        let intake = self.counters.intake();
        let taken = segments.len();
        intake.add_received((taken + rejected) as u64, size_bytes as u64);
        intake.add_sender(sender, taken as u64, rejected as u64, SystemTime::now());
        if rejected > 0 {
            intake.add_rejected(RejectReason::SpanIds, rejected as u64);
            self.log_refused(sender, rejected, "spans without valid ids");
        }
        if taken > 0 {
            self.buffer.accept(&mut segments, Instant::now());
        }
        Ok(Taken { rejected })
    }

    /// Counts a request that cannot be read, as one.
    pub(super) fn refuse_request(&self, sender: SocketAddr, reason: &str) {
        let intake = self.counters.intake();
        intake.add_received(1, 0);
        intake.add_sender(sender, 0, 1, SystemTime::now());
        let kind = RejectReason::OtlpRequest;
        intake.reject(RefusedDatagram::new(sender, &[], kind, reason.to_owned()));
        self.log_refused(sender, 1, reason);
    }

    /// Says that a sender must wait.
    pub(super) fn log_turned_away(&self, sender: SocketAddr, reason: &str) {
        if let Some(requests) = self.turned_away.report(1) {
            warn!(%sender, requests, reason, "OTLP senders are told to wait");
        }
    }

    fn log_refused(&self, sender: SocketAddr, spans: usize, reason: &str) {
        if let Some(refused) = self.refusals.report(spans as u64) {
            warn!(%sender, refused, reason, "OTLP refused");
        }
    }
}
