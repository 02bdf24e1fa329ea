//! The sampling rules in the store.
//!
//! In: rules to make, change and remove. Out: the rules, in the order of the API. Owns a copy in
//! memory, since every service asks for them; what is in the store comes first, the copy follows.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::error::SamplingError;
use super::rule_change::RuleChange;
use crate::backend::local::arn;
use crate::backend::local::store::{SettingKind, Settings, Store, StoreError};
use crate::sampling::{DEFAULT_NAME, RuleRecord, RuleSet, SamplingRule};

/// Most rules besides `Default` (a third party's constant; the quota of the service is its own).
const MAX_RULES: usize = 25;
/// Name of the setting that says when a rule was removed.
const REMOVED_AT: &str = "sampling-rule-removed";

fn rule_set(settings: &Settings<'_>) -> Result<RuleSet, StoreError> {
    let mut records: Vec<RuleRecord> = settings.list(SettingKind::SamplingRule)?;
    if !records.iter().any(|record| record.sampling_rule.is_default()) {
        let mut rule = SamplingRule::fallback();
        rule.rule_arn = arn::sampling_rule(DEFAULT_NAME);
        records.push(RuleRecord { sampling_rule: rule, created_at: 0.0, modified_at: 0.0 });
    }
    let removed_at: f64 = settings.get(SettingKind::Times, REMOVED_AT)?.unwrap_or(0.0);
    Ok(RuleSet::new(records, removed_at))
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
                let there = rule_set(settings)?;
                for mut rule in seed {
                    // `Default` is there before anybody has set it: then it was never changed.
                    let known = there.get(&rule.rule_name);
                    if known.is_some_and(|known| !rule.is_default() || known.modified_at > 0.0) {
                        continue;
                    }
                    rule.rule_arn = arn::sampling_rule(&rule.rule_name);
                    let name = rule.rule_name.clone();
                    let record =
                        RuleRecord { sampling_rule: rule, created_at: now_s, modified_at: now_s };
                    settings.put(SettingKind::SamplingRule, &name, &record)?;
                }
                rule_set(settings)
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
                let changed = change(settings, &rule_set(settings)?)?;
                Ok((changed, rule_set(settings)?))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::LocalConfig;

    fn seed(rate: f64) -> Vec<SamplingRule> {
        ["Default", "workshop-actions"]
            .map(|name| {
                let priority = if name == DEFAULT_NAME { 10_000 } else { 100 };
                SamplingRule { fixed_rate: rate, ..SamplingRule::matching_all(name, priority) }
            })
            .to_vec()
    }

    fn rates(rules: &Rules) -> Vec<(String, f64)> {
        let records = rules.current().records.clone();
        let rate =
            |record: RuleRecord| (record.sampling_rule.rule_name, record.sampling_rule.fixed_rate);
        records.into_iter().map(rate).collect()
    }

    #[tokio::test]
    async fn rules_are_seeded_once_and_then_belong_to_people() {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = Some(directory.path().to_owned());
        let config = LocalConfig { data_dir, ..LocalConfig::default() };
        let store = Store::open(&config).await.unwrap();
        let rules = Rules::load(store.clone(), seed(0.5), 1.0).await.unwrap();
        assert_eq!(rates(&rules), [("workshop-actions".into(), 0.5), ("Default".into(), 0.5)]);
        let change = RuleChange { fixed_rate: Some(0.25), ..RuleChange::default() };
        rules.update("Default".into(), change.clone(), 2.0).await.unwrap();
        rules.update("workshop-actions".into(), change, 3.0).await.unwrap();
        store.close().await;

        let store = Store::open(&config).await.unwrap();
        let rules = Rules::load(store, seed(0.75), 4.0).await.unwrap();
        assert_eq!(rates(&rules), [("workshop-actions".into(), 0.25), ("Default".into(), 0.25)]);
        assert_eq!(rules.current().modified_at, 3.0);
    }
}
