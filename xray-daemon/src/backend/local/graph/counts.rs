//! How many requests, how they went, how long they took together.

use crate::backend::local::trace::Status;

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

    /// Share of `status` among all requests, 0–1.
    pub fn share(&self, status: Status) -> f64 {
        let count = match status {
            Status::Ok => self.ok,
            Status::Error => self.error,
            Status::Throttle => self.throttle,
            Status::Fault => self.fault,
            Status::InProgress => 0,
        };
        if self.total() == 0 { 0.0 } else { count as f64 / self.total() as f64 }
    }

    /// The gravest status that occurs, with its share; none where all went well.
    pub fn worst(&self) -> Option<(Status, f64)> {
        [Status::Fault, Status::Error, Status::Throttle]
            .into_iter()
            .map(|status| (status, self.share(status)))
            .find(|(_, share)| *share > 0.0)
    }
}
