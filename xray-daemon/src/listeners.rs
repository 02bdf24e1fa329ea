//! Binds the TCP ports before anything runs.
//!
//! In: the configured addresses. Out: listeners. Owns nothing afterwards. A taken port is an error
//! that names the way out, or, where the configuration says so, a loud line in the log: segments
//! are worth more than sampling calls.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tracing::error;

use crate::backend::BackendKind;
use crate::config::{DaemonConfig, OnBusy};
use crate::error::StartError;
use crate::handle::Addresses;

/// The bound ports; those that nobody needs or that were taken are missing.
#[derive(Debug)]
pub(crate) struct Listeners {
    pub(crate) sampling: Option<TcpListener>,
    pub(crate) admin: Option<TcpListener>,
    pub(crate) console: Option<TcpListener>,
    pub(crate) otlp_grpc: Option<TcpListener>,
    pub(crate) otlp_http: Option<TcpListener>,
}

/// What a port is for, in messages.
#[derive(Clone, Copy)]
struct Port {
    purpose: &'static str,
    flag: &'static str,
    on_busy: OnBusy,
}

impl Listeners {
    pub(crate) async fn bind(config: &DaemonConfig, udp: SocketAddr) -> Result<Self, StartError> {
        let sampling =
            Port { purpose: "sampling calls", flag: "--bind-tcp", on_busy: config.tcp_on_busy };
        let admin =
            Port { purpose: "health and metrics", flag: "--admin", on_busy: config.admin_on_busy };
        let spans = |flag| Port { purpose: "OpenTelemetry spans", flag, on_busy: OnBusy::Fail };
        let console = Port { purpose: "API and console", flag: "--console", on_busy: OnBusy::Fail };
        Ok(Self {
            sampling: bind_beside(config.tcp, udp, sampling).await?,
            admin: bind(config.admin, admin).await?,
            console: match config.backends.contains(&BackendKind::Local) {
                true => bind(config.console, console).await?,
                false => None,
            },
            otlp_grpc: bind_if_asked(config.otlp_grpc, spans("--otlp-grpc")).await?,
            otlp_http: bind_if_asked(config.otlp_http, spans("--otlp-http")).await?,
        })
    }

    /// What was bound; where a port is missing, what was asked for.
    pub(crate) fn addresses(&self, config: &DaemonConfig, udp: SocketAddr) -> Addresses {
        let bound = |listener: &Option<TcpListener>| listener.as_ref()?.local_addr().ok();
        Addresses {
            udp,
            tcp: bound(&self.sampling).unwrap_or(config.tcp),
            admin: bound(&self.admin).unwrap_or(config.admin),
            console: bound(&self.console),
            otlp_grpc: bound(&self.otlp_grpc),
            otlp_http: bound(&self.otlp_http),
        }
    }
}

/// Takes the port that UDP got, where any will do: SDKs expect the two to be the same.
async fn bind_beside(
    address: SocketAddr,
    udp: SocketAddr,
    port: Port,
) -> Result<Option<TcpListener>, StartError> {
    if address.port() == 0
        && let Ok(listener) = TcpListener::bind((address.ip(), udp.port())).await
    {
        return Ok(Some(listener));
    }
    bind(address, port).await
}

/// Binds a port for OTLP, which nobody has unless it is asked for.
async fn bind_if_asked(
    address: Option<SocketAddr>,
    port: Port,
) -> Result<Option<TcpListener>, StartError> {
    match address {
        None => Ok(None),
        Some(_) if !cfg!(feature = "otlp-in") => Err(StartError::NoOtlp { flag: port.flag }),
        Some(address) => bind(address, port).await,
    }
}

async fn bind(address: SocketAddr, port: Port) -> Result<Option<TcpListener>, StartError> {
    let Port { purpose, flag, on_busy } = port;
    let refused = match TcpListener::bind(address).await {
        Ok(listener) => return Ok(Some(listener)),
        Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
            StartError::InUse { address, purpose, flag }
        }
        Err(source) => StartError::Tcp { address, purpose, flag, source },
    };
    match on_busy {
        OnBusy::Fail => Err(refused),
        OnBusy::GoWithout => {
            // The sampling port has the words of the reference.
            let server = if flag == "--bind-tcp" { "proxy http server" } else { "http server" };
            error!("{server} failed to listen: {refused}; the daemon goes on without it");
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> DaemonConfig {
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        DaemonConfig { tcp: any, admin: any, console: any, ..DaemonConfig::default() }
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_its_flag() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let config = DaemonConfig { admin: address, ..config() };
        let error = Listeners::bind(&config, address).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "TCP address {address} for health and metrics is in use by another process; stop \
                 that one or give another address with --admin"
            )
        );
    }

    #[tokio::test]
    async fn a_daemon_that_may_go_without_a_port_does() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let config = DaemonConfig { tcp: address, tcp_on_busy: OnBusy::GoWithout, ..config() };
        let listeners = Listeners::bind(&config, address).await.unwrap();
        assert!(listeners.sampling.is_none() && listeners.admin.is_some());
        assert_eq!(listeners.addresses(&config, address).tcp, address);
    }

    #[tokio::test]
    async fn any_tcp_port_is_the_one_that_udp_has() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let listeners = Listeners::bind(&config(), free).await.unwrap();
        assert_eq!(listeners.addresses(&config(), free).tcp, free);
    }

    #[tokio::test]
    async fn the_console_has_a_port_with_the_local_backend_only() {
        let udp = ([127, 0, 0, 1], 9).into();
        let listeners = Listeners::bind(&config(), udp).await.unwrap();
        assert!(listeners.console.is_none());
        let config = DaemonConfig { backends: vec![BackendKind::Local], ..config() };
        assert!(Listeners::bind(&config, udp).await.unwrap().console.is_some());
    }
}
