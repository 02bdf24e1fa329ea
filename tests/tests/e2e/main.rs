//! End-to-end tests: real processes, real sockets. One file a theme.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

mod bad_input;
mod fake_service;
mod faults;
mod forwarding;
mod lifecycle;
mod local_api;
mod sdk_node;
mod sdk_python;
mod traces;
