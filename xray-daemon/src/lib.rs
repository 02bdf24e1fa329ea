//! The AWS X-Ray daemon as a library: segments in by UDP, `PutTraceSegments` or a local X-Ray out.
//!
//! ```
//! # #[cfg(feature = "local")]
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use xray_daemon::{BackendKind, Daemon};
//!
//! let free_port = "127.0.0.1:0".parse()?;
//! let daemon = Daemon::builder()
//!     .backends([BackendKind::Local])
//!     .udp(free_port)
//!     .tcp(free_port)
//!     .admin(free_port)
//!     .console(free_port)
//!     .start()
//!     .await?;
//! println!("send segments to {}", daemon.udp_addr());
//! println!("look at them on http://{}", daemon.console_addr().expect("the backend is local"));
//! assert_eq!(daemon.not_ready(), None);
//! let stopped = daemon.stop(Duration::from_secs(5)).await;
//! assert_eq!(stopped.stats.intake.received, 0);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "local"))]
//! # fn main() {}
//! ```
//!
//! A program with segments for another place than these gives the builder a
//! [`Backend`](backend::Backend) of its own, which gets batches, retries and counters like the others.
//! Whoever moves over from the reference daemon reads `MOVING.md` beside this crate's manifest.
//!
//! # While it runs
//!
//! [`DaemonHandle::stats`] has what `/metrics` shows, [`DaemonHandle::not_ready`] what `/readyz` says.
//! [`DaemonHandle::reconfigure`] changes the memory for segments and the time that datagrams are still
//! read at the end; the binary does so on SIGHUP, and takes over log level, log file and the deadline of
//! the drain as well. Everything else counts from the next start on, and the log says so. [`config`]
//! checks and explains a configuration without a start, [`doctor`] looks whether it can work here.
//!
//! # How it is built
//!
//! Data flows once, from left to right; each box is a folder, and nothing to the left knows what is
//! to its right. `daemon.rs` alone wires them, `running.rs` stops them in the same order.
//!
//! ```text
//! intake ──▶ buffer ──▶ delivery ──▶ backend: aws   X-Ray
//! (thread,   (a queue   (batches,             local store, API and console
//!  sockets)   each)      retries)
//!              ▲ ▼
//!             spool (thread, disk)
//! sampling_proxy (TCP 2000) ───────▶ aws, else local
//! admin (TCP 2001) ◀── counters ◀── every stage
//! config ──▶ daemon.rs   doctor, probe: look at all of it from outside
//! ```
//!
//! What must stay true:
//! - A document is never parsed, changed or copied between the receive buffer and a backend.
//! - Memory is bounded by chunks held, from intake until the last backend has settled the last
//!   document of a chunk. Over the bound the oldest segments of the longest queue go, to the disk
//!   where there is a spool.
//! - What is not handed on is counted, by reason. For each backend
//!   `accepted + replayed = sent + refused + dropped + spooled + queued + in flight`.
//! - Intake waits for nobody: not for a lock that is held for long, not for the runtime.
//! - Backends keep nothing for later. What shall be tried again goes back to the queue.
//! - The only `unsafe` is in `intake/sys.rs`.

mod builder;
mod daemon;
mod handle;
mod listeners;
mod running;
mod start_line;

pub mod config;

mod intake;

mod buffer;

mod delivery;

pub mod backend;

mod sampling_proxy;

mod admin;

pub mod counters;

pub mod doctor;

mod error;
mod http;
mod ids;
mod log_limit;
mod otlp;
mod probe;
#[cfg(any(feature = "local", feature = "otlp-out"))]
mod sampling;
mod segment;

pub use backend::BackendKind;
pub use builder::DaemonBuilder;
pub use config::DaemonConfig;
pub use daemon::Daemon;
pub use error::{BindError, SpoolError, StartError};
pub use handle::{DaemonHandle, Stopped};
pub use ids::Ids;
pub use probe::{Answer, ProbeError, probe};
#[cfg(any(feature = "local", feature = "otlp-out"))]
pub use sampling::SamplingRule;
pub use segment::Segment;
