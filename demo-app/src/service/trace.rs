//! The demo's use of `xray-tracing`: which requests are traced, and what a page or a response says
//! about its trace.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use xray_tracing::TraceId;
use xray_tracing::tower::ServerLayer;

use super::otel::OpenTelemetry;

/// The header that carries a trace, and that every response shows.
pub(crate) const TRACE_HEADER: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// Who traces a service.
#[derive(Clone, Debug, Default)]
pub(crate) enum Dialect {
    /// The layer of `xray-tracing`.
    #[default]
    Native,
    /// Plain OpenTelemetry.
    OpenTelemetry(Arc<OpenTelemetry>),
}

impl Dialect {
    /// The same in words for people.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Native => "native layer",
            Self::OpenTelemetry(_) => "OpenTelemetry, by OTLP",
        }
    }
}

/// Health checks and scrapes: left out unless `XRAY_TRACE_HEALTH` asks for them, because they would
/// outnumber everything that people do.
pub(crate) const HEALTH_PATHS: [&str; 3] = ["/ping", "/products/ping", "/metrics"];

/// The paths that no segment is opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Untraced {
    paths: Vec<String>,
}

impl Untraced {
    /// Health checks, unless `trace_health` is set.
    pub(crate) fn health(trace_health: TraceHealth) -> Self {
        let paths = match trace_health {
            TraceHealth::No => HEALTH_PATHS.map(str::to_owned).to_vec(),
            TraceHealth::Yes => Vec::new(),
        };
        Self { paths }
    }

    /// The paths of `XRAY_IGNORE_PATHS`, separated by commas, in place of the health checks.
    pub(crate) fn listed(paths: &str) -> Self {
        let paths = paths.split(',').map(str::trim).filter(|path| !path.is_empty());
        Self { paths: paths.map(str::to_owned).collect() }
    }

    /// Adds what a page loads for itself: it is nothing that a person did.
    pub(crate) fn and<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        self.paths.extend(paths.into_iter().map(str::to_owned));
        self
    }

    /// Whether no span is to be made for `path`.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.paths.iter().any(|known| known == path)
    }

    /// The layer that opens a segment called `service` for every other path.
    pub(crate) fn server_layer(&self, service: &str) -> ServerLayer {
        let layer = ServerLayer::new()
            .service_name(service)
            .client_ip(|extensions| Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip()));
        self.paths.iter().fold(layer, |layer, path| layer.exclude_path(path))
    }
}

/// Whether health checks and scrapes are traced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TraceHealth {
    #[default]
    No,
    Yes,
}

/// The trace of a request, as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TraceRef {
    /// `1-6b0564b5-7be260d19f03a8c4512e6b77`.
    pub(crate) id: String,
    pub(crate) sampled: bool,
    /// The sampling rule that decided, if it was decided here.
    pub(crate) rule: Option<String>,
}

/// The trace that the calling code runs in.
pub(crate) fn current() -> Option<TraceRef> {
    let trace = xray_tracing::current_trace()?;
    let rule = trace.rule.as_deref().map(str::to_owned);
    Some(TraceRef { id: trace.trace_id.to_string(), sampled: trace.sampled, rule })
}

tokio::task_local! {
    /// The trace of the request that a task works on. A log line asks for it from inside the
    /// subscriber, where `tracing` does not answer.
    static OF_REQUEST: Option<TraceRef>;
}

/// The trace of the request that the calling task works on.
pub(crate) fn of_request() -> Option<TraceRef> {
    OF_REQUEST.try_with(Clone::clone).ok().flatten()
}

/// Middleware: writes the request's trace into the response. What is not traced gets an id of its
/// own, marked as not sampled, so that every response can be named in a report.
pub(crate) async fn show_in_response(request: Request, next: Next) -> Response {
    answered_within(current(), next.run(request)).await
}

/// Runs a request within its trace, and writes that into the response.
pub(crate) async fn answered_within(
    trace: Option<TraceRef>,
    running: impl Future<Output = Response>,
) -> Response {
    let mut response = OF_REQUEST.scope(trace.clone(), running).await;
    let text = match trace {
        Some(TraceRef { id, sampled, .. }) => format!("Root={id};Sampled={}", u8::from(sampled)),
        None => format!("Root={};Sampled=0", TraceId::random()),
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(TRACE_HEADER, value);
    }
    response
}

/// The trace id of `text`, if it is one; for ids that come back from a browser.
pub(crate) fn checked_id(text: &str) -> Option<Arc<str>> {
    text.parse::<TraceId>().ok().map(|id| id.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_paths_take_the_place_of_the_health_checks() {
        assert_eq!(Untraced::health(TraceHealth::No).paths, HEALTH_PATHS);
        assert!(Untraced::health(TraceHealth::Yes).paths.is_empty());
        let listed = Untraced::listed("/ping, /metrics,,").and(["/shop.css"]);
        assert_eq!(listed.paths, ["/ping", "/metrics", "/shop.css"]);
    }

    #[test]
    fn only_trace_ids_come_back_from_a_browser() {
        let id = "1-6b0564b5-7be260d19f03a8c4512e6b77";
        assert_eq!(checked_id(id).as_deref(), Some(id));
        assert_eq!(checked_id("1-6b0564b5-<script>"), None);
    }
}
