//! The log of the binary: lines as the reference daemon writes them, or JSON.
//!
//! In: events of `tracing`. Out: standard output, or a file that is moved aside when it is long.
//! Owns the file. A library never logs by itself: this is for `main.rs`.

mod start;

mod output;

mod file;
mod line;
mod refusal;

pub(crate) use refusal::refuse;
pub(crate) use start::Log;
