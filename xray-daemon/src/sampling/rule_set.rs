//! All sampling rules at one moment.
//!
//! In: records. Out: the same in the order of the API. Owns them.

use super::rule::RuleRecord;

/// All rules at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSet {
    /// By name, `Default` last: the order of the API. Clients sort by priority.
    pub records: Vec<RuleRecord>,
    /// Epoch seconds of the last change, removals too.
    pub modified_at: f64,
}

impl RuleSet {
    /// `removed_at`: epoch seconds when a rule was removed last.
    pub(crate) fn new(mut records: Vec<RuleRecord>, removed_at: f64) -> Self {
        records.sort_by(|one, other| {
            let order = |record: &RuleRecord| {
                (record.sampling_rule.is_default(), record.sampling_rule.rule_name.clone())
            };
            order(one).cmp(&order(other))
        });
        let modified_at =
            records.iter().map(|record| record.modified_at).fold(removed_at, f64::max);
        Self { records, modified_at }
    }

    /// The rule of this name.
    pub fn get(&self, name: &str) -> Option<&RuleRecord> {
        self.records.iter().find(|record| record.sampling_rule.rule_name == name)
    }
}
