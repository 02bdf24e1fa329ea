//! What the daemon is told: flags, environment, file; and what follows from it.
//!
//! In: arguments and environment as raw text. Out: one [`DaemonConfig`] in which every value is
//! valid. Owns the defaults.

mod memory;
mod settings;

pub(crate) use memory::{MIN_BUFFER_BYTES, Memory};
pub use settings::{AwsSettings, DaemonConfig, OnBusy};
