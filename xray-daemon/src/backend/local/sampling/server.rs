//! The sampling server: rules in the store, targets in memory.
//!
//! In: rules to make, change, remove; reports of clients. Out: rules, targets, statistics. A clone
//! is the same server. Quotas and statistics do not outlive the process: clients report every 10 s.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::error::SamplingError;
use super::rule_change::RuleChange;
use super::rules::Rules;
use crate::backend::local::store::{Store, StoreError};
use crate::sampling::{
    BoostReport, ClientStatus, Report, RuleCounts, RuleRecord, RuleSet, SamplingRule, Target,
    Targets,
};

/// Serves rules and targets.
#[derive(Clone, Debug)]
pub struct Sampling {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rules: Rules,
    targets: Mutex<Targets>,
}

/// The answer to the reports of one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::backend::local) struct Answer {
    /// One for each rule that was reported.
    pub(in crate::backend::local) targets: Vec<Target>,
    /// Names of rules that are not there.
    pub(in crate::backend::local) unknown: Vec<String>,
    /// Names of rules in reports of anomalies that are not there, or have no boost.
    pub(in crate::backend::local) unboosted: Vec<String>,
    /// Epoch seconds of the last change of a rule.
    pub(in crate::backend::local) rules_modified_at: f64,
}

impl Sampling {
    pub(in crate::backend::local) async fn open(
        store: Store,
        seed: Vec<SamplingRule>,
    ) -> Result<Self, StoreError> {
        let rules = Rules::load(store, seed, now_s()).await?;
        Ok(Self { shared: Arc::new(Shared { rules, targets: Mutex::default() }) })
    }

    /// The rules as they are now.
    pub fn rules(&self) -> Arc<RuleSet> {
        self.shared.rules.current()
    }

    /// Makes a rule. Its values must be within their ranges.
    ///
    /// # Errors
    /// The name is taken, there are too many, or the store does not answer.
    pub async fn create(&self, rule: SamplingRule) -> Result<RuleRecord, SamplingError> {
        self.shared.rules.create(rule, now_s()).await
    }

    /// Changes a rule. The values must be within their ranges.
    ///
    /// # Errors
    /// There is no such rule, it is `Default`, or the store does not answer.
    pub async fn update(
        &self,
        name: String,
        change: RuleChange,
    ) -> Result<RuleRecord, SamplingError> {
        self.shared.rules.update(name, change, now_s()).await
    }

    /// Removes a rule and returns it.
    ///
    /// # Errors
    /// There is no such rule, it is `Default`, or the store does not answer.
    pub async fn delete(&self, name: String) -> Result<RuleRecord, SamplingError> {
        let removed = self.shared.rules.delete(name, now_s()).await?;
        let rules = self.rules();
        self.targets().keep_only(&rules);
        Ok(removed)
    }

    /// Takes reports and answers what to do until the next.
    pub(in crate::backend::local) fn report(
        &self,
        reports: &[Report],
        anomalies: &[BoostReport],
    ) -> Answer {
        let (rules, now_s) = (self.rules(), now_s());
        let mut targets = self.targets();
        let mut by_rule: BTreeMap<String, Target> = BTreeMap::new();
        let mut answer = Answer { rules_modified_at: rules.modified_at, ..Answer::default() };
        for report in reports {
            match targets.report(&rules, report, now_s as u64) {
                Some(target) => drop(by_rule.insert(target.rule_name.clone(), target)),
                None => answer.unknown.push(report.rule_name.clone()),
            }
        }
        for report in anomalies {
            match targets.report_anomalies(&rules, report, now_s) {
                Some((target, boost)) => {
                    by_rule.entry(target.rule_name.clone()).or_insert(target).boost = boost;
                }
                None => answer.unboosted.push(report.rule_name.clone()),
            }
        }
        answer.targets = by_rule.into_values().collect();
        answer
    }

    /// For each rule with reports the start of the last closed window of 10 s (epoch seconds) and
    /// what was counted in it.
    pub fn summaries(&self) -> Vec<(String, u64, RuleCounts)> {
        self.targets().summaries(&self.rules(), now_s() as u64)
    }

    /// What was counted in the last 15 minutes for a rule.
    pub fn recent(&self, rule_name: &str) -> RuleCounts {
        self.targets().recent(rule_name, now_s() as u64)
    }

    /// Clients that reported in the last 30 s, by id and rule.
    pub fn clients(&self) -> Vec<ClientStatus> {
        self.targets().clients(now_s() as u64)
    }

    fn targets(&self) -> MutexGuard<'_, Targets> {
        // Counts are whole whatever a panicking holder did.
        self.shared.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Epoch seconds now.
fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
