//! The load generator: what a daemon costs and loses, ours and the reference beside it.
//!
//! In: scenarios (rate, count, size, trouble at the service, the end). Out: one row of figures for
//! each daemon and scenario. Sender, service and daemon share the machine; the CPU time is the
//! daemon's alone. Documents are numbered, so that loss and repeats are exact.
//!
//! ```text
//! scenario ─▶ sender ─▶ the daemon ─▶ the counting service
//!                          └─ measure: CPU and memory from /proc
//!                                   report ◀─ all of it
//! ```

mod measure;
mod program;
mod report;
mod rest;
mod run;
mod sampling;
mod scenario;
mod sender;

pub use program::Program;
pub use report::{RestRow, Row, machine, rest_table, table};
pub use rest::measure_rest;
pub use run::measure;
pub use sampling::{SamplingRow, measure_sampling, sampling_table};
pub use scenario::{Ending, Lengths, Rate, Scenario, Spooling, Trouble, scenarios};
