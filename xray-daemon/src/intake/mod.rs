//! Receives datagrams on UDP 2000 and turns each into a [`Segment`](crate::Segment).
//!
//! In: datagrams. Out: segments, to a sink; refusals, to the counters. Owns the sockets, their
//! receive buffers and one thread. A datagram is a header line and a document:
//!
//! ```text
//! {"format": "json", "version": 1}\n{"trace_id": …}
//! └─ header.rs ──────────────────┘  └─ as it is, to the backends
//! ```
//!
//! A group of sockets shares the port, and the kernel spreads datagrams over them at random: each
//! socket has a receive buffer of its own, so the group absorbs a burst that one socket would lose,
//! and the thread may sleep a few milliseconds between two rounds of reading. Where the platform
//! has no such group, one socket and plain reads do.

mod datagram;
mod group;
mod header;
#[cfg(feature = "otlp-in")]
pub(crate) mod otlp;
#[cfg(target_os = "linux")]
mod paced;
mod plain;
mod receiver;
mod stop;
#[cfg(target_os = "linux")]
mod sys;
mod thread;

pub use group::BindError;
pub(crate) use group::{GroupLimits, SocketGroup};
pub(crate) use receiver::Receiver;
pub(crate) use thread::Intake;
