//! Sends spans of the OpenTelemetry SDK to the X-Ray daemon.
//!
//! In: batches of spans. Out: documents, each in a datagram of its own. Owns a bounded queue and one
//! thread, as the native layer does: export never waits, translation and encoding happen on the
//! thread. A document that cannot be sent takes no other one with it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

use super::attributes::{value, view};
use crate::document::limits::MAX_DATAGRAM_DOCUMENT_BYTES;
use crate::document::{Entity, split};
use crate::emitter::{
    self, Counters, DaemonAddress, Limits, Output, Queue, Refused, Sink, Source, Sweep, UdpOutput,
};
use crate::translate::{self, Attribute, Options, to_documents};
use crate::{InitError, Stats};

/// Batches that wait for the sender.
const QUEUE: Limits = Limits { max_items: 4_096, max_bytes: 32 << 20 };
/// About what a span takes in memory.
const SPAN_BYTES: usize = 1_024;
/// Longest that a flush waits, if nobody says.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

/// Exports spans as X-Ray documents; see [`otel`](crate::otel).
pub struct XrayExporter {
    queue: Arc<Queue<Batch>>,
    counters: Arc<Counters>,
    options: Options,
    resource: Arc<translate::Resource>,
}

impl fmt::Debug for XrayExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayExporter")
            .field("stats", &self.counters.snapshot())
            .finish_non_exhaustive()
    }
}

/// Collects options; see [`XrayExporter::builder`].
#[must_use]
pub struct XrayExporterBuilder {
    address: Option<String>,
    sink: Option<Box<dyn Sink>>,
    options: Options,
}

impl fmt::Debug for XrayExporterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayExporterBuilder")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl XrayExporterBuilder {
    /// Where the daemon listens, as [`Builder::daemon_address`](crate::Builder::daemon_address). The
    /// variable `AWS_XRAY_DAEMON_ADDRESS` beats it.
    pub fn daemon_address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Takes the documents instead of the daemon.
    pub fn sink(mut self, sink: impl Sink) -> Self {
        self.sink = Some(Box::new(sink));
        self
    }

    /// Attributes that become annotations, which filter expressions find; others are metadata.
    /// Those of the resource are named `otel.resource.` and their key.
    pub fn annotations<T: Into<String>>(mut self, keys: impl IntoIterator<Item = T>) -> Self {
        self.options.indexed.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Makes annotations of all attributes. X-Ray indexes 50 a trace.
    pub fn annotate_all(mut self) -> Self {
        self.options.index_all = true;
        self
    }

    /// A CloudWatch log group of the service, where its resource names none. Can be repeated.
    pub fn log_group(mut self, name: impl Into<String>) -> Self {
        self.options.log_groups.push(name.into());
        self
    }

    /// Starts the sender.
    ///
    /// # Errors
    /// The daemon's address cannot be read, or the system has no thread left. A daemon that does not
    /// answer is no error.
    pub fn build(self) -> Result<XrayExporter, InitError> {
        let variable = std::env::var("AWS_XRAY_DAEMON_ADDRESS").ok();
        let variable = variable.filter(|text| !text.trim().is_empty());
        let address = match variable.or(self.address) {
            Some(text) => text.parse()?,
            None => DaemonAddress::default(),
        };
        let output = match self.sink {
            Some(sink) => Output::Sink(sink),
            None => Output::Udp(UdpOutput::new(address.udp, Instant::now())),
        };
        let (queue, counters) = (Arc::new(Queue::new(QUEUE)), Arc::new(Counters::default()));
        let feed = Feed { counters: Arc::clone(&counters) };
        emitter::start(feed, Arc::clone(&queue), output, Arc::clone(&counters))
            .map_err(InitError::Thread)?;
        let resource = Arc::new(translate::Resource::new(Vec::new(), &self.options));
        Ok(XrayExporter { queue, counters, options: self.options, resource })
    }
}

impl XrayExporter {
    /// Options for an exporter.
    pub fn builder() -> XrayExporterBuilder {
        XrayExporterBuilder { address: None, sink: None, options: Options::default() }
    }

    /// What counts and flushes, once the exporter belongs to the provider.
    pub fn handle(&self) -> ExporterHandle {
        ExporterHandle { queue: Arc::clone(&self.queue), counters: Arc::clone(&self.counters) }
    }
}

impl Drop for XrayExporter {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Counters and flush of an exporter.
#[derive(Clone)]
pub struct ExporterHandle {
    queue: Arc<Queue<Batch>>,
    counters: Arc<Counters>,
}

impl fmt::Debug for ExporterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExporterHandle").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl ExporterHandle {
    /// What was sent and lost so far.
    pub fn stats(&self) -> Stats {
        self.counters.snapshot()
    }

    /// Sends what is queued; false if `deadline` came first.
    pub fn flush(&self, deadline: Duration) -> bool {
        self.queue.flush(deadline)
    }
}

impl SpanExporter for XrayExporter {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        self.queue_up(spans)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flush_within(FLUSH_WITHIN)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let flushed = self.flush_within(timeout);
        self.queue.close();
        flushed
    }

    fn set_resource(&mut self, resource: &Resource) {
        let attributes =
            resource.iter().map(|(key, of)| Attribute::new(key.as_str(), value(of))).collect();
        self.resource = Arc::new(translate::Resource::new(attributes, &self.options));
    }
}

impl XrayExporter {
    fn queue_up(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let bytes = spans.len() * SPAN_BYTES;
        let batch = Batch { spans, resource: Arc::clone(&self.resource) };
        match self.queue.push(batch, bytes) {
            Ok(()) => Ok(()),
            Err(Refused::Full(_)) => {
                self.counters.dropped_queue_full.add(1);
                let text = "the queue to the X-Ray daemon is full; spans are dropped";
                Err(OTelSdkError::InternalFailure(text.to_owned()))
            }
            Err(Refused::Closed(_)) => {
                self.counters.dropped_after_end.add(1);
                Err(OTelSdkError::AlreadyShutdown)
            }
        }
    }

    fn flush_within(&self, deadline: Duration) -> OTelSdkResult {
        if self.queue.flush(deadline) { Ok(()) } else { Err(OTelSdkError::Timeout(deadline)) }
    }
}

/// Hands each span to an [`XrayExporter`] as it ends: without a lock, and with a flush that flushes.
/// (The SDK's simple processor does not pass a flush on; its batch processor is a second queue before
/// ours.)
#[derive(Debug)]
pub struct XrayProcessor {
    exporter: XrayExporter,
}

impl XrayProcessor {
    /// For `SdkTracerProvider::builder().with_span_processor(…)`.
    pub fn new(exporter: XrayExporter) -> Self {
        Self { exporter }
    }
}

impl SpanProcessor for XrayProcessor {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            // What cannot be queued is counted there.
            drop(self.exporter.queue_up(vec![span]));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

struct Batch {
    spans: Vec<SpanData>,
    resource: Arc<translate::Resource>,
}

/// Makes documents of spans, on the sender's thread.
struct Feed {
    counters: Arc<Counters>,
}

impl Source for Feed {
    type Item = Batch;

    fn sweep(&mut self, _: Sweep) {}

    fn encode(&mut self, batch: Batch, emit: &mut dyn FnMut(&[u8])) {
        for span in &batch.spans {
            for mut document in to_documents(&view(span), &batch.resource) {
                drop_query(&mut document);
                let json = document.to_json();
                if json.len() <= MAX_DATAGRAM_DOCUMENT_BYTES {
                    emit(json.as_bytes());
                    continue;
                }
                let parts = split(document, MAX_DATAGRAM_DOCUMENT_BYTES).documents;
                self.counters.documents_split.add(parts.len().saturating_sub(1) as u64);
                parts.iter().for_each(|part| emit(part));
            }
        }
    }
}

/// A query string may hold secrets: as the native layer, the exporter does not send it.
fn drop_query(document: &mut Entity) {
    if let Some(http) = &mut document.http
        && let Some(url) = &mut http.request.url
        && let Some(at) = url.find(['?', '#'])
    {
        url.truncate(at);
    }
}
