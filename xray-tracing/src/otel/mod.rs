//! X-Ray for programs that are on OpenTelemetry already.
//!
//! In: spans of the OpenTelemetry SDK, by `tracing-opentelemetry` or without. Out: the documents that
//! the daemon's OTLP intake would make of them, by the same translator, over the same emitter; X-Ray's
//! header and sampling rules. Owns the emitter's queue and thread. Built for `opentelemetry` 0.33.
//!
//! ```
//! use opentelemetry::trace::TracerProvider;
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//! use xray_tracing::otel::{
//!     XrayExporter, XrayIdGenerator, XrayProcessor, XrayPropagator, XraySampler,
//! };
//!
//! let exporter = XrayExporter::builder().sink(xray_tracing::MemorySink::new()).build()?;
//! let provider = SdkTracerProvider::builder()
//!     .with_span_processor(XrayProcessor::new(exporter))
//!     .with_sampler(XraySampler::local("orders", Default::default()))
//!     .with_id_generator(XrayIdGenerator::new())
//!     .build();
//! opentelemetry::global::set_text_map_propagator(XrayPropagator::new());
//! let tracer = provider.tracer("orders"); // tracing_opentelemetry::layer().with_tracer(tracer)
//! # drop(tracer);
//! # Ok::<(), xray_tracing::InitError>(())
//! ```
//!
//! The sampler stands alone, not inside `ParentBased`: a header without a decision (as load balancers
//! send it) is a parent that has not decided, which OpenTelemetry has no word for. `XrayPropagator`
//! notes it in the `Context`, `XraySampler` reads it there, and the trace keeps the header's root.

mod attributes;
mod exporter;
mod ids;
mod propagator;
mod sampler;

#[cfg(test)]
mod tests;

pub use exporter::{ExporterHandle, XrayExporter, XrayExporterBuilder, XrayProcessor};
pub use ids::XrayIdGenerator;
pub use propagator::XrayPropagator;
pub use sampler::XraySampler;
