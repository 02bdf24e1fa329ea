//! Why a daemon does not start.
//!
//! In: what failed. Out: a text that names input, rule and the way out. Owns nothing.

use std::io;
use std::net::SocketAddr;

pub use crate::buffer::SpoolError;
pub use crate::intake::BindError;

use crate::backend::BackendKind;

/// Why a daemon did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No backend was given.
    #[error("no backend is given; --backend takes a list of aws, local and otlp, or both")]
    NoBackend,
    /// Two backends have the same name.
    #[error("backend {0:?} is given twice; each name counts segments of its own")]
    SameName(&'static str),
    /// The backend was left out of this build.
    #[error("backend {0} is not part of this build; build with the cargo feature of that name")]
    NotBuilt(BackendKind),
    /// OTLP intake was left out of this build.
    #[error("{flag} is not part of this build; build with the cargo feature otlp-in")]
    NoOtlp {
        /// The flag that asked for it.
        flag: &'static str,
    },
    /// The buffer is too small to be of use.
    #[error("a buffer of {bytes} bytes is too small; --buffer-memory takes 3 MB or more")]
    Buffer {
        /// What was asked for.
        bytes: usize,
    },
    /// The UDP address cannot be bound.
    #[error(transparent)]
    Udp(#[from] BindError),
    /// A TCP address is taken.
    #[error(
        "TCP address {address} for {purpose} is in use by another process; stop that one or give \
         another address with {flag}"
    )]
    InUse {
        /// The address.
        address: SocketAddr,
        /// What it is for.
        purpose: &'static str,
        /// The flag that changes it.
        flag: &'static str,
    },
    /// A TCP address cannot be bound.
    #[error("TCP address {address} for {purpose} cannot be bound; {flag} changes it")]
    Tcp {
        /// The address.
        address: SocketAddr,
        /// What it is for.
        purpose: &'static str,
        /// The flag that changes it.
        flag: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The intake thread cannot be started.
    #[error("the intake thread cannot be started; raise the limit of processes")]
    Thread(#[source] io::Error),
    /// The backend `aws` cannot start.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Aws(#[from] crate::backend::AwsError),
    /// The local backend cannot start.
    #[cfg(feature = "local")]
    #[error("the local backend cannot start")]
    Local(#[from] crate::backend::local::LocalError),
    /// The backend `otlp` cannot start.
    #[cfg(feature = "otlp-out")]
    #[error(transparent)]
    Otlp(#[from] crate::backend::OtlpError),
}
