//! An OpenTelemetry collector on this machine: takes spans by OTLP over HTTP, and misbehaves on
//! demand.
//!
//! In: requests of whatever is pointed at it. Out: answers, and a record of each request and of the
//! spans in it. The protobuf is read here from the rules, not by the code that wrote it. With TLS
//! and a proxy in front it also stands in for X-Ray's own OTLP endpoint, under that name.
//!
//! ```text
//! service ── connections, the record
//!   ├─ fault   what goes wrong, and for how many requests
//!   ├─ spans   protobuf ─▶ JSON
//!   └─ tunnel  a proxy that leads every name here
//! ```

mod fault;
mod service;
mod spans;
mod tunnel;

pub use fault::CollectorFault;
pub use service::{FakeCollector, Received};
