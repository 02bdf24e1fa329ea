//! `GetServiceGraph` and `GetTraceGraph`: who calls whom, and how it went.

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use xray_tracing::TraceId;

use super::batch_get_traces::parse_trace_id;
use super::get_trace_summaries::window;
use super::groups::filter_of;
use super::input::{Input, required};
use super::output::{Answer, Output};
use super::{ApiError, ApiState, graph_json};

/// Most traces of one `GetTraceGraph`; the service takes one.
const MAX_TRACES: usize = 5;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GraphRequest {
    start_time: Option<f64>,
    end_time: Option<f64>,
    group_name: Option<String>,
    #[serde(rename = "GroupARN")]
    group_arn: Option<String>,
    next_token: Option<String>,
}

pub(super) async fn get_service_graph(
    State(state): State<ApiState>,
    Input(request): Input<GraphRequest>,
) -> Answer {
    let window = window(request.start_time, request.end_time)?;
    if request.next_token.is_some() {
        return Err(ApiError::invalid("NextToken is currently not supported"));
    }
    let filter = filter_of(&state, request.group_name, request.group_arn).await?;
    let graph = state.store.graph(window, filter).await?;
    Ok(Output(json!({
        "StartTime": graph.times_s.map(|(start_s, _)| start_s),
        "EndTime": graph.times_s.map(|(_, end_s)| end_s),
        "Services": graph_json::services(&graph, graph.times_s),
        "ContainsOldGroupVersions": false,
        "NextToken": null,
    })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TraceGraphRequest {
    trace_ids: Option<Vec<String>>,
    next_token: Option<String>,
}

pub(super) async fn get_trace_graph(
    State(state): State<ApiState>,
    Input(request): Input<TraceGraphRequest>,
) -> Answer {
    if request.next_token.is_some() {
        return Err(ApiError::invalid("NextToken is currently not supported"));
    }
    let ids = ids(&required("traceIds", request.trace_ids)?)?;
    let graph = state.store.trace_graph(&ids).await?;
    if graph.nodes.is_empty() && state.store.batch(&ids).await?.is_empty() {
        return Err(ApiError::invalid("Trace id not found"));
    }
    let services = graph_json::services(&graph, graph.times_s);
    Ok(Output(json!({ "Services": services, "NextToken": null })))
}

fn ids(texts: &[String]) -> Result<Vec<TraceId>, ApiError> {
    if texts.is_empty() {
        return Err(ApiError::invalid("Zero trace ids provided"));
    }
    if texts.len() > MAX_TRACES {
        return Err(ApiError::invalid("Up to 5 trace ids are supported"));
    }
    let ids: Option<Vec<_>> = texts.iter().map(|text| parse_trace_id(text)).collect();
    ids.ok_or_else(|| ApiError::invalid("Invalid traceId. ErrorCode: InvalidId"))
}
