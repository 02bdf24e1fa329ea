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
//! let stopped = daemon.stop(Duration::from_secs(5)).await;
//! assert_eq!(stopped.stats.intake.received, 0);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "local"))]
//! # fn main() {}
//! ```
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
mod segment;

pub use backend::BackendKind;
#[cfg(feature = "local")]
pub use backend::local::sampling::SamplingRule;
pub use builder::DaemonBuilder;
pub use config::DaemonConfig;
pub use daemon::Daemon;
pub use error::{BindError, SpoolError, StartError};
pub use handle::{DaemonHandle, Stopped};
pub use ids::Ids;
pub use probe::{Answer, ProbeError, probe};
pub use segment::Segment;
