//! A distribution of times: exact up to 100 distinct values, then merged to about equal counts.
//!
//! In: times. Out: their distribution and quantiles. Owns at most [`MAX_BINS`] bins. The number of
//! times is always exact; a merged bin stands for the mean of what is in it.

use crate::backend::local::trace::codec::{Reader, Writer};

/// Most bins that are kept.
const MAX_BINS: usize = 100;

/// Times and how often each occurred, by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Microseconds and count; strictly ascending, no count of 0, at most [`MAX_BINS`].
    bins: Vec<(u64, u64)>,
}

impl Histogram {
    /// Adds `count` times of `time_us`.
    pub fn add(&mut self, time_us: u64, count: u64) {
        if count == 0 {
            return;
        }
        match self.bins.binary_search_by_key(&time_us, |(time_us, _)| *time_us) {
            Ok(place) => {
                if let Some((_, known)) = self.bins.get_mut(place) {
                    *known = known.saturating_add(count);
                }
            }
            Err(place) => {
                self.bins.insert(place, (time_us, count));
                if self.bins.len() > MAX_BINS {
                    self.merge_least_pair();
                }
            }
        }
    }

    /// Adds the times of `other`.
    pub fn merge(&mut self, other: &Self) {
        // Most parts of a graph are of one trace.
        if let [(time_us, count)] = other.bins.as_slice() {
            self.add(*time_us, *count);
            return;
        }
        let mut bins = std::mem::take(&mut self.bins);
        bins.extend_from_slice(&other.bins);
        bins.sort_unstable();
        bins.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
        self.bins = to_equal_counts(bins);
    }

    /// Takes away times that were added before: from their own bin, or the nearest if that was
    /// merged.
    pub fn subtract(&mut self, other: &Self) {
        for (time_us, count) in &other.bins {
            let mut left = *count;
            while left > 0 {
                let nearest = self.bins.iter_mut().min_by_key(|bin| bin.0.abs_diff(*time_us));
                let Some((_, known)) = nearest else { return };
                let taken = left.min(*known);
                *known -= taken;
                left -= taken;
                if *known == 0 {
                    self.bins.retain(|(_, count)| *count > 0);
                }
            }
        }
    }

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
        let mut entries: Vec<(u64, u64)> = Vec::with_capacity(self.bins.len());
        for (time_us, count) in &self.bins {
            let time_ms = time_us.saturating_add(500) / 1000;
            match entries.last_mut() {
                Some((last_ms, known)) if *last_ms == time_ms => {
                    *known = known.saturating_add(*count);
                }
                _ => entries.push((time_ms, *count)),
            }
        }
        entries.into_iter().map(|(time_ms, count)| (time_ms as f64 / 1e3, count)).collect()
    }

    /// The time that a share `quantile` (0–1) of all does not exceed; none when empty.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let rank = (self.count() as f64 * quantile.clamp(0.0, 1.0)).ceil().max(1.0);
        let mut seen = 0.0;
        let reached = |(_, count): &&(u64, u64)| {
            seen += *count as f64;
            seen >= rank
        };
        let bin = self.bins.iter().find(reached).or(self.bins.last())?;
        Some(bin.0 as f64 / 1e3)
    }

    /// Counts in `bars` slices of equal width from 0 to `max_ms`; what is longer counts in the
    /// last.
    pub fn bars(&self, bars: usize, max_ms: f64) -> Vec<u64> {
        let mut counts = vec![0_u64; bars];
        for (time_us, count) in &self.bins {
            let share = *time_us as f64 / 1e3 / max_ms.max(1e-3);
            let bar = ((share * bars as f64) as usize).min(bars.saturating_sub(1));
            if let Some(slot) = counts.get_mut(bar) {
                *slot = slot.saturating_add(*count);
            }
        }
        counts
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        let mut last_us = 0;
        out.list(self.bins.iter(), |out, (time_us, count)| {
            out.number(time_us - last_us);
            out.number(*count);
            last_us = *time_us;
        });
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut last_us: u64 = 0;
        let bins = from.list(|from| {
            last_us = last_us.checked_add(from.number()?)?;
            Some((last_us, from.number()?))
        })?;
        let sound = bins.len() <= MAX_BINS
            && bins.is_sorted_by(|one, next| one.0 < next.0)
            && bins.iter().all(|(_, count)| *count > 0);
        sound.then_some(Self { bins })
    }

    /// Makes one bin of the two neighbours that hold the fewest times.
    fn merge_least_pair(&mut self) {
        let held = |pair: &[(u64, u64)]| pair.iter().map(|(_, count)| *count).sum::<u64>();
        let least = (0..).zip(self.bins.windows(2)).min_by_key(|(_, pair)| held(pair));
        let Some(place) = least.map(|(place, _)| place) else { return };
        let pair = self.bins.splice(place..place + 2, []).collect::<Vec<_>>();
        self.bins.insert(place, mean(&pair));
    }
}

/// One bin for all of `bins`, which are not empty: their mean, within their bounds.
fn mean(bins: &[(u64, u64)]) -> (u64, u64) {
    let count: u128 = bins.iter().map(|(_, count)| u128::from(*count)).sum();
    let sum: u128 =
        bins.iter().map(|(time_us, count)| u128::from(*time_us) * u128::from(*count)).sum();
    let mean = (sum + count / 2) / count.max(1);
    (u64::try_from(mean).unwrap_or(u64::MAX), u64::try_from(count).unwrap_or(u64::MAX))
}

/// At most [`MAX_BINS`] bins of about the same count.
fn to_equal_counts(bins: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    if bins.len() <= MAX_BINS {
        return bins;
    }
    let mut merged = Vec::with_capacity(MAX_BINS);
    let mut left: u128 = bins.iter().map(|(_, count)| u128::from(*count)).sum();
    let mut rest = bins.as_slice();
    while !rest.is_empty() {
        let slots = (MAX_BINS - merged.len()).max(1);
        let share = left.div_ceil(slots as u128);
        let mut held = 0;
        let fits = |(_, count): &&(u64, u64)| {
            let open = held < share;
            held += if open { u128::from(*count) } else { 0 };
            open
        };
        let taken = match slots {
            1 => rest.len(),
            // What is left must not be fewer bins than slots, or slots stay empty: exact is better.
            _ if rest.len() <= slots => 1,
            _ => rest.iter().take_while(fits).count().max(1),
        };
        let (group, after) = rest.split_at(taken.min(rest.len()));
        let bin = mean(group);
        left = left.saturating_sub(u128::from(bin.1));
        merged.push(bin);
        rest = after;
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(times_us: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        times_us.into_iter().for_each(|time_us| histogram.add(time_us, 1));
        histogram
    }

    #[test]
    fn a_hundred_distinct_values_are_exact() {
        let exact = histogram((1..=100).chain(1..=100));
        assert_eq!(exact.bins_us(), (1..=100).map(|time_us| (time_us, 2)).collect::<Vec<_>>());
        assert_eq!(exact.quantile_ms(0.5), Some(0.05));
        assert_eq!(exact.quantile_ms(0.99), Some(0.099));
        assert_eq!((exact.quantile_ms(0.0), exact.quantile_ms(1.0)), (Some(0.001), Some(0.1)));
        assert_eq!(Histogram::default().quantile_ms(0.5), None);
    }

    #[test]
    fn more_are_merged_to_about_equal_counts() {
        let mut merged = histogram(1..=50);
        for from in (51..10_000).step_by(90) {
            merged.merge(&histogram(from..from + 90));
        }
        assert_eq!(merged.count(), 50 + 111 * 90);
        assert!(merged.bins_us().len() <= MAX_BINS);
        let most = merged.bins_us().iter().map(|(_, count)| *count).max();
        // A bin that was merged before is not split again.
        assert!(most <= Some(3 * merged.count() / MAX_BINS as u64), "{most:?}");
        let median_ms = merged.quantile_ms(0.5).unwrap();
        assert!((median_ms - 5.02).abs() < 0.2, "{median_ms}");
    }

    #[test]
    fn what_was_added_can_be_taken_away() {
        let (mut all, part) = (histogram([10, 20, 20, 30]), histogram([20, 30]));
        all.subtract(&part);
        assert_eq!(all.bins_us(), [(10, 1), (20, 1)]);
        // 21 was merged elsewhere: the nearest gives way.
        all.subtract(&histogram([21]));
        assert_eq!(all.bins_us(), [(10, 1)]);
        all.subtract(&histogram([1, 2, 3]));
        assert_eq!(all, Histogram::default());
    }

    #[test]
    fn the_api_sees_milliseconds() {
        assert_eq!(
            histogram([1_250_000, 1_499, 1_200, 400_400]).entries_s(),
            [(0.001, 2), (0.4, 1), (1.25, 1)]
        );
    }

    #[test]
    fn bars_have_equal_width() {
        assert_eq!(
            histogram([0, 9_000, 10_000, 39_999, 40_000, 99_000]).bars(4, 40.0),
            [2, 1, 0, 3]
        );
    }

    proptest! {
        #[test]
        fn counts_are_exact_and_bytes_read_back(
            times in proptest::collection::vec((any::<u64>(), 1..1000_u64), 0..400),
            split in 0..400_usize,
        ) {
            let (one, other) = times.split_at(split.min(times.len()));
            let build = |bins: &[(u64, u64)]| {
                let mut histogram = Histogram::default();
                bins.iter().for_each(|(time_us, count)| histogram.add(*time_us, *count));
                histogram
            };
            let (mut all, other) = (build(one), build(other));
            all.merge(&other);
            prop_assert_eq!(all.count(), times.iter().map(|(_, count)| count).sum::<u64>());
            prop_assert!(all.bins_us().len() <= MAX_BINS);
            prop_assert!(all.bins_us().is_sorted_by(|a, b| a.0 < b.0));
            let mut bytes = Vec::new();
            all.write(&mut Writer::new(&mut bytes));
            let read = Histogram::read(&mut Reader::new(&bytes));
            prop_assert_eq!(read.as_ref(), Some(&all));
            all.subtract(&other);
            prop_assert_eq!(all.count(), build(one).count());
        }
    }
}
