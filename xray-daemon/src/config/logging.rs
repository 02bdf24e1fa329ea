//! How the binary logs.
//!
//! In: words of flags and file. Out: settings for the subscriber in `main.rs`. Owns the names.

use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

/// Where and what to log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogSettings {
    /// File; `None`: standard output.
    pub path: Option<PathBuf>,
    /// Whether the file is moved aside when it is long.
    pub rotate: bool,
    /// Least level that is logged.
    pub level: LevelFilter,
    /// How lines are written.
    pub format: LogFormat,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// As the reference: `2026-11-24T02:17:17Z [Info] text`.
    Text,
    /// One JSON object a line.
    Json,
}

/// The level of one of the reference's names.
pub(super) fn level(name: &str) -> Option<LevelFilter> {
    Some(match name {
        "dev" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "info" | "prod" => LevelFilter::INFO,
        "warn" => LevelFilter::WARN,
        "error" => LevelFilter::ERROR,
        _ => return None,
    })
}
