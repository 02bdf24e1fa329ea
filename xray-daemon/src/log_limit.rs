//! Lets a log line through once in a while, and says how many were held back.
//!
//! In: the time. Out: whether to log now. Owns the time of the last line. For lines that strangers
//! can trigger.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Shortest time between two lines.
const EVERY: Duration = Duration::from_secs(1);
/// No line yet.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct LogLimit {
    start: Instant,
    /// Milliseconds since `start`.
    last_ms: AtomicU64,
    held_back: AtomicU64,
}

impl LogLimit {
    pub(crate) fn new() -> Self {
        let held_back = AtomicU64::new(0);
        Self { start: Instant::now(), last_ms: AtomicU64::new(NEVER), held_back }
    }

    /// How many of `events` and of those before it are to be reported now; `None`: not yet.
    pub(crate) fn report(&self, events: u64) -> Option<u64> {
        let now_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(NEVER - 1);
        let last_ms = self.last_ms.load(Ordering::Relaxed);
        let held_back = self.held_back.fetch_add(events, Ordering::Relaxed) + events;
        let every_ms = EVERY.as_millis() as u64;
        if last_ms != NEVER && now_ms.saturating_sub(last_ms) < every_ms {
            return None;
        }
        self.last_ms.store(now_ms, Ordering::Relaxed);
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
}
