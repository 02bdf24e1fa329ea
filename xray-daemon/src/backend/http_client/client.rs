//! A pooled client, and what it is to be like.
//!
//! In: settings. Out: a client. Owns the pool. HTTP/1.1 costs 12–20 % less than HTTP/2 for bodies of
//! a batch.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use super::dial::{Dial, Plain};
use super::{HttpClientError, tls};

/// Load balancers close idle connections after 60 s; ours go first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Idle connections kept.
const MAX_IDLE: usize = 32;

/// What a client is to be like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClientSettings<'a> {
    /// URL of a proxy to connect through.
    pub(crate) proxy: Option<&'a str>,
    /// Hosts that are reached without it, as in `NO_PROXY`.
    pub(crate) no_proxy: Option<&'a str>,
    /// How `http://` is reached.
    pub(crate) plain: Plain,
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
    build_with(tls::tls(settings)?, settings)
}

/// Makes the client with a TLS set-up that is there already.
pub(crate) fn build_with(
    tls: ClientConfig,
    settings: &ClientSettings<'_>,
) -> Result<HttpClient, HttpClientError> {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(Dial::new(settings.proxy, settings.no_proxy, settings.plain)?);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE)
        .build(connector))
}
