//! What is an anomaly, and how many there were: the ground on which X-Ray raises a rule's rate.
//!
//! In: local roots as they end. Out: counts by service, for the next report. Owns the conditions
//! and the counts. A trace is counted once, where its decision was made. Rule: X-Ray developer
//! guide, "Adaptive sampling".

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::sampling::{Ended, Operation, Pattern};

/// Most services that one process counts for one rule; those beyond are not told apart.
const MAX_SERVICES: usize = 32;

/// What counts as an anomaly; all that is said must be true.
///
/// ```
/// use std::time::Duration;
/// use xray_tracing::sampling::AnomalyCondition;
/// // A checkout that takes longer than two seconds, or fails.
/// let slow = AnomalyCondition::new().operation("POST /checkout").slower_than(Duration::from_secs(2));
/// let failed = AnomalyCondition::new().operation("POST /checkout").status(500..=599);
/// # drop((slow, failed));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AnomalyCondition {
    status: Option<(u16, u16)>,
    operations: Vec<Pattern>,
    slower_than: Option<Duration>,
    usage: Usage,
}

/// What an anomaly leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    /// It is counted, and captured if that is asked for.
    #[default]
    Both,
    /// It is counted, so that X-Ray may raise the rate of the rule.
    SamplingBoost,
    /// The segment of an unsampled request is recorded after all, if that is asked for.
    AnomalyCapture,
}

impl AnomalyCondition {
    /// Every request; narrow it down from there.
    pub fn new() -> Self {
        Self::default()
    }

    /// Responses with one of these statuses.
    pub fn status(mut self, range: std::ops::RangeInclusive<u16>) -> Self {
        self.status = Some((*range.start(), *range.end()));
        self
    }

    /// Requests for this, `METHOD /first-part-of-the-path`, with `*` and `?`. Can be repeated.
    pub fn operation(mut self, pattern: impl Into<Pattern>) -> Self {
        self.operations.push(pattern.into());
        self
    }

    /// Requests that took longer.
    pub fn slower_than(mut self, limit: Duration) -> Self {
        self.slower_than = Some(limit);
        self
    }

    /// What it leads to.
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    fn holds(&self, ended: &Ended<'_>) -> bool {
        let in_status = |(first, last)| ended.status.is_some_and(|s| (first..=last).contains(&s));
        self.status.is_none_or(in_status)
            && self.slower_than.is_none_or(|limit| ended.took > limit)
            && (self.operations.is_empty() || self.names(ended.operation))
    }

    fn names(&self, operation: Option<Operation<'_>>) -> bool {
        let Some(operation) = operation else { return false };
        let name = format!("{} {}", operation.method, first_part(operation.path));
        self.operations.iter().any(|pattern| pattern.matches(&name))
    }
}

/// `/products/7` is `/products`.
fn first_part(path: &str) -> &str {
    let end = path.char_indices().skip(1).find(|(_, char)| *char == '/');
    end.and_then(|(at, _)| path.get(..at)).unwrap_or(path)
}

/// Whether a root is an anomaly for `usage`: by the conditions, or without any by default.
pub(crate) fn is_anomaly(conditions: &[AnomalyCondition], ended: &Ended<'_>, usage: Usage) -> bool {
    if conditions.is_empty() {
        return ended.is_fault;
    }
    let is_for =
        |condition: &&AnomalyCondition| condition.usage == Usage::Both || condition.usage == usage;
    conditions.iter().filter(is_for).any(|condition| condition.holds(ended))
}

/// Counts of one service since the last report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AnomalyCounts {
    /// Roots that ended.
    pub(super) total: u64,
    pub(super) anomalies: u64,
    /// Anomalies that were recorded.
    pub(super) sampled_anomalies: u64,
}

/// Counts of one rule, by service.
#[derive(Debug, Default)]
pub(super) struct Anomalies {
    by_service: Mutex<BTreeMap<Arc<str>, AnomalyCounts>>,
}

impl Anomalies {
    pub(super) fn count(&self, service_name: &str, is_anomaly: bool, sampled: bool) {
        self.add(
            service_name,
            AnomalyCounts {
                total: 1,
                anomalies: is_anomaly.into(),
                sampled_anomalies: (is_anomaly && sampled).into(),
            },
        );
    }

    /// Adds counts: also those of a report that failed.
    pub(super) fn add(&self, service_name: &str, counts: AnomalyCounts) {
        let mut services = self.lock();
        if !services.contains_key(service_name) {
            if services.len() >= MAX_SERVICES {
                return;
            }
            services.insert(service_name.into(), AnomalyCounts::default());
        }
        if let Some(sum) = services.get_mut(service_name) {
            sum.total += counts.total;
            sum.anomalies += counts.anomalies;
            sum.sampled_anomalies += counts.sampled_anomalies;
        }
    }

    /// Takes the counts since the last call.
    pub(super) fn take(&self) -> BTreeMap<Arc<str>, AnomalyCounts> {
        mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Arc<str>, AnomalyCounts>> {
        // Nothing in here panics; were it to, the counts are still whole.
        self.by_service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(path: &str, status: u16, took_ms: u64) -> Ended<'_> {
        Ended {
            service_name: "shop",
            rule: None,
            sampled: false,
            operation: Some(Operation { method: "GET", path }),
            status: Some(status),
            is_fault: status > 499,
            took: Duration::from_millis(took_ms),
        }
    }

    #[test]
    fn without_conditions_a_fault_is_an_anomaly() {
        assert!(is_anomaly(&[], &ended("/", 500, 1), Usage::SamplingBoost));
        assert!(!is_anomaly(&[], &ended("/", 499, 9_000), Usage::AnomalyCapture));
    }

    #[test]
    fn all_that_a_condition_says_must_be_true() {
        let condition = AnomalyCondition::new()
            .status(400..=499)
            .operation("GET /products*")
            .slower_than(Duration::from_millis(100));
        let is = |ended| is_anomaly(std::slice::from_ref(&condition), &ended, Usage::Both);
        assert!(is(ended("/products/7/parts", 404, 101)));
        assert!(!is(ended("/products/7/parts", 404, 100)));
        assert!(!is(ended("/products", 500, 101)));
        assert!(!is(ended("/carts/products", 404, 101)));
        assert!(!is(Ended { operation: None, ..ended("/products", 404, 101) }));
    }

    #[test]
    fn a_condition_may_be_for_one_use_alone() {
        let capture = [AnomalyCondition::new().usage(Usage::AnomalyCapture)];
        assert!(is_anomaly(&capture, &ended("/", 200, 1), Usage::AnomalyCapture));
        assert!(!is_anomaly(&capture, &ended("/", 200, 1), Usage::SamplingBoost));
    }

    #[test]
    fn only_so_many_services_are_told_apart() {
        let anomalies = Anomalies::default();
        for number in 0..100 {
            anomalies.count(&format!("s{number}"), true, false);
        }
        anomalies.count("s0", false, true);
        let taken = anomalies.take();
        assert_eq!(taken.len(), MAX_SERVICES);
        let expected = AnomalyCounts { total: 2, anomalies: 1, sampled_anomalies: 0 };
        assert_eq!(taken["s0"], expected);
        assert!(anomalies.take().is_empty());
    }
}
