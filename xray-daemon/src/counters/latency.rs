//! How long uploads take: a histogram with fixed bounds.
//!
//! In: one duration an upload. Out: counts per bound, for `upload_duration_seconds`. Owns the
//! counts. Bounds: a local store answers in under a millisecond, AWS in tens, an outage in seconds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds in seconds; a last bucket takes the rest.
pub const LATENCY_BOUNDS_S: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Debug, Default)]
pub(super) struct Latency {
    counts: [AtomicU64; LATENCY_BOUNDS_S.len() + 1],
    sum_us: AtomicU64,
}

/// The histogram at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LatencySnapshot {
    /// Uploads up to each of [`LATENCY_BOUNDS_S`] (not cumulative), then those above the last.
    pub counts: [u64; LATENCY_BOUNDS_S.len() + 1],
    /// Seconds of all uploads together.
    pub sum_s: f64,
}

impl Latency {
    pub(super) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = LATENCY_BOUNDS_S.partition_point(|bound| *bound < seconds);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sum_us.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> LatencySnapshot {
        LatencySnapshot {
            counts: std::array::from_fn(|bucket| self.counts[bucket].load(Ordering::Relaxed)),
            sum_s: self.sum_us.load(Ordering::Relaxed) as f64 / 1e6,
        }
    }
}

impl LatencySnapshot {
    /// Uploads that were measured.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The bound in seconds under which the share `quantile` (0.0–1.0) of the uploads lies, or
    /// `None` where nothing was measured. Above the last bound that bound is returned.
    pub fn quantile_s(&self, quantile: f64) -> Option<f64> {
        let total = self.count();
        let wanted = ((total as f64) * quantile).ceil().max(1.0) as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        (total > 0).then(|| LATENCY_BOUNDS_S[bucket.min(LATENCY_BOUNDS_S.len() - 1)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_under_the_first_bound_that_holds_it() {
        let latency = Latency::default();
        for millis in [1, 2, 60, 20_000] {
            latency.observe(Duration::from_millis(millis));
        }
        let snapshot = latency.snapshot();
        assert_eq!(snapshot.counts, [1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(snapshot.sum_s, 20.063);
    }

    #[test]
    fn a_quantile_is_the_bound_that_covers_it() {
        let latency = Latency::default();
        assert_eq!(latency.snapshot().quantile_s(0.9), None);
        for millis in [4, 4, 4, 4, 4, 4, 4, 4, 4, 80] {
            latency.observe(Duration::from_millis(millis));
        }
        assert_eq!(latency.snapshot().quantile_s(0.5), Some(0.005));
        assert_eq!(latency.snapshot().quantile_s(0.9), Some(0.005));
        assert_eq!(latency.snapshot().quantile_s(0.99), Some(0.1));
    }
}
