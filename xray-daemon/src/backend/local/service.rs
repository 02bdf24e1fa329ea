//! The local X-Ray as a whole: what the daemon opens, wires and closes.
//!
//! In: its configuration. Out: a backend for delivery, a router for sampling calls, a server for
//! port 2002. Owns: the store.

use std::sync::Arc;

use super::delivery::LocalBackend;
use super::store::Store;
use super::{LocalConfig, LocalError};
use crate::backend::Backend;

/// The embedded X-Ray.
#[derive(Clone, Debug)]
pub struct Local {
    store: Store,
}

impl Local {
    /// Opens the store, or makes it.
    ///
    /// # Errors
    /// The directory cannot be used, is in use, or holds something else.
    pub async fn open(config: LocalConfig) -> Result<Self, LocalError> {
        Ok(Self { store: Store::open(&config).await? })
    }

    /// Where delivery puts batches.
    pub fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(LocalBackend::new(self.store.clone()))
    }

    /// The traces.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Writes what waits and closes the store; a private one is removed. Call it last.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
