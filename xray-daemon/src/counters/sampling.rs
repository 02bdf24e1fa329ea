//! What was asked on the port for sampling calls, and what became of it.
//!
//! In: one call a request. Out: a [`SamplingSnapshot`]. Owns the counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// What was asked, as the label `call` of `sampling_requests_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SamplingCall {
    /// `POST /GetSamplingRules`.
    Rules,
    /// `POST /SamplingTargets`.
    Targets,
    /// Anything else.
    Other,
}

/// What became of a request, as the label `result` of `sampling_requests_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SamplingResult {
    /// From memory: rules that are at most ten seconds old.
    Cached,
    /// From the service, or from the store.
    Answered,
    /// From memory, older, because the service fails.
    Stale,
    /// The service fails, and nothing is in memory.
    Failed,
    /// Not allowed here.
    Refused,
    /// The body was too large.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
}

impl SamplingCall {
    /// All calls, in the order of the metrics page.
    pub const ALL: [Self; 3] = [Self::Rules, Self::Targets, Self::Other];

    /// The value of the label `call`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Targets => "targets",
            Self::Other => "other",
        }
    }
}

impl SamplingResult {
    /// All results, in the order of the metrics page.
    pub const ALL: [Self; 7] = [
        Self::Cached,
        Self::Answered,
        Self::Stale,
        Self::Failed,
        Self::Refused,
        Self::TooLarge,
        Self::TooSlow,
    ];

    /// The value of the label `result`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Answered => "answered",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
        }
    }
}

/// Counts the requests on the port for sampling calls.
#[derive(Debug, Default)]
pub struct SamplingCounters {
    requests: [[AtomicU64; SamplingResult::ALL.len()]; SamplingCall::ALL.len()],
    upstream: [AtomicU64; SamplingCall::ALL.len()],
    upstream_failed: [AtomicU64; SamplingCall::ALL.len()],
}

/// The counts at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SamplingSnapshot {
    /// Requests by call and result, those that came.
    pub requests: Vec<(SamplingCall, SamplingResult, u64)>,
    /// Calls of the service that these caused, and how many of them failed.
    pub upstream: Vec<(SamplingCall, u64, u64)>,
}

impl SamplingCounters {
    pub(crate) fn add(&self, call: SamplingCall, result: SamplingResult) {
        self.requests[call as usize][result as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call of the service.
    #[cfg(any(feature = "aws", test))]
    pub(crate) fn add_upstream(&self, call: SamplingCall, ended: UpstreamEnd) {
        self.upstream[call as usize].fetch_add(1, Ordering::Relaxed);
        if ended == UpstreamEnd::Failed {
            self.upstream_failed[call as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn snapshot(&self) -> SamplingSnapshot {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let pairs = SamplingCall::ALL
            .into_iter()
            .flat_map(|call| SamplingResult::ALL.map(|result| (call, result)));
        SamplingSnapshot {
            requests: pairs
                .map(|(call, result)| {
                    (call, result, load(&self.requests[call as usize][result as usize]))
                })
                .collect(),
            upstream: SamplingCall::ALL
                .into_iter()
                .map(|call| {
                    let failed = load(&self.upstream_failed[call as usize]);
                    (call, load(&self.upstream[call as usize]), failed)
                })
                .collect(),
        }
    }
}

/// How a call of the service ended.
#[cfg(any(feature = "aws", test))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UpstreamEnd {
    /// The service answered, be it a refusal.
    Answered,
    /// The service could not be reached, or failed.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_call_and_result() {
        let counters = SamplingCounters::default();
        counters.add(SamplingCall::Rules, SamplingResult::Cached);
        counters.add(SamplingCall::Rules, SamplingResult::Cached);
        counters.add(SamplingCall::Other, SamplingResult::Refused);
        counters.add_upstream(SamplingCall::Targets, UpstreamEnd::Failed);
        counters.add_upstream(SamplingCall::Targets, UpstreamEnd::Answered);
        let snapshot = counters.snapshot();
        let counted: Vec<_> = snapshot.requests.iter().filter(|(.., count)| *count > 0).collect();
        assert_eq!(
            counted,
            [
                &(SamplingCall::Rules, SamplingResult::Cached, 2),
                &(SamplingCall::Other, SamplingResult::Refused, 1),
            ]
        );
        assert_eq!(snapshot.upstream[1], (SamplingCall::Targets, 2, 1));
    }
}
