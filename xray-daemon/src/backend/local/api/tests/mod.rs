//! The API as a client sees it: requests in, answers out, over a real store.

mod filters;
mod graphs;
mod groups;
mod putting;
mod refusals;
mod rest;
mod sampling;
mod summaries;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Access, ApiState, router};
use crate::backend::local::LocalConfig;
use crate::backend::local::sampling::Sampling;
use crate::backend::local::store::Store;

/// An API over a private store.
struct Api {
    router: Router,
    #[expect(dead_code, reason = "keeps the store open")]
    store: Store,
}

/// An error as a client reads it.
#[derive(Debug, PartialEq)]
struct Refused {
    status: u16,
    code: String,
    message: String,
}

fn refused(status: u16, code: &str, message: impl Into<String>) -> Refused {
    Refused { status, code: code.to_owned(), message: message.into() }
}

fn invalid(message: impl Into<String>) -> Refused {
    refused(400, "InvalidRequestException", message)
}

impl Api {
    async fn new() -> Self {
        Self::with(Access::Full).await
    }

    async fn with(access: Access) -> Self {
        let store = Store::open(&LocalConfig::default()).await.unwrap();
        let sampling = Sampling::open(store.clone(), Vec::new()).await.unwrap();
        Self { router: router(ApiState::new(store.clone(), sampling, access)), store }
    }

    async fn send(&self, path: &str, body: String) -> Result<Value, Refused> {
        let request = Request::post(path).body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        assert_eq!(headers["content-type"], "application/json");
        assert!(headers.contains_key("x-amzn-requestid"));
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        if status == StatusCode::OK {
            return Ok(body);
        }
        // Modelled errors have `Message`, those of the framework `message`.
        let message = body.get("Message").or_else(|| body.get("message")).unwrap();
        Err(Refused {
            status: status.as_u16(),
            code: headers["x-amzn-errortype"].to_str().unwrap().to_owned(),
            message: message.as_str().unwrap().to_owned(),
        })
    }

    /// Calls an operation that succeeds.
    async fn call(&self, path: &str, input: Value) -> Value {
        self.send(path, input.to_string()).await.unwrap()
    }

    /// Calls an operation that is refused.
    async fn refuse(&self, path: &str, input: Value) -> Refused {
        self.send(path, input.to_string()).await.unwrap_err()
    }

    /// Stores documents in one call; answers what was not processed.
    async fn put(&self, documents: &[Value]) -> Vec<Value> {
        let texts: Vec<_> = documents.iter().map(Value::to_string).collect();
        let answer = self.call("/TraceSegments", json!({ "TraceSegmentDocuments": texts })).await;
        answer["UnprocessedTraceSegments"].as_array().unwrap().clone()
    }

    /// The summaries of all traces that `filter` lets through.
    async fn summaries(&self, filter: &str) -> Vec<Value> {
        let answer = self
            .call(
                "/TraceSummaries",
                json!({ "StartTime": 0, "EndTime": 9e9, "FilterExpression": filter }),
            )
            .await;
        assert_eq!(answer["NextToken"], Value::Null);
        answer["TraceSummaries"].as_array().unwrap().clone()
    }
}

/// Id of trace `number`.
fn trace(number: u32) -> String {
    format!("1-{number:08x}-000000000000000000000000")
}

/// Id of a segment or subsegment.
fn id(number: u64) -> String {
    format!("{number:016x}")
}

/// A complete document of trace `number`, which `more` adds to.
fn segment(number: u32, segment: u64, name: &str, times_s: (f64, f64), more: Value) -> Value {
    let mut document = json!({
        "trace_id": trace(number), "id": id(segment), "name": name,
        "start_time": times_s.0, "end_time": times_s.1,
    });
    for (member, value) in more.as_object().unwrap() {
        document[member] = value.clone();
    }
    document
}

/// An embedded subsegment.
fn subsegment(number: u64, name: &str, times_s: (f64, f64), more: Value) -> Value {
    let mut document = json!({
        "id": id(number), "name": name, "start_time": times_s.0, "end_time": times_s.1,
    });
    for (member, value) in more.as_object().unwrap() {
        document[member] = value.clone();
    }
    document
}

fn status(code: u16) -> Value {
    json!({ "response": { "status": code } })
}
