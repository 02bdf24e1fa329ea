//! The one object that all stages count into.
//!
//! In: the names of the backends, at start. Out: [`Snapshot`]s. Owns the counters of intake, of
//! each backend and of the port for sampling calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use tokio::time::Instant;

use super::{BackendCounters, IntakeCounters, SamplingCounters, Snapshot};

/// All counters of one daemon. Shared as an `Arc`; cheap to read at any time.
#[derive(Debug)]
pub struct Counters {
    intake: IntakeCounters,
    backends: Vec<Arc<BackendCounters>>,
    sampling: Arc<SamplingCounters>,
    /// Bytes of received chunks that are still referenced, in flight ones included.
    held_bytes: Arc<AtomicUsize>,
    buffer_limit_bytes: AtomicUsize,
    started: Instant,
    started_at: SystemTime,
}

impl Counters {
    /// Counters for intake and for backends of these names.
    pub fn new(backends: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            intake: IntakeCounters::default(),
            backends: backends.into_iter().map(BackendCounters::new).map(Arc::new).collect(),
            sampling: Arc::default(),
            held_bytes: Arc::default(),
            buffer_limit_bytes: AtomicUsize::new(0),
            started: Instant::now(),
            started_at: SystemTime::now(),
        }
    }

    /// What intake counts.
    pub fn intake(&self) -> &IntakeCounters {
        &self.intake
    }

    /// What each backend's queue and delivery count, in the order of `--backend`.
    pub fn backends(&self) -> &[Arc<BackendCounters>] {
        &self.backends
    }

    /// The counters of the backend called `name`.
    pub fn backend(&self, name: &str) -> Option<&Arc<BackendCounters>> {
        self.backends.iter().find(|backend| backend.name() == name)
    }

    /// What the port for sampling calls counts.
    pub fn sampling(&self) -> &Arc<SamplingCounters> {
        &self.sampling
    }

    /// The gauge that every chunk in memory adds itself to.
    pub(crate) fn held_bytes(&self) -> &Arc<AtomicUsize> {
        &self.held_bytes
    }

    pub(crate) fn set_buffer_limit(&self, bytes: usize) {
        self.buffer_limit_bytes.store(bytes, Ordering::Relaxed);
    }

    /// All values at about this moment; exact when the daemon is quiet.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            taken_at: SystemTime::now(),
            started_at: self.started_at,
            uptime: self.started.elapsed(),
            // Backends first: what moves on meanwhile is then received but not yet sent.
            backends: self.backends.iter().map(|backend| backend.snapshot()).collect(),
            intake: self.intake.snapshot(),
            sampling: self.sampling.snapshot(),
            held_bytes: self.held_bytes.load(Ordering::Relaxed) as u64,
            buffer_limit_bytes: self.buffer_limit_bytes.load(Ordering::Relaxed) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_found_by_name() {
        let counters = Counters::new(["aws", "local"]);
        counters.backends()[1].add_accepted(3);
        assert_eq!(counters.backend("local").unwrap().snapshot().accepted, 3);
        assert!(counters.backend("otlp").is_none());
    }

    #[test]
    fn a_snapshot_has_one_entry_for_each_backend() {
        let snapshot = Counters::new(["aws", "local"]).snapshot();
        let names: Vec<_> = snapshot.backends.iter().map(|backend| backend.name).collect();
        assert_eq!(names, ["aws", "local"]);
    }
}
