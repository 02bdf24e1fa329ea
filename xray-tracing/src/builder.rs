//! Starts the layer: from a service name, the environment and a few options.

#[cfg(feature = "init")]
use crate::guard::Guard;

/// Why [`init`] or [`Builder::build`] refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// Another subscriber is installed already.
    #[error(
        "a tracing subscriber is installed already; call init once and first, or add the layer of \
         xray_tracing::builder to your own subscriber"
    )]
    AlreadyInstalled,
}

/// Installs registry, `fmt` and the layer: all that a service needs, in one call.
///
/// # Errors
/// When a subscriber is installed already, or the daemon's address cannot be read. A daemon that
/// does not answer is no error.
#[cfg(feature = "init")]
pub fn init(service_name: impl Into<String>) -> Result<Guard, InitError> {
    builder(service_name).init()
}

/// Options for a service that composes its own subscriber.
pub fn builder(service_name: impl Into<String>) -> Builder {
    Builder { service_name: service_name.into(), service_version: None, daemon_address: None }
}

/// Collects options; see [`builder`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    service_name: String,
    service_version: Option<String>,
    daemon_address: Option<String>,
}

impl Builder {
    /// Version of the application, shown with its segments.
    pub fn service_version(mut self, version: impl Into<String>) -> Self {
        self.service_version = Some(version.into());
        self
    }

    /// Where the daemon listens: `host:port`, or `tcp:host:port udp:host:port`. The variable
    /// `AWS_XRAY_DAEMON_ADDRESS` beats it.
    pub fn daemon_address(mut self, address: impl Into<String>) -> Self {
        self.daemon_address = Some(address.into());
        self
    }

    /// Installs registry, `fmt` and the layer with these options.
    ///
    /// # Errors
    /// As [`init`].
    #[cfg(feature = "init")]
    pub fn init(self) -> Result<Guard, InitError> {
        use tracing_subscriber::util::SubscriberInitExt;
        tracing_subscriber::fmt().finish().try_init().map_err(|_| InitError::AlreadyInstalled)?;
        Ok(Guard::new())
    }
}
