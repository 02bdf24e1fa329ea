//! What clients report to have matched, sampled and borrowed, by rule and window of 10 s.
//!
//! In: reports, with the time. Out: sums. Owns the windows of the last 15 minutes. No clock.

use std::collections::{BTreeMap, VecDeque};

use super::quota::WINDOW_S;

/// Windows kept: 15 minutes.
const MAX_WINDOWS: usize = 90;
/// Most clients told apart in one window; further ones only add to the sum.
const MAX_CLIENTS: usize = 1_000;

/// Counts of one client in one window, or the sum of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RuleCounts {
    /// Requests that matched the rule.
    pub requests: u64,
    /// Of them, sampled.
    pub sampled: u64,
    /// Of the sampled ones, without a quota.
    pub borrowed: u64,
}

impl RuleCounts {
    fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.sampled = self.sampled.saturating_add(other.sampled);
        self.borrowed = self.borrowed.saturating_add(other.borrowed);
    }
}

/// The windows of one rule.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    /// Oldest first; windows without reports have no entry.
    windows: VecDeque<Window>,
}

#[derive(Debug)]
struct Window {
    /// Epoch seconds / 10.
    number: u64,
    by_client: BTreeMap<String, RuleCounts>,
    /// Of clients beyond those told apart.
    others: RuleCounts,
}

impl Window {
    fn new(number: u64) -> Self {
        Self { number, by_client: BTreeMap::new(), others: RuleCounts::default() }
    }

    fn sum(&self) -> RuleCounts {
        let mut sum = self.others;
        self.by_client.values().for_each(|counts| sum.add(*counts));
        sum
    }
}

impl Statistics {
    /// Takes a report; a newer one of the same window and client takes its place.
    pub(super) fn report(&mut self, client: &str, counts: RuleCounts, now_s: u64) {
        let number = now_s / WINDOW_S;
        // A clock that was set back counts in the latest window.
        if self.windows.back().is_none_or(|latest| latest.number < number) {
            self.windows.push_back(Window::new(number));
        }
        while self.windows.len() > MAX_WINDOWS {
            self.windows.pop_front();
        }
        let Some(window) = self.windows.back_mut() else { return };
        if window.by_client.len() < MAX_CLIENTS || window.by_client.contains_key(client) {
            window.by_client.insert(client.to_owned(), counts);
        } else {
            window.others.add(counts);
        }
    }

    /// The start of the last closed window with reports, epoch seconds, and its sum.
    pub(super) fn last_closed(&self, now_s: u64) -> Option<(u64, RuleCounts)> {
        let current = now_s / WINDOW_S;
        let oldest = current.saturating_sub(MAX_WINDOWS as u64);
        let closed = self.windows.iter().rev();
        let mut closed = closed.filter(|window| (oldest..current).contains(&window.number));
        closed.next().map(|window| (window.number * WINDOW_S, window.sum()))
    }

    /// The sum of the last 15 minutes, the window that is still open too.
    pub(super) fn recent(&self, now_s: u64) -> RuleCounts {
        let oldest = (now_s / WINDOW_S).saturating_sub(MAX_WINDOWS as u64);
        let mut sum = RuleCounts::default();
        for window in self.windows.iter().filter(|window| window.number > oldest) {
            sum.add(window.sum());
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(requests: u64, sampled: u64, borrowed: u64) -> RuleCounts {
        RuleCounts { requests, sampled, borrowed }
    }

    #[test]
    fn a_closed_window_is_summed_over_clients() {
        let mut statistics = Statistics::default();
        statistics.report("a", counts(10, 2, 0), 1_000);
        statistics.report("a", counts(20, 4, 1), 1_003);
        statistics.report("b", counts(5, 1, 1), 1_009);
        assert_eq!(statistics.last_closed(1_009), None);
        assert_eq!(statistics.last_closed(1_010), Some((1_000, counts(25, 5, 2))));
    }

    #[test]
    fn what_is_older_than_15_minutes_does_not_count() {
        let mut statistics = Statistics::default();
        statistics.report("a", counts(1, 1, 1), 1_000);
        statistics.report("a", counts(2, 2, 2), 1_500);
        assert_eq!(statistics.recent(1_500), counts(3, 3, 3));
        assert_eq!(statistics.recent(1_950), counts(2, 2, 2));
        assert_eq!(statistics.recent(9_999), counts(0, 0, 0));
        assert_eq!(statistics.last_closed(9_999), None);
    }

    #[test]
    fn the_number_of_windows_and_clients_is_bounded() {
        let mut statistics = Statistics::default();
        for second in 0..5_000 {
            statistics.report("a", counts(1, 0, 0), second);
        }
        assert_eq!(statistics.windows.len(), MAX_WINDOWS);
        for client in 0..1_500 {
            statistics.report(&client.to_string(), counts(1, 0, 0), 5_000);
        }
        assert_eq!(statistics.recent(5_000).requests, 1_500 + 89);
        assert_eq!(statistics.windows.back().unwrap().by_client.len(), MAX_CLIENTS);
    }
}
