//! One call as it was received.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::Deserialize;

use super::signature::{Refusal, Signature};

/// A recorded call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its HTTP method.
    pub method: Method,
    /// Path and query as sent.
    pub target: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// When the body was complete.
    pub received_at: SystemTime,
    /// Which connection it came on, from 0: calls that share one have the same.
    pub connection: usize,
    /// Who signed it, or why the signature does not hold.
    pub signature: Result<Signature, Refusal>,
    /// Status of the answer; `None` while there is none, and for ever if it was never to come.
    pub answered: Option<u16>,
}

impl Call {
    /// A header's value, empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Path without query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Documents of a `PutTraceSegments` call, in its order.
    ///
    /// # Errors
    /// When the body is not what the API model says.
    pub fn documents(&self) -> serde_json::Result<Vec<String>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        struct Body {
            trace_segment_documents: Vec<String>,
        }
        serde_json::from_slice(&self.body).map(|body: Body| body.trace_segment_documents)
    }
}
