//! Receives OpenTelemetry spans, by gRPC and by HTTP.
//!
//! In: `ExportTraceServiceRequest`s on two ports, either kind on both. Out: segments, one a span, to
//! the buffer; refusals to the counters. Owns the connections, and the memory of requests that are
//! being read. Where the buffer is full it does not drop: the sender is told to try again. Rule:
//! OTLP specification 1.10. gRPC of one method is a frame of five bytes and two trailers, so it is
//! spoken here, over the HTTP server that is there anyway.

// Connections and routes.
mod server;

// The two ways to ask.
mod grpc;
mod http;

// What they share: the body, what becomes of it, the answer.
mod answer;
mod body;
mod json;
mod json_shape;
mod receiver;
mod room;
mod unpack;

#[cfg(test)]
mod tests;

pub(crate) use receiver::SpanReceiver;
pub(crate) use server::{router, serve};
