//! What the daemon is told: flags, environment, file; and what follows from it.
//!
//! In: arguments and environment as raw text. Out: one [`DaemonConfig`] in which every value is
//! valid, and how to log. Owns the defaults. A flag wins over the environment variable of its name,
//! that over the file, the file over the default; for the region, which AWS itself names, the file
//! wins over the environment, as in the reference daemon.

mod load;

mod environment;
mod flags;
mod table;

mod file;
mod lines;
mod validation;

mod resolve;

mod address;
mod duration;
mod memory;
#[cfg(feature = "otlp-out")]
mod otlp;

mod check;
mod explain;

mod error;
mod logging;
mod settings;

pub use duration::parse as parse_duration;
pub use environment::Environment;
pub use error::ConfigError;
pub use explain::{Changes, Options};
pub use load::{Command, Loaded, load, log_file};
pub use logging::{LogFormat, LogSettings};
pub(crate) use memory::{MIN_BUFFER_BYTES, Memory};
#[cfg(feature = "otlp-out")]
pub use otlp::{Compression, OtlpSettings};
pub(crate) use settings::reached;
pub use settings::{AwsSettings, DaemonConfig, OnBusy, SpoolSettings};
