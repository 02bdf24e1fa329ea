//! A distribution of times: exact up to 100 distinct values, then merged to equal counts.

/// Most bins that are kept.
pub const MAX_BINS: usize = 100;

/// Times and how often each occurred, by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Microseconds and count; strictly ascending, no count of 0, at most [`MAX_BINS`].
    bins: Vec<(u64, u64)>,
}

impl Histogram {
    /// Microseconds and count, ascending.
    pub fn bins_us(&self) -> &[(u64, u64)] {
        &self.bins
    }

    /// Number of times in it.
    pub fn count(&self) -> u64 {
        self.bins.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// As the API gives it: seconds rounded to milliseconds, and count.
    pub fn entries_s(&self) -> Vec<(f64, u64)> {
        Vec::new()
    }

    /// The time that a share `quantile` (0–1) of all does not exceed; none when empty.
    pub fn quantile_ms(&self, _quantile: f64) -> Option<f64> {
        None
    }
}
