//! Reads the stack traces that languages print.
//!
//! In: the text of `exception.stacktrace`, and the language that wrote it. Out: the exceptions in
//! it, the outermost first, each with its frames, innermost first. Owns nothing; never fails: what
//! is no frame is skipped, and [`Trace::is_whole`] says whether that lost anything. One file for
//! each way of printing.

mod frame;
mod language;
mod trace;

mod cpp;
mod dotnet;
mod go;
mod java;
mod javascript;
mod python;
mod ruby;
mod rust;

pub(super) use language::read;
pub(super) use trace::{Trace, Traced};
