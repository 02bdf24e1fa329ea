//! What `init` hands back: flushes at the end, and says what was lost.
//!
//! In: nothing. Out: counters. Owns a share of the tracer. Dropping it waits at most a second.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Stats;
use crate::layer::{Tracer, clock};
use crate::sampling::RuleReport;

/// Longest that dropping the guard waits for the sender.
const FLUSH_ON_DROP: Duration = Duration::from_secs(1);

/// Flushes when dropped, for up to a second; hold it until the end of `main`.
///
/// The layer goes on recording after that, but nobody waits for its documents any more.
#[must_use = "documents still queued are lost unless the guard lives until the end of main"]
pub struct Guard {
    tracer: Arc<Tracer>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Guard {
    pub(crate) fn new(tracer: Arc<Tracer>) -> Self {
        Self { tracer }
    }

    pub(crate) fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// What was recorded, sent and lost so far.
    pub fn stats(&self) -> Stats {
        self.tracer.counters.snapshot()
    }

    /// The sampling rules that are in use: X-Ray's, or local ones until those have come. Empty with a
    /// sampler of one's own.
    pub fn sampling(&self) -> Vec<RuleReport> {
        let central = self.tracer.settings.central.as_ref();
        central.map(|central| central.report(clock::epoch_s())).unwrap_or_default()
    }

    /// Sends what is queued, and what has ended in traces that are still open; their segments are
    /// told of as in progress. False if `deadline` came first.
    pub fn flush(&self, deadline: Duration) -> bool {
        self.tracer.queue.flush(deadline)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.flush(FLUSH_ON_DROP);
    }
}
