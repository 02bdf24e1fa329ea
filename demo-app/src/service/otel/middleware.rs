//! One server span a request, by OpenTelemetry's conventions for HTTP.
//!
//! In: a request with the trace of its caller. Out: its response, which names the trace. Owns the
//! span while the request runs: one that is given up ends its span as well.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::context::FutureExt;
use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer,
};
use opentelemetry::{Context, KeyValue};
use xray_tracing::{Sampled, TraceHeader};

use super::pipeline::OpenTelemetry;
use crate::service::trace::{TraceRef, answered_within};

/// Traces a request.
pub(crate) async fn trace(
    State(otel): State<Arc<OpenTelemetry>>,
    request: Request,
    next: Next,
) -> Response {
    if otel.untraced.contains(request.uri().path()) {
        return answered_within(None, next.run(request)).await;
    }
    let caller = caller(request.headers());
    let span = SpanBuilder::from_name(format!("{} {}", request.method(), request.uri().path()))
        .with_kind(SpanKind::Server)
        .with_attributes(of_request(&request));
    let span = otel.tracer.build_with_context(span, &caller);
    let context = caller.with_span(span);
    let trace = of_span(context.span().span_context());
    let running = next.run(request).with_context(context.clone());
    let response = answered_within(Some(trace), running).await;
    let status = response.status();
    let span = context.span();
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
    span.end();
    response
}

/// The context of the caller's span, from the header of X-Ray or that of W3C.
fn caller(headers: &HeaderMap) -> Context {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let header = text(TraceHeader::NAME)
        .map(TraceHeader::parse)
        .or_else(|| TraceHeader::from_traceparent(text(TraceHeader::TRACEPARENT)?))
        .unwrap_or_default();
    let (Some(root), Some(parent)) = (header.root, header.parent) else { return Context::new() };
    let flags = match header.sampled {
        Sampled::No => TraceFlags::default(),
        Sampled::Yes | Sampled::Ask | Sampled::Unknown => TraceFlags::SAMPLED,
    };
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from_bytes(root.to_bytes()),
        SpanId::from_bytes(parent.to_u64().to_be_bytes()),
        flags,
        true,
        TraceState::default(),
    ))
}

fn of_request(request: &Request) -> Vec<KeyValue> {
    let text = |name: &str| request.headers().get(name)?.to_str().ok();
    let host = text("host").and_then(|host| host.parse::<axum::http::uri::Authority>().ok());
    let client = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let mut attributes = vec![
        KeyValue::new("http.request.method", request.method().to_string()),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("url.path", request.uri().path().to_owned()),
    ];
    if let Some(host) = &host {
        attributes.push(KeyValue::new("server.address", host.host().to_owned()));
        attributes.extend(host.port_u16().map(|it| KeyValue::new("server.port", i64::from(it))));
    }
    attributes.extend(client.map(|it| KeyValue::new("client.address", it.0.ip().to_string())));
    attributes
        .extend(text("user-agent").map(|it| KeyValue::new("user_agent.original", it.to_owned())));
    attributes
}

/// The trace of a span, written as X-Ray writes it.
fn of_span(context: &SpanContext) -> TraceRef {
    let id = xray_tracing::TraceId::from_bytes(context.trace_id().to_bytes());
    TraceRef { id: id.to_string(), sampled: context.is_sampled(), rule: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller_of(name: &'static str, value: &str) -> SpanContext {
        let headers = HeaderMap::from_iter([(
            axum::http::HeaderName::from_static(name),
            value.parse().unwrap(),
        )]);
        caller(&headers).span().span_context().clone()
    }

    #[test]
    fn the_caller_is_found_in_either_header() {
        let x_ray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let w3c = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
        for (name, value) in [("x-amzn-trace-id", x_ray), ("traceparent", w3c)] {
            let context = caller_of(name, value);
            assert_eq!(context.trace_id().to_string(), "5759e988bd862e3fe1be46a994272793");
            assert_eq!(context.span_id().to_string(), "53995c3f42cd8ad8");
            assert!(context.is_sampled() && context.is_remote(), "{name}");
        }
        let unsampled = x_ray.replace("Sampled=1", "Sampled=0");
        assert!(!caller_of("x-amzn-trace-id", &unsampled).is_sampled());
        assert!(!caller_of("x-amzn-trace-id", "Root=broken").is_valid());
    }
}
