//! Rules that this process knows by itself: from code, or from a file of the X-Ray SDKs.
//!
//! In: rules. Out: decisions, and counts by rule. Owns the rules and their reservoirs. It is what
//! decides without a daemon, and until the daemon has answered. Hot path: 100 ns a decision
//! (`benches/sampling.rs`), without a lock.

use super::{Counts, Decision, Rule, RuleSource, RuleState, Sampler, SamplingRequest};

/// A sampler with rules of its own.
///
/// The default records 1 request a second and 5 % of the others, as X-Ray does.
///
/// ```
/// use xray_tracing::sampling::{HttpTarget, LocalRules, Rule, Sampler, SamplingRequest};
///
/// // What people do is always recorded; of other traffic 1 a second and 5 %.
/// let mut rules = LocalRules::builder();
/// for method in ["POST", "PUT", "DELETE"] {
///     let rule = Rule::named("workshop-actions")
///         .priority(100)
///         .method(method)
///         .path("/products*")
///         .reservoir_per_s(0)
///         .fixed_rate(1.0);
///     rules = rules.rule(rule.build()?);
/// }
/// let rules = rules.build();
///
/// let target = HttpTarget { host: "127.0.0.1:9000", method: "DELETE", path: "/products/7" };
/// let request = SamplingRequest { http: Some(target), ..SamplingRequest::default() };
/// let decision = rules.decide(&request, 1_700_000_000);
/// assert_eq!((decision.sampled, decision.rule.as_deref()), (true, Some("workshop-actions")));
/// # Ok::<(), xray_tracing::sampling::RuleError>(())
/// ```
#[derive(Debug)]
pub struct LocalRules {
    /// In the order in which they are asked; the last one matches everything.
    rules: Vec<(Rule, RuleState)>,
    wants_attributes: bool,
}

impl Default for LocalRules {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl LocalRules {
    /// Begins with the default alone.
    pub fn builder() -> LocalRulesBuilder {
        LocalRulesBuilder { rules: Vec::new(), fallback: Rule::fallback() }
    }

    /// Records every trace: for tests and for a developer's machine.
    pub fn record_all() -> Self {
        Self::with_rate(1.0)
    }

    /// Records no trace.
    pub fn record_none() -> Self {
        Self::with_rate(0.0)
    }

    fn with_rate(rate: f64) -> Self {
        let fallback = Rule::named("Default").reservoir_per_s(0).fixed_rate(rate).build();
        let mut builder = Self::builder();
        builder.fallback = fallback.unwrap_or(builder.fallback);
        builder.build()
    }

    /// In the order in which they are asked, without sorting them.
    pub(super) fn in_order(rules: Vec<Rule>) -> Self {
        let wants_attributes = rules.iter().any(|rule| rule.attributes().next().is_some());
        let with_state = |rule| {
            let state = RuleState::local(&rule);
            (rule, state)
        };
        Self { rules: rules.into_iter().map(with_state).collect(), wants_attributes }
    }

    /// Each rule, in the order in which it is asked, and what it decided so far.
    pub fn counts(&self) -> impl Iterator<Item = (&Rule, Counts)> {
        self.rules.iter().map(|(rule, state)| (rule, state.counts()))
    }
}

impl Sampler for LocalRules {
    fn decide(&self, request: &SamplingRequest<'_>, now_s: u64) -> Decision {
        let Some((rule, state)) = self.rules.iter().find(|(rule, _)| rule.matches(request)) else {
            return Decision::default();
        };
        let sampled = state.decide(rule, now_s, fastrand::f64);
        Decision { sampled, rule: Some(rule.name().clone()), source: RuleSource::Local }
    }

    fn rule_for(&self, request: &SamplingRequest<'_>, _: u64) -> Option<Rule> {
        self.rules.iter().map(|(rule, _)| rule).find(|rule| rule.matches(request)).cloned()
    }

    fn wants_attributes(&self) -> bool {
        self.wants_attributes
    }
}

/// Collects rules; see [`LocalRules`].
#[derive(Clone, Debug)]
#[must_use]
pub struct LocalRulesBuilder {
    rules: Vec<Rule>,
    fallback: Rule,
}

impl LocalRulesBuilder {
    /// Adds a rule. Several may have one name.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// What holds where no rule matches: `reservoir_per_s` requests a second are recorded, and
    /// `fixed_rate` (0 to 1) of the others.
    ///
    /// # Errors
    /// The rate is out of range.
    pub fn fallback(
        mut self,
        reservoir_per_s: u32,
        fixed_rate: f64,
    ) -> Result<Self, super::RuleError> {
        self.fallback = Rule::named("Default")
            .reservoir_per_s(reservoir_per_s)
            .fixed_rate(fixed_rate)
            .build()?;
        Ok(self)
    }

    /// The sampler, its rules sorted by priority and name.
    pub fn build(self) -> LocalRules {
        let mut rules = self.rules;
        rules.sort_by(Rule::order);
        rules.push(self.fallback);
        LocalRules::in_order(rules)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::HttpTarget;
    use super::*;

    const NOW_S: u64 = 1_700_000_000;

    fn get(path: &str) -> SamplingRequest<'_> {
        let http = HttpTarget { host: "shop", method: "GET", path };
        SamplingRequest { service_name: "shop", http: Some(http), ..SamplingRequest::default() }
    }

    fn rule(path: &str, priority: u32, rate: f64) -> Rule {
        let rule = Rule::named(format!("r{priority}")).priority(priority).path(path);
        rule.reservoir_per_s(0).fixed_rate(rate).build().unwrap()
    }

    #[test]
    fn the_default_records_one_a_second_and_one_in_twenty() {
        fastrand::seed(7);
        let rules = LocalRules::default();
        let mut sampled = 0;
        for second in 0..100 {
            for request in 0..101 {
                let decision = rules.decide(&get("/"), NOW_S + second);
                assert_eq!(decision.rule.as_deref(), Some("Default"));
                assert!(decision.sampled || request > 0, "the first in second {second}");
                sampled += u32::from(decision.sampled);
            }
        }
        // 100 from the reservoir, and 500 of the other 10,000, within four standard deviations.
        assert!((100 + 413..=100 + 587).contains(&sampled), "{sampled}");
        let (_, counts) = rules.counts().next().unwrap();
        assert_eq!((counts.requests, counts.sampled), (10_100, u64::from(sampled)));
    }

    #[test]
    fn the_first_rule_by_priority_decides_alone() {
        let builder = LocalRules::builder().rule(rule("/a*", 20, 1.0)).rule(rule("/ab*", 10, 0.0));
        let rules = builder.fallback(0, 0.0).unwrap().build();
        let decided = |path| {
            let decision = rules.decide(&get(path), NOW_S);
            (decision.sampled, decision.rule.unwrap().to_string())
        };
        assert_eq!(decided("/abc"), (false, "r10".into()));
        assert_eq!(decided("/ac"), (true, "r20".into()));
        assert_eq!(decided("/b"), (false, "Default".into()));
    }

    #[test]
    fn all_and_none_are_exact() {
        let recorded = |rules: &LocalRules| {
            (0..1_000).filter(|_| rules.decide(&get("/"), NOW_S).sampled).count()
        };
        assert_eq!(recorded(&LocalRules::record_all()), 1_000);
        assert_eq!(recorded(&LocalRules::record_none()), 0);
    }

    #[test]
    fn a_sampler_is_used_through_a_pointer() {
        let sampler: Arc<dyn Sampler> = Arc::new(LocalRules::record_all());
        assert!(Sampler::decide(&sampler, &SamplingRequest::default(), NOW_S).sampled);
        let sampler: Box<dyn Sampler> = Box::new(LocalRules::record_none());
        assert!(!Sampler::decide(&sampler, &SamplingRequest::default(), NOW_S).sampled);
    }
}
