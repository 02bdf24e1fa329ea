//! Answers sampling calls by rules of the daemon's own.
//!
//! In: the two calls of SDKs. Out: rules of a file, or `Default`, and quotas that keep their
//! reservoirs over all services of this daemon. Owns both, in memory. For `--backend otlp`, where
//! neither AWS nor a store has rules; what cannot be read of a report is passed over.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::routes::{RULES, TARGETS, guard};
use crate::counters::SamplingCounters;
use crate::sampling::{
    INTERVAL_S, Report, RuleCounts, RuleRecord, RuleSet, SamplingRule, Target, Targets,
};

/// Longest body of a call.
const MAX_BODY_BYTES: usize = 1 << 20;
/// Most reports in a call. Rule: the API's model.
const MAX_REPORTS: usize = 25;
/// Characters of a client's id. Rule: the API's model.
const CLIENT_ID_CHARS: usize = 24;

#[derive(Debug)]
struct Own {
    rules: RuleSet,
    targets: Mutex<Targets>,
}

/// Answers by `rules`; `Default` is added where it is not among them.
pub(crate) fn own(mut rules: Vec<SamplingRule>, counters: Arc<SamplingCounters>) -> Router {
    if !rules.iter().any(SamplingRule::is_default) {
        rules.push(SamplingRule::fallback());
    }
    let (created_at, modified_at) = (now_s(), now_s());
    let record = |sampling_rule| RuleRecord { sampling_rule, created_at, modified_at };
    let rules = RuleSet::new(rules.into_iter().map(record).collect(), 0.0);
    let own = Arc::new(Own { rules, targets: Mutex::default() });
    let routes = Router::new()
        .route(RULES, post(get_rules))
        .route(TARGETS, post(get_targets))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(own);
    guard(routes, counters)
}

async fn get_rules(State(own): State<Arc<Own>>) -> Json<Value> {
    Json(json!({ "SamplingRuleRecords": own.rules.records, "NextToken": null }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reports {
    #[serde(default)]
    sampling_statistics_documents: Vec<Statistics>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statistics {
    rule_name: String,
    #[serde(rename = "ClientID")]
    client_id: String,
    #[serde(default)]
    request_count: u64,
    #[serde(default)]
    sampled_count: u64,
    #[serde(default)]
    borrow_count: u64,
}

async fn get_targets(State(own): State<Arc<Own>>, body: Bytes) -> Response {
    let reports: Reports = match serde_json::from_slice(&body) {
        Ok(reports) => reports,
        Err(error) => {
            let message = format!("the reports cannot be read: {error}");
            return (StatusCode::BAD_REQUEST, Json(json!({ "message": message }))).into_response();
        }
    };
    let (mut answered, mut unknown) = (Vec::new(), Vec::new());
    let mut targets = own.targets.lock().unwrap_or_else(PoisonError::into_inner);
    for report in reports.sampling_statistics_documents.into_iter().take(MAX_REPORTS) {
        let rule_name = report.rule_name.clone();
        match targets.report(&own.rules, &report.into(), now_s() as u64) {
            Some(found) => answered.push(target(&found)),
            None => unknown.push(json!({
                "RuleName": rule_name, "ErrorCode": "400", "Message": "Unknown rule" })),
        }
    }
    Json(json!({
        "SamplingTargetDocuments": answered,
        "LastRuleModification": own.rules.modified_at,
        "UnprocessedStatistics": unknown,
    }))
    .into_response()
}

impl From<Statistics> for Report {
    fn from(sent: Statistics) -> Self {
        Self {
            rule_name: sent.rule_name,
            client_id: sent.client_id.chars().take(CLIENT_ID_CHARS).collect(),
            counts: RuleCounts {
                requests: sent.request_count,
                sampled: sent.sampled_count,
                borrowed: sent.borrow_count,
            },
        }
    }
}

fn target(target: &Target) -> Value {
    json!({
        "RuleName": target.rule_name,
        "FixedRate": target.fixed_rate,
        "ReservoirQuota": target.quota.map(|(per_s, _)| per_s),
        "ReservoirQuotaTTL": target.quota.map(|(_, until_s)| until_s),
        "Interval": INTERVAL_S,
    })
}

/// Epoch seconds now.
fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn answer(router: &Router, path: &str, body: &str) -> (u16, Value) {
        let request = Request::post(path).body(Body::from(body.to_owned())).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn rules_are_answered_with_default_behind_them() {
        let router = own(vec![SamplingRule::matching_all("zebra", 7)], Arc::default());
        let (status, rules) = answer(&router, "/GetSamplingRules", "{}").await;
        let records = rules["SamplingRuleRecords"].as_array().unwrap();
        let names: Vec<_> =
            records.iter().map(|record| &record["SamplingRule"]["RuleName"]).collect();
        assert_eq!(status, 200);
        assert_eq!(names, ["zebra", "Default"]);
        assert_eq!(records[1]["SamplingRule"]["FixedRate"], 0.05);
        assert!(records[0]["ModifiedAt"].as_f64().unwrap() > 0.0);
    }

    #[tokio::test]
    async fn reports_are_answered_with_targets() {
        let router = own(Vec::new(), Arc::default());
        let report = |rule: &str| {
            json!({"RuleName": rule, "ClientID": "a", "Timestamp": 1, "RequestCount": 9,
                   "SampledCount": 1, "BorrowCount": 1})
        };
        let body = json!({"SamplingStatisticsDocuments": [report("Default"), report("gone")]});
        let (status, targets) = answer(&router, "/SamplingTargets", &body.to_string()).await;
        assert_eq!(status, 200);
        let [target] = &targets["SamplingTargetDocuments"].as_array().unwrap()[..] else {
            panic!()
        };
        assert_eq!((&target["RuleName"], &target["FixedRate"]), (&json!("Default"), &json!(0.05)));
        assert_eq!(target["Interval"], 10);
        assert_eq!(targets["UnprocessedStatistics"][0]["RuleName"], "gone");
        assert_eq!(answer(&router, "/SamplingTargets", "[").await.0, 400);
        assert_eq!(answer(&router, "/TraceSegments", "{}").await.0, 403);
    }
}
