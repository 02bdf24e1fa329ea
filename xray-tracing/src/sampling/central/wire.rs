//! The two calls as JSON.
//!
//! In: bodies of answers, from whoever listens on the daemon's port; reports. Out: rules and
//! targets, those that are valid; bodies of requests. Owns nothing. What is not understood of one
//! rule or target is left out and counted, it does not spoil the others. Rule: X-Ray API,
//! `GetSamplingRules` and `GetSamplingTargets`; times are seconds since 1970.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::anomalies::AnomalyCounts;
use crate::sampling::{Counts, Rule};

/// Paths of the daemon's TCP port.
pub(super) const RULES_PATH: &str = "/GetSamplingRules";
pub(super) const TARGETS_PATH: &str = "/SamplingTargets";

/// Most items in each list of a report. Rule: X-Ray API, `GetSamplingTargets`.
pub(super) const MAX_DOCUMENTS: usize = 25;

/// A rule as it came.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CentralRule {
    pub(super) rule: Rule,
    /// Its rate may be raised while there are anomalies.
    pub(super) has_boost: bool,
}

/// One page of rules.
#[derive(Debug, Default, PartialEq)]
pub(super) struct RulesPage {
    pub(super) rules: Vec<CentralRule>,
    /// Rules that cannot be used: of another version, or not valid.
    pub(super) refused: usize,
    /// Asks for the next page.
    pub(super) next: Option<String>,
}

/// How to sample by a rule until the next report. What is `None` stays as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Target {
    pub(super) rule_name: String,
    pub(super) fixed_rate: Option<f64>,
    pub(super) quota_per_s: Option<u32>,
    pub(super) quota_until_s: Option<u32>,
    pub(super) interval_s: Option<u64>,
    /// Rate, and when it ends.
    pub(super) boost: Option<(f64, u64)>,
}

/// A report that was not taken.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unprocessed {
    pub(super) rule_name: String,
    pub(super) is_our_fault: bool,
}

/// The answer to a report.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Targets {
    pub(super) targets: Vec<Target>,
    pub(super) rules_changed_at_s: Option<f64>,
    pub(super) unprocessed: Vec<Unprocessed>,
}

/// What was decided by one rule.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) rule_name: Arc<str>,
    pub(super) counts: Counts,
}

/// What went wrong with requests that one rule decided on.
#[derive(Clone, Debug)]
pub(super) struct BoostReport {
    pub(super) rule_name: Arc<str>,
    pub(super) service_name: Arc<str>,
    pub(super) counts: AnomalyCounts,
}

/// Body of a call for rules.
pub(super) fn rules_request(next: Option<&str>) -> Vec<u8> {
    match next {
        None => b"{}".to_vec(),
        Some(next) => json!({ "NextToken": next }).to_string().into_bytes(),
    }
}

/// Reads a page of rules; `None` if it is none.
pub(super) fn read_rules(body: &[u8]) -> Option<RulesPage> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let mut page = RulesPage::default();
    for record in body.get("SamplingRuleRecords")?.as_array()? {
        match record.get("SamplingRule").and_then(read_rule) {
            Some(rule) => page.rules.push(rule),
            None => page.refused += 1,
        }
    }
    page.next = text(&body, "NextToken").filter(|next| !next.is_empty()).map(str::to_owned);
    Some(page)
}

fn read_rule(rule: &Value) -> Option<CentralRule> {
    if rule.get("Version").is_some_and(|version| version.as_f64() != Some(1.0)) {
        return None;
    }
    let pattern = |name| text(rule, name).unwrap_or("*");
    let mut builder = Rule::named(text(rule, "RuleName")?)
        .priority(u32::try_from(rule.get("Priority")?.as_u64()?).ok()?)
        .fixed_rate(rule.get("FixedRate")?.as_f64()?)
        .reservoir_per_s(whole(rule.get("ReservoirSize")?)?)
        .service_name(pattern("ServiceName"))
        .service_type(pattern("ServiceType"))
        .resource_arn(pattern("ResourceARN"))
        .host(pattern("Host"))
        .method(pattern("HTTPMethod"))
        .path(pattern("URLPath"));
    if let Some(attributes) = rule.get("Attributes").and_then(Value::as_object) {
        for (key, pattern) in attributes {
            builder = builder.attribute(key.as_str(), pattern.as_str()?);
        }
    }
    let has_boost = rule.get("SamplingRateBoost").is_some_and(Value::is_object);
    Some(CentralRule { rule: builder.build().ok()?, has_boost })
}

/// Body of a report.
pub(super) fn targets_request(
    client_id: &str,
    now_s: u64,
    reports: &[Report],
    boosts: &[BoostReport],
) -> Vec<u8> {
    let statistics: Vec<Value> = reports
        .iter()
        .map(|report| {
            json!({
                "RuleName": &*report.rule_name,
                "ClientID": client_id,
                "Timestamp": now_s,
                "RequestCount": report.counts.requests,
                "SampledCount": report.counts.sampled,
                "BorrowCount": report.counts.borrowed,
            })
        })
        .collect();
    let mut body = Map::new();
    body.insert("SamplingStatisticsDocuments".to_owned(), statistics.into());
    if !boosts.is_empty() {
        let boosts: Vec<Value> = boosts
            .iter()
            .map(|boost| {
                json!({
                    "RuleName": &*boost.rule_name,
                    "ServiceName": &*boost.service_name,
                    "Timestamp": now_s,
                    "TotalCount": boost.counts.total,
                    "AnomalyCount": boost.counts.anomalies,
                    "SampledAnomalyCount": boost.counts.sampled_anomalies,
                })
            })
            .collect();
        body.insert("SamplingBoostStatisticsDocuments".to_owned(), boosts.into());
    }
    Value::Object(body).to_string().into_bytes()
}

/// Reads the answer to a report; `None` if it is none.
pub(super) fn read_targets(body: &[u8]) -> Option<Targets> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let targets = body.get("SamplingTargetDocuments")?.as_array()?;
    let list = |name: &str| body.get(name).and_then(Value::as_array).into_iter().flatten();
    let unprocessed = list("UnprocessedStatistics").chain(list("UnprocessedBoostStatistics"));
    Some(Targets {
        targets: targets.iter().filter_map(read_target).collect(),
        rules_changed_at_s: body.get("LastRuleModification").and_then(Value::as_f64),
        unprocessed: unprocessed.filter_map(read_unprocessed).collect(),
    })
}

fn read_target(target: &Value) -> Option<Target> {
    let seconds = |name| target.get(name).and_then(Value::as_f64).filter(|s| s.is_finite());
    let boost = target.get("SamplingBoost").and_then(|boost| {
        let until_s = boost.get("BoostRateTTL")?.as_f64()?;
        // Times are compared in whole seconds: "before 9.5" holds through the ninth.
        Some((boost.get("BoostRate")?.as_f64()?, until_s.ceil().max(0.0) as u64))
    });
    Some(Target {
        rule_name: text(target, "RuleName")?.to_owned(),
        fixed_rate: target.get("FixedRate").and_then(Value::as_f64),
        quota_per_s: target.get("ReservoirQuota").and_then(whole),
        quota_until_s: seconds("ReservoirQuotaTTL").map(|s| s as u32),
        interval_s: seconds("Interval").map(|s| s as u64),
        boost,
    })
}

fn read_unprocessed(report: &Value) -> Option<Unprocessed> {
    let code = text(report, "ErrorCode").unwrap_or_default();
    Some(Unprocessed {
        rule_name: text(report, "RuleName")?.to_owned(),
        is_our_fault: code.starts_with('4'),
    })
}

fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// A number from 0 that some write with a decimal point.
fn whole(number: &Value) -> Option<u32> {
    let number = number.as_f64().filter(|number| *number >= 0.0 && number.fract() == 0.0)?;
    (number <= f64::from(u32::MAX)).then_some(number as u32)
}
