//! `tracing-opentelemetry` with X-Ray's exporter, sampler, propagator and ids.
//!
//! ```sh
//! cargo run -p xray-tracing --example otel --features otel
//! ```
//!
//! It needs no daemon: documents go to memory, and the example checks them.

use std::collections::HashMap;
use std::error::Error;

use opentelemetry::global;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{info_span, instrument};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::prelude::*;
use xray_tracing::MemorySink;
use xray_tracing::document::Entity;
use xray_tracing::otel::{
    XrayExporter, XrayIdGenerator, XrayProcessor, XrayPropagator, XraySampler,
};
use xray_tracing::sampling::LocalRules;

fn main() -> Result<(), Box<dyn Error>> {
    let sink = MemorySink::new();
    let exporter = XrayExporter::builder().sink(sink.clone()).build()?;
    let provider = SdkTracerProvider::builder()
        .with_span_processor(XrayProcessor::new(exporter))
        // In production: XraySampler::central("orders", LocalRules::default())?
        .with_sampler(XraySampler::local("orders", LocalRules::record_all()))
        .with_id_generator(XrayIdGenerator::new())
        .with_resource(Resource::builder().with_service_name("orders").build())
        .build();
    global::set_text_map_propagator(XrayPropagator::new());
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("orders"));
    tracing_subscriber::registry().with(layer).init();

    // As a load balancer sends it: it names the trace, and leaves the decision to us.
    let root = "1-5759e988-bd862e3fe1be46a994272793";
    let came = HashMap::from([("x-amzn-trace-id".to_owned(), format!("Root={root}"))]);
    let request = info_span!("GET /orders", otel.kind = "server");
    request.set_parent(global::get_text_map_propagator(|x_ray| x_ray.extract(&came)))?;
    request.in_scope(|| load(7));
    drop(request);

    provider.shutdown()?;
    let documents: Result<Vec<_>, _> =
        sink.take().iter().map(|document| Entity::parse(document)).collect();
    let documents = documents?;
    let segment = documents.iter().find(|document| document.name == "orders");
    let segment = segment.ok_or("no segment was sent")?;
    assert_eq!(segment.trace_id.map(|id| id.to_string()).as_deref(), Some(root));
    assert_eq!(segment.parent_id, None);
    assert!(documents.iter().any(|document| document.parent_id == segment.id));
    Ok(())
}

#[instrument]
fn load(order: u64) {
    tracing::info!("loaded");
}
