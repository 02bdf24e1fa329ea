//! The sampler: X-Ray's rules where they are known, local ones where they are not.
//!
//! In: requests, and roots that ended. Out: decisions. Owns the current set of rules, swapped whole
//! by the poller. Hot path: two atomic operations more than local rules (`benches/sampling.rs`); the
//! lock is held by the poller for as long as a pointer is swapped.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::anomalies::{self, AnomalyCondition, Usage};
use super::rule_set::RuleSet;
use super::wire::CentralRule;
use crate::sampling::{
    Counts, Decision, Ended, LocalRules, Rule, RuleSource, Sampler, SamplingRequest,
};

/// How long rules are good for without the daemon. Rule: all X-Ray SDKs.
const GOOD_FOR_S: u64 = 3_600;

/// Samples by X-Ray's rules, which the daemon hands on, and by local rules until they are there.
///
/// `init` and `builder` use it unless they are given another sampler.
#[derive(Debug)]
pub struct CentralRules {
    set: RwLock<Arc<RuleSet>>,
    /// When rules came last, seconds since 1970; 0 never.
    refreshed_at_s: AtomicU64,
    wants_attributes: AtomicBool,
    wants_ended: AtomicBool,
    fallback: LocalRules,
    conditions: Vec<AnomalyCondition>,
}

/// A rule that is in use, and what it decided since the last report.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RuleReport {
    /// Its name.
    pub name: Arc<str>,
    /// Its place among the rules.
    pub priority: u32,
    /// Whose it is.
    pub source: RuleSource,
    /// What it decided: of X-Ray's since the last report, of local ones since the start.
    pub counts: Counts,
    /// Requests a second that X-Ray lent this process, and the second of 1970 in which it ends.
    pub quota: Option<(u32, u32)>,
}

impl CentralRules {
    /// Without rules of X-Ray's yet.
    pub(crate) fn new(fallback: LocalRules, conditions: Vec<AnomalyCondition>) -> Self {
        let wants_attributes = AtomicBool::new(fallback.wants_attributes());
        Self {
            set: RwLock::default(),
            refreshed_at_s: AtomicU64::new(0),
            wants_attributes,
            wants_ended: AtomicBool::new(false),
            fallback,
            conditions,
        }
    }

    /// The rules that hold at `now_s` seconds since 1970, in the order in which they are asked.
    pub fn report(&self, now_s: u64) -> Vec<RuleReport> {
        if !self.holds(now_s) {
            let local = self.fallback.counts();
            return local
                .map(|(rule, counts)| RuleReport {
                    name: Arc::clone(rule.name()),
                    priority: rule.priority(),
                    source: RuleSource::Local,
                    counts,
                    quota: None,
                })
                .collect();
        }
        let set = self.set();
        let central = set.rules().map(|(rule, moving)| {
            let lease = moving.state.lease();
            RuleReport {
                name: Arc::clone(rule.name()),
                priority: rule.priority(),
                source: RuleSource::Central,
                counts: moving.state.counts(),
                quota: (lease.until_s != 0).then_some((lease.quota_per_s, lease.until_s)),
            }
        });
        central.collect()
    }

    /// When the daemon's rules came last, seconds since 1970.
    pub fn refreshed_at_s(&self) -> Option<u64> {
        match self.refreshed_at_s.load(Ordering::Relaxed) {
            0 => None,
            at_s => Some(at_s),
        }
    }

    pub(super) fn set(&self) -> Arc<RuleSet> {
        // Nothing that holds the lock panics.
        Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn replace(&self, rules: Vec<CentralRule>, now_s: u64) {
        let next = Arc::new(self.set().next(rules));
        let wants = self.fallback.wants_attributes() || next.wants_attributes();
        self.wants_attributes.store(wants, Ordering::Relaxed);
        self.wants_ended.store(next.has_boost(), Ordering::Relaxed);
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = next;
        self.refreshed_at_s.store(now_s, Ordering::Relaxed);
    }

    fn holds(&self, now_s: u64) -> bool {
        let refreshed_at_s = self.refreshed_at_s.load(Ordering::Relaxed);
        refreshed_at_s != 0 && now_s <= refreshed_at_s + GOOD_FOR_S
    }
}

impl Sampler for CentralRules {
    fn decide(&self, request: &SamplingRequest<'_>, now_s: u64) -> Decision {
        if self.holds(now_s)
            && let Some((rule, moving)) = self.set().matching(request)
        {
            let sampled = moving.state.decide(rule, now_s, fastrand::f64);
            let name = Arc::clone(rule.name());
            return Decision { sampled, rule: Some(name), source: RuleSource::Central };
        }
        self.fallback.decide(request, now_s)
    }

    fn rule_for(&self, request: &SamplingRequest<'_>, now_s: u64) -> Option<Rule> {
        let set = self.holds(now_s).then(|| self.set());
        let central = set.as_ref().and_then(|set| set.matching(request));
        match central {
            Some((rule, _)) => Some(rule.clone()),
            None => self.fallback.rule_for(request, now_s),
        }
    }

    fn wants_attributes(&self) -> bool {
        self.wants_attributes.load(Ordering::Relaxed)
    }

    fn wants_ended(&self) -> bool {
        self.wants_ended.load(Ordering::Relaxed)
    }

    fn ended(&self, ended: &Ended<'_>) {
        let Some(rule) = ended.rule else { return };
        let set = self.set();
        let Some(moving) = set.moving(rule).filter(|moving| moving.has_boost()) else { return };
        let is_anomaly = anomalies::is_anomaly(&self.conditions, ended, Usage::SamplingBoost);
        moving.anomalies.count(ended.service_name, is_anomaly, ended.sampled);
    }
}
