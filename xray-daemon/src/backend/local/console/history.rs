//! The counters of the last minutes, for rates and sparklines.
//!
//! In: samples of two counters with their time. Out: rates a second. Owns at most [`KEPT`] samples.
//! No clock: callers pass the time.

use std::collections::VecDeque;

/// Samples kept: five minutes, one every 5 s.
const KEPT: usize = 61;
/// Samples closer than this replace each other, so that page views do not wear the history out.
const LEAST_DISTANCE_S: f64 = 4.5;

/// Samples, oldest first; the last one moves until the next is due.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    at_s: f64,
    received: u64,
    sent: u64,
}

impl History {
    /// Adds a sample.
    pub(crate) fn add(&mut self, at_s: f64, received: u64, sent: u64) {
        let sample = Sample { at_s, received, sent };
        let before_last = self.samples.len().checked_sub(2).and_then(|at| self.samples.get(at));
        let close = before_last.is_some_and(|before| at_s - before.at_s < LEAST_DISTANCE_S);
        if close && let Some(last) = self.samples.back_mut() {
            *last = sample;
            return;
        }
        if self.samples.len() == KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// Received a second, over the last 5 to 10 seconds.
    pub(crate) fn received_per_second(&self) -> f64 {
        self.recent(|sample| sample.received)
    }

    /// Sent a second, likewise.
    pub(crate) fn sent_per_second(&self) -> f64 {
        self.recent(|sample| sample.sent)
    }

    fn recent(&self, counter: impl Fn(&Sample) -> u64) -> f64 {
        let Some(last) = self.samples.back() else { return 0.0 };
        let back = self.samples.len().saturating_sub(3);
        let Some(first) = self.samples.get(back) else { return 0.0 };
        rate(first.at_s, counter(first), last.at_s, counter(last))
    }

    /// Received a second between each two samples, oldest first.
    pub(crate) fn received_rates(&self) -> Vec<f64> {
        self.rates(|sample| sample.received)
    }

    /// Sent a second, likewise.
    pub(crate) fn sent_rates(&self) -> Vec<f64> {
        self.rates(|sample| sample.sent)
    }

    fn rates(&self, counter: impl Fn(&Sample) -> u64) -> Vec<f64> {
        let pairs = self.samples.iter().zip(self.samples.iter().skip(1));
        pairs.map(|(a, b)| rate(a.at_s, counter(a), b.at_s, counter(b))).collect()
    }

    /// The highest rate of what was received, and when.
    pub(crate) fn peak(&self) -> Option<(f64, f64)> {
        let times = self.samples.iter().skip(1).map(|sample| sample.at_s);
        let rates = self.received_rates().into_iter().zip(times);
        rates.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(rate, _)| *rate > 0.0)
    }
}

fn rate(from_s: f64, from: u64, to_s: f64, to: u64) -> f64 {
    let length_s = to_s - from_s;
    if length_s < 0.1 { 0.0 } else { to.saturating_sub(from) as f64 / length_s }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(samples: &[(f64, u64)]) -> History {
        let mut history = History::default();
        for (at_s, received) in samples {
            history.add(*at_s, *received, received / 2);
        }
        history
    }

    #[test]
    fn rates_are_those_of_the_last_seconds() {
        let history = history(&[(0.0, 0), (5.0, 50), (10.0, 1_120)]);
        assert_eq!(history.received_per_second(), 112.0);
        assert_eq!(history.received_rates(), [10.0, 214.0]);
        assert_eq!(history.sent_rates(), [5.0, 107.0]);
        assert_eq!(history.peak(), Some((214.0, 10.0)));
    }

    #[test]
    fn page_views_move_the_last_sample_instead_of_adding_one() {
        let history = history(&[(0.0, 0), (5.0, 50), (5.5, 60), (7.0, 70), (10.1, 80)]);
        assert_eq!(history.received_rates().len(), 3);
        assert_eq!(history.samples.back().unwrap().received, 80);
    }

    #[test]
    fn too_little_known_is_no_rate() {
        assert_eq!(history(&[]).received_per_second(), 0.0);
        assert_eq!(history(&[(3.0, 9)]).received_per_second(), 0.0);
        assert_eq!(history(&[(3.0, 9), (8.0, 9)]).peak(), None);
    }

    #[test]
    fn five_minutes_are_kept() {
        let samples: Vec<_> = (0..200).map(|i| (f64::from(i) * 5.0, 0)).collect();
        assert_eq!(history(&samples).received_rates().len(), 60);
    }
}
