//! Carries what was recorded from the threads that record to the daemon, and never holds them up.
//!
//! In: payloads (not yet encoded) from any thread. Out: datagrams, each the header line
//! `{"format":"json","version":1}` and one document. Owns: a bounded queue and one thread, which
//! sleeps while there is nothing to do. What cannot be sent is counted by reason, never waited for.
//!
//! ```text
//! push ─▶ Queue (bounded, drops newest) ─▶ sender thread: encode ─▶ Output: UDP socket, or a Sink
//!                                            │ every 30 s, while busy
//!                                            └▶ resolver thread: the daemon's name, again
//! ```

mod address;
mod counters;
mod output;
mod queue;
#[cfg(test)]
mod queue_model;
mod resolver;
mod sender;
mod udp;

pub use address::{AddressError, DaemonAddress, Endpoint};
pub(crate) use counters::Counters;
pub use counters::Stats;
pub(crate) use output::Output;
pub use output::{MemorySink, Sink};
pub(crate) use queue::{Limits, Queue, Refused};
pub(crate) use sender::{Source, Sweep, start};
pub(crate) use udp::UdpOutput;
