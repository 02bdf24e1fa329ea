//! Why the store gave no answer.

use std::time::Duration;

/// Why the store gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The daemon stops.
    #[error("the store is closed; the daemon is stopping")]
    Closed,
    /// More questions wait than can be answered.
    #[error("the store has too many questions waiting; ask again")]
    Overloaded,
    /// The question took longer than allowed.
    #[error("the store did not find the answer within {0:?}; ask for a shorter time or less")]
    TimedOut(Duration),
    /// The disk is full.
    #[error("the disk under the store is full; free some space, or lower --max-store-mb")]
    Full,
    /// SQLite failed.
    #[error("the store failed")]
    Failed(#[source] rusqlite::Error),
    /// A row holds what this version cannot read.
    #[error("the store holds a damaged {0}")]
    Damaged(&'static str),
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Failed(source),
        }
    }
}
