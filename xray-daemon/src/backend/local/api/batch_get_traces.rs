//! `BatchGetTraces`: whole traces, segment by segment.

use std::collections::HashSet;

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use xray_tracing::TraceId;

use super::input::{Input, excerpt, required};
use super::output::{Answer, Output};
use super::{ApiError, ApiState};
use crate::backend::local::store::FoundTrace;

/// Most traces of one call.
const MAX_TRACES: usize = 5;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    trace_ids: Option<Vec<String>>,
    next_token: Option<String>,
}

pub(super) async fn batch_get_traces(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    if request.next_token.is_some() {
        return Err(ApiError::invalid("NextToken is currently not supported"));
    }
    let ids = ids(&required("traceIds", request.trace_ids)?)?;
    let traces = state.store.batch(&ids).await?;
    let traces = tokio::task::spawn_blocking(move || traces.iter().map(trace).collect::<Vec<_>>());
    let traces = traces.await.map_err(|_| ApiError::Internal("a trace is damaged".to_owned()))?;
    // The service drops ids that it does not know without a word.
    Ok(Output(json!({ "Traces": traces, "UnprocessedTraceIds": [], "NextToken": null })))
}

fn ids(texts: &[String]) -> Result<Vec<TraceId>, ApiError> {
    if texts.len() > MAX_TRACES {
        return Err(ApiError::InvalidRequest(format!(
            "Exceeding maximum query size: {MAX_TRACES}"
        )));
    }
    let mut ids = Vec::with_capacity(texts.len());
    for text in texts {
        ids.push(parse_trace_id(text).ok_or_else(|| {
            let shown = excerpt(text);
            ApiError::InvalidRequest(format!("Invalid trace id {shown}: incorrect id format"))
        })?);
    }
    if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
        return Err(ApiError::invalid("Containing duplicate trace ids"));
    }
    Ok(ids)
}

/// X-Ray's form, or the 32 digits of a W3C trace id.
pub(super) fn parse_trace_id(text: &str) -> Option<TraceId> {
    if let Some(id) = TraceId::parse_bytes(text.as_bytes()) {
        return Some(id);
    }
    let is_hex = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let bits = if is_hex { u128::from_str_radix(text, 16).ok()? } else { return None };
    Some(TraceId::from_bytes(bits.to_be_bytes()))
}

fn trace(FoundTrace { trace, limit_exceeded }: &FoundTrace) -> Value {
    let segments: Vec<_> = trace
        .read_back()
        .into_iter()
        .map(|segment| json!({ "Id": segment.id.to_string(), "Document": segment.document }))
        .collect();
    json!({
        "Id": trace.id().to_string(),
        "Duration": trace.duration_s().map(to_milliseconds),
        "LimitExceeded": limit_exceeded,
        "Segments": segments,
    })
}

/// Seconds without the noise of the subtraction they come from, as summaries have them.
pub(super) fn to_milliseconds(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_w3c_are_read_too() {
        let xray = parse_trace_id("1-5f29ab21-d4ebf299219a65bd5c31d6da");
        assert!(xray.is_some());
        assert_eq!(parse_trace_id("5f29ab21d4ebf299219a65bd5c31d6da"), xray);
        assert_eq!(parse_trace_id("+f29ab21d4ebf299219a65bd5c31d6da"), None);
        assert_eq!(parse_trace_id("1-5f29ab21"), None);
    }

    #[test]
    fn too_many_bad_and_repeated_ids_are_refused() {
        let message = |texts: &[&str]| {
            let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            match ids(&texts) {
                Err(ApiError::InvalidRequest(message)) => message,
                other => panic!("{other:?}"),
            }
        };
        let id = "1-5f29ab21-d4ebf299219a65bd5c31d6da";
        assert_eq!(message(&["x"; 6]), "Exceeding maximum query size: 5");
        assert_eq!(message(&[id, "1-x"]), "Invalid trace id 1-x: incorrect id format");
        assert_eq!(message(&[id, &id.to_uppercase()]), "Containing duplicate trace ids");
    }
}
