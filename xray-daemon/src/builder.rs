//! Builds a daemon inside another program.
//!
//! In: addresses and choices. Out: a running daemon, or an error that names what is wrong. Owns
//! the configuration until start.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Backend, BackendKind};
use crate::config::{DaemonConfig, SpoolSettings};
use crate::daemon::Daemon;
use crate::error::StartError;
use crate::handle::DaemonHandle;
#[cfg(feature = "local")]
use crate::sampling::SamplingRule;

/// Options of an embedded daemon; every one has the default of the binary.
#[derive(Debug)]
#[must_use = "a builder does nothing until `start`"]
pub struct DaemonBuilder {
    config: DaemonConfig,
    backends: Vec<Arc<dyn Backend>>,
}

impl DaemonBuilder {
    pub(crate) fn new() -> Self {
        Self { config: DaemonConfig::default(), backends: Vec::new() }
    }

    /// Takes all values of `config` instead of those set so far.
    pub fn config(mut self, config: DaemonConfig) -> Self {
        self.config = config;
        self
    }

    /// Where segments go. Default: AWS alone.
    pub fn backends(mut self, kinds: impl IntoIterator<Item = BackendKind>) -> Self {
        self.config.backends = kinds.into_iter().collect();
        self
    }

    /// Adds a backend of your own, with a queue and counters of its own.
    pub fn backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backends.push(backend);
        self
    }

    /// UDP address for segments; port 0 takes a free one. Default: 127.0.0.1:2000.
    pub fn udp(mut self, address: SocketAddr) -> Self {
        self.config.udp = address;
        self
    }

    /// TCP address for sampling calls. Default: 127.0.0.1:2000. Port 0 takes the port that UDP
    /// got, where that is free, because SDKs expect the two to be the same.
    pub fn tcp(mut self, address: SocketAddr) -> Self {
        self.config.tcp = address;
        self
    }

    /// TCP address for `/healthz`, `/readyz` and `/metrics`. Default: 127.0.0.1:2001.
    pub fn admin(mut self, address: SocketAddr) -> Self {
        self.config.admin = address;
        self
    }

    /// TCP address for OpenTelemetry spans by gRPC, usually port 4317. Default: none are taken.
    pub fn otlp_grpc(mut self, address: SocketAddr) -> Self {
        self.config.otlp_grpc = Some(address);
        self
    }

    /// TCP address for OpenTelemetry spans by HTTP, usually port 4318. Default: none are taken.
    pub fn otlp_http(mut self, address: SocketAddr) -> Self {
        self.config.otlp_http = Some(address);
        self
    }

    /// TCP address of the local X-Ray's API and console. Default: 127.0.0.1:2002.
    pub fn console(mut self, address: SocketAddr) -> Self {
        self.config.console = address;
        self
    }

    /// Folder of the local store. Default: a private temporary file, removed at exit.
    #[cfg(feature = "local")]
    pub fn data_dir(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
        self.config.local.data_dir = Some(folder.into());
        self
    }

    /// Adds a rule to the local sampling server, beside its default rule.
    #[cfg(feature = "local")]
    pub fn local_sampling_rule(mut self, rule: SamplingRule) -> Self {
        self.config.local.sampling_rules.push(rule);
        self
    }

    /// Adds rules to the local sampling server, beside its default rule.
    #[cfg(feature = "local")]
    pub fn sampling_rules(mut self, rules: impl IntoIterator<Item = SamplingRule>) -> Self {
        self.config.local.sampling_rules.extend(rules);
        self
    }

    /// Most bytes of received datagrams in memory. Default: 1 % of the memory there is, at least
    /// 16 MB. Less than 3 MB is refused at start.
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.config.buffer_bytes = Some(bytes);
        self
    }

    /// Keeps on disk what does not fit in memory, and what is left at the end. Default: it is dropped.
    pub fn spool(mut self, settings: SpoolSettings) -> Self {
        self.config.spool = Some(settings);
        self
    }

    /// How long datagrams are still read after [`DaemonHandle::stop`]. Default: not at all, beyond
    /// what the kernel holds already.
    pub fn drain_linger(mut self, linger: Duration) -> Self {
        self.config.drain_linger = linger;
        self
    }

    /// Region for AWS. Default: environment, profile, machine metadata.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.config.aws.region = Some(region.into());
        self
    }

    /// Endpoint for AWS instead of the region's, such as `https://localhost:4566`.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.config.aws.endpoint = Some(url.into());
        self
    }

    /// Where and how the backend `otlp` sends spans. Default: `http://localhost:4318/v1/traces`.
    #[cfg(feature = "otlp-out")]
    pub fn otlp(mut self, settings: crate::config::OtlpSettings) -> Self {
        self.config.otlp = settings;
        self
    }

    /// Binds the sockets and starts the daemon.
    ///
    /// # Errors
    /// When an option is not valid, an address is taken, or a backend cannot start; the text names
    /// the option and the way out.
    pub async fn start(self) -> Result<DaemonHandle, StartError> {
        Daemon::start(self.config, self.backends).await
    }
}
