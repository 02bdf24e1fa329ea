//! The local X-Ray as a whole: what the daemon opens, wires and closes.
//!
//! In: its configuration. Out: a backend for delivery, a router for sampling calls, a server for
//! port 2002. Owns: the store.

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::api::{self, Access, ApiState, TelemetryRecord};
use super::console::{self, ConsoleState};
use super::delivery::LocalBackend;
use super::sampling::Sampling;
use super::store::Store;
use super::{DaemonView, LocalConfig, LocalError, server};
use crate::backend::Backend;

/// The embedded X-Ray.
#[derive(Clone, Debug)]
pub struct Local {
    store: Store,
    sampling: Sampling,
    api: ApiState,
    config: Arc<LocalConfig>,
}

impl Local {
    /// Opens the store, or makes it.
    ///
    /// # Errors
    /// The directory cannot be used, is in use, or holds something else.
    pub async fn open(config: LocalConfig) -> Result<Self, LocalError> {
        let store = Store::open(&config).await?;
        let sampling = Sampling::open(store.clone(), config.sampling_rules.clone()).await?;
        let access = if config.read_only { Access::ReadOnly } else { Access::Full };
        let api = ApiState::new(store.clone(), sampling.clone(), access);
        Ok(Self { store, sampling, api, config: Arc::new(config) })
    }

    /// Where delivery puts batches.
    pub fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(LocalBackend::new(self.store.clone()))
    }

    /// The traces.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Sampling rules and targets.
    pub fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    /// What daemons told of themselves over the API, newest first.
    pub fn telemetry(&self) -> Vec<TelemetryRecord> {
        self.api.telemetry.newest()
    }

    /// Answers sampling calls on the daemon's own port: `POST /GetSamplingRules` and
    /// `/SamplingTargets`.
    pub fn sampling_router(&self) -> Router {
        api::sampling_router(self.api.clone())
    }

    /// Serves API and console on `listener` until `stop`. `daemon`: what the pages show of the
    /// daemon around the store.
    pub async fn serve(
        &self,
        listener: TcpListener,
        daemon: Option<DaemonView>,
        stop: CancellationToken,
    ) {
        let config = Arc::clone(&self.config);
        let state = ConsoleState::new(
            self.store.clone(),
            self.sampling.clone(),
            config,
            daemon,
            stop.clone(),
        );
        let router = server::router(&self.config, self.api.clone(), console::router(state));
        crate::http::serve(listener, router, stop).await;
    }

    /// Writes what waits and closes the store; a private one is removed. Call it last.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
