//! What the operations work on.

use std::sync::Arc;

use super::ApiError;
use super::retrieval::Retrievals;
use super::telemetry::Telemetry;
use crate::backend::local::sampling::Sampling;
use crate::backend::local::store::Store;

/// What outsiders may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::local) enum Access {
    /// Everything.
    Full,
    /// Nothing that changes something.
    ReadOnly,
}

/// What the operations work on. A clone is the same.
#[derive(Clone, Debug)]
pub(in crate::backend::local) struct ApiState {
    pub(super) store: Store,
    pub(super) sampling: Sampling,
    pub(super) access: Access,
    pub(in crate::backend::local) telemetry: Arc<Telemetry>,
    pub(super) retrievals: Arc<Retrievals>,
}

impl ApiState {
    pub(in crate::backend::local) fn new(store: Store, sampling: Sampling, access: Access) -> Self {
        Self { store, sampling, access, telemetry: Arc::default(), retrievals: Arc::default() }
    }

    /// Refuses what changes something where that is not wanted.
    pub(super) fn may_change(&self) -> Result<(), ApiError> {
        match self.access {
            Access::Full => Ok(()),
            Access::ReadOnly => Err(ApiError::AccessDenied(
                "The local X-Ray was started with --read-only".to_owned(),
            )),
        }
    }
}
