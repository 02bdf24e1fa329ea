//! A Lambda function as a tower service.
//!
//! ```sh
//! cargo run -p xray-tracing --example lambda --features lambda
//! ```
//!
//! In Lambda `lambda_runtime::run(service)` calls it with `LambdaEvent`s, whose context has the
//! header; here the example calls it once, with an event of its own, and checks the document.

use std::convert::Infallible;
use std::error::Error;

use tower::{ServiceBuilder, ServiceExt, service_fn};
use tracing::instrument;
use xray_tracing::MemorySink;
use xray_tracing::document::{Entity, Kind};
use xray_tracing::lambda::InvocationLayer;

/// In Lambda: `lambda_runtime::LambdaEvent`, and `event.context.xray_trace_id`.
struct Event {
    trace_header: Option<String>,
    order: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let sink = MemorySink::new();
    let _xray = xray_tracing::builder("charge").sink(sink.clone()).init()?;
    let service = ServiceBuilder::new()
        .layer(InvocationLayer::new(|event: &Event| event.trace_header.as_deref()))
        .service(service_fn(|event: Event| async move {
            charge(event.order).await;
            Ok::<_, Infallible>(())
        }));

    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    service.oneshot(Event { trace_header: Some(header.to_owned()), order: 7 }).await?;

    // It was sent before the result: the process could be frozen now.
    let document = sink.take().pop().ok_or("no document was sent")?;
    let invocation = Entity::parse(&document)?;
    assert_eq!(invocation.kind, Kind::Subsegment); // of the segment that Lambda writes
    assert_eq!(invocation.subsegments[0].name, "charge");
    Ok(())
}

#[instrument]
async fn charge(order: u64) {
    xray_tracing::annotate("order", order);
}
