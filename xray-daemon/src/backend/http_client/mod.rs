//! Connections of backends: HTTP/1.1 over TLS, pooled, through a proxy where one is set.
//!
//! In: settings. Out: a client. Owns its connections.

mod client;
mod dial;
mod error;
mod tls;

#[cfg(feature = "aws")]
pub(crate) use client::build_with;
pub(crate) use client::{ClientSettings, HttpClient, build};
#[cfg(feature = "aws")]
pub(crate) use dial::Plain;
pub use error::HttpClientError;
#[cfg(feature = "aws")]
pub(crate) use tls::{believing_nobody, tls};
