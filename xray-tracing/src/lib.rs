//! AWS X-Ray for services that use [`tracing`](https://docs.rs/tracing): segments, propagation,
//! sampling and capture, without OpenTelemetry and without the AWS SDK.
//!
//! ```standalone_crate
//! # #[cfg(not(all(feature = "init", feature = "tower")))]
//! # fn main() {}
//! # #[cfg(all(feature = "init", feature = "tower"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let address = "127.0.0.1:0";
//! use axum::{Router, routing::get};
//! use xray_tracing::tower::ServerLayer;
//!
//! let _xray = xray_tracing::init("orders")?;
//! let app = Router::new().route("/", get(|| async { "hello" })).layer(ServerLayer::new());
//! let listener = tokio::net::TcpListener::bind(address).await?;
//! # let serve = async {
//! axum::serve(listener, app).await?;
//! # Ok::<(), std::io::Error>(()) };
//! # tokio::select! { served = serve => served?, () = std::future::ready(()) => {} }
//! # Ok(()) }
//! ```
//!
//! Each request is a segment now, each `tracing` span inside it (`#[tracing::instrument]`) a
//! subsegment, sent by UDP to the X-Ray daemon at 127.0.0.1:2000. `xray-daemon --backend local` is
//! one that needs no AWS account and shows what comes in at <http://127.0.0.1:2002>.
//!
//! # How to depend on it
//!
//! ```toml
//! [dependencies]
//! xray-tracing = { git = "…", tag = "v0.1.0", features = ["tower", "reqwest"] }
//! ```
//!
//! with the address of this repository. Do not `cargo add xray-tracing`: on the public registry that
//! name belongs to an abandoned crate of somebody else, which does not compile.
//!
//! | feature | brings |
//! |---|---|
//! | `init` (default) | `init`, `Builder::init`: registry, `fmt` behind `RUST_LOG`, and the layer |
//! | `layer` | `builder`, `annotate`, `metadata`, `set_user`, `current_trace`, `testing`, the emitter |
//! | `tokio` | `spawn`, which keeps the parent |
//! | `tower` | `tower::ServerLayer` for axum, hyper, tonic |
//! | `reqwest` | `reqwest::Client`: subsegments and headers for calls |
//! | `aws` | `aws::Interceptor`: subsegments for calls of the AWS SDK for Rust |
//! | `lambda` | `lambda::InvocationLayer`: AWS Lambda functions as tower services |
//! | `otel` | `otel`: exporter, sampler, propagator and id generator for OpenTelemetry 0.33 |
//! | `translate` | `translate`: spans of OpenTelemetry to documents and back |
//! | `sqlx` | SQL subsegments from the events of sqlx; `sqlx::Database` names them |
//!
//! Without any of them (`default-features = false`) there is the document model, the header, the ids
//! and the sampling rules: what a daemon or another exporter needs, without `tracing`.
//!
//! The crates behind that core: fastrand, rand, itoa, memchr, serde, serde_json, thiserror. `layer`
//! adds tracing-core, tracing-subscriber (`registry` alone), pin-project-lite, socket2 and libc; no
//! HTTP client, no TLS, no async runtime.
//!
//! # What is recorded
//!
//! - A span without local parent is a **segment**, named after the service; its descendants are
//!   **subsegments**. Spans of libraries (hyper, sqlx…) and spans below `INFO` open none.
//! - Span fields `annotation.key` are indexed, `metadata.key` and all others are shown; `user` names
//!   the segment's user. `otel.name` renames a subsegment.
//! - An ERROR event with a field `error` or `exception` is an exception, and a fault of its span:
//!   `error!(error = &err as &dyn Error, "…")`, `#[instrument(err)]`. A panic is one, too.
//! - A segment ends when its response is out, any other span when it was left for the last time. What
//!   outlives its segment follows as an independent subsegment.
//! - Which requests are recorded is decided once, when the trace begins: by the caller's header, else
//!   by X-Ray's sampling rules, which the daemon is asked for in the background; until it answers by
//!   local ones, 1 a second and 5 % of the others. Decision and trace id travel on in
//!   `X-Amzn-Trace-Id`, sampled or not. W3C `traceparent` is read where that is missing.
//! - Where the service runs (EC2, ECS, EKS, Elastic Beanstalk) is found out in the background.
//! - Log lines of `init` end with `AWS-XRAY-TRACE-ID: 1-…@segment`, as text and as JSON.
//!
//! Queries lose their literals, URLs their query strings, database URLs their passwords. Field values
//! are recorded as they are: do not put secrets into spans.
//!
//! # Variables
//!
//! They beat the code. `AWS_XRAY_DAEMON_ADDRESS` (`host:port`, or `tcp:host:port udp:host:port`),
//! `AWS_XRAY_TRACING_NAME`, `AWS_XRAY_SDK_ENABLED=false` or `AWS_XRAY_SDK_DISABLED=true`,
//! `AWS_XRAY_CONTEXT_MISSING=IGNORE_ERROR`, `AWS_XRAY_COLLECT_SQL_QUERIES=false`, `AWS_LOG_GROUP`, and
//! `RUST_LOG` for what is printed. Where `LAMBDA_TASK_ROOT` is set, the daemon is not asked for rules.
//!
//! # Architecture
//!
//! ```text
//! capture ─┐
//! context ─┼▶ layer ─▶ emitter ─▶ daemon      document, header, trace_id, sampling
//! tracing ─┘  records   queue,                stand below all of it and know nothing
//!             per trace one thread            of what is above
//! ```
//!
//! Invariants: nothing here blocks, panics or does I/O on a caller's thread; the one lock that is
//! taken is that of the trace, and no user code runs under it; an unsampled trace costs its root one
//! extension and its other spans next to nothing; whatever is lost is counted (`Stats`); no
//! OpenTelemetry or AWS type appears in this API.

pub mod document;
mod header;
pub mod sampling;
mod trace_id;
#[cfg(feature = "translate")]
pub mod translate;

#[cfg(feature = "layer")]
mod builder;
#[cfg(feature = "layer")]
pub mod capture;
#[cfg(feature = "layer")]
mod context;
#[cfg(feature = "layer")]
mod doctor;
#[cfg(feature = "layer")]
mod emitter;
#[cfg(feature = "layer")]
mod environment;
#[cfg(feature = "init")]
mod fmt_gate;
#[cfg(feature = "layer")]
mod guard;
#[cfg(feature = "layer")]
pub mod guide;
#[cfg(feature = "layer")]
#[cfg_attr(
    not(all(
        feature = "init",
        feature = "tower",
        feature = "reqwest",
        feature = "sqlx",
        feature = "lambda",
        feature = "aws"
    )),
    expect(dead_code, reason = "some of it serves only one of these features")
)]
mod layer;
#[cfg(feature = "init")]
pub mod log;
#[cfg(feature = "otel")]
pub mod otel;
#[cfg(feature = "init")]
mod panics;
#[cfg(feature = "layer")]
mod plain_http;
#[cfg(feature = "layer")]
mod resource;
#[cfg(feature = "layer")]
pub mod testing;

pub use header::{Sampled, TraceHeader};
pub use trace_id::{IdError, SegmentId, TraceId};

#[cfg(feature = "layer")]
pub use builder::{Builder, InitError, builder};
#[cfg(feature = "init")]
pub use builder::{LogFormat, Recording, init};
#[cfg(feature = "aws")]
pub use capture::aws;
#[cfg(feature = "layer")]
pub use capture::job::{Job, JobFuture};
#[cfg(feature = "lambda")]
pub use capture::lambda;
#[cfg(feature = "reqwest")]
pub use capture::reqwest;
#[cfg(feature = "sqlx")]
pub use capture::sqlx;
#[cfg(feature = "tower")]
pub use capture::tower;
#[cfg(feature = "tokio")]
pub use context::spawn;
#[cfg(feature = "layer")]
pub use context::{
    Annotation, CurrentTrace, annotate, current_header, current_headers, current_trace, keep_trace,
    link, metadata, metadata_in, set_user,
};
#[cfg(feature = "layer")]
pub use doctor::Diagnosis;
#[cfg(feature = "layer")]
pub use emitter::{AddressError, DaemonAddress, Endpoint, MemorySink, Sink, Stats};
#[cfg(feature = "layer")]
pub use guard::Guard;
#[cfg(feature = "layer")]
pub use layer::XrayLayer;
