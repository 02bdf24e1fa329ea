//! What the last 30 seconds of calls over one hop met: how many, how slow, what went wrong.
//!
//! In: one [`Outcome`] per finished call. Out: a [`HopReport`] for the drawing. Owns: 30 buckets of
//! a second each; older ones are overwritten, so memory is constant.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

/// How far back the drawing looks.
pub(crate) const WINDOW: Duration = Duration::from_secs(BUCKETS as u64);
const BUCKETS: usize = 30;

/// How a call went, by X-Ray's three marks. Ordered by how much it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    #[default]
    Ok,
    /// The caller's fault: 4xx.
    Error,
    /// Refused for its rate: 429.
    Throttle,
    /// The callee's fault: 5xx, no answer, or a refused statement.
    Fault,
}

impl Verdict {
    /// The mark that X-Ray gives an HTTP status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            429 => Self::Throttle,
            400..=499 => Self::Error,
            500.. => Self::Fault,
            _ => Self::Ok,
        }
    }

    /// The class name of the style sheet, which is also the word of the segment document.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Throttle => "throttle",
            Self::Fault => "fault",
        }
    }
}

/// What the callee said, or how it failed to say anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Symptom {
    Status(u16),
    Timeout,
    Unreachable,
    Statement,
}

/// How one call over a hop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine,
    Trouble(Verdict, Symptom),
}

impl Outcome {
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match Verdict::of_status(status) {
            Verdict::Ok => Self::Fine,
            verdict => Self::Trouble(verdict, Symptom::Status(status.as_u16())),
        }
    }

    pub(crate) fn fault(symptom: Symptom) -> Self {
        Self::Trouble(Verdict::Fault, symptom)
    }
}

/// What a hop's window says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct HopReport {
    pub(crate) calls: u64,
    /// Mean over all calls, in milliseconds.
    pub(crate) mean_ms: f64,
    /// The worst that happened, if anything did.
    pub(crate) trouble: Option<Trouble>,
}

/// The worst of a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    pub(crate) verdict: Verdict,
    /// The latest symptom of that verdict.
    pub(crate) symptom: Symptom,
    /// Calls with that verdict.
    pub(crate) calls: u64,
}

impl HopReport {
    pub(crate) fn verdict(&self) -> Verdict {
        self.trouble.as_ref().map_or(Verdict::Ok, |trouble| trouble.verdict)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// Which second since the window began this bucket holds; 0 also for "never used".
    second: u64,
    calls: u64,
    total: Duration,
    /// Calls by verdict: error, throttle, fault.
    troubled: [u64; 3],
    symptoms: [Option<Symptom>; 3],
}

/// The calls over one hop, in a ring of seconds.
#[derive(Debug)]
pub(crate) struct HopWindow {
    began: Instant,
    buckets: Mutex<[Bucket; BUCKETS]>,
}

impl HopWindow {
    pub(crate) fn new(now: Instant) -> Self {
        Self { began: now, buckets: Mutex::new([Bucket::default(); BUCKETS]) }
    }

    /// Counts a call that ended at `now`.
    pub(crate) fn record(&self, now: Instant, took: Duration, outcome: Outcome) {
        let second = self.second(now);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = (second % BUCKETS as u64) as usize;
        let Some(bucket) = buckets.get_mut(slot) else { return };
        if bucket.second != second {
            *bucket = Bucket { second, ..Bucket::default() };
        }
        bucket.calls += 1;
        bucket.total += took;
        if let Outcome::Trouble(verdict, symptom) = outcome
            && let Some(index) = trouble_index(verdict)
        {
            bucket.troubled[index] += 1;
            bucket.symptoms[index] = Some(symptom);
        }
    }

    /// Sums up the 30 seconds before `now`.
    pub(crate) fn report(&self, now: Instant) -> HopReport {
        let second = self.second(now);
        let mut fresh: Vec<Bucket> = {
            let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            buckets.iter().filter(|b| b.second + BUCKETS as u64 > second).copied().collect()
        };
        fresh.sort_unstable_by_key(|bucket| bucket.second);
        let calls: u64 = fresh.iter().map(|bucket| bucket.calls).sum();
        let total: Duration = fresh.iter().map(|bucket| bucket.total).sum();
        let mean_ms = if calls == 0 { 0.0 } else { total.as_secs_f64() * 1_000.0 / calls as f64 };
        HopReport { calls, mean_ms, trouble: worst(&fresh) }
    }

    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_secs()
    }
}

fn trouble_index(verdict: Verdict) -> Option<usize> {
    match verdict {
        Verdict::Ok => None,
        Verdict::Error => Some(0),
        Verdict::Throttle => Some(1),
        Verdict::Fault => Some(2),
    }
}

/// The worst verdict in `buckets`, which are in order of time.
fn worst(buckets: &[Bucket]) -> Option<Trouble> {
    [Verdict::Fault, Verdict::Throttle, Verdict::Error].into_iter().find_map(|verdict| {
        let index = trouble_index(verdict)?;
        let symptom = buckets.iter().rev().find_map(|bucket| bucket.symptoms[index])?;
        let calls = buckets.iter().map(|bucket| bucket.troubled[index]).sum();
        Some(Trouble { verdict, symptom, calls })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn calls_count_for_thirty_seconds_and_no_longer() {
        let start = Instant::now();
        let window = HopWindow::new(start);
        window.record(start, Duration::from_millis(10), Outcome::Fine);
        window.record(start + 5 * SECOND, Duration::from_millis(30), Outcome::Fine);
        let report = window.report(start + 29 * SECOND);
        assert_eq!((report.calls, report.mean_ms), (2, 20.0));
        let report = window.report(start + 30 * SECOND);
        assert_eq!((report.calls, report.mean_ms), (1, 30.0));
        assert_eq!(window.report(start + 36 * SECOND), HopReport::default());
    }

    #[test]
    fn a_fault_outranks_a_throttle_that_outranks_an_error() {
        let start = Instant::now();
        let window = HopWindow::new(start);
        let mut at = start;
        for status in [404, 500, 429, 503, 200, 404] {
            at += SECOND;
            let status = StatusCode::from_u16(status).unwrap();
            window.record(at, SECOND, Outcome::of_status(status));
        }
        let trouble = window.report(at).trouble.unwrap();
        assert_eq!(trouble.verdict, Verdict::Fault);
        assert_eq!(trouble.symptom, Symptom::Status(503), "the latest fault, not the latest call");
        assert_eq!(trouble.calls, 2);
    }

    #[test]
    fn a_bucket_is_emptied_when_its_second_comes_round_again() {
        let start = Instant::now();
        let window = HopWindow::new(start);
        window.record(start + SECOND, SECOND, Outcome::fault(Symptom::Timeout));
        window.record(start + 31 * SECOND, SECOND, Outcome::Fine);
        assert_eq!(window.report(start + 31 * SECOND).verdict(), Verdict::Ok);
    }
}
