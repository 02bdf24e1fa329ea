//! All counters at one moment, as plain values.
//!
//! In: the live counters. Out: what `/metrics`, the console's daemon page and tests read. Owns
//! copies only.

use std::time::{Duration, SystemTime};

use super::{
    ConnectionErrorCounts, DropReason, LatencySnapshot, RejectReason, SamplingSnapshot,
    UploadResult,
};

/// All counters at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When it was taken.
    pub taken_at: SystemTime,
    /// When the daemon started.
    pub started_at: SystemTime,
    /// How long ago that is.
    pub uptime: Duration,
    /// What arrived.
    pub intake: IntakeSnapshot,
    /// What became of it, for each backend in the order of `--backend`.
    pub backends: Vec<BackendSnapshot>,
    /// What was asked on the port for sampling calls.
    pub sampling: SamplingSnapshot,
    /// Bytes of received datagrams in memory, queued or in flight, shared between backends.
    pub held_bytes: u64,
    /// Most bytes that `held_bytes` may reach before the oldest segments are dropped.
    pub buffer_limit_bytes: u64,
}

impl Snapshot {
    /// The backend called `name`.
    pub fn backend(&self, name: &str) -> Option<&BackendSnapshot> {
        self.backends.iter().find(|backend| backend.name == name)
    }
}

/// What arrived by UDP.
#[derive(Clone, Debug, PartialEq)]
pub struct IntakeSnapshot {
    /// Datagrams that were not empty, refused ones included.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Empty datagrams, which are ignored.
    pub empty: u64,
    /// Datagrams not taken, by reason.
    pub rejected: [(RejectReason, u64); RejectReason::ALL.len()],
    /// Datagrams that the kernel threw away because the socket buffers were full.
    pub kernel_drops: u64,
}

impl IntakeSnapshot {
    /// Datagrams not taken for `reason`.
    pub fn rejected(&self, reason: RejectReason) -> u64 {
        self.rejected.iter().find(|(this, _)| *this == reason).map_or(0, |(_, count)| *count)
    }

    /// Datagrams not taken for any reason.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.iter().map(|(_, count)| count).sum()
    }
}

/// What became of the segments of one backend.
#[derive(Clone, Debug, PartialEq)]
pub struct BackendSnapshot {
    /// Name of the backend, the label `backend`.
    pub name: &'static str,
    /// Segments put into its queue.
    pub accepted: u64,
    /// Segments that the service took.
    pub sent: u64,
    /// Segments that the service refused for good, by its code.
    pub refused: Vec<CodeCount>,
    /// Segments that the daemon gave up, by reason.
    pub dropped: [(DropReason, u64); DropReason::ALL.len()],
    /// Times that a segment was sent again.
    pub retried: u64,
    /// Segments sent again though the service may have taken them: each may be there twice.
    pub possibly_repeated: u64,
    /// Segments that an earlier run had left in the spool.
    pub replayed: u64,
    /// Segments in the spool, and nowhere in memory.
    pub spooled: u64,
    /// Bytes of the spool's files.
    pub spool_bytes: u64,
    /// Times that a segment was written to the spool.
    pub spool_written: u64,
    /// Times that a segment came back from the spool.
    pub spool_read: u64,
    /// Segments waiting in memory, those that wait to be tried again included.
    pub queued: u64,
    /// Bytes of the documents waiting.
    pub queue_bytes: u64,
    /// Segments in an upload.
    pub in_flight: u64,
    /// Uploads running.
    pub uploads_running: u64,
    /// Most uploads that may run now.
    pub uploads_limit: u64,
    /// Uploads ended, by result.
    pub uploads: [(UploadResult, u64); UploadResult::ALL.len()],
    /// How long uploads took.
    pub latency: LatencySnapshot,
    /// When the service last took a batch.
    pub last_success: Option<SystemTime>,
    /// The latest failure, and when it was.
    pub last_error: Option<(SystemTime, String)>,
    /// Whether credentials were found; `None` where none are needed or nobody has looked yet.
    pub credentials_valid: Option<bool>,
    /// Where the credentials came from, or why there are none.
    pub credentials_note: Option<String>,
    /// Why calls of the service failed.
    pub connection_errors: ConnectionErrorCounts,
}

impl BackendSnapshot {
    /// Segments refused for any code.
    pub fn refused_total(&self) -> u64 {
        self.refused.iter().map(|code| code.count).sum()
    }

    /// Segments dropped for `reason`.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped.iter().find(|(this, _)| *this == reason).map_or(0, |(_, count)| *count)
    }

    /// Segments dropped for any reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().map(|(_, count)| count).sum()
    }

    /// Uploads that ended with `result`.
    pub fn uploads(&self, result: UploadResult) -> u64 {
        self.uploads.iter().find(|(this, _)| *this == result).map_or(0, |(_, count)| *count)
    }

    /// Segments whose whereabouts the counters do not explain: 0 when quiet, else a bug. While
    /// segments move it may be off by a batch, in either direction.
    pub fn unaccounted(&self) -> i64 {
        let kept = self.spooled + self.queued + self.in_flight;
        let known = self.sent + self.refused_total() + self.dropped_total() + kept;
        (self.accepted + self.replayed) as i64 - known as i64
    }
}

/// A code of the service and how many segments it was said of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCount {
    /// Such as `MissingName`. From the service: escape it where it is shown.
    pub code: String,
    /// Segments.
    pub count: u64,
}
