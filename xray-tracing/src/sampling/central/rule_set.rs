//! The rules that hold now, in the order in which they are asked.
//!
//! In: rules as they came. Out: the first that matches. Owns their text; what moves (reservoirs,
//! counts) is shared with the set before and the set after, by the rule's name, so that new texts
//! cost nobody a count.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::anomalies::Anomalies;
use super::wire::CentralRule;
use crate::sampling::{Rule, RuleState, SamplingRequest};

/// What moves of a rule.
#[derive(Debug, Default)]
pub(super) struct Moving {
    pub(super) state: RuleState,
    pub(super) anomalies: Anomalies,
    /// Anomalies are to be counted.
    has_boost: AtomicBool,
}

impl Moving {
    pub(super) fn has_boost(&self) -> bool {
        self.has_boost.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
pub(super) struct RuleSet {
    rules: Vec<(Rule, Arc<Moving>)>,
    moving: BTreeMap<Arc<str>, Arc<Moving>>,
}

impl RuleSet {
    /// The set that follows this one.
    pub(super) fn next(&self, mut rules: Vec<CentralRule>) -> Self {
        rules.sort_by(|one, other| one.rule.order(&other.rule));
        let mut next = Self::default();
        for CentralRule { rule, has_boost } in rules {
            let moving = next.moving.get(rule.name()).or(self.moving.get(rule.name()));
            let moving = moving.map_or_else(Arc::default, Arc::clone);
            moving.has_boost.store(has_boost, Ordering::Relaxed);
            // A rate that was assigned belongs to the old text.
            if self.find(rule.name()).is_some_and(|old| old.fixed_rate() != rule.fixed_rate()) {
                moving.state.clear_fixed_rate();
            }
            next.moving.insert(Arc::clone(rule.name()), Arc::clone(&moving));
            next.rules.push((rule, moving));
        }
        next
    }

    /// The first rule that is for this request.
    pub(super) fn matching(&self, request: &SamplingRequest<'_>) -> Option<&(Rule, Arc<Moving>)> {
        self.rules.iter().find(|(rule, _)| rule.matches(request))
    }

    pub(super) fn moving(&self, name: &str) -> Option<&Arc<Moving>> {
        self.moving.get(name)
    }

    /// Each name once, with what moves of its rules.
    pub(super) fn by_name(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Moving>)> {
        self.moving.iter()
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = (&Rule, &Moving)> {
        self.rules.iter().map(|(rule, moving)| (rule, &**moving))
    }

    pub(super) fn wants_attributes(&self) -> bool {
        self.rules.iter().any(|(rule, _)| rule.attributes().next().is_some())
    }

    pub(super) fn has_boost(&self) -> bool {
        self.moving.values().any(|moving| moving.has_boost())
    }

    fn find(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().map(|(rule, _)| rule).find(|rule| &**rule.name() == name)
    }
}
