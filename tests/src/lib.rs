//! Harness of the end-to-end tests: the programs as a user starts them, and the outside world.
//!
//! The tests themselves are in `tests/e2e`, one file a theme. Here is what they share, in the
//! order in which a test meets it. A test that needs a real component (another SDK, a browser)
//! asks through [`require`] and is skipped, visibly, where that is missing.
//!
//! `src/bin/load.rs` is the load generator; what it measures with is in [`load`].

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test harness: a panic is how a test fails"
)]

mod account;
mod binaries;
mod components;
mod daemon;
mod demo;
pub mod fake_collector;
pub mod fake_xray;
pub mod load;
mod ports;
mod process;
mod require;
mod segments;
pub mod stand_ins;
mod wait;

pub use account::Account;
pub use binaries::{Binaries, binaries};
pub use components::{AWS_SETTINGS, AwsCli, Node, Python, Service, chromium};
pub use daemon::{Daemon, DaemonOptions, Metrics};
pub use demo::Demo;
pub use ports::free_port;
pub use process::{Process, Ran, Signal, run};
pub use require::{Missing, require};
pub use segments::{HEADER, Numbered, Stamp, Tally};
pub use wait::wait_until;
