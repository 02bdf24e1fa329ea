//! Bounds what retries add to the load of a service that fails now and then.
//!
//! In: batches taken, batches to be sent again. Out: whether one may be sent again now. Owns the
//! tokens. No clock: callers pass `now`. A retry costs a token; each batch taken earns a fifth of
//! one, and so does time, so that retries are a fifth of the load and ten a second at most. Nothing
//! is lost for want of tokens: what came back waits, what is fresh goes first.

use std::time::Duration;

use tokio::time::Instant;

/// Tokens to begin with, and most that are kept: a burst of failures is tried again at once.
const MOST: f64 = 100.0;
/// Tokens that a batch taken earns.
const PER_BATCH: f64 = 0.2;
/// Tokens that a second earns.
const PER_SECOND: f64 = 10.0;

#[derive(Debug)]
pub(super) struct RetryBudget {
    tokens: f64,
    /// Up to when time has earned its tokens.
    earned_until: Instant,
}

impl RetryBudget {
    pub(super) fn new(now: Instant) -> Self {
        Self { tokens: MOST, earned_until: now }
    }

    /// When a batch may be sent again; `None`: now.
    pub(super) fn waits_until(&mut self, now: Instant) -> Option<Instant> {
        self.earn(now);
        let missing = 1.0 - self.tokens;
        (missing > 0.0).then(|| now + Duration::from_secs_f64(missing / PER_SECOND))
    }

    /// A batch is sent again.
    pub(super) fn spend(&mut self) {
        self.tokens -= 1.0;
    }

    /// A batch was taken.
    pub(super) fn succeeded(&mut self) {
        self.tokens = (self.tokens + PER_BATCH).min(MOST);
    }

    fn earn(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.earned_until);
        self.earned_until = now;
        self.tokens = (self.tokens + elapsed.as_secs_f64() * PER_SECOND).min(MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Retries until the budget says to wait.
    fn burst(budget: &mut RetryBudget, now: Instant) -> usize {
        let mut retries = 0;
        while budget.waits_until(now).is_none() {
            budget.spend();
            retries += 1;
        }
        retries
    }

    #[test]
    fn a_hundred_retries_go_at_once_and_ten_a_second_after_them() {
        let start = Instant::now();
        let mut budget = RetryBudget::new(start);
        assert_eq!(burst(&mut budget, start), 100);
        assert_eq!(budget.waits_until(start), Some(start + Duration::from_millis(100)));
        assert_eq!(burst(&mut budget, start + Duration::from_millis(3_001)), 30);
        assert_eq!(burst(&mut budget, start + Duration::from_secs(3_600)), 100);
    }

    #[test]
    fn every_fifth_batch_taken_pays_for_a_retry() {
        let start = Instant::now();
        let mut budget = RetryBudget::new(start);
        burst(&mut budget, start);
        (0..51).for_each(|_| budget.succeeded());
        assert_eq!(burst(&mut budget, start), 10);
    }
}
