//! Sends spans by OTLP over HTTP, in JSON.
//!
//! In: finished spans, from the SDK's own thread. Out: `POST`s. Owns the client. A receiver that is
//! busy is asked again after a moment; one that stays away costs the batch, and a line in the log.

use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use reqwest::{Client, StatusCode};
use tokio::runtime::Handle;

use super::json;

/// Longest that one try may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How often a batch is tried, and the pause between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// Sends spans to one URL.
#[derive(Debug)]
pub(super) struct OtlpExporter {
    endpoint: String,
    client: Client,
    /// The SDK calls from a thread that has no runtime of its own.
    runtime: Handle,
    resource: Resource,
}

impl OtlpExporter {
    pub(super) fn new(endpoint: String) -> Result<Self, reqwest::Error> {
        let client = Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        let resource = Resource::builder_empty().build();
        Ok(Self { endpoint, client, runtime: Handle::current(), resource })
    }
}

impl SpanExporter for OtlpExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let body = json::request(&self.resource, &batch).to_string();
        let (client, endpoint) = (self.client.clone(), self.endpoint.clone());
        let sent = self.runtime.spawn(async move { send(&client, &endpoint, body).await }).await;
        let failed = match sent {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(reason)) => reason,
            Err(ended) => ended.to_string(),
        };
        tracing::warn!(endpoint = self.endpoint, spans = batch.len(), failed, "spans are lost");
        Err(OTelSdkError::InternalFailure(failed))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.clone();
    }
}

async fn send(client: &Client, endpoint: &str, body: String) -> Result<(), String> {
    let mut failed = String::new();
    for number in 0..TRIES {
        if number > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let request = client.post(endpoint).header("content-type", "application/json");
        match request.body(body.clone()).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) if !is_passing(answer.status()) => return Err(answer.status().to_string()),
            Ok(answer) => failed = answer.status().to_string(),
            Err(error) => failed = error.to_string(),
        }
    }
    Err(failed)
}

/// Rule: OTLP specification, "Retryable response codes".
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}
