//! `PutTraceSegments` as a backend of delivery.
//!
//! In: a batch. Out: one signed call. Owns a share of the service.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};
use xray_tracing::translate::Options;

use super::answer::{self, NAME};
use super::service::{CallError, XRay};
use super::{body, failure};
use crate::backend::{Backend, BackendError, BoxFuture, Delivered, Retry, Unprocessed};
use crate::counters::BackendCounters;
use crate::otlp::{Datagrams, Documents};
use crate::segment::Segment;

/// Most documents in a call, and most bytes of them. Spans may make more of a batch than it had
/// segments. Rule: the bounds of a batch.
const MAX_DOCUMENTS: usize = 50;
const MAX_BYTES: usize = 1 << 20;
/// Path of the call.
pub(super) const PATH: &str = "/TraceSegments";
/// When the batch was closed: the service measures its age.
const TIMESTAMP: HeaderName = HeaderName::from_static("x-amzn-xray-timestamp");

/// Sends batches to X-Ray.
#[derive(Debug)]
pub(crate) struct AwsBackend {
    service: Arc<XRay>,
    max_uploads: usize,
    counters: Arc<BackendCounters>,
}

impl AwsBackend {
    /// `max_uploads`: most calls at once. `counters`: what failures are counted into.
    pub(crate) fn new(
        service: Arc<XRay>,
        max_uploads: usize,
        counters: Arc<BackendCounters>,
    ) -> Self {
        Self { service, max_uploads, counters }
    }

    async fn call(&self, batch: &[Segment]) -> Result<Delivered, BackendError> {
        let documents = Documents::of(batch, Datagrams::Pass, &Options::default());
        let mut delivered = Delivered::default();
        let mut rest = &documents.documents[..];
        // Of a batch without spans this is one call.
        while !rest.is_empty() {
            let first = documents.documents.len() - rest.len();
            let (part, others) = rest.split_at(of_one_call(rest));
            rest = others;
            match self.call_once(part).await {
                Ok(part) => {
                    let placed = part.unprocessed.into_iter();
                    let placed = placed.map(|it| Unprocessed { index: first + it.index, ..it });
                    delivered.unprocessed.extend(placed);
                }
                Err(error) if first == 0 => return Err(error),
                Err(error) => {
                    let left = first..documents.documents.len();
                    delivered.unprocessed.extend(left.map(|index| not_reached(index, &error)));
                    break;
                }
            }
        }
        Ok(documents.of_segments(delivered))
    }

    async fn call_once(&self, documents: &[Segment]) -> Result<Delivered, BackendError> {
        let headers = headers(SystemTime::now());
        let called = self.service.call(PATH, headers, body::write(documents)).await;
        if let Some(kind) = failure::kind(&called) {
            self.counters.add_connection_error(kind);
        }
        match called {
            Ok(response) => answer::read(documents, &response),
            Err(error) => Err(again(error)),
        }
    }
}

impl Backend for AwsBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn max_uploads(&self) -> usize {
        self.max_uploads
    }

    fn put<'a>(&'a self, batch: &'a [Segment]) -> BoxFuture<'a, Result<Delivered, BackendError>> {
        Box::pin(self.call(batch))
    }
}

/// Seconds since 1970 with nine decimals.
pub(super) fn headers(now: SystemTime) -> HeaderMap {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = format!("{}.{:09}", since.as_secs(), since.subsec_nanos());
    let value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("0"));
    HeaderMap::from_iter([(TIMESTAMP, value)])
}

/// How many of `documents` go into one call, at least one.
fn of_one_call(documents: &[Segment]) -> usize {
    let mut bytes = 0;
    let fits = |document: &&Segment| {
        bytes += document.size_bytes();
        bytes <= MAX_BYTES
    };
    documents.iter().take(MAX_DOCUMENTS).take_while(fits).count().max(1)
}

/// A document of a later call, which failed where an earlier one did not.
fn not_reached(index: usize, error: &BackendError) -> Unprocessed {
    let (code, message) = ("NotSent".to_owned(), error.to_string());
    Unprocessed { index, code, message, retry: Retry::Yes }
}

fn again(error: CallError) -> BackendError {
    let (status, may_be_taken) = match &error {
        CallError::NoCredentials(_) => ("no credentials", false),
        CallError::TimedOut => ("time-out", true),
        CallError::Unreachable(error) if error.is_connect() => ("unreachable", false),
        // The connection broke somewhere between the first byte of the call and the answer.
        CallError::Unreachable(_) => ("connection lost", true),
        CallError::Answer(_) => ("broken answer", true),
        CallError::NotSigned(_) | CallError::Request(_) => ("not sent", false),
    };
    let (backend, status, source) = (NAME, status.to_owned(), Some(Box::new(error) as _));
    if may_be_taken {
        BackendError::Unsure { backend, status, after: None, source }
    } else {
        BackendError::Again { backend, status, after: None, source }
    }
}
