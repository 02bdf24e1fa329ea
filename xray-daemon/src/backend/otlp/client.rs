//! Posts requests to the endpoint.
//!
//! In: bodies. Out: answers, whole and bounded. Owns the connections, the headers, and who signs
//! where the endpoint is X-Ray's own. It retries nothing: delivery does.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::timeout;

use super::error::OtlpError;
use super::{NAME, answer};
use crate::backend::BackendError;
#[cfg(feature = "aws")]
use crate::backend::aws::Signer;
use crate::backend::http_client::{self, ClientSettings, HttpClient};
use crate::config::{Compression, OtlpSettings};

/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Client {
    http: HttpClient,
    endpoint: Uri,
    headers: HeaderMap,
    timeout: Duration,
    #[cfg(feature = "aws")]
    signer: Option<Signer>,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
enum PostError {
    #[error("the request is not valid")]
    Request(#[from] http::Error),
    #[error("the endpoint cannot be reached")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    #[error("the answer cannot be read")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[cfg(feature = "aws")]
    #[error(transparent)]
    NotSigned(#[from] crate::backend::aws::CallError),
}

impl Client {
    pub(super) fn new(settings: &OtlpSettings) -> Result<Self, OtlpError> {
        let identity = settings.client_identity.as_ref();
        let http = http_client::build(&ClientSettings {
            proxy: settings.proxy.as_deref(),
            authorities: settings.certificate.as_deref(),
            identity: identity.map(|(certificate, key)| (certificate.as_path(), key.as_path())),
            ..ClientSettings::default()
        })?;
        Ok(Self {
            http,
            endpoint: settings.endpoint.clone(),
            headers: headers(settings),
            timeout: settings.timeout,
            #[cfg(feature = "aws")]
            signer: None,
        })
    }

    /// Has every request signed.
    #[cfg(feature = "aws")]
    pub(super) fn signed_by(self, signer: Signer) -> Self {
        Self { signer: Some(signer), ..self }
    }

    /// Posts `body`, compressed as the headers say.
    pub(super) async fn post(&self, body: Bytes) -> Result<answer::Taken, BackendError> {
        let answered = timeout(self.timeout, self.answer_to(body)).await;
        match answered.unwrap_or(Err(PostError::TimedOut(self.timeout))) {
            Ok(response) => answer::read(&response, SystemTime::now()),
            Err(error) => Err(again(error)),
        }
    }

    async fn answer_to(&self, body: Bytes) -> Result<Response<Bytes>, PostError> {
        #[cfg_attr(not(feature = "aws"), expect(unused_mut, reason = "only signing changes it"))]
        let mut request = self.request(body)?;
        #[cfg(feature = "aws")]
        if let Some(signer) = &self.signer {
            signer.sign(&mut request).await?;
        }
        let response = self.http.request(request.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let response = Response::from_parts(head, body.map_err(PostError::Answer)?.to_bytes());
        #[cfg(feature = "aws")]
        if let Some(signer) = &self.signer {
            signer.look_at(&response);
        }
        Ok(response)
    }

    fn request(&self, body: Bytes) -> Result<Request<Bytes>, http::Error> {
        let mut request = Request::post(self.endpoint.clone()).body(body)?;
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }
}

/// The headers of every request: those that were asked for, then what must be true.
fn headers(settings: &OtlpSettings) -> HeaderMap {
    let mut headers = settings.headers.clone();
    let agent = concat!("xray-daemon/", env!("CARGO_PKG_VERSION"), " OTLP-exporter");
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(agent));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    if settings.compression == Compression::Gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers
}

fn again(error: PostError) -> BackendError {
    let (status, may_be_taken) = match &error {
        PostError::TimedOut(_) => ("time-out", true),
        PostError::Unreachable(error) if error.is_connect() => ("unreachable", false),
        // The connection broke somewhere between the first byte of the request and the answer.
        PostError::Unreachable(_) => ("connection lost", true),
        PostError::Answer(_) => ("broken answer", true),
        PostError::Request(_) => ("not sent", false),
        #[cfg(feature = "aws")]
        PostError::NotSigned(_) => ("not signed", false),
    };
    let (backend, status, source) = (NAME, status.to_owned(), Some(Box::new(error) as _));
    if may_be_taken {
        BackendError::Unsure { backend, status, after: None, source }
    } else {
        BackendError::Again { backend, status, after: None, source }
    }
}
