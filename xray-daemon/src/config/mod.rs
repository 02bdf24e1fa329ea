//! What the daemon is told: flags, environment, file; and what follows from it.
//!
//! In: arguments and environment as raw text. Out: one [`DaemonConfig`] in which every value is
//! valid. Owns the defaults.

mod settings;

pub use settings::{AwsSettings, DaemonConfig};
