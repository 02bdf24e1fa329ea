//! Opens the backends that a configuration names.
//!
//! In: the configuration, and backends of the program's own. Out: all of them in order, and who
//! answers sampling calls. Owns them until they are wired.

use std::sync::Arc;

use axum::Router;

#[cfg(feature = "aws")]
use super::aws::{AwsBackend, XRay};
#[cfg(feature = "local")]
use super::local::Local;
#[cfg(feature = "otlp-out")]
use super::otlp::OtlpBackend;
use super::{Backend, BackendKind};
use crate::config::DaemonConfig;
use crate::counters::Counters;
use crate::error::StartError;
use crate::sampling_proxy;
#[cfg(feature = "aws")]
use crate::sampling_proxy::Allowed;

/// Most calls of AWS at once, where `Concurrency` is not set.
#[cfg(feature = "aws")]
const MAX_UPLOADS: usize = 256;

/// Share of the buffer that work in progress may take while it waits for its completion, as a divisor.
#[cfg(feature = "otlp-out")]
const HELD_SHARE: usize = 8;

/// The backends of a daemon.
#[derive(Debug)]
pub(crate) struct Backends {
    /// In the order of their counters.
    pub(crate) all: Vec<Arc<dyn Backend>>,
    /// Answers sampling calls: AWS where it is among the backends, else the local X-Ray, else rules of
    /// a file.
    pub(crate) sampling: Router,
    /// The service, whose credentials are looked for from the start on.
    #[cfg(feature = "aws")]
    pub(crate) aws: Option<Arc<XRay>>,
    /// The local X-Ray, to be served and closed.
    #[cfg(feature = "local")]
    pub(crate) local: Option<Local>,
}

impl Backends {
    /// The names in the order of the counters.
    ///
    /// # Errors
    /// When there is none, or one twice.
    pub(crate) fn names(
        config: &DaemonConfig,
        own: &[Arc<dyn Backend>],
    ) -> Result<Vec<&'static str>, StartError> {
        let built = config.backends.iter().map(|kind| kind.name());
        let mut names = Vec::new();
        for name in built.chain(own.iter().map(|backend| backend.name())) {
            if names.contains(&name) {
                return Err(StartError::SameName(name));
            }
            names.push(name);
        }
        if names.is_empty() { Err(StartError::NoBackend) } else { Ok(names) }
    }

    /// Opens them.
    pub(crate) async fn open(
        config: &DaemonConfig,
        own: Vec<Arc<dyn Backend>>,
        counters: &Counters,
    ) -> Result<Self, StartError> {
        let mut backends = Self {
            all: Vec::new(),
            sampling: sampling_proxy::unanswered(Arc::clone(counters.sampling())),
            #[cfg(feature = "aws")]
            aws: None,
            #[cfg(feature = "local")]
            local: None,
        };
        for kind in &config.backends {
            match kind {
                BackendKind::Aws => backends.open_aws(config, counters).await?,
                BackendKind::Local => backends.open_local(config, counters).await?,
                BackendKind::Otlp => backends.open_otlp(config, counters).await?,
            }
        }
        backends.all.extend(own);
        Ok(backends)
    }

    #[cfg(feature = "aws")]
    async fn open_aws(
        &mut self,
        config: &DaemonConfig,
        counters: &Counters,
    ) -> Result<(), StartError> {
        let name = BackendKind::Aws.name();
        let own = counters.backend(name).ok_or(StartError::NoBackend)?;
        let service = Arc::new(XRay::open(&config.aws, Arc::clone(own)).await?);
        let max_uploads = config.aws.concurrency.unwrap_or(MAX_UPLOADS);
        let backend = AwsBackend::new(Arc::clone(&service), max_uploads, Arc::clone(own));
        self.all.push(Arc::new(backend));
        let allowed = if config.proxy_allow_all { Allowed::All } else { Allowed::Sampling };
        let sampling = Arc::clone(counters.sampling());
        self.sampling = sampling_proxy::signed(Arc::clone(&service), allowed, sampling);
        self.aws = Some(service);
        Ok(())
    }

    #[cfg(not(feature = "aws"))]
    async fn open_aws(
        &mut self,
        _config: &DaemonConfig,
        _counters: &Counters,
    ) -> Result<(), StartError> {
        Err(StartError::NotBuilt(BackendKind::Aws))
    }

    #[cfg(feature = "local")]
    async fn open_local(
        &mut self,
        config: &DaemonConfig,
        counters: &Counters,
    ) -> Result<(), StartError> {
        let local = Local::open(config.local.clone()).await?;
        self.all.push(local.backend());
        if !config.backends.contains(&BackendKind::Aws) {
            self.sampling =
                sampling_proxy::guard(local.sampling_router(), Arc::clone(counters.sampling()));
        }
        self.local = Some(local);
        Ok(())
    }

    #[cfg(feature = "otlp-out")]
    async fn open_otlp(
        &mut self,
        config: &DaemonConfig,
        counters: &Counters,
    ) -> Result<(), StartError> {
        let own = counters.backend(BackendKind::Otlp.name()).ok_or(StartError::NoBackend)?;
        let buffer_bytes = usize::try_from(counters.snapshot().buffer_limit_bytes);
        let max_held_bytes = buffer_bytes.unwrap_or(usize::MAX) / HELD_SHARE;
        self.all.push(Arc::new(OtlpBackend::open(config, own, max_held_bytes).await?));
        if config.backends.iter().all(|kind| *kind == BackendKind::Otlp) {
            let counters = Arc::clone(counters.sampling());
            self.sampling = sampling_proxy::own(config.sampling_rules.clone(), counters);
        }
        Ok(())
    }

    #[cfg(not(feature = "otlp-out"))]
    async fn open_otlp(
        &mut self,
        _config: &DaemonConfig,
        _counters: &Counters,
    ) -> Result<(), StartError> {
        Err(StartError::NotBuilt(BackendKind::Otlp))
    }

    #[cfg(not(feature = "local"))]
    async fn open_local(
        &mut self,
        _config: &DaemonConfig,
        _counters: &Counters,
    ) -> Result<(), StartError> {
        Err(StartError::NotBuilt(BackendKind::Local))
    }
}
