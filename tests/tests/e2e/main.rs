//! End-to-end tests: real processes, real sockets. One file a theme.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

mod bad_input;
mod browser;
mod demo;
mod drop_in;
mod fake_service;
mod faults;
mod forwarding;
mod lifecycle;
mod load_short;
mod local_api;
mod otlp;
mod sampling;
mod sdk_node;
mod sdk_python;
mod spool;
mod strangers;
mod traces;
