//! The AWS X-Ray daemon as a library.

mod daemon;

mod admin;
pub mod backend;
mod buffer;
mod builder;
pub mod config;
pub mod counters;
mod delivery;
mod error;
mod handle;
mod http;
mod ids;
mod intake;
mod listeners;
mod log_limit;
mod running;
mod sampling_proxy;
mod segment;

pub use backend::BackendKind;
#[cfg(feature = "local")]
pub use backend::local::sampling::SamplingRule;
pub use builder::DaemonBuilder;
pub use config::DaemonConfig;
pub use daemon::Daemon;
pub use error::{BindError, StartError};
pub use handle::{DaemonHandle, Stopped};
pub use ids::Ids;
pub use segment::Segment;
