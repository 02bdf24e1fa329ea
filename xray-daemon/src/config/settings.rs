//! The configuration of a daemon, every value valid.
//!
//! In: values from the builder or from the command line. Out: what `daemon.rs` wires. Owns the
//! defaults.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "otlp-out")]
use super::otlp::OtlpSettings;
use crate::backend::BackendKind;
#[cfg(feature = "local")]
use crate::backend::local::LocalConfig;
#[cfg(feature = "otlp-out")]
use crate::sampling::SamplingRule;

/// Everything a daemon is told at start.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DaemonConfig {
    /// Where segments go, in this order.
    pub backends: Vec<BackendKind>,
    /// UDP address for segments; port 0 takes a free one.
    pub udp: SocketAddr,
    /// TCP address for sampling calls.
    pub tcp: SocketAddr,
    /// What happens when that address is taken.
    pub tcp_on_busy: OnBusy,
    /// TCP address for health and metrics.
    pub admin: SocketAddr,
    /// What happens when that address is taken.
    pub admin_on_busy: OnBusy,
    /// Most bytes of received datagrams in memory; `None`: 1 % of the memory there is.
    pub buffer_bytes: Option<usize>,
    /// Where segments go that do not fit in memory; `None`: nowhere, the oldest are dropped.
    pub spool: Option<SpoolSettings>,
    /// Longest that a segment waits for others to share an upload.
    pub batch_wait: Duration,
    /// The same for the backend `local`, where a person waits.
    pub local_batch_wait: Duration,
    /// Longest that sending what is left may take at shutdown.
    pub drain_timeout: Duration,
    /// How long datagrams are still read after the signal to stop.
    pub drain_linger: Duration,
    /// Whether the daemon is not ready before AWS credentials are found, however long that takes.
    pub ready_requires_credentials: bool,
    /// TCP address for OTLP by gRPC; `None`: not taken.
    pub otlp_grpc: Option<SocketAddr>,
    /// TCP address for OTLP by HTTP; `None`: not taken.
    pub otlp_http: Option<SocketAddr>,
    /// Whether every call on the TCP address is signed and passed on, not the sampling calls alone.
    pub proxy_allow_all: bool,
    /// Settings of the backend `aws`.
    pub aws: AwsSettings,
    /// Rules that answer sampling calls where neither AWS nor a store has any; `Default` is added.
    #[cfg(feature = "otlp-out")]
    pub sampling_rules: Vec<SamplingRule>,
    /// Settings of the backend `otlp`.
    #[cfg(feature = "otlp-out")]
    pub otlp: OtlpSettings,
    /// TCP address of API and console, with the backend `local`; port 0 takes a free one.
    pub console: SocketAddr,
    /// Settings of the backend `local`.
    #[cfg(feature = "local")]
    pub local: LocalConfig,
}

/// Where and how much is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolSettings {
    /// Folder, for one daemon alone; made where it is missing.
    pub folder: PathBuf,
    /// Most bytes of all files; over it the oldest go.
    pub max_bytes: u64,
    /// What was written longer ago is not sent any more.
    pub max_age: Duration,
}

impl SpoolSettings {
    /// In `folder`, with the bounds of the binary: 1 GB and a day.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        let max_age = Duration::from_secs(24 * 60 * 60);
        Self { folder: folder.into(), max_bytes: 1 << 30, max_age }
    }
}

/// What happens when a TCP address is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBusy {
    /// The daemon does not start.
    Fail,
    /// The daemon says so and does without.
    GoWithout,
}

/// What concerns AWS only.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AwsSettings {
    /// Region from `-n` or the file; `None`: found out by itself.
    pub region: Option<String>,
    /// Endpoint from the file, instead of the region's.
    pub endpoint: Option<String>,
    /// ARN of the resource that runs the daemon, told to AWS.
    pub resource_arn: Option<String>,
    /// Role to assume for uploads.
    pub role_arn: Option<String>,
    /// What that role wants to hear from whoever assumes it.
    pub role_external_id: Option<String>,
    /// HTTP proxy to AWS.
    pub proxy: Option<String>,
    /// Hosts that are reached without the proxy, as in `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// File of certificates to trust instead of the system's, as in `AWS_CA_BUNDLE`.
    pub ca_bundle: Option<PathBuf>,
    /// Whether the endpoint's certificate goes unchecked.
    pub no_verify_ssl: bool,
    /// Whether the machine's metadata (ECS, EC2) is left alone.
    pub local_mode: bool,
    /// Most uploads at once; `None`: up to 256, as many as are needed.
    pub concurrency: Option<usize>,
    /// Name of this machine, told to AWS; `None`: that of the EC2 instance, if it is one.
    pub hostname: Option<String>,
    /// Id of the EC2 instance, told to AWS; `None`: asked of the machine's metadata.
    pub instance_id: Option<String>,
}

impl DaemonConfig {
    /// The address by which the admin port is reached from this machine.
    pub fn reached_admin(&self) -> SocketAddr {
        reached(self.admin)
    }
}

/// The address by which something bound to `address` is reached from this machine.
pub(crate) fn reached(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if !ip.is_unspecified() => address,
        ip if ip.is_ipv4() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        _ => (Ipv6Addr::LOCALHOST, address.port()).into(),
    }
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            backends: vec![BackendKind::Aws],
            udp: loopback(2000),
            tcp: loopback(2000),
            tcp_on_busy: OnBusy::Fail,
            admin: loopback(2001),
            admin_on_busy: OnBusy::Fail,
            buffer_bytes: None,
            spool: None,
            batch_wait: Duration::from_secs(1),
            local_batch_wait: Duration::from_millis(100),
            drain_timeout: Duration::from_secs(20),
            drain_linger: Duration::ZERO,
            ready_requires_credentials: false,
            otlp_grpc: None,
            otlp_http: None,
            proxy_allow_all: false,
            aws: AwsSettings::default(),
            #[cfg(feature = "otlp-out")]
            otlp: OtlpSettings::default(),
            #[cfg(feature = "otlp-out")]
            sampling_rules: Vec::new(),
            console: loopback(2002),
            #[cfg(feature = "local")]
            local: LocalConfig::default(),
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_all_is_reached_by_loopback() {
        for (bound, at) in [
            ("0.0.0.0:2001", "127.0.0.1:2001"),
            ("[::]:2001", "[::1]:2001"),
            ("10.0.0.7:2001", "10.0.0.7:2001"),
        ] {
            assert_eq!(reached(bound.parse().unwrap()).to_string(), at);
        }
    }
}
