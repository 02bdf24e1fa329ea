//! Why there is no client.
//!
//! In: what failed. Out: a text that names input, rule and fix. Owns nothing.

use std::io;
use std::path::PathBuf;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpClientError {
    /// The outbound proxy is no URL.
    #[error(
        "proxy {0:?} is not valid; --proxy-address and HTTPS_PROXY take a URL such as http://proxy:3128"
    )]
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
