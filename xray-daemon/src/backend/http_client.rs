//! Connections of backends: HTTP/1.1 over TLS, pooled, through a proxy where one is set.
//!
//! In: settings. Out: a client. Owns the pool. HTTP/1.1 costs 12–20 % less than HTTP/2 for bodies
//! of a batch. Certificates are checked against the system's roots (`SSL_CERT_FILE` is honoured), or
//! against those of a file that is named for one backend.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use http::{HeaderValue, Uri};
use http_body_util::Full;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tower::Service;
use tracing::warn;

use crate::http::percent_decoded;

/// Longest that a connection may take to be there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Load balancers close idle connections after 60 s; ours go first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Idle connections kept.
const MAX_IDLE: usize = 32;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpClientError {
    /// The outbound proxy is no URL.
    #[error("proxy {0:?} is not valid; --proxy-address takes a URL such as http://proxy:3128")]
    Proxy(String),
    /// The certificates that servers are checked against cannot be read.
    #[error(
        "root certificates cannot be read; install the system's ca-certificates, or name a file in \
         SSL_CERT_FILE"
    )]
    Roots(#[source] io::Error),
    /// A file of certificates or a key cannot be used.
    #[error("{path:?} cannot be used for TLS; it must hold {wanted} in PEM")]
    File {
        /// The file.
        path: PathBuf,
        /// What it is for.
        wanted: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The TLS library cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// What a client is to be like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClientSettings<'a> {
    /// URL of a proxy to connect through.
    pub(crate) proxy: Option<&'a str>,
    /// Whether any certificate of the server is believed.
    pub(crate) no_verify: bool,
    /// File of the authorities to believe, instead of the system's.
    pub(crate) authorities: Option<&'a Path>,
    /// Files of the certificate and the key that the client shows.
    pub(crate) identity: Option<(&'a Path, &'a Path)>,
}

/// A client for calls with a body in one piece.
pub(crate) type HttpClient = Client<HttpsConnector<Dial>, Full<Bytes>>;

/// Makes the client.
pub(crate) fn build(settings: &ClientSettings<'_>) -> Result<HttpClient, HttpClientError> {
    let dial = Dial::new(settings.proxy)?;
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls(settings)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(dial);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE)
        .build(connector))
}

fn tls(settings: &ClientSettings<'_>) -> Result<ClientConfig, HttpClientError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(HttpClientError::Tls)?;
    let builder = if settings.no_verify {
        warn!("NoVerifySSL is set: whoever answers in the name of AWS is believed");
        let verifier = Arc::new(Unchecked { provider });
        builder.dangerous().with_custom_certificate_verifier(verifier)
    } else if let Some(path) = settings.authorities {
        builder.with_root_certificates(authorities(path)?)
    } else {
        builder.with_native_roots().map_err(HttpClientError::Roots)?
    };
    let Some((certificate, key)) = settings.identity else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(certificate)?;
    let read = PrivateKeyDer::from_pem_file(key)
        .map_err(|source| unusable(key, "a private key", source.into()))?;
    let config = builder.with_client_auth_cert(chain, read);
    config.map_err(|source| unusable(key, "the key of the client's certificate", source.into()))
}

fn authorities(path: &Path) -> Result<RootCertStore, HttpClientError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        let added = roots.add(certificate);
        added.map_err(|source| unusable(path, "certificates of authorities", source.into()))?;
    }
    Ok(roots)
}

/// All certificates of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpClientError> {
    let wanted = "certificates";
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let read: Vec<_> = read.map_err(|source| unusable(path, wanted, source.into()))?;
    if read.is_empty() { Err(unusable(path, wanted, "there is none".into())) } else { Ok(read) }
}

fn unusable(
    path: &Path,
    wanted: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
) -> HttpClientError {
    HttpClientError::File { path: path.to_owned(), wanted, source }
}

/// Connects directly or through a proxy.
#[derive(Clone, Debug)]
pub(crate) enum Dial {
    Direct(HttpConnector),
    Proxy(Tunnel<HttpConnector>),
}

impl Dial {
    fn new(proxy: Option<&str>) -> Result<Self, HttpClientError> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let Some(text) = proxy else { return Ok(Self::Direct(connector)) };
        // What stands before the @ is a secret.
        let (user, shown) = text.rsplit_once('@').unwrap_or(("", text));
        let refused = || HttpClientError::Proxy(shown.to_owned());
        let proxy: Uri = text.parse().map_err(|_| refused())?;
        if proxy.host().is_none() || proxy.scheme_str() != Some("http") {
            return Err(refused());
        }
        let user = user.strip_prefix("http://").filter(|user| !user.is_empty());
        let tunnel = Tunnel::new(proxy, connector);
        let Some(user) = user else { return Ok(Self::Proxy(tunnel)) };
        let basic = format!("Basic {}", BASE64_STANDARD.encode(percent_decoded(user)));
        let mut basic = HeaderValue::from_str(&basic).map_err(|_| refused())?;
        basic.set_sensitive(true);
        Ok(Self::Proxy(tunnel.with_auth(basic)))
    }
}

type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, DialError>> + Send>>;
/// The connectors' errors have private types.
type DialError = Box<dyn std::error::Error + Send + Sync>;

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = Connecting;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        match self {
            Self::Direct(connector) => connector.poll_ready(context).map_err(Into::into),
            Self::Proxy(tunnel) => tunnel.poll_ready(context).map_err(Into::into),
        }
    }

    fn call(&mut self, target: Uri) -> Connecting {
        match self {
            Self::Direct(connector) => {
                let connecting = connector.call(target);
                Box::pin(async { connecting.await.map_err(Into::into) })
            }
            Self::Proxy(tunnel) => {
                let connecting = tunnel.call(target);
                Box::pin(async { connecting.await.map_err(Into::into) })
            }
        }
    }
}

/// Believes every certificate; signatures are still checked.
#[derive(Debug)]
struct Unchecked {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_secret_of_a_proxy_is_never_shown() {
        let error = Dial::new(Some("https://me:secret@proxy:1")).unwrap_err().to_string();
        assert!(error.contains("proxy:1") && !error.contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn a_proxy_is_asked_to_connect_by_who_the_url_names() {
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://me:s%40@{}", proxy.local_addr().unwrap());
        let mut dial = Dial::new(Some(&url)).unwrap();
        let connect = dial.call("https://xray.eu-west-1.amazonaws.com".parse().unwrap());
        let answer = async {
            let (mut stream, _) = proxy.accept().await.unwrap();
            let mut asked = String::new();
            while !asked.ends_with("\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).await.unwrap();
                asked.push(char::from(byte[0]));
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            asked
        };
        let (connected, asked) = tokio::join!(connect, answer);
        assert!(connected.is_ok());
        assert!(
            asked.starts_with("CONNECT xray.eu-west-1.amazonaws.com:443 HTTP/1.1\r\n"),
            "{asked}"
        );
        assert!(asked.contains("roxy-Authorization: Basic bWU6c0A=\r\n"), "{asked}");
    }

    #[test]
    fn a_file_without_certificates_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (path, reason) in
            [(file.path(), "there is none"), (Path::new("/nowhere/ca.pem"), "No such file")]
        {
            let settings = ClientSettings { authorities: Some(path), ..Default::default() };
            let error = build(&settings).unwrap_err();
            let text = format!("{path:?} cannot be used for TLS; it must hold certificates in PEM");
            assert_eq!(error.to_string(), text);
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains(reason), "{source}");
        }
    }

    #[test]
    fn a_proxy_that_is_no_url_is_named() {
        for proxy in ["proxy", "://", "https://proxy:1", "http://"] {
            let error = Dial::new(Some(proxy)).unwrap_err();
            assert!(matches!(error, HttpClientError::Proxy(_)), "{proxy}: {error}");
        }
        assert!(matches!(Dial::new(Some("http://proxy:3128")), Ok(Dial::Proxy(_))));
        assert!(matches!(Dial::new(Some("http://me:s%40@proxy:3128")), Ok(Dial::Proxy(_))));
        assert!(matches!(Dial::new(None), Ok(Dial::Direct(_))));
    }
}
