//! What each client may sample until its next report.
//!
//! In: reports of clients and the rules. Out: a target for each reported rule. Owns quotas, boosts
//! and statistics by rule. No clock and no I/O: callers pass `now_s`.

use std::collections::HashMap;

use super::boost::{Anomalies, Boost, Boosts};
use super::quota::{Clients, Quota, WINDOW_S};
use super::rule::SamplingRule;
use super::rule_set::RuleSet;
use super::statistics::{RuleCounts, Statistics};

/// What a client reports of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) rule_name: String,
    pub(crate) client_id: String,
    pub(crate) counts: RuleCounts,
}

/// What a service reports of anomalies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BoostReport {
    pub(crate) rule_name: String,
    pub(crate) service_name: String,
    pub(crate) total: u64,
    pub(crate) anomalies: u64,
    pub(crate) sampled_anomalies: u64,
}

/// How to sample by a rule from now on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) rule_name: String,
    pub(crate) fixed_rate: f64,
    /// Requests a second and until when, epoch seconds; none before the first window has closed.
    pub(crate) quota: Option<(u32, u64)>,
    /// Rate and until when, epoch seconds.
    pub(crate) boost: Option<(f64, f64)>,
}

/// Seconds until the next report.
pub(crate) const INTERVAL_S: u64 = WINDOW_S;

/// A client that reported lately, as the console shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientStatus {
    /// The id that it made up when it started.
    pub client_id: String,
    /// The rule.
    pub rule_name: String,
    /// Requests a second it may sample by that rule, if it has a quota.
    pub quota_per_s: Option<u32>,
    /// Epoch seconds of its last report.
    pub seen_s: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Targets {
    by_rule: HashMap<String, RuleTargets>,
}

#[derive(Debug, Default)]
struct RuleTargets {
    clients: Clients,
    boosts: Boosts,
    statistics: Statistics,
}

impl Targets {
    /// The target for a report; none if there is no such rule.
    pub(crate) fn report(
        &mut self,
        rules: &RuleSet,
        report: &Report,
        now_s: u64,
    ) -> Option<Target> {
        let rule = &rules.get(&report.rule_name)?.sampling_rule;
        let of_rule = self.of(rule);
        of_rule.statistics.report(&report.client_id, report.counts, now_s);
        let quota = of_rule.clients.report(
            &report.client_id,
            report.counts.requests,
            rule.reservoir_size,
            now_s,
        );
        Some(Target {
            rule_name: rule.rule_name.clone(),
            fixed_rate: rule.fixed_rate,
            quota: quota.map(|Quota { per_s, until_s }| (per_s, until_s)),
            boost: None,
        })
    }

    /// The boost for a report of anomalies: `None` if there is no such rule or it has no boost.
    pub(crate) fn report_anomalies(
        &mut self,
        rules: &RuleSet,
        report: &BoostReport,
        now_s: f64,
    ) -> Option<(Target, Option<(f64, f64)>)> {
        let rule = &rules.get(&report.rule_name)?.sampling_rule;
        let boost = rule.sampling_rate_boost?;
        let BoostReport { service_name, total, anomalies, sampled_anomalies, .. } = report;
        let seen = Anomalies {
            total: *total,
            anomalies: *anomalies,
            sampled_anomalies: *sampled_anomalies,
        };
        let boost = self.of(rule).boosts.report(service_name, seen, boost, now_s);
        let boost = boost.map(|Boost { rate, until_s }| (rate, until_s));
        let target = Target {
            rule_name: rule.rule_name.clone(),
            fixed_rate: rule.fixed_rate,
            quota: None,
            boost,
        };
        Some((target, boost))
    }

    /// Sums of the last closed window: rule, start of the window, counts; by rule.
    pub(crate) fn summaries(&self, rules: &RuleSet, now_s: u64) -> Vec<(String, u64, RuleCounts)> {
        let names = rules.records.iter().map(|record| &record.sampling_rule.rule_name);
        names
            .filter_map(|name| {
                let (start_s, counts) = self.by_rule.get(name)?.statistics.last_closed(now_s)?;
                Some((name.clone(), start_s, counts))
            })
            .collect()
    }

    /// Sums of the last 15 minutes for a rule.
    pub(crate) fn recent(&self, rule_name: &str, now_s: u64) -> RuleCounts {
        self.by_rule
            .get(rule_name)
            .map_or_else(RuleCounts::default, |of_rule| of_rule.statistics.recent(now_s))
    }

    /// Clients that reported lately.
    pub(crate) fn clients(&self, now_s: u64) -> Vec<ClientStatus> {
        let mut clients: Vec<_> = self
            .by_rule
            .iter()
            .flat_map(|(rule_name, of_rule)| {
                of_rule.clients.active(now_s).map(|(client_id, lease, seen_s)| ClientStatus {
                    client_id: client_id.to_owned(),
                    rule_name: rule_name.clone(),
                    quota_per_s: lease.map(|lease| lease.per_s),
                    seen_s,
                })
            })
            .collect();
        clients.sort_by(|one, other| {
            (&one.client_id, &one.rule_name).cmp(&(&other.client_id, &other.rule_name))
        });
        clients
    }

    /// Forgets rules that are gone.
    pub(crate) fn keep_only(&mut self, rules: &RuleSet) {
        self.by_rule.retain(|name, _| rules.get(name).is_some());
    }

    fn of(&mut self, rule: &SamplingRule) -> &mut RuleTargets {
        self.by_rule.entry(rule.rule_name.clone()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::RuleRecord;

    fn rules(reservoir_size: u32) -> RuleSet {
        let sampling_rule =
            SamplingRule { reservoir_size, ..SamplingRule::matching_all("cart", 10) };
        let record = RuleRecord { sampling_rule, created_at: 1.0, modified_at: 1.0 };
        RuleSet { records: vec![record], modified_at: 1.0 }
    }

    fn report(client: &str, requests: u64) -> Report {
        Report {
            rule_name: "cart".to_owned(),
            client_id: client.to_owned(),
            counts: RuleCounts { requests, sampled: requests / 2, borrowed: 1 },
        }
    }

    #[test]
    fn the_first_report_brings_the_rate_and_the_next_window_a_quota() {
        let (rules, mut targets) = (rules(10), Targets::default());
        let first = targets.report(&rules, &report("a", 100), 1_000).unwrap();
        assert_eq!((first.fixed_rate, first.quota), (0.05, None));
        let next = targets.report(&rules, &report("a", 100), 1_010).unwrap();
        assert_eq!(next.quota, Some((10, 1_310)));
    }

    #[test]
    fn quotas_of_two_clients_stay_within_the_reservoir() {
        let (rules, mut targets) = (rules(10), Targets::default());
        let mut sum = 0;
        for (client, now_s) in [("a", 1_000), ("b", 1_001), ("a", 1_010), ("b", 1_011)] {
            let target = targets.report(&rules, &report(client, 100), now_s).unwrap();
            sum += target.quota.map_or(0, |(per_s, _)| per_s);
        }
        assert_eq!(sum, 10);
        let clients = targets.clients(1_011);
        let quotas: Vec<_> = clients.iter().map(|client| client.quota_per_s).collect();
        assert_eq!(quotas, [Some(5), Some(5)]);
        assert_eq!(targets.clients(1_042), []);
    }

    #[test]
    fn statistics_are_kept_by_rule_and_go_with_it() {
        let (rules, mut targets) = (rules(10), Targets::default());
        targets.report(&rules, &report("a", 100), 1_000);
        targets.report(&rules, &report("b", 20), 1_001);
        let sum = RuleCounts { requests: 120, sampled: 60, borrowed: 2 };
        assert_eq!(targets.summaries(&rules, 1_012), [("cart".to_owned(), 1_000, sum)]);
        assert_eq!(targets.recent("cart", 1_012), sum);
        targets.keep_only(&RuleSet { records: vec![], modified_at: 2.0 });
        assert_eq!(targets.recent("cart", 1_012), RuleCounts::default());
    }

    #[test]
    fn a_rule_that_is_not_there_has_no_target() {
        let mut targets = Targets::default();
        let unknown = Report { rule_name: "none".to_owned(), ..report("a", 1) };
        assert_eq!(targets.report(&rules(1), &unknown, 1_000), None);
    }
}
