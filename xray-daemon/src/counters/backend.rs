//! What became of the segments that were put into one backend's queue.
//!
//! In: one call a batch, from that backend's queue and delivery. Out: a [`BackendSnapshot`]. Owns
//! the counters and the gauges. Codes come from a service and are bounded in number and length.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(any(feature = "aws", test))]
use super::connection_errors::ConnectionError;
use super::connection_errors::ConnectionErrors;
use super::latency::Latency;
use super::snapshot::{BackendSnapshot, CodeCount};

/// Different codes that are counted apart; the rest is `Other`.
const MAX_CODES: usize = 32;
/// Characters kept of a code.
const CODE_CHARS: usize = 64;

/// Why a segment was given up by the daemon, as the label `reason` of `segments_dropped_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The memory for segments is full; the oldest makes room.
    BufferFull,
    /// Still here when the time to drain at shutdown was over.
    DrainTimeout,
    /// The spool has reached `--spool-max-mb`; its oldest file makes room.
    SpoolFull,
    /// Older than `--spool-max-age` on disk.
    SpoolExpired,
    /// Damaged on disk: a torn end, a broken checksum, a file that is gone.
    SpoolDamaged,
    /// The spool cannot be written (a full disk), and memory is full too.
    SpoolFailed,
}

impl DropReason {
    /// All reasons, in the order of the metrics page.
    pub const ALL: [Self; 6] = [
        Self::BufferFull,
        Self::DrainTimeout,
        Self::SpoolFull,
        Self::SpoolExpired,
        Self::SpoolDamaged,
        Self::SpoolFailed,
    ];

    /// The value of the label `reason`.
    pub fn label(self) -> &'static str {
        match self {
            Self::BufferFull => "buffer_full",
            Self::DrainTimeout => "drain_timeout",
            Self::SpoolFull => "spool_full",
            Self::SpoolExpired => "spool_expired",
            Self::SpoolDamaged => "spool_damaged",
            Self::SpoolFailed => "spool_failed",
        }
    }
}

/// How an upload ended, as the label `result` of `uploads_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UploadResult {
    /// The service took the batch, or all but the documents it named.
    Ok,
    /// It failed in a way that is tried again.
    Retry,
    /// The batch was too large and is halved.
    TooLarge,
    /// It was refused for good.
    Refused,
}

impl UploadResult {
    /// All results, in the order of the metrics page.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Retry, Self::TooLarge, Self::Refused];

    /// The value of the label `result`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Retry => "retry",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
        }
    }
}

/// The counters of one backend.
#[derive(Debug)]
pub struct BackendCounters {
    name: &'static str,
    accepted: AtomicU64,
    sent: AtomicU64,
    refused: Mutex<BTreeMap<String, u64>>,
    dropped: [AtomicU64; DropReason::ALL.len()],
    retried: AtomicU64,
    possibly_repeated: AtomicU64,
    replayed: AtomicU64,
    spooled: AtomicU64,
    spool_bytes: AtomicU64,
    spool_written: AtomicU64,
    spool_read: AtomicU64,
    queued: AtomicU64,
    queue_bytes: AtomicU64,
    in_flight: AtomicU64,
    uploads_running: AtomicU64,
    uploads_limit: AtomicU64,
    uploads: [AtomicU64; UploadResult::ALL.len()],
    latency: Latency,
    /// Microseconds of the epoch; 0: never.
    last_success_us: AtomicU64,
    last_error: Mutex<Option<(SystemTime, String)>>,
    /// 0: not known, 1: none, 2: valid.
    credentials: AtomicU64,
    /// Where they came from, or why there are none.
    credentials_note: Mutex<Option<String>>,
    connection_errors: ConnectionErrors,
}

impl BackendCounters {
    /// Counters of the backend called `name`.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            accepted: AtomicU64::default(),
            sent: AtomicU64::default(),
            refused: Mutex::default(),
            dropped: Default::default(),
            retried: AtomicU64::default(),
            possibly_repeated: AtomicU64::default(),
            replayed: AtomicU64::default(),
            spooled: AtomicU64::default(),
            spool_bytes: AtomicU64::default(),
            spool_written: AtomicU64::default(),
            spool_read: AtomicU64::default(),
            queued: AtomicU64::default(),
            queue_bytes: AtomicU64::default(),
            in_flight: AtomicU64::default(),
            uploads_running: AtomicU64::default(),
            uploads_limit: AtomicU64::default(),
            uploads: Default::default(),
            latency: Latency::default(),
            last_success_us: AtomicU64::default(),
            last_error: Mutex::default(),
            credentials: AtomicU64::default(),
            credentials_note: Mutex::default(),
            connection_errors: ConnectionErrors::default(),
        }
    }

    /// Name of the backend, the label `backend`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn add_accepted(&self, segments: usize) {
        self.accepted.fetch_add(segments as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_sent(&self, segments: usize) {
        self.sent.fetch_add(segments as u64, Ordering::Relaxed);
    }

    /// Adds segments that the service refused with `code`.
    pub(crate) fn add_refused(&self, code: &str, segments: usize) {
        let Ok(mut refused) = self.refused.lock() else { return };
        let mut code: String = code.chars().take(CODE_CHARS).collect();
        if refused.len() >= MAX_CODES && !refused.contains_key(&code) {
            code = "Other".to_owned();
        }
        *refused.entry(code).or_default() += segments as u64;
    }

    pub(crate) fn add_dropped(&self, reason: DropReason, segments: usize) {
        self.dropped[reason as usize].fetch_add(segments as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_retried(&self, segments: usize) {
        self.retried.fetch_add(segments as u64, Ordering::Relaxed);
    }

    /// Adds segments that are sent again though the service may have taken them.
    pub(crate) fn add_possibly_repeated(&self, segments: usize) {
        self.possibly_repeated.fetch_add(segments as u64, Ordering::Relaxed);
    }

    /// Adds segments that an earlier run left in the spool.
    pub(crate) fn add_replayed(&self, segments: u64) {
        self.replayed.fetch_add(segments, Ordering::Relaxed);
    }

    /// Adds segments that were written to the spool.
    pub(crate) fn add_spool_written(&self, segments: usize) {
        self.spool_written.fetch_add(segments as u64, Ordering::Relaxed);
    }

    /// Adds segments that came back from the spool.
    pub(crate) fn add_spool_read(&self, segments: usize) {
        self.spool_read.fetch_add(segments as u64, Ordering::Relaxed);
    }

    /// Sets what the spool holds now: segments that are nowhere else, and bytes of its files.
    pub(crate) fn set_spooled(&self, segments: u64, bytes: u64) {
        self.spooled.store(segments, Ordering::Relaxed);
        self.spool_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Segments that the spool holds and memory does not.
    pub(crate) fn spooled(&self) -> u64 {
        self.spooled.load(Ordering::Relaxed)
    }

    /// Sets what the queue holds now; called under the queue's lock.
    pub(crate) fn set_queued(&self, segments: usize, bytes: usize) {
        self.queued.store(segments as u64, Ordering::Relaxed);
        self.queue_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    /// Segments left the queue for an upload.
    pub(crate) fn start_flight(&self, segments: usize) {
        self.in_flight.fetch_add(segments as u64, Ordering::Relaxed);
    }

    /// Segments are settled: sent, refused, dropped or back in the queue.
    pub(crate) fn end_flight(&self, segments: usize) {
        self.in_flight.fetch_sub(segments as u64, Ordering::Relaxed);
    }

    /// Segments in an upload.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn set_uploads(&self, running: usize, limit: usize) {
        self.uploads_running.store(running as u64, Ordering::Relaxed);
        self.uploads_limit.store(limit as u64, Ordering::Relaxed);
    }

    /// Counts an upload that ended after `took`.
    pub(crate) fn add_upload(&self, result: UploadResult, took: Duration) {
        self.uploads[result as usize].fetch_add(1, Ordering::Relaxed);
        self.latency.observe(took);
        if result == UploadResult::Ok {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
            self.last_success_us.store(micros, Ordering::Relaxed);
        }
    }

    /// Keeps the text of the latest failure.
    pub(crate) fn set_last_error(&self, error: String) {
        if let Ok(mut last) = self.last_error.lock() {
            *last = Some((SystemTime::now(), error));
        }
    }

    /// Notes whether credentials were found.
    #[cfg(any(feature = "aws", test))]
    pub(crate) fn set_credentials_valid(&self, valid: bool) {
        self.credentials.store(1 + u64::from(valid), Ordering::Relaxed);
    }

    /// Keeps where credentials came from, or why there are none.
    #[cfg(any(feature = "aws", test))]
    pub(crate) fn set_credentials_note(&self, note: String) {
        if let Ok(mut last) = self.credentials_note.lock() {
            *last = Some(note);
        }
    }

    /// Where credentials came from, or why there are none.
    pub(crate) fn credentials_note(&self) -> Option<String> {
        self.credentials_note.lock().ok()?.clone()
    }

    /// Counts a failed call of the service.
    #[cfg(any(feature = "aws", test))]
    pub(crate) fn add_connection_error(&self, kind: ConnectionError) {
        self.connection_errors.add(kind);
    }

    /// Whether credentials were found; `None`: nobody has looked yet.
    pub(crate) fn credentials_valid(&self) -> Option<bool> {
        match self.credentials.load(Ordering::Relaxed) {
            0 => None,
            known => Some(known == 2),
        }
    }

    /// All values at about this moment.
    pub fn snapshot(&self) -> BackendSnapshot {
        let micros = self.last_success_us.load(Ordering::Relaxed);
        BackendSnapshot {
            name: self.name,
            sent: self.sent.load(Ordering::Relaxed),
            refused: self.refused_by_code(),
            dropped: DropReason::ALL
                .map(|reason| (reason, self.dropped[reason as usize].load(Ordering::Relaxed))),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            queued: self.queued.load(Ordering::Relaxed),
            queue_bytes: self.queue_bytes.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            retried: self.retried.load(Ordering::Relaxed),
            possibly_repeated: self.possibly_repeated.load(Ordering::Relaxed),
            replayed: self.replayed.load(Ordering::Relaxed),
            spooled: self.spooled.load(Ordering::Relaxed),
            spool_bytes: self.spool_bytes.load(Ordering::Relaxed),
            spool_written: self.spool_written.load(Ordering::Relaxed),
            spool_read: self.spool_read.load(Ordering::Relaxed),
            uploads_running: self.uploads_running.load(Ordering::Relaxed),
            uploads_limit: self.uploads_limit.load(Ordering::Relaxed),
            uploads: UploadResult::ALL
                .map(|result| (result, self.uploads[result as usize].load(Ordering::Relaxed))),
            latency: self.latency.snapshot(),
            last_success: (micros > 0).then(|| UNIX_EPOCH + Duration::from_micros(micros)),
            last_error: self.last_error.lock().ok().and_then(|last| last.clone()),
            credentials_valid: self.credentials_valid(),
            credentials_note: self.credentials_note(),
            connection_errors: self.connection_errors.snapshot(),
        }
    }

    fn refused_by_code(&self) -> Vec<CodeCount> {
        let Ok(refused) = self.refused.lock() else { return Vec::new() };
        refused
            .iter()
            .map(|(code, count)| CodeCount { code: code.clone(), count: *count })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_a_service_are_bounded() {
        let counters = BackendCounters::new("aws");
        for number in 0..100 {
            counters.add_refused(&format!("{}{number}", "x".repeat(10)), 1);
        }
        counters.add_refused(&"y".repeat(1000), 1);
        let refused = counters.snapshot().refused;
        assert_eq!(refused.len(), 33);
        assert_eq!(refused.iter().map(|code| code.count).sum::<u64>(), 101);
        assert_eq!(refused[0], CodeCount { code: "Other".into(), count: 69 });
    }

    #[test]
    fn only_a_success_moves_the_time_of_the_last_success() {
        let counters = BackendCounters::new("aws");
        counters.add_upload(UploadResult::Retry, Duration::from_millis(3));
        assert_eq!(counters.snapshot().last_success, None);
        counters.add_upload(UploadResult::Ok, Duration::from_millis(3));
        assert!(counters.snapshot().last_success.is_some());
        assert_eq!(counters.snapshot().latency.count(), 2);
    }

    #[test]
    fn credentials_are_unknown_until_somebody_looked() {
        let counters = BackendCounters::new("aws");
        assert_eq!(counters.snapshot().credentials_valid, None);
        counters.credentials.store(2, Ordering::Relaxed);
        assert_eq!(counters.snapshot().credentials_valid, Some(true));
    }
}
