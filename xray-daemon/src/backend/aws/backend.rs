//! `PutTraceSegments` as a backend of delivery.
//!
//! In: a batch. Out: one signed call. Owns a share of the service.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::answer::{self, NAME};
use super::body;
use super::service::{CallError, XRay};
use crate::backend::{Backend, BackendError, BoxFuture, Delivered};
use crate::segment::Segment;

/// Path of the call.
pub(super) const PATH: &str = "/TraceSegments";
/// When the batch was closed: the service measures its age.
const TIMESTAMP: HeaderName = HeaderName::from_static("x-amzn-xray-timestamp");

/// Sends batches to X-Ray.
#[derive(Debug)]
pub(crate) struct AwsBackend {
    service: Arc<XRay>,
    max_uploads: usize,
}

impl AwsBackend {
    /// `max_uploads`: most calls at once.
    pub(crate) fn new(service: Arc<XRay>, max_uploads: usize) -> Self {
        Self { service, max_uploads }
    }

    async fn call(&self, batch: &[Segment]) -> Result<Delivered, BackendError> {
        let headers = headers(SystemTime::now());
        match self.service.call(PATH, headers, body::write(batch)).await {
            Ok(response) => answer::read(batch, &response),
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

fn again(error: CallError) -> BackendError {
    let status = match &error {
        CallError::NoCredentials(_) => "no credentials",
        CallError::TimedOut => "time-out",
        CallError::Unreachable(_) => "unreachable",
        CallError::Answer(_) => "broken answer",
        CallError::NotSigned(_) | CallError::Request(_) => "not sent",
    };
    let status = status.to_owned();
    BackendError::Again { backend: NAME, status, after: None, source: Some(Box::new(error)) }
}
