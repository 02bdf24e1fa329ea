//! The SDK's pipeline: sampler, batches, exporter.
//!
//! In: a service's name, and where OTLP goes. Out: a tracer. Owns the provider; its end sends what
//! is left.

use std::env;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};

use super::exporter::OtlpExporter;
use crate::service::trace::Untraced;

/// Where OTLP goes, by OpenTelemetry's own variables: for traces, then for everything.
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Longest that a span waits for company: a person looks at its trace.
const BATCH_DELAY: Duration = Duration::from_millis(300);

/// The URL that traces go to, if the environment names one.
pub(crate) fn endpoint() -> Option<String> {
    endpoint_of(|name| env::var(name).ok().filter(|value| !value.is_empty()))
}

fn endpoint_of(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let base = || Some(format!("{}/v1/traces", variable(ENDPOINT)?.trim_end_matches('/')));
    variable(TRACES_ENDPOINT).or_else(base)
}

/// The tracing of a service by OpenTelemetry.
#[derive(Debug)]
pub(crate) struct OpenTelemetry {
    provider: SdkTracerProvider,
    pub(super) tracer: SdkTracer,
    pub(super) untraced: Untraced,
}

impl OpenTelemetry {
    /// Starts tracing `service` to `endpoint`. Who is called within a trace does as its caller has
    /// decided; who is called by nobody records.
    ///
    /// # Errors
    /// When there is no HTTP client to be had.
    pub(crate) fn start(
        service: &'static str,
        endpoint: String,
        untraced: Untraced,
    ) -> Result<Self, reqwest::Error> {
        let batches = BatchConfigBuilder::default().with_scheduled_delay(BATCH_DELAY).build();
        let exporter = OtlpExporter::new(endpoint)?;
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let resource = Resource::builder()
            .with_service_name(service)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("demo-app");
        Ok(Self { provider, tracer, untraced })
    }

    /// Sends what is left.
    pub(crate) async fn end(&self) {
        let provider = self.provider.clone();
        // It waits for its own thread, which waits for us to send.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("spans are left that could not be sent");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_opentelemetrys_own() {
        let of = |set: &'static [(&str, &str)]| {
            endpoint_of(|name| {
                let found = set.iter().find(|(known, _)| *known == name)?;
                Some(found.1.to_owned())
            })
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(ENDPOINT, "http://c:4318/")]).unwrap(), "http://c:4318/v1/traces");
        assert_eq!(of(&[(TRACES_ENDPOINT, "http://c/x"), (ENDPOINT, "y")]).unwrap(), "http://c/x");
    }
}
