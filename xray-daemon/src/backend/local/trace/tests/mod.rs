//! Traces of known shape, and what must be said of them.

mod assembly;
mod hostile;
mod read_back;
mod root_cause;
mod summary;
mod timeline;

pub(in crate::backend::local) use fixtures::{received, trace, trace_id};

mod fixtures;
