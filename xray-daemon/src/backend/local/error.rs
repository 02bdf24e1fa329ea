//! Why the local backend cannot start or serve.

use std::io;
use std::path::PathBuf;

use super::store::StoreError;

/// Why the local backend cannot start or serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The directory is not there and cannot be made, or is not ours to write.
    #[error("data directory {path:?} cannot be used; --data-dir needs one this user can write")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another daemon holds the same store.
    #[error(
        "store {path:?} is in use by another process; stop that daemon or give another --data-dir"
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The file is a database, but not ours, or no database at all.
    #[error("{path:?} is not an X-Ray store; move it away or give another --data-dir")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later version of the daemon wrote the file.
    #[error(
        "store {path:?} has schema {found}, this daemon knows up to {known}; \
         start the newer daemon, or move the file away"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest that this daemon knows.
        known: i64,
    },
    /// The store failed to open or to answer.
    #[error("store {path:?} cannot be opened; check the disk, or move the file away")]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The store does not answer.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    /// The writer's thread could not be started.
    #[error("the store's thread cannot be started; raise the process limit")]
    Thread(#[source] io::Error),
    /// The server on port 2002 ended.
    #[error("the local API stopped serving")]
    Serve(#[source] io::Error),
}
