//! Indexing rules and the destination of segments: CloudWatch's part of X-Ray, as far as it means
//! something here.

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::input::{Checks, Input};
use super::output::{Answer, Output};
use super::sampling_rules::Ignored;
use super::{ApiError, ApiState};
use crate::backend::local::store::SettingKind;

/// Name of the only indexing rule.
const RULE: &str = "Default";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct IndexingRequest {
    name: Option<String>,
    rule: Option<IndexingRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexingRule {
    probabilistic: Option<Probabilistic>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Probabilistic {
    desired_sampling_percentage: Option<f64>,
}

/// `GetIndexingRules`.
pub(super) async fn get_indexing_rules(
    State(state): State<ApiState>,
    Input(_): Input<Ignored>,
) -> Answer {
    let known: Option<(f64, f64)> =
        state.store.read_settings(|settings| settings.get(SettingKind::IndexingRule, RULE)).await?;
    let (percentage, modified_at) = known.unwrap_or((100.0, 0.0));
    Ok(Output(json!({
        "IndexingRules": [indexing_rule(percentage, modified_at)],
        "NextToken": null,
    })))
}

/// `UpdateIndexingRule`.
pub(super) async fn update_indexing_rule(
    State(state): State<ApiState>,
    Input(request): Input<IndexingRequest>,
) -> Answer {
    state.may_change()?;
    let mut checks = Checks::default();
    let name = checks.required("name", request.name).unwrap_or_default();
    let rule = checks.required("rule", request.rule).and_then(|rule| rule.probabilistic);
    let percentage = rule.and_then(|rule| rule.desired_sampling_percentage);
    let place = "rule.probabilistic.desiredSamplingPercentage";
    let percentage = checks.required(place, percentage);
    let percentage = checks.range(place, percentage, 0.0, 100.0).unwrap_or_default();
    checks.done()?;
    if name != RULE {
        let message = format!("Indexing rule {} not found", super::input::excerpt(&name));
        return Err(ApiError::NotFound { message, resource: name });
    }
    let modified_at = super::telemetry::now_s();
    state
        .store
        .change_settings(move |settings| {
            settings.put(SettingKind::IndexingRule, RULE, &(percentage, modified_at))
        })
        .await?;
    Ok(Output(json!({ "IndexingRule": indexing_rule(percentage, modified_at) })))
}

fn indexing_rule(percentage: f64, modified_at: f64) -> Value {
    json!({
        "Name": RULE,
        "ModifiedAt": modified_at,
        "Rule": { "Probabilistic": {
            "DesiredSamplingPercentage": percentage,
            "ActualSamplingPercentage": percentage,
        }},
    })
}

/// `GetTraceSegmentDestination`.
pub(super) async fn get_trace_segment_destination(Input(_): Input<Ignored>) -> Answer {
    Ok(destination())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DestinationRequest {
    destination: Option<String>,
}

/// `UpdateTraceSegmentDestination`: there is one.
pub(super) async fn update_trace_segment_destination(
    State(state): State<ApiState>,
    Input(request): Input<DestinationRequest>,
) -> Answer {
    state.may_change()?;
    match request.destination.as_deref() {
        None | Some("XRay") => Ok(destination()),
        Some(_) => Err(ApiError::invalid("The local X-Ray keeps segments itself: XRay")),
    }
}

fn destination() -> Output {
    Output(json!({ "Destination": "XRay", "Status": "ACTIVE" }))
}
