//! The sampling rules in the store.
//!
//! In: rules to make, change and remove. Out: the rules, in the order of the API. Owns a copy in
//! memory, since every service asks for them; what is in the store comes first, the copy follows.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::error::SamplingError;
use super::rule::{DEFAULT_NAME, RuleChange, RuleRecord, SamplingRule};
use crate::backend::local::arn;
use crate::backend::local::store::{SettingKind, Settings, Store, StoreError};

/// Most rules besides `Default` (a third party's constant; the quota of the service is its own).
const MAX_RULES: usize = 25;
/// Name of the setting that says when a rule was removed.
const REMOVED_AT: &str = "sampling-rule-removed";

/// All rules at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSet {
    /// By name, `Default` last: the order of the API. Clients sort by priority.
    pub records: Vec<RuleRecord>,
    /// Epoch seconds of the last change, removals too.
    pub modified_at: f64,
}

impl RuleSet {
    /// The rule of this name.
    pub fn get(&self, name: &str) -> Option<&RuleRecord> {
        self.records.iter().find(|record| record.sampling_rule.rule_name == name)
    }

    fn load(settings: &Settings<'_>) -> Result<Self, StoreError> {
        let mut records: Vec<RuleRecord> = settings.list(SettingKind::SamplingRule)?;
        if !records.iter().any(|record| record.sampling_rule.is_default()) {
            records.push(default_record());
        }
        records.sort_by(|one, other| {
            let order = |record: &RuleRecord| {
                (record.sampling_rule.is_default(), record.sampling_rule.rule_name.clone())
            };
            order(one).cmp(&order(other))
        });
        let removed_at: f64 = settings.get(SettingKind::Times, REMOVED_AT)?.unwrap_or(0.0);
        let modified_at =
            records.iter().map(|record| record.modified_at).fold(removed_at, f64::max);
        Ok(Self { records, modified_at })
    }
}

fn default_record() -> RuleRecord {
    let mut rule = SamplingRule::fallback();
    rule.rule_arn = arn::sampling_rule(DEFAULT_NAME);
    RuleRecord { sampling_rule: rule, created_at: 0.0, modified_at: 0.0 }
}

/// The rules, and their place in the store.
#[derive(Debug)]
pub(super) struct Rules {
    store: Store,
    current: ArcSwap<RuleSet>,
}

impl Rules {
    /// Reads the rules; adds those of `seed` whose name is not there yet.
    pub(super) async fn load(
        store: Store,
        seed: Vec<SamplingRule>,
        now_s: f64,
    ) -> Result<Self, StoreError> {
        let current = store
            .change_settings(move |settings| {
                let there = RuleSet::load(settings)?;
                for mut rule in seed {
                    if there.get(&rule.rule_name).is_some() && !rule.is_default() {
                        continue;
                    }
                    rule.rule_arn = arn::sampling_rule(&rule.rule_name);
                    let name = rule.rule_name.clone();
                    let record =
                        RuleRecord { sampling_rule: rule, created_at: now_s, modified_at: now_s };
                    settings.put(SettingKind::SamplingRule, &name, &record)?;
                }
                RuleSet::load(settings)
            })
            .await?;
        Ok(Self { store, current: ArcSwap::from_pointee(current) })
    }

    pub(super) fn current(&self) -> Arc<RuleSet> {
        self.current.load_full()
    }

    /// Makes a rule whose values are within their ranges.
    pub(super) async fn create(
        &self,
        mut rule: SamplingRule,
        now_s: f64,
    ) -> Result<RuleRecord, SamplingError> {
        rule.rule_arn = arn::sampling_rule(&rule.rule_name);
        self.change(move |settings, rules| {
            if rules.get(&rule.rule_name).is_some() {
                return Ok(Err(SamplingError::Exists));
            }
            if rules.records.len() > MAX_RULES {
                return Ok(Err(SamplingError::TooMany { most: MAX_RULES }));
            }
            let record = RuleRecord { sampling_rule: rule, created_at: now_s, modified_at: now_s };
            put(settings, &record)?;
            Ok(Ok(record))
        })
        .await
    }

    /// Changes a rule; the values are within their ranges.
    pub(super) async fn update(
        &self,
        name: String,
        change: RuleChange,
        now_s: f64,
    ) -> Result<RuleRecord, SamplingError> {
        self.change(move |settings, rules| {
            let Some(record) = rules.get(&name) else { return Ok(Err(SamplingError::Unknown)) };
            if record.sampling_rule.is_default() && change.is_more_than_numbers() {
                return Ok(Err(SamplingError::DefaultChange));
            }
            let mut record = record.clone();
            change.apply(&mut record.sampling_rule);
            record.modified_at = now_s;
            put(settings, &record)?;
            Ok(Ok(record))
        })
        .await
    }

    /// Removes a rule, and returns it as it was.
    pub(super) async fn delete(
        &self,
        name: String,
        now_s: f64,
    ) -> Result<RuleRecord, SamplingError> {
        self.change(move |settings, rules| {
            if name == DEFAULT_NAME {
                return Ok(Err(SamplingError::DefaultDelete));
            }
            let Some(record) = rules.get(&name) else { return Ok(Err(SamplingError::Unknown)) };
            settings.remove(SettingKind::SamplingRule, &name)?;
            settings.remove(SettingKind::Tags, &record.sampling_rule.rule_arn)?;
            settings.put(SettingKind::Times, REMOVED_AT, &now_s)?;
            Ok(Ok(record.clone()))
        })
        .await
    }

    /// Changes the store, then the copy, one change at a time: the writer's thread does both.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Settings<'_>, &RuleSet) -> Result<Result<T, SamplingError>, StoreError>
        + Send
        + 'static,
    ) -> Result<T, SamplingError> {
        let (changed, rules) = self
            .store
            .change_settings(move |settings| {
                let changed = change(settings, &RuleSet::load(settings)?)?;
                Ok((changed, RuleSet::load(settings)?))
            })
            .await?;
        // Two changes may answer in either order; what both wrote is in the later set.
        self.current.rcu(|current| {
            let newer = rules.modified_at >= current.modified_at;
            if newer { Arc::new(rules.clone()) } else { Arc::clone(current) }
        });
        changed
    }
}

fn put(settings: &Settings<'_>, record: &RuleRecord) -> Result<(), StoreError> {
    settings.put(SettingKind::SamplingRule, &record.sampling_rule.rule_name, record)
}
