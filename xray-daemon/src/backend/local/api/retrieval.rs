//! Trace retrieval: a token for a list of traces, complete at once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use xray_tracing::TraceId;

use super::batch_get_traces::{parse_trace_id, to_milliseconds};
use super::get_trace_summaries::window;
use super::input::{Checks, Input, excerpt, required};
use super::output::{Answer, Output};
use super::{ApiError, ApiState, graph_json};
use crate::backend::local::graph::ServiceGraph;

/// Most traces of one retrieval.
const MAX_TRACES: usize = 100;
/// Retrievals remembered; the oldest go.
const MAX_KEPT: usize = 100;
/// Traces in one answer.
const PAGE: usize = 5;

/// What was asked to be retrieved, by token.
#[derive(Debug, Default)]
pub(super) struct Retrievals {
    kept: Mutex<VecDeque<(String, Vec<TraceId>)>>,
}

impl Retrievals {
    fn add(&self, ids: Vec<TraceId>) -> String {
        let token = format!("{:032x}", fastrand::u128(..));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(MAX_KEPT - 1);
        kept.push_front((token.clone(), ids));
        token
    }

    fn find(&self, token: &str) -> Option<Vec<TraceId>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == token).map(|(_, ids)| ids.clone())
    }

    fn remove(&self, token: &str) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.len();
        kept.retain(|(known, _)| known != token);
        kept.len() < before
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StartRequest {
    trace_ids: Option<Vec<String>>,
    start_time: Option<f64>,
    end_time: Option<f64>,
}

/// `StartTraceRetrieval`.
pub(super) async fn start_trace_retrieval(
    State(state): State<ApiState>,
    Input(request): Input<StartRequest>,
) -> Answer {
    window(request.start_time, request.end_time)?;
    let mut checks = Checks::default();
    let texts = checks.required("traceIds", request.trace_ids);
    let texts = checks.members("traceIds", texts, 0, MAX_TRACES).unwrap_or_default();
    checks.done()?;
    let read = |text: &String| {
        parse_trace_id(text).ok_or_else(|| {
            let shown = excerpt(text);
            ApiError::InvalidRequest(format!("Invalid trace id {shown}: incorrect id format"))
        })
    };
    let ids = texts.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Output(json!({ "RetrievalToken": state.retrievals.add(ids) })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TokenRequest {
    retrieval_token: Option<String>,
    trace_format: Option<String>,
    next_token: Option<String>,
}

impl TokenRequest {
    fn ids(&self, state: &ApiState) -> Result<Vec<TraceId>, ApiError> {
        let token = required("retrievalToken", self.retrieval_token.as_deref())?;
        state.retrievals.find(token).ok_or_else(|| unknown(token))
    }
}

fn unknown(token: &str) -> ApiError {
    ApiError::NotFound { message: "Retrieval token not found".to_owned(), resource: excerpt(token) }
}

/// `ListRetrievedTraces`.
pub(super) async fn list_retrieved_traces(
    State(state): State<ApiState>,
    Input(request): Input<TokenRequest>,
) -> Answer {
    if request.trace_format.as_deref().is_some_and(|format| format != "XRAY") {
        return Err(ApiError::invalid("The local X-Ray gives traces in the format XRAY"));
    }
    let ids = request.ids(&state)?;
    let start = match &request.next_token {
        None => 0,
        Some(token) => token
            .parse::<usize>()
            .map_err(|_| ApiError::InvalidRequest(format!("Invalid token {}", excerpt(token))))?,
    };
    let page: Vec<_> = ids.iter().copied().skip(start).take(PAGE).collect();
    let end = start.saturating_add(page.len());
    let traces = state.store.batch(&page).await?;
    let traces: Vec<Value> = traces
        .iter()
        .map(|found| {
            let spans: Vec<_> = found
                .trace
                .read_back()
                .into_iter()
                .map(|one| json!({ "Id": one.id.to_string(), "Document": one.document }))
                .collect();
            json!({
                "Id": found.trace.id().to_string(),
                "Duration": found.trace.duration_s().map(to_milliseconds),
                "Spans": spans,
            })
        })
        .collect();
    Ok(Output(json!({
        "RetrievalStatus": "COMPLETE",
        "TraceFormat": "XRAY",
        "Traces": traces,
        "NextToken": (end < ids.len()).then(|| end.to_string()),
    })))
}

/// `GetRetrievedTracesGraph`.
pub(super) async fn get_retrieved_traces_graph(
    State(state): State<ApiState>,
    Input(request): Input<TokenRequest>,
) -> Answer {
    let graph: ServiceGraph = state.store.trace_graph(&request.ids(&state)?).await?;
    let services: Vec<_> = graph_json::services(&graph, graph.times_s)
        .into_iter()
        .map(|service| json!({ "Service": service, "Links": [] }))
        .collect();
    Ok(Output(json!({
        "RetrievalStatus": "COMPLETE",
        "Services": services,
        "NextToken": null,
    })))
}

/// `CancelTraceRetrieval`.
pub(super) async fn cancel_trace_retrieval(
    State(state): State<ApiState>,
    Input(request): Input<TokenRequest>,
) -> Answer {
    let token = required("retrievalToken", request.retrieval_token.as_deref())?;
    if state.retrievals.remove(token) { Ok(Output(json!({}))) } else { Err(unknown(token)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_retrieval_makes_room() {
        let retrievals = Retrievals::default();
        let first = retrievals.add(vec![]);
        for _ in 0..MAX_KEPT - 1 {
            retrievals.add(vec![]);
        }
        assert!(retrievals.find(&first).is_some());
        let last = retrievals.add(vec![]);
        assert!(retrievals.find(&first).is_none());
        assert!(retrievals.remove(&last) && !retrievals.remove(&last));
    }
}
