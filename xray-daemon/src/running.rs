//! The tasks of a running daemon, and the order in which they end.
//!
//! In: stages, as they are wired. Out: an orderly stop. Owns every task and the intake thread.
//! Shutdown runs with the data: intake lingers, empties the kernel's queues and closes; each
//! delivery ends when its queue is empty, or leaves the rest to the spool, which writes it; the
//! servers answer until then. A token means only "give up now". Dropped, everything ends at once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::admin::Readiness;
#[cfg(feature = "local")]
use crate::backend::local::Local;
use crate::buffer::{Buffer, Spool};
use crate::config::{DaemonConfig, MIN_BUFFER_BYTES, Memory};
use crate::delivery::Delivery;
use crate::intake::Intake;

/// Longest that the disk may take for what is left.
const SPOOL_WAIT: Duration = Duration::from_secs(5);
/// Longest for everything else, once somebody is in a hurry.
const HURRY_WAIT: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Running {
    /// Taken when it is stopped.
    intake: Option<Intake>,
    buffer: Arc<Buffer>,
    readiness: Arc<Readiness>,
    drain_linger: Duration,
    deliveries: TaskTracker,
    give_up: CancellationToken,
    /// Servers that bring segments: they end with intake.
    intake_servers: TaskTracker,
    stop_intake_servers: CancellationToken,
    spool: Option<Spool>,
    servers: TaskTracker,
    stop_servers: CancellationToken,
    #[cfg(feature = "local")]
    local: Option<Local>,
}

impl Running {
    pub(crate) fn new(
        intake: Intake,
        buffer: Arc<Buffer>,
        readiness: Arc<Readiness>,
        drain_linger: Duration,
    ) -> Self {
        Self {
            intake: Some(intake),
            buffer,
            readiness,
            drain_linger,
            deliveries: TaskTracker::new(),
            give_up: CancellationToken::new(),
            intake_servers: TaskTracker::new(),
            stop_intake_servers: CancellationToken::new(),
            spool: None,
            servers: TaskTracker::new(),
            stop_servers: CancellationToken::new(),
            #[cfg(feature = "local")]
            local: None,
        }
    }

    pub(crate) fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Takes over what can change; returns the memory for segments, if it is a valid one.
    pub(crate) fn reconfigure(&mut self, config: &DaemonConfig) -> Option<usize> {
        self.drain_linger = config.drain_linger;
        let bytes = Memory::of_this_process().buffer_bytes(config.buffer_bytes);
        let valid = (bytes >= MIN_BUFFER_BYTES).then_some(bytes)?;
        self.buffer.set_limit(valid);
        Some(valid)
    }

    /// Runs a delivery until everything is settled.
    pub(crate) fn deliver(&self, delivery: Delivery) {
        self.deliveries.spawn(delivery.run(self.give_up.clone()));
    }

    /// Runs a server that brings segments, until intake ends.
    #[cfg(feature = "otlp-in")]
    pub(crate) fn serve_intake<F>(&self, server: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.intake_servers.spawn(server(self.stop_intake_servers.clone()));
    }

    /// Leaves to `spool` what cannot be delivered.
    pub(crate) fn spooling(mut self, spool: Option<Spool>) -> Self {
        self.spool = spool;
        self
    }

    /// Runs a server until everything is delivered; it ends by the token that it is given.
    pub(crate) fn serve<F>(&self, server: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.servers.spawn(server(self.stop_servers.clone()));
    }

    /// Closes `local` after everything that uses it.
    #[cfg(feature = "local")]
    pub(crate) fn closing_last(mut self, local: Option<Local>) -> Self {
        self.local = local;
        self
    }

    /// Stops reading, delivers what is left for at most `deadline`, or until `hurry`; the rest goes
    /// to the spool, or is dropped.
    pub(crate) async fn stop(&mut self, deadline: Duration, hurry: impl Future<Output = ()>) {
        self.readiness.set_draining();
        let hurried = tokio::select! {
            biased;
            () = self.drain(deadline) => false,
            () = hurry => true,
        };
        self.stop_intake_servers.cancel();
        // What comes after a hurried end of intake is dropped, counted.
        self.buffer.close();
        self.deliveries.close();
        self.give_up.cancel();
        self.deliveries.wait().await;
        if let Some(spool) = self.spool.take() {
            spool.close(SPOOL_WAIT).await;
        }
        let rest = self.end_servers();
        if !hurried {
            rest.await;
        } else if timeout(HURRY_WAIT, rest).await.is_err() {
            warn!("servers or the local store did not end in time");
        }
        info!("Shutdown finished");
    }

    async fn drain(&mut self, deadline: Duration) {
        if let Some(intake) = self.intake.take() {
            intake.stop(self.drain_linger).await;
        }
        self.stop_intake_servers.cancel();
        self.intake_servers.close();
        self.intake_servers.wait().await;
        self.buffer.close();
        self.deliveries.close();
        if timeout(deadline, self.deliveries.wait()).await.is_err() {
            let fate = if self.spool.is_some() { "go to the spool" } else { "are dropped" };
            warn!(
                deadline_s = deadline.as_secs_f64(),
                "segments are left after the time to drain and {fate}; --drain-timeout"
            );
        }
    }

    async fn end_servers(&mut self) {
        self.stop_servers.cancel();
        self.servers.close();
        self.servers.wait().await;
        #[cfg(feature = "local")]
        if let Some(local) = self.local.take() {
            local.close().await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.give_up.cancel();
        self.stop_intake_servers.cancel();
        self.stop_servers.cancel();
    }
}
