//! `GetSamplingTargets` and `GetSamplingStatisticSummaries`: what clients report, and may do.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::input::{Checks, Input};
use super::output::{Answer, Output};
use super::sampling_rules::Ignored;
use super::{ApiError, ApiState};
use crate::backend::local::sampling::{BoostReport, INTERVAL_S, Report, RuleCounts, Target};

/// Most documents of a kind in one call.
const MAX_DOCUMENTS: usize = 25;
/// Characters of a client's id.
const CLIENT_ID_CHARS: usize = 24;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    sampling_statistics_documents: Option<Vec<Statistics>>,
    sampling_boost_statistics_documents: Option<Vec<BoostStatistics>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statistics {
    rule_name: Option<String>,
    #[serde(rename = "ClientID")]
    client_id: Option<String>,
    /// Stale and future ones are taken as well: what counts is when the report comes.
    timestamp: Option<f64>,
    request_count: Option<i64>,
    sampled_count: Option<i64>,
    borrow_count: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BoostStatistics {
    rule_name: Option<String>,
    service_name: Option<String>,
    timestamp: Option<f64>,
    anomaly_count: Option<i64>,
    total_count: Option<i64>,
    sampled_anomaly_count: Option<i64>,
}

pub(super) async fn get_sampling_targets(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    let (reports, anomalies) = checked(request)?;
    let answer = state.sampling.report(&reports, &anomalies);
    let unprocessed = |names: &[String], message: &str| -> Vec<Value> {
        names
            .iter()
            .map(|name| json!({ "RuleName": name, "ErrorCode": "400", "Message": message }))
            .collect()
    };
    Ok(Output(json!({
        "SamplingTargetDocuments": answer.targets.iter().map(target).collect::<Vec<_>>(),
        "LastRuleModification": answer.rules_modified_at,
        "UnprocessedStatistics": unprocessed(&answer.unknown, "Unknown rule"),
        "UnprocessedBoostStatistics":
            unprocessed(&answer.unboosted, "Unknown rule, or one without SamplingRateBoost"),
    })))
}

fn target(target: &Target) -> Value {
    let boost =
        target.boost.map(|(rate, until_s)| json!({ "BoostRate": rate, "BoostRateTTL": until_s }));
    json!({
        "RuleName": target.rule_name,
        "FixedRate": target.fixed_rate,
        "ReservoirQuota": target.quota.map(|(per_s, _)| per_s),
        "ReservoirQuotaTTL": target.quota.map(|(_, until_s)| until_s),
        "Interval": target.quota.map(|_| INTERVAL_S),
        "SamplingBoost": boost,
    })
}

fn checked(request: Request) -> Result<(Vec<Report>, Vec<BoostReport>), ApiError> {
    let mut checks = Checks::default();
    let place = "samplingStatisticsDocuments";
    let documents = checks.required(place, request.sampling_statistics_documents);
    let documents = checks.members(place, documents, 0, MAX_DOCUMENTS).unwrap_or_default();
    let reports =
        documents.into_iter().zip(1..).filter_map(|(one, n)| one.check(&mut checks, n)).collect();
    let place = "samplingBoostStatisticsDocuments";
    let documents = request.sampling_boost_statistics_documents;
    let documents = checks.members(place, documents, 0, MAX_DOCUMENTS).unwrap_or_default();
    let anomalies =
        documents.into_iter().zip(1..).filter_map(|(one, n)| one.check(&mut checks, n)).collect();
    checks.done()?;
    Ok((reports, anomalies))
}

impl Statistics {
    fn check(self, checks: &mut Checks, number: usize) -> Option<Report> {
        let at = |member: &str| format!("samplingStatisticsDocuments.{number}.member.{member}");
        let rule_name = checks.required(&at("ruleName"), self.rule_name);
        let rule_name = checks.length(&at("ruleName"), rule_name, 1, 32);
        let client_id = checks.required(&at("clientID"), self.client_id);
        let client_id = checks.length(&at("clientID"), client_id, CLIENT_ID_CHARS, CLIENT_ID_CHARS);
        checks.required(&at("timestamp"), self.timestamp);
        let requests = checks.required(&at("requestCount"), self.request_count);
        let sampled = checks.required(&at("sampledCount"), self.sampled_count);
        let counts = RuleCounts {
            requests: count(checks, &at("requestCount"), requests),
            sampled: count(checks, &at("sampledCount"), sampled),
            borrowed: count(checks, &at("borrowCount"), self.borrow_count),
        };
        Some(Report { rule_name: rule_name?, client_id: client_id?, counts })
    }
}

impl BoostStatistics {
    fn check(self, checks: &mut Checks, number: usize) -> Option<BoostReport> {
        let at =
            |member: &str| format!("samplingBoostStatisticsDocuments.{number}.member.{member}");
        let rule_name = checks.required(&at("ruleName"), self.rule_name);
        let rule_name = checks.length(&at("ruleName"), rule_name, 1, 32);
        let service_name = checks.required(&at("serviceName"), self.service_name);
        let service_name = checks.length(&at("serviceName"), service_name, 1, 64);
        checks.required(&at("timestamp"), self.timestamp);
        let total = checks.required(&at("totalCount"), self.total_count);
        let anomalies = checks.required(&at("anomalyCount"), self.anomaly_count);
        let sampled = checks.required(&at("sampledAnomalyCount"), self.sampled_anomaly_count);
        Some(BoostReport {
            rule_name: rule_name?,
            service_name: service_name?,
            total: count(checks, &at("totalCount"), total),
            anomalies: count(checks, &at("anomalyCount"), anomalies),
            sampled_anomalies: count(checks, &at("sampledAnomalyCount"), sampled),
        })
    }
}

fn count(checks: &mut Checks, place: &str, number: Option<i64>) -> u64 {
    let number = checks.range(place, number, 0, i32::MAX.into());
    number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}

/// `GetSamplingStatisticSummaries`.
pub(super) async fn get_sampling_statistic_summaries(
    State(state): State<ApiState>,
    Input(_): Input<Ignored>,
) -> Answer {
    let summaries = state.sampling.summaries();
    let summaries: Vec<_> = summaries
        .into_iter()
        .map(|(rule_name, start_s, RuleCounts { requests, sampled, borrowed })| {
            json!({
                "RuleName": rule_name,
                "Timestamp": start_s,
                "RequestCount": requests,
                "BorrowCount": borrowed,
                "SampledCount": sampled,
            })
        })
        .collect();
    Ok(Output(json!({ "SamplingStatisticSummaries": summaries, "NextToken": null })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(more: Value) -> Request {
        let mut text = json!({
            "RuleName": "Default", "ClientID": "ABCDEF1234567890ABCDEF10",
            "Timestamp": 1, "RequestCount": 3, "SampledCount": 2,
        });
        for (member, value) in more.as_object().unwrap() {
            text[member] = value.clone();
        }
        serde_json::from_value(json!({ "SamplingStatisticsDocuments": [text] })).unwrap()
    }

    #[test]
    fn a_report_may_leave_out_what_was_borrowed() {
        let (reports, _) = checked(statistics(json!({}))).unwrap();
        assert_eq!(reports[0].counts, RuleCounts { requests: 3, sampled: 2, borrowed: 0 });
    }

    #[test]
    fn client_ids_have_24_characters_and_counts_are_no_less_than_nothing() {
        for (more, place) in [
            (json!({ "ClientID": "short" }), "clientID"),
            (json!({ "RequestCount": -1 }), "requestCount"),
            (json!({ "SampledCount": null }), "sampledCount"),
            (json!({ "RuleName": "" }), "ruleName"),
        ] {
            let Err(ApiError::Validation(message)) = checked(statistics(more)) else {
                panic!("accepted")
            };
            assert!(message.contains(&format!("'samplingStatisticsDocuments.1.member.{place}'")));
        }
    }
}
