//! AWS X-Ray for services that use [`tracing`](https://docs.rs/tracing): segments, propagation,
//! sampling and capture.

pub mod document;
mod trace_id;

pub use trace_id::{IdError, SegmentId, TraceId};
