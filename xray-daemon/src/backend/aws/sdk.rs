//! What the AWS SDK knows: its settings, the endpoint, and what its own request looks like.
//!
//! In: settings and a region. Out: the SDK's configuration, the URL and user agent of calls. Owns
//! nothing afterwards. Endpoint rules (partitions, FIPS, dual stack, `AWS_ENDPOINT_URL`, profiles)
//! are the SDK's: it is made to build one request, which is looked at and never sent.

use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::error::AwsError;
use crate::config::AwsSettings;

/// Path of the call that is asked for.
const CALL_PATH: &str = "/TraceSegments";

/// Where and as whom X-Ray is called.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// URL without the path of a call and without a slash at the end.
    pub(super) endpoint: String,
    /// How the SDK calls itself.
    pub(super) user_agent: String,
}

/// The SDK's configuration: environment and files, without credentials.
pub(super) async fn load(region: &str, http: &SharedHttpClient) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest());
    let loader = loader.region(Region::new(region.to_owned())).http_client(http.clone());
    loader.no_credentials().load().await
}

/// Asks the SDK for the endpoint of X-Ray. An endpoint in the settings is X-Ray's alone: services
/// that give out credentials have their own.
pub(super) async fn ask(
    settings: &AwsSettings,
    region: &str,
    sdk: &SdkConfig,
) -> Result<Found, AwsError> {
    let config = match &settings.endpoint {
        None => sdk.clone(),
        Some(endpoint) => sdk.to_builder().endpoint_url(endpoint).build(),
    };
    let request = sample_request(&config).await.map_err(|source| match &settings.endpoint {
        Some(endpoint) => AwsError::Endpoint(endpoint.clone()),
        None => AwsError::NoEndpoint { region: region.to_owned(), source },
    })?;
    let endpoint = request.uri().strip_suffix(CALL_PATH).unwrap_or(request.uri()).to_owned();
    let user_agent = request.headers().get("user-agent").unwrap_or_default().to_owned();
    Ok(Found { endpoint, user_agent })
}

/// The request that the SDK would send, built with credentials that are worth nothing.
pub(super) async fn sample_request(
    config: &SdkConfig,
) -> Result<HttpRequest, Box<dyn std::error::Error + Send + Sync>> {
    let seen = Arc::new(Mutex::new(None));
    let connector = SharedHttpConnector::new(Looker { seen: Arc::clone(&seen) });
    let config = aws_sdk_xray::config::Builder::from(config)
        .credentials_provider(worthless())
        .retry_config(RetryConfig::disabled())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let call = aws_sdk_xray::Client::from_conf(config).put_trace_segments();
    let ended = call.trace_segment_documents("{}").send().await;
    let request = seen.lock().ok().and_then(|mut seen| seen.take());
    match (request, ended) {
        (Some(request), _) => Ok(request),
        (None, Err(error)) => Err(Box::new(error)),
        (None, Ok(_)) => Err("the SDK has sent nothing".into()),
    }
}

fn worthless() -> Credentials {
    Credentials::new("none", "none", None, None, "none")
}

/// Looks at a request instead of sending it.
#[derive(Debug)]
struct Looker {
    seen: Arc<Mutex<Option<HttpRequest>>>,
}

impl HttpConnector for Looker {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Ok(mut seen) = self.seen.lock() {
            *seen = Some(request);
        }
        HttpConnectorFuture::ready(Err(ConnectorError::other("only looked at".into(), None)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn endpoint(
        region: &str,
        configure: impl FnOnce(&mut aws_types::sdk_config::Builder),
    ) -> String {
        let mut builder = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()));
        configure(&mut builder);
        sample_request(&builder.build()).await.unwrap().uri().to_owned()
    }

    #[tokio::test]
    async fn endpoints_follow_the_rules_of_every_partition() {
        for (region, url) in [
            ("eu-west-1", "https://xray.eu-west-1.amazonaws.com/TraceSegments"),
            ("cn-north-1", "https://xray.cn-north-1.amazonaws.com.cn/TraceSegments"),
            ("us-gov-west-1", "https://xray.us-gov-west-1.amazonaws.com/TraceSegments"),
            ("us-iso-east-1", "https://xray.us-iso-east-1.c2s.ic.gov/TraceSegments"),
            ("us-isob-east-1", "https://xray.us-isob-east-1.sc2s.sgov.gov/TraceSegments"),
            ("us-isof-south-1", "https://xray.us-isof-south-1.csp.hci.ic.gov/TraceSegments"),
            ("eu-isoe-west-1", "https://xray.eu-isoe-west-1.cloud.adc-e.uk/TraceSegments"),
            ("eusc-de-east-1", "https://xray.eusc-de-east-1.amazonaws.eu/TraceSegments"),
        ] {
            assert_eq!(endpoint(region, |_| ()).await, url);
        }
    }

    #[tokio::test]
    async fn fips_dual_stack_and_an_own_url_are_honoured() {
        let fips = endpoint("us-east-1", |builder| {
            builder.set_use_fips(Some(true));
        });
        assert_eq!(fips.await, "https://xray-fips.us-east-1.amazonaws.com/TraceSegments");
        let dual = endpoint("us-east-1", |builder| {
            builder.set_use_dual_stack(Some(true));
        });
        assert_eq!(dual.await, "https://xray.us-east-1.api.aws/TraceSegments");
        let own = endpoint("us-east-1", |builder| {
            builder.set_endpoint_url(Some("http://localhost:4566/base".into()));
        });
        assert_eq!(own.await, "http://localhost:4566/base/TraceSegments");
    }

    #[tokio::test]
    async fn settings_win_over_the_rules() {
        let settings = AwsSettings {
            endpoint: Some("https://localhost:4566/".into()),
            ..AwsSettings::default()
        };
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url("http://of-all-services:1")
            .build();
        let found = ask(&settings, "us-east-1", &sdk).await.unwrap();
        assert_eq!(found.endpoint, "https://localhost:4566");
        assert!(found.user_agent.starts_with("aws-sdk-rust/"), "{}", found.user_agent);
    }
}
