//! Why a spool cannot be used.
//!
//! In: what failed. Out: a text that names input, rule and fix. Owns nothing.

use std::io;
use std::path::PathBuf;

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The folder cannot be made, read or written.
    #[error("spool {path:?} cannot be opened; --spool needs a directory this user can write")]
    Open {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another daemon has it.
    #[error(
        "spool {path:?} is in use by another daemon{}; give each daemon a directory of its own \
         with --spool",
        .process.as_ref().map(|id| format!(" (process {id})")).unwrap_or_default()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Process id of the other, where it has left it.
        process: Option<String>,
    },
    /// The thread cannot be started.
    #[error("the spool thread cannot be started; raise the limit of processes")]
    Thread(#[source] io::Error),
}
