//! How many requests, how they went, how long they took together.
//!
//! In: requests one by one, or other counts. Out: sums, shares, averages. Owns five numbers.

use crate::backend::local::trace::Status;
use crate::backend::local::trace::codec::{Reader, Writer};

/// Requests by outcome, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ended well.
    pub ok: u64,
    /// 4xx but 429.
    pub error: u64,
    /// 429.
    pub throttle: u64,
    /// 5xx.
    pub fault: u64,
    /// Sum of the response times.
    pub total_us: u64,
}

impl Counts {
    /// Adds one request that took `time_us`. What is in progress is none yet.
    pub fn add(&mut self, status: Status, time_us: u64) {
        let count = match status {
            Status::Ok => &mut self.ok,
            Status::Error => &mut self.error,
            Status::Throttle => &mut self.throttle,
            Status::Fault => &mut self.fault,
            Status::InProgress => return,
        };
        *count = count.saturating_add(1);
        self.total_us = self.total_us.saturating_add(time_us);
    }

    /// Adds the requests of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.combine(other, u64::saturating_add);
    }

    /// Takes away requests that were added before.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, u64::saturating_sub);
    }

    fn combine(&mut self, other: &Self, with: fn(u64, u64) -> u64) {
        self.ok = with(self.ok, other.ok);
        self.error = with(self.error, other.error);
        self.throttle = with(self.throttle, other.throttle);
        self.fault = with(self.fault, other.fault);
        self.total_us = with(self.total_us, other.total_us);
    }

    /// All requests.
    pub fn total(&self) -> u64 {
        self.ok.saturating_add(self.error).saturating_add(self.throttle).saturating_add(self.fault)
    }

    /// Sum of the response times in seconds, rounded to milliseconds as the API does.
    pub fn total_response_time_s(&self) -> f64 {
        (self.total_us as f64 / 1e3).round() / 1e3
    }

    /// Mean response time; none without requests.
    pub fn average_ms(&self) -> Option<f64> {
        (self.total() > 0).then(|| self.total_us as f64 / 1e3 / self.total() as f64)
    }

    /// Requests a minute over a window of `window_s`.
    pub fn per_minute(&self, window_s: f64) -> f64 {
        if window_s > 0.0 { self.total() as f64 * 60.0 / window_s } else { 0.0 }
    }

    /// Requests of `status`.
    pub fn of(&self, status: Status) -> u64 {
        match status {
            Status::Ok => self.ok,
            Status::Error => self.error,
            Status::Throttle => self.throttle,
            Status::Fault => self.fault,
            Status::InProgress => 0,
        }
    }

    /// Share of `status` among all requests, 0–1.
    pub fn share(&self, status: Status) -> f64 {
        if self.total() == 0 { 0.0 } else { self.of(status) as f64 / self.total() as f64 }
    }

    /// The gravest status that occurs, with its share; none where all went well.
    pub fn worst(&self) -> Option<(Status, f64)> {
        [Status::Fault, Status::Error, Status::Throttle]
            .into_iter()
            .map(|status| (status, self.share(status)))
            .find(|(_, share)| *share > 0.0)
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        for number in [self.ok, self.error, self.throttle, self.fault, self.total_us] {
            out.number(number);
        }
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            ok: from.number()?,
            error: from.number()?,
            throttle: from.number()?,
            fault: from.number()?,
            total_us: from.number()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts() -> Counts {
        let mut counts = Counts::default();
        let requests = [
            (Status::Ok, 1_250_000),
            (Status::Error, 2_500_000),
            (Status::Throttle, 400_000),
            (Status::Fault, 1_000_000),
            (Status::InProgress, 9_000_000),
        ];
        requests.into_iter().for_each(|(status, time_us)| counts.add(status, time_us));
        counts
    }

    #[test]
    fn each_finished_request_counts_once() {
        let counts = counts();
        assert_eq!(counts, Counts { ok: 1, error: 1, throttle: 1, fault: 1, total_us: 5_150_000 });
        assert_eq!((counts.total(), counts.total_response_time_s()), (4, 5.15));
        assert_eq!((counts.average_ms(), counts.per_minute(30.0)), (Some(1287.5), 8.0));
        assert_eq!(counts.worst(), Some((Status::Fault, 0.25)));
    }

    #[test]
    fn nothing_has_no_average_and_no_worst() {
        let none = Counts::default();
        assert_eq!((none.average_ms(), none.worst(), none.per_minute(60.0)), (None, None, 0.0));
        assert_eq!((none.share(Status::Ok), counts().per_minute(0.0)), (0.0, 0.0));
    }

    #[test]
    fn subtracting_undoes_merging() {
        let mut twice = counts();
        twice.merge(&counts());
        assert_eq!(twice.total(), 8);
        twice.subtract(&counts());
        assert_eq!(twice, counts());
    }
}
