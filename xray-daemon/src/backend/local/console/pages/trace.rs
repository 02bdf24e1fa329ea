//! `GET /trace/{id}`: one trace; `GET /trace/{id}/json`: the same as a file.
//!
//! In: the id, the row and tab that are asked for. Out: the page, or why there is none. Owns
//! nothing.

use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use xray_tracing::TraceId;

use super::empty::failed_page;
use super::empty_view::MessageView;
use super::events::trace_events_link;
use super::trace_detail::DetailInput;
use super::trace_map::TraceMap;
use super::trace_rows::{Lanes, key};
use super::trace_view::{TraceHead, TraceView, picked, warnings};
use crate::backend::local::console::frame::{Tab, render};
use crate::backend::local::console::scope::{Scope, ScopeQuery};
use crate::backend::local::console::state::ConsoleState;
use crate::backend::local::console::visitor::Visitor;
use crate::backend::local::store::{FoundTrace, StoreError};
use crate::backend::local::trace::{Summary, Timeline};

/// The address's words.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TraceQuery {
    row: String,
    tab: String,
}

/// `GET /trace/{id}`.
pub(crate) async fn trace(
    State(console): State<ConsoleState>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(scope): Query<ScopeQuery>,
    Query(query): Query<TraceQuery>,
) -> Response {
    let scope = scope.scope(visitor.zone);
    let page = TracePage { console: &console, visitor: &visitor, scope: &scope, query: &query };
    let Some(id) = parse_id(&id) else { return page.bad_id() };
    match page.answer(id).await {
        Ok(response) => response,
        Err(error) => failed_page(&console, &visitor, Tab::Traces, &scope, &error),
    }
}

/// `GET /trace/{id}/json`: what `BatchGetTraces` answers, so that it can be read by the same tools.
pub(crate) async fn trace_json(
    State(console): State<ConsoleState>,
    Path(id): Path<String>,
) -> Response {
    let Some(id) = parse_id(&id) else { return StatusCode::BAD_REQUEST.into_response() };
    let found = match console.store().batch(&[id]).await {
        Ok(found) => found.into_iter().next(),
        Err(error) => return (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    };
    let Some(FoundTrace { trace, limit_exceeded }) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let segments = trace.read_back().into_iter();
    let segments: Vec<_> =
        segments.map(|it| json!({ "Id": it.id.to_string(), "Document": it.document })).collect();
    let body = json!({
        "Id": id.to_string(),
        "Duration": trace.duration_s(),
        "LimitExceeded": limit_exceeded,
        "Segments": segments,
    });
    let name = format!("attachment; filename=\"trace-{id}.json\"");
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, name)], body.to_string()).into_response()
}

/// X-Ray's form of an id, or the 32 hex digits of W3C.
fn parse_id(text: &str) -> Option<TraceId> {
    let x_ray = || {
        let (time, unique) = (text.get(..8)?, text.get(8..32)?);
        (text.len() == 32).then(|| format!("1-{time}-{unique}"))
    };
    text.parse().ok().or_else(|| x_ray()?.parse().ok())
}

struct TracePage<'a> {
    console: &'a ConsoleState,
    visitor: &'a Visitor,
    scope: &'a Scope,
    query: &'a TraceQuery,
}

impl TracePage<'_> {
    async fn answer(&self, id: TraceId) -> Result<Response, StoreError> {
        let store = self.console.store();
        let Some(found) = store.batch(&[id]).await?.into_iter().next() else {
            return Ok(self.not_found());
        };
        let FoundTrace { trace, limit_exceeded } = found;
        let graph = store.trace_graph(&[id]).await?;
        let (summary, timeline) = (Summary::of(&trace), Timeline::of(&trace));
        let title = format!("{}, {id}", summary.title);
        let frame = self.console.frame(self.visitor, Some(Tab::Traces), title, Some(self.scope));
        let input = DetailInput {
            frame: &frame,
            trace: &trace,
            timeline: &timeline,
            scope: self.scope,
            tab: &self.query.tab,
        };
        let row = picked(&timeline, &self.query.row);
        let picked_key = row.map(key).unwrap_or_default();
        let page = TraceView {
            events: timeline.in_progress.then(|| trace_events_link(self.scope)).flatten(),
            back: self.scope.link("/traces"),
            head: TraceHead::new(&input, &summary),
            map: TraceMap::new(&frame, &trace, &timeline, &graph),
            lanes: Lanes::new(&frame, &timeline, &picked_key, |row| {
                input.link(row, &self.query.tab)
            }),
            detail: row.and_then(|row| input.detail(row)),
            download: format!("/trace/{id}/json"),
            warnings: warnings(&frame, &trace, limit_exceeded),
            frame,
        };
        Ok(render(self.visitor, &page))
    }

    fn not_found(&self) -> Response {
        let t = &self.visitor.text().trace;
        self.message(StatusCode::NOT_FOUND, t.not_found, t.not_found_note)
    }

    fn bad_id(&self) -> Response {
        let t = &self.visitor.text().trace;
        self.message(StatusCode::BAD_REQUEST, t.bad_id, t.bad_id_note)
    }

    fn message(&self, status: StatusCode, title: &'static str, text: &str) -> Response {
        let to_traces = self.visitor.text().trace.to_traces;
        let page = MessageView {
            frame: self.console.frame(self.visitor, Some(Tab::Traces), title, Some(self.scope)),
            title,
            text: text.to_owned(),
            link: (to_traces, self.scope.link("/traces")),
        };
        let mut response = render(self.visitor, &page);
        *response.status_mut() = status;
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_both_forms() {
        let x_ray = "1-67891233-abcdef012345678912345678";
        assert_eq!(parse_id(x_ray).unwrap().to_string(), x_ray);
        assert_eq!(parse_id("67891233abcdef012345678912345678").unwrap().to_string(), x_ray);
        for bad in ["", "1-2-3", "67891233abcdef01234567891234567", "é", "../../etc/passwd"] {
            assert_eq!(parse_id(bad), None, "{bad}");
        }
    }
}
