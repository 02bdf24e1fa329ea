//! The X-Ray daemon inside this process, with the local store and its console.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use xray_daemon::{BackendKind, Daemon, DaemonHandle};

use super::ports::{Udp, movable, promised};
use crate::service::listen::IfTaken;
use crate::service::sampling;

/// Segments by UDP, sampling calls by TCP.
pub(super) const DAEMON_PORT: u16 = 2_000;
/// Health and metrics.
pub(super) const ADMIN_PORT: u16 = 2_001;
/// OpenTelemetry's spans, by gRPC and by HTTP.
pub(super) const OTLP_GRPC_PORT: u16 = 4_317;
pub(super) const OTLP_HTTP_PORT: u16 = 4_318;

/// Starts the daemon with its console at `console`.
///
/// # Errors
/// When a port is taken that must not move, or the store cannot be opened.
pub(super) async fn start(
    console: SocketAddr,
    traces: Option<PathBuf>,
    if_taken: IfTaken,
) -> anyhow::Result<DaemonHandle> {
    promised("the console", console, "--console")?;
    let daemon = movable("the daemon", DAEMON_PORT, Udp::Yes, if_taken)?;
    let admin = movable("the daemon's health port", ADMIN_PORT, Udp::No, if_taken)?;
    let otlp_grpc = movable("OTLP by gRPC", OTLP_GRPC_PORT, Udp::No, if_taken)?;
    let otlp_http = movable("OTLP by HTTP", OTLP_HTTP_PORT, Udp::No, if_taken)?;
    let mut builder = Daemon::builder()
        .backends([BackendKind::Local])
        .udp(daemon)
        .tcp(daemon)
        .admin(admin)
        .otlp_grpc(otlp_grpc)
        .otlp_http(otlp_http)
        .console(console)
        .sampling_rules(sampling::server_rules());
    if let Some(folder) = traces {
        builder = builder.data_dir(folder);
    }
    builder.start().await.context("the daemon cannot start")
}
