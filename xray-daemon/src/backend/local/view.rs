//! What the console shows of the daemon around the store.
//!
//! In: the daemon's counters and addresses, given once at start. Out: the same, to the pages.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::counters::Counters;

/// The daemon, as far as the console shows it.
#[derive(Clone)]
pub struct DaemonView {
    /// Everything that is counted.
    pub counters: Arc<Counters>,
    /// Where segments come in.
    pub udp: SocketAddr,
    /// Where sampling calls come in.
    pub tcp: SocketAddr,
    /// Where `/healthz`, `/readyz` and `/metrics` are.
    pub admin: SocketAddr,
    /// Why the daemon is not ready, if it is not. Must not block.
    pub not_ready: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

impl fmt::Debug for DaemonView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DaemonView")
            .field("udp", &self.udp)
            .field("tcp", &self.tcp)
            .field("admin", &self.admin)
            .finish_non_exhaustive()
    }
}
