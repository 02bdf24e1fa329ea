//! The X-Ray service: calls are built, signed and sent here.
//!
//! In: path and body of a call. Out: its answer, whole and bounded. Owns client, endpoint and
//! identity. It retries nothing: delivery does, and SDKs ask again.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::timeout;
use tracing::info;

use super::error::AwsError;
use super::identity::{Identities, NoCredentials};
use super::sdk;
use super::sign::{NotSigned, sign_request};
use super::{answer, region};
use crate::backend::http_client::{self, ClientSettings, HttpClient};
use crate::config::AwsSettings;
use crate::counters::BackendCounters;

/// Longest that a call may take, connecting and reading the answer included.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CallError {
    #[error(transparent)]
    NoCredentials(#[from] NoCredentials),
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
    #[error("the call is not valid")]
    Request(#[from] http::Error),
    #[error("the service cannot be reached")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    #[error("the answer cannot be read")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("no answer within {} s", CALL_TIMEOUT.as_secs())]
    TimedOut,
}

/// Signs and sends calls of the X-Ray service.
#[derive(Debug)]
pub(crate) struct XRay {
    client: HttpClient,
    /// Without a slash at the end.
    endpoint: String,
    region: String,
    user_agent: HeaderValue,
    identities: Identities,
    counters: Arc<BackendCounters>,
}

impl XRay {
    /// Finds region, endpoint and the way to credentials. Credentials themselves are looked for
    /// when the first call needs them.
    pub(crate) async fn open(
        settings: &AwsSettings,
        counters: Arc<BackendCounters>,
    ) -> Result<Self, AwsError> {
        let region = region::find(settings).await?;
        info!("Using region: {region}");
        let found = sdk::ask(settings, &region).await?;
        info!("HTTP Proxy server using X-Ray Endpoint : {}", found.endpoint);
        let valid: Result<Uri, _> = found.endpoint.parse();
        if !valid.is_ok_and(|uri| uri.host().is_some() && uri.scheme().is_some()) {
            return Err(AwsError::Endpoint(found.endpoint));
        }
        Ok(Self {
            client: http_client::build(&ClientSettings {
                proxy: settings.proxy.as_deref(),
                no_verify: settings.no_verify_ssl,
                ..ClientSettings::default()
            })?,
            user_agent: user_agent(&found.user_agent),
            endpoint: found.endpoint,
            region,
            identities: Identities::new(found.credentials),
            counters,
        })
    }

    /// Where calls go, without a slash at the end.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What calls are signed for.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// An identity, and the gauge that tells whether there is one.
    pub(crate) async fn identity(&self) -> Result<Arc<Identity>, NoCredentials> {
        let identity = self.identities.get().await;
        self.counters.set_credentials_valid(identity.is_ok());
        identity
    }

    /// Calls `path` with `headers` and `body`.
    pub(crate) async fn call(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, CallError> {
        let call = async {
            let identity = self.identity().await?;
            let request = self.request(path, headers, body, &identity, SystemTime::now())?;
            let response = self.client.request(request.map(Full::new)).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
            let body = body.map_err(CallError::Answer)?.to_bytes();
            Ok(Response::from_parts(head, body))
        };
        let response = timeout(CALL_TIMEOUT, call).await.unwrap_or(Err(CallError::TimedOut))?;
        if answer::denies_identity(&response) {
            self.identities.forget();
            self.counters.set_credentials_valid(false);
        }
        Ok(response)
    }

    /// The signed request of a call.
    pub(super) fn request(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        identity: &Identity,
        now: SystemTime,
    ) -> Result<Request<Bytes>, CallError> {
        let mut request = Request::post(format!("{}{path}", self.endpoint)).body(body)?;
        *request.headers_mut() = headers;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        request.headers_mut().insert(USER_AGENT, self.user_agent.clone());
        sign_request(&mut request, identity, &self.region, now)?;
        Ok(request)
    }
}

/// The SDK's user agent, and what the reference adds to it.
fn user_agent(sdk: &str) -> HeaderValue {
    let version = env!("CARGO_PKG_VERSION");
    let environment = std::env::var("AWS_EXECUTION_ENV").unwrap_or_default();
    let environment = if environment.is_empty() { "UNKNOWN" } else { &environment };
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let text =
        format!("{sdk} xray-agent/xray-daemon/{version} exec-env/{environment} OS/{os}-{arch}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("xray-agent/xray-daemon"))
}
