//! `PutTraceSegments`: documents into the store.

use axum::extract::State;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::input::{Input, required};
use super::output::{Answer, Output};
use super::{ApiError, ApiState};
use crate::backend::local::store::{Incoming, Unstored};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    /// A null among them is refused like any text that is no document.
    trace_segment_documents: Option<Vec<Option<String>>>,
}

pub(super) async fn put_trace_segments(
    State(state): State<ApiState>,
    Input(request): Input<Request>,
) -> Answer {
    state.may_change()?;
    let documents = required("traceSegmentDocuments", request.trace_segment_documents)?;
    if documents.is_empty() {
        return Err(ApiError::invalid("Segments can not be empty"));
    }
    let incoming: Vec<_> = documents
        .into_iter()
        .map(|document| Incoming {
            document: Bytes::from(document.unwrap_or_default()),
            sender: None,
        })
        .collect();
    let unstored = state.store.put(&incoming).await?;
    let unstored: Vec<_> = unstored
        .into_iter()
        .map(|Unstored { id, code, message, .. }| {
            json!({ "Id": id, "ErrorCode": code, "Message": message })
        })
        .collect();
    Ok(Output(json!({ "UnprocessedTraceSegments": unstored })))
}
