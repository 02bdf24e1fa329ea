//! End-to-end tests: real processes, real sockets. One file a theme.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

mod bad_input;
mod browser;
mod credentials;
mod demo;
mod drop_in;
mod endpoints;
mod fake_service;
mod faults;
mod forwarding;
mod lifecycle;
mod load_short;
mod local_api;
mod otlp;
mod otlp_out;
mod proxy;
mod sampling;
mod sdk_node;
mod sdk_python;
mod spool;
mod strangers;
mod telemetry;
mod traces;
