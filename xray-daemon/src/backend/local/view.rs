//! What the console shows of the daemon around the store.
//!
//! In: nothing. Out: one snapshot a page view. The daemon implements [`DaemonView`] over its own
//! counters, so that the local backend needs to know none of its parts.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// Gives the console a look at the daemon. Called once a page view or live update; must not block.
pub trait DaemonView: Send + Sync {
    /// The daemon as it is now.
    fn snapshot(&self) -> DaemonSnapshot;
}

/// The daemon at one moment. Counts are since the start.
#[derive(Clone, Debug, Default)]
pub struct DaemonSnapshot {
    /// Why it is not ready, if it is not.
    pub not_ready: Option<String>,
    /// Since the start.
    pub uptime: Duration,
    /// Resident memory, where the system tells.
    pub resident_bytes: Option<u64>,
    /// Where segments come in (UDP).
    pub udp: Option<SocketAddr>,
    /// Where sampling calls come in (TCP).
    pub tcp: Option<SocketAddr>,
    /// Where `/metrics` is.
    pub admin: Option<SocketAddr>,
    /// OTLP intake, gRPC and HTTP, where switched on.
    pub otlp: Vec<SocketAddr>,
    /// Datagrams that came in.
    pub received: u64,
    /// Datagrams refused at intake, by reason.
    pub rejected: Vec<DropCount>,
    /// Lost in the kernel's buffers.
    pub kernel_drops: u64,
    /// One entry a backend.
    pub upstreams: Vec<Upstream>,
    /// Who sent in the last minutes, busiest first; bounded.
    pub senders: Vec<Sender>,
    /// Datagrams refused last, newest first; bounded.
    pub refused: Vec<RefusedDatagram>,
}

/// A count by reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropCount {
    /// The label of the metric.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// One backend's side of the daemon.
#[derive(Clone, Debug, Default)]
pub struct Upstream {
    /// `aws`, `local`.
    pub name: String,
    /// Region or address.
    pub target: String,
    /// Taken from intake.
    pub accepted: u64,
    /// Stored by the backend.
    pub sent: u64,
    /// Refused by it for good.
    pub refused: u64,
    /// Given up, by reason.
    pub dropped: Vec<DropCount>,
    /// Sent again.
    pub retried: u64,
    /// Waiting in memory, in segments.
    pub queued: u64,
    /// Waiting in memory, in bytes.
    pub queued_bytes: u64,
    /// Most bytes that may wait.
    pub queue_max_bytes: u64,
    /// In an upload right now.
    pub in_flight: u64,
    /// Waiting on disk.
    pub spooled: u64,
    /// Last failure, if the backend has not answered well since.
    pub last_error: Option<String>,
    /// Where the credentials come from and how long they last; none for `local`.
    pub credentials: Option<Credentials>,
}

/// Credentials of the `aws` backend; never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Name of the provider.
    pub source: String,
    /// When they end.
    pub expires: Option<SystemTime>,
}

/// A peer that sends.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Name in its segments, where one was read.
    pub service: Option<String>,
    /// Its address.
    pub from: SocketAddr,
    /// Segments in the last minutes.
    pub recent: u64,
    /// Refused ones of them.
    pub refused: u64,
    /// Since its last datagram.
    pub last_seen: Duration,
}

/// A datagram that intake refused.
#[derive(Clone, Debug)]
pub struct RefusedDatagram {
    /// When it came.
    pub at: SystemTime,
    /// From whom.
    pub from: Option<SocketAddr>,
    /// Its length.
    pub bytes: u64,
    /// Why.
    pub reason: String,
    /// How it begins; hostile text.
    pub excerpt: String,
}
