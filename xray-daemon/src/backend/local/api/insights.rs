//! Insights: there are none. Never a partly filled one: Grafana reads members without looking.

use serde::Deserialize;
use serde_json::json;

use super::ApiError;
use super::get_trace_summaries::window;
use super::input::{Input, required};
use super::output::{Answer, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SummariesRequest {
    start_time: Option<f64>,
    end_time: Option<f64>,
}

/// `GetInsightSummaries`.
pub(super) async fn get_insight_summaries(Input(request): Input<SummariesRequest>) -> Answer {
    window(request.start_time, request.end_time)?;
    Ok(Output(json!({ "InsightSummaries": [], "NextToken": null })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InsightRequest {
    insight_id: Option<String>,
}

/// `GetInsight`, `GetInsightEvents`, `GetInsightImpactGraph`.
pub(super) async fn get_insight(Input(request): Input<InsightRequest>) -> Answer {
    required("insightId", request.insight_id)?;
    Err(ApiError::invalid("Insight not found"))
}
