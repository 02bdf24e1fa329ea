//! The AWS X-Ray daemon as a library.

mod daemon;

pub mod backend;
mod builder;
pub mod config;
pub mod counters;
mod handle;
mod segment;

pub use backend::BackendKind;
#[cfg(feature = "local")]
pub use backend::local::sampling::SamplingRule;
pub use builder::DaemonBuilder;
pub use config::DaemonConfig;
pub use daemon::{Daemon, StartError};
pub use handle::{DaemonHandle, Stopped};
pub use segment::Segment;
