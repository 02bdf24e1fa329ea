//! The clients of AWS: one for X-Ray, one for the SDK, which asks for credentials with it.
//!
//! In: settings. Out: both. Owns nothing. They heed the same proxy and believe the same
//! authorities, which are in memory once.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::timeout;

use super::error::AwsError;
use crate::backend::http_client::{
    ClientSettings, HttpClient, Plain, believing_nobody, build, build_with, tls,
};
use crate::config::AwsSettings;

/// Longest answer of a service that gives out credentials.
const MAX_SDK_ANSWER_BYTES: usize = 1 << 20;
/// Longest call of the SDK that names no time of its own.
const SDK_CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The clients of both kinds of calls.
#[derive(Debug)]
pub(super) struct Clients {
    /// For X-Ray.
    pub(super) xray: HttpClient,
    /// For services that give out credentials.
    pub(super) sdk: SharedHttpClient,
}

impl Clients {
    pub(super) fn new(settings: &AwsSettings) -> Result<Self, AwsError> {
        let checked = ClientSettings {
            proxy: settings.proxy.as_deref(),
            no_proxy: settings.no_proxy.as_deref(),
            authorities: settings.ca_bundle.as_deref(),
            ..ClientSettings::default()
        };
        // What gives out credentials without TLS is on this machine.
        let on_machine = ClientSettings { plain: Plain::Direct, ..checked };
        let config = tls(&checked);
        if !settings.no_verify_ssl {
            let config = config?;
            let xray = build_with(config.clone(), &checked)?;
            return Ok(Self { xray, sdk: for_sdk(build_with(config, &on_machine)?) });
        }
        // This concerns X-Ray alone, as in the reference daemon. But a machine without any authority
        // can still send segments, with keys of its own.
        let xray = build(&ClientSettings { no_verify: true, ..checked })?;
        let config = config.or_else(|_| believing_nobody())?;
        let sdk = build_with(config, &on_machine)?;
        Ok(Self { xray, sdk: for_sdk(sdk) })
    }
}

/// The client as the SDK wants it.
fn for_sdk(client: HttpClient) -> SharedHttpClient {
    http_client_fn(move |settings, _| {
        let longest = match (settings.connect_timeout(), settings.read_timeout()) {
            (Some(connect), Some(read)) => connect + read,
            _ => SDK_CALL_TIMEOUT,
        };
        SharedHttpConnector::new(SdkConnector { client: client.clone(), longest })
    })
}

#[derive(Debug)]
struct SdkConnector {
    client: HttpClient,
    longest: Duration,
}

impl HttpConnector for SdkConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, longest) = (self.client.clone(), self.longest);
        HttpConnectorFuture::new(async move {
            let call = async { from_http(send(&client, to_http(&request)?).await?) };
            timeout(longest, call).await.map_err(|late| ConnectorError::timeout(late.into()))?
        })
    }
}

async fn send(
    client: &HttpClient,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, ConnectorError> {
    let failed = |error: hyper_util::client::legacy::Error| ConnectorError::io(error.into());
    let (head, body) = client.request(request).await.map_err(failed)?.into_parts();
    let body = Limited::new(body, MAX_SDK_ANSWER_BYTES).collect().await;
    let body = body.map_err(ConnectorError::io)?.to_bytes();
    Ok(Response::from_parts(head, body))
}

fn to_http(request: &HttpRequest) -> Result<Request<Full<Bytes>>, ConnectorError> {
    let body = request.body().bytes().unwrap_or_default();
    let headers = request.headers().iter();
    headers
        .fold(
            Request::builder().method(request.method()).uri(request.uri()),
            |building, (name, value)| building.header(name, value),
        )
        .body(Full::new(Bytes::copy_from_slice(body)))
        .map_err(|error| ConnectorError::user(error.into()))
}

fn from_http(response: Response<Bytes>) -> Result<HttpResponse, ConnectorError> {
    let (head, body) = response.into_parts();
    let status = head.status.as_u16().try_into();
    let status = status.map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in &head.headers {
        if let Ok(value) = value.to_str() {
            let added =
                response.headers_mut().try_append(name.as_str().to_owned(), value.to_owned());
            added.map_err(|error| ConnectorError::other(Box::new(error), None))?;
        }
    }
    Ok(response)
}
