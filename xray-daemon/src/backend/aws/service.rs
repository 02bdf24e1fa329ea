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

use super::clients::Clients;
use super::credentials::{self, Source};
use super::error::AwsError;
use super::identity::{Identities, NoCredentials};
use super::metadata::Metadata;
use super::region::{self, Region, RegionSource};
use super::sign::{NotSigned, sign_request};
use super::{answer, sdk};
use crate::backend::http_client::HttpClient;
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
    region: Region,
    user_agent: HeaderValue,
    credentials: Source,
    identities: Identities,
    metadata: Metadata,
    counters: Arc<BackendCounters>,
}

impl XRay {
    /// Finds region, endpoint and the way to credentials. Credentials themselves are looked for
    /// when the first call needs them.
    pub(crate) async fn open(
        settings: &AwsSettings,
        counters: Arc<BackendCounters>,
    ) -> Result<Self, AwsError> {
        let clients = Clients::new(settings)?;
        let metadata = Metadata::new(&clients.sdk);
        let region = region::find(settings, &metadata).await?;
        info!("Using region: {}", region.name);
        let sdk_config = sdk::load(&region.name, &clients.sdk).await;
        let found = sdk::ask(settings, &region.name, &sdk_config).await?;
        info!("HTTP Proxy server using X-Ray Endpoint : {}", found.endpoint);
        let valid: Result<Uri, _> = found.endpoint.parse();
        if !valid.is_ok_and(|uri| uri.host().is_some() && uri.scheme().is_some()) {
            return Err(AwsError::Endpoint(found.endpoint));
        }
        let credentials = credentials::source(settings, &region.name, &sdk_config, &metadata).await;
        Ok(Self {
            client: clients.xray,
            user_agent: user_agent(&found.user_agent),
            endpoint: found.endpoint,
            region,
            identities: Identities::new(credentials.provider.clone()),
            credentials,
            metadata,
            counters,
        })
    }

    /// The region and where it was found, for people.
    pub(crate) fn region_and_source(&self) -> String {
        format!("{} ({})", self.region.name, self.region.found_in.label())
    }

    /// Where calls go, without a slash at the end.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What calls are signed for.
    pub(crate) fn region(&self) -> &str {
        &self.region.name
    }

    /// What the metadata service of EC2 says of `path`; `None` where nothing else came from there:
    /// then this is no EC2 instance, or it shall not be asked.
    pub(super) async fn ec2_metadata(&self, path: &str) -> Option<String> {
        let asked = self.region.found_in == RegionSource::Ec2 || self.credentials.is_ec2();
        if asked { self.metadata.get(path).await } else { None }
    }

    /// An identity, and the gauge that tells whether there is one.
    pub(crate) async fn identity(&self) -> Result<Arc<Identity>, NoCredentials> {
        let identity = self.identities.get().await;
        self.counters.set_credentials_valid(identity.is_ok());
        identity
    }

    /// Looks the identity up again if it is due; returns where it was found.
    pub(super) async fn renew_identity(&self) -> Result<String, NoCredentials> {
        let found =
            self.identities.renew().await.map(|_| {
                self.credentials.found_in().unwrap_or_else(|| "an unknown place".to_owned())
            });
        self.counters.set_credentials_valid(found.is_ok());
        self.counters.set_credentials_note(match &found {
            Ok(source) => source.clone(),
            Err(reason) => reason.to_string(),
        });
        found
    }

    /// How long until the identity is to be looked up again; `None`: it has no end.
    pub(super) fn identity_due_in(&self) -> Option<Duration> {
        self.identities.due_in()
    }

    /// Calls `path` with `headers` and `body`.
    pub(crate) async fn call(
        &self,
        path: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, CallError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut request = Request::post(path).body(body)?;
        *request.headers_mut() = headers;
        self.send(request).await
    }

    /// Sends a request, whose URI is path and query alone.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        let mut used = None;
        let call = async {
            let identity = self.identity().await?;
            let request = self.signed(request, &identity, SystemTime::now())?;
            used = Some(identity);
            let response = self.client.request(request.map(Full::new)).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
            let body = body.map_err(CallError::Answer)?.to_bytes();
            Ok(Response::from_parts(head, body))
        };
        let response = timeout(CALL_TIMEOUT, call).await.unwrap_or(Err(CallError::TimedOut))?;
        if answer::denies_identity(&response)
            && let Some(used) = used
        {
            self.identities.forget(&used);
            self.counters.set_credentials_valid(false);
        }
        Ok(response)
    }

    /// The signed request of a call.
    pub(super) fn signed(
        &self,
        mut request: Request<Bytes>,
        identity: &Identity,
        now: SystemTime,
    ) -> Result<Request<Bytes>, CallError> {
        let target = format!("{}{}", self.endpoint, request.uri());
        *request.uri_mut() = target.parse().map_err(http::Error::from)?;
        request.headers_mut().entry(USER_AGENT).or_insert_with(|| self.user_agent.clone());
        sign_request(&mut request, identity, &self.region.name, now)?;
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
