//! Why a command line or a configuration file is not valid.
//!
//! In: what was found. Out: a text that names input, rule and fix. Owns nothing. Texts that people
//! know from the reference daemon are kept.

use std::path::PathBuf;

/// Why a command line or a configuration file is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The command line is not understood: exit code 2, after the usage.
    #[error("{0}")]
    Usage(String),
    /// The configuration file is not valid.
    #[error("{0}")]
    File(String),
    /// The file that `-c` names cannot be used.
    #[error("Error occur when using config flag: {path:?}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A value is not one that its option takes.
    #[error("{name} {value:?} is not valid; {rule}")]
    Value {
        /// The flag, variable or key.
        name: String,
        /// What was given.
        value: String,
        /// What it takes.
        rule: &'static str,
    },
}
