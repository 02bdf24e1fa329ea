//! A running daemon, as the program that started it sees it.
//!
//! In: the addresses that were bound, the counters. Out: both, and an orderly stop. Owns the
//! running daemon: dropping the handle stops it at once.

use std::future::{self, Future};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use crate::config::DaemonConfig;
use crate::counters::{Counters, Snapshot};
use crate::running::Running;

/// A running daemon. Stop it with [`stop`](Self::stop); a drop gives up what is not sent yet.
#[derive(Debug)]
pub struct DaemonHandle {
    addresses: Addresses,
    counters: Arc<Counters>,
    running: Running,
}

/// The addresses that were bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) udp: SocketAddr,
    pub(crate) tcp: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) console: Option<SocketAddr>,
    pub(crate) otlp_grpc: Option<SocketAddr>,
    pub(crate) otlp_http: Option<SocketAddr>,
}

/// What a daemon did in its life.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stopped {
    /// The last values of all counters; nothing is queued or in flight any more, and what is spooled
    /// is for the next run.
    pub stats: Snapshot,
}

impl DaemonHandle {
    pub(crate) fn new(addresses: Addresses, counters: Arc<Counters>, running: Running) -> Self {
        Self { addresses, counters, running }
    }

    /// UDP address for segments.
    pub fn udp_addr(&self) -> SocketAddr {
        self.addresses.udp
    }

    /// TCP address for sampling calls.
    pub fn tcp_addr(&self) -> SocketAddr {
        self.addresses.tcp
    }

    /// TCP address for health and metrics.
    pub fn admin_addr(&self) -> SocketAddr {
        self.addresses.admin
    }

    /// TCP address of API and console; `None` without the backend `local`.
    pub fn console_addr(&self) -> Option<SocketAddr> {
        self.addresses.console
    }

    /// TCP address for OTLP by gRPC; `None` unless asked for.
    pub fn otlp_grpc_addr(&self) -> Option<SocketAddr> {
        self.addresses.otlp_grpc
    }

    /// TCP address for OTLP by HTTP; `None` unless asked for.
    pub fn otlp_http_addr(&self) -> Option<SocketAddr> {
        self.addresses.otlp_http
    }

    /// All counters now.
    pub fn stats(&self) -> Snapshot {
        self.counters.snapshot()
    }

    /// Why the daemon is not ready, if it is not: what `/readyz` answers.
    pub fn not_ready(&self) -> Option<String> {
        self.running.readiness().not_ready()
    }

    /// Whether segments are received: what `/healthz` answers.
    pub fn is_healthy(&self) -> bool {
        self.running.readiness().not_healthy().is_none()
    }

    /// Takes over what can change while the daemon runs: the memory for segments and the time
    /// that datagrams are still read at the end. Addresses, backends and what concerns AWS count
    /// from the next start on.
    pub fn reconfigure(&mut self, config: &DaemonConfig) {
        if let Some(buffer_bytes) = self.running.reconfigure(config) {
            self.counters.set_buffer_limit(buffer_bytes);
        }
    }

    /// The live counters.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Stops reading, sends what is left and closes; what is not sent after `deadline` goes to the
    /// spool, or is dropped and counted.
    pub async fn stop(self, deadline: Duration) -> Stopped {
        self.stop_or(deadline, future::pending()).await
    }

    /// Like [`stop`](Self::stop), but sends nothing more once `hurry` has ended: for a second signal.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # async fn end(daemon: xray_daemon::DaemonHandle) {
    /// let second_signal = async {
    ///     tokio::signal::ctrl_c().await.ok();
    /// };
    /// let stopped = daemon.stop_or(Duration::from_secs(20), second_signal).await;
    /// for backend in &stopped.stats.backends {
    ///     println!("{}: {} on disk, {} lost", backend.name, backend.spooled, backend.dropped_total());
    /// }
    /// # }
    /// ```
    pub async fn stop_or(mut self, deadline: Duration, hurry: impl Future<Output = ()>) -> Stopped {
        self.running.stop(deadline, hurry).await;
        let stats = self.counters.snapshot();
        info!(
            received = stats.intake.received,
            rejected = stats.intake.rejected_total(),
            kernel_drops = stats.intake.kernel_drops,
            "Datagrams in all"
        );
        for backend in &stats.backends {
            info!(
                backend = backend.name,
                accepted = backend.accepted,
                replayed = backend.replayed,
                sent = backend.sent,
                refused = backend.refused_total(),
                dropped = backend.dropped_total(),
                spooled = backend.spooled,
                queued = backend.queued,
                in_flight = backend.in_flight,
                "Segments in all"
            );
        }
        Stopped { stats }
    }
}
