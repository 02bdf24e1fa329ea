//! What happened to every segment, counted where it happens.
//!
//! In: one call a batch from intake, delivery and the sampling proxy. Out: a [`Snapshot`] for
//! `/metrics`, the console and [`DaemonHandle::stats`](crate::DaemonHandle::stats). Owns the
//! counters, the last refused datagrams and the table of senders; all of it bounded. For each
//! backend `accepted + replayed = sent + refused + dropped + spooled + queued + in flight`; the last
//! three are gauges that are kept by themselves, so that the equation checks the code. Replayed are
//! the segments that an earlier run left in the spool.

mod backend;
mod connection_errors;
mod intake;
mod latency;
mod recent;
mod root;
mod sampling;
mod senders;
mod snapshot;

pub use backend::{BackendCounters, DropReason, UploadResult};
pub use connection_errors::{ConnectionError, ConnectionErrorCounts};
pub use intake::{IntakeCounters, RejectReason};
pub use latency::{LATENCY_BOUNDS_S, LatencySnapshot};
pub use recent::RefusedDatagram;
pub use root::Counters;
#[cfg(any(feature = "aws", test))]
pub(crate) use sampling::UpstreamEnd;
pub use sampling::{SamplingCall, SamplingCounters, SamplingResult, SamplingSnapshot};
pub use senders::{SENDER_BUCKET, SenderSnapshot};
pub use snapshot::{BackendSnapshot, CodeCount, IntakeSnapshot, Snapshot};
