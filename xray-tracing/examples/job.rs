//! A worker that goes on with the traces of the messages it receives.
//!
//! ```sh
//! cargo run -p xray-tracing --example job
//! ```
//!
//! It needs no daemon: documents go to memory, and the example checks them.

use std::error::Error;

use tracing::{info, instrument};
use xray_tracing::document::Entity;
use xray_tracing::sampling::LocalRules;
use xray_tracing::{Job, MemorySink, TraceHeader};

/// A message as a queue hands it over: SQS has the header in the system attribute `AWSTraceHeader`.
struct Message {
    trace_header: &'static str,
    order: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let sink = MemorySink::new();
    let options = xray_tracing::builder("charges").sampler(LocalRules::record_all());
    let xray = options.sink(sink.clone()).init()?;

    let message = Message {
        trace_header: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        order: 7,
    };
    let header = TraceHeader::parse(message.trace_header);
    Job::new("charge").continuing(header.clone()).run(|| charge(message.order));

    // A batch has no one trace to go on with: it is linked to all of them.
    Job::new("statement").linked_to(&header).run(|| info!("printed"));

    drop(xray);
    let documents: Result<Vec<_>, _> =
        sink.take().iter().map(|document| Entity::parse(document)).collect();
    let [charge, statement] = documents?.try_into().map_err(|_| "two documents are expected")?;
    assert_eq!(charge.trace_id, header.root);
    assert_eq!(charge.parent_id, header.parent);
    assert_ne!(statement.trace_id, header.root);
    assert_eq!(statement.links.len(), 1);
    Ok(())
}

#[instrument]
fn charge(order: u64) {
    xray_tracing::annotate("order", order);
    info!("charged");
}
