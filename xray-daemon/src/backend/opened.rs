//! Opens the backends that a configuration names.
//!
//! In: the configuration, and backends of the program's own. Out: all of them in order, and who
//! answers sampling calls. Owns them until they are wired.

use std::sync::Arc;

use axum::Router;

use super::{Backend, BackendKind};
use crate::config::DaemonConfig;
use crate::counters::Counters;
use crate::error::StartError;
use crate::sampling_proxy;

/// The backends of a daemon.
#[derive(Debug)]
pub(crate) struct Backends {
    /// In the order of their counters.
    pub(crate) all: Vec<Arc<dyn Backend>>,
    /// Answers sampling calls.
    pub(crate) sampling: Router,
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
        _counters: &Counters,
    ) -> Result<Self, StartError> {
        let mut all = Vec::new();
        let sampling = sampling_proxy::unanswered();
        for kind in &config.backends {
            match kind {
                BackendKind::Aws | BackendKind::Local => return Err(StartError::NotBuilt(*kind)),
            }
        }
        all.extend(own);
        Ok(Self { all, sampling })
    }
}
