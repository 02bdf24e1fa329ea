//! A drop-in: what stands in the checklist of the reference daemon 3.6.6 is done here by running
//! the binary, a file for each part of it; and what was added is where its users look for it.
//!
//! What concerns the calls to AWS is in `forwarding.rs`, the end by signals in `lifecycle.rs`.

mod command_line;
mod config_file;

mod headers;
mod ports;

mod log;
mod reload;

mod doctor;
mod healthcheck;
mod metrics;
mod questions;

mod moving;
mod packaging;
mod workshop;
