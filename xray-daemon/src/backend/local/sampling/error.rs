//! Why a sampling rule could not be made, changed or removed: the service's words.

use crate::backend::local::store::StoreError;

/// Why a sampling rule could not be made, changed or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SamplingError {
    /// The name is taken.
    #[error("Sampling rule already exists")]
    Exists,
    /// There is no rule of that name.
    #[error("Sampling rule does not exist")]
    Unknown,
    /// `Default` has a rate and a reservoir to change, nothing else.
    #[error("Invalid update request for sampling rule")]
    DefaultChange,
    /// `Default` stays.
    #[error("The default sampling rule cannot be deleted")]
    DefaultDelete,
    /// There are as many as there may be.
    #[error("You have reached the maximum number of sampling rules: {most}")]
    TooMany {
        /// Rules besides `Default`.
        most: usize,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
