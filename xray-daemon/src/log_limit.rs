//! Lets a log line through once in a while, and says how many were held back.
//!
//! In: the time. Out: whether to log now. Owns the time of the last line, or of the first of a burst.
//! For lines that strangers can trigger.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Shortest time between two lines, or two bursts of them.
const EVERY: Duration = Duration::from_secs(1);
/// No line yet.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct LogLimit {
    start: Instant,
    /// Milliseconds since `start`.
    last_ms: AtomicU64,
    /// Lines that were wanted since then, that one included.
    wanted: AtomicU64,
    /// Lines that may follow each other without a wait.
    burst: u64,
    held_back: AtomicU64,
}

impl LogLimit {
    pub(crate) fn new() -> Self {
        Self::with_burst(1)
    }

    /// A limit that lets `burst` lines through in a second.
    pub(crate) fn with_burst(burst: u64) -> Self {
        let (wanted, held_back) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { start: Instant::now(), last_ms: AtomicU64::new(NEVER), wanted, burst, held_back }
    }

    /// How many of `events` and of those before it are to be reported now; `None`: not yet.
    pub(crate) fn report(&self, events: u64) -> Option<u64> {
        let now_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(NEVER - 1);
        let last_ms = self.last_ms.load(Ordering::Relaxed);
        let held_back = self.held_back.fetch_add(events, Ordering::Relaxed) + events;
        let every_ms = EVERY.as_millis() as u64;
        if last_ms != NEVER && now_ms.saturating_sub(last_ms) < every_ms {
            if self.wanted.fetch_add(1, Ordering::Relaxed) >= self.burst {
                return None;
            }
        } else {
            self.last_ms.store(now_ms, Ordering::Relaxed);
            self.wanted.store(1, Ordering::Relaxed);
        }
        self.held_back.fetch_sub(held_back, Ordering::Relaxed);
        Some(held_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_a_second_speaks_for_all() {
        let limit = LogLimit::new();
        assert_eq!(limit.report(1), Some(1));
        assert_eq!(limit.report(5), None);
        assert_eq!(limit.report(2), None);
        tokio::time::advance(EVERY).await;
        assert_eq!(limit.report(1), Some(8));
        assert_eq!(limit.report(1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_what_follows_is_summed_up() {
        let limit = LogLimit::with_burst(3);
        let reports: Vec<_> = (0..5).map(|_| limit.report(1)).collect();
        assert_eq!(reports, [Some(1), Some(1), Some(1), None, None]);
        tokio::time::advance(EVERY).await;
        assert_eq!(limit.report(1), Some(3));
    }
}
