//! What the local backend can be told.

use std::path::PathBuf;
use std::time::Duration;

use super::sampling::SamplingRule;

/// How the local backend stores and serves. Every value is valid; the flags behind them are
/// checked in `config/`.
#[derive(Clone, Debug)]
pub struct LocalConfig {
    /// Directory of the store. Without it the store is a private temporary file, removed at exit.
    pub data_dir: Option<PathBuf>,
    /// How long a trace is kept after its last segment came.
    pub retention: Duration,
    /// Most bytes on disk; the oldest traces make room.
    pub max_store_bytes: u64,
    /// Most bytes of documents in one trace; what comes beyond is refused, and the trace says so.
    pub max_trace_bytes: u64,
    /// Names that the `Host` header may carry besides loopback ones.
    pub allow_hosts: Vec<String>,
    /// Secret that API calls (SigV4, access key `local`) and pages (a cookie from `/login`) need.
    pub console_token: Option<String>,
    /// Refuses whatever changes the store from outside: rules, groups, clearing. Segments that the
    /// daemon received are stored all the same.
    pub read_only: bool,
    /// Rules that stand in the store from the start, unless one of that name is there already.
    pub sampling_rules: Vec<SamplingRule>,
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self {
            data_dir: None,
            retention: Duration::from_secs(6 * 60 * 60),
            max_store_bytes: 2 << 30,
            max_trace_bytes: 5 << 20,
            allow_hosts: Vec::new(),
            console_token: None,
            read_only: false,
            sampling_rules: Vec::new(),
        }
    }
}
