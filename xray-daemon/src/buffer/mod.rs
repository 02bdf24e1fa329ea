//! Keeps segments in memory between intake and delivery.
//!
//! In: segments from intake, batches that come back from delivery. Out: batches, one queue for each
//! backend, over the same shared bytes. Owns the bound on memory. All documents of one receive
//! call share one chunk; the bound counts chunks, from the moment they are filled until the last
//! document of each is settled by the last backend, uploads included. Over the bound the longest
//! queue gives up its oldest segments, counted, so that a backend that stands still costs itself
//! and nobody else.

mod batcher;
mod chunk;
mod fan_out;
mod queue;

pub(crate) use batcher::{Batch, BatchLimits};
pub(crate) use chunk::ChunkFiller;
#[cfg(feature = "otlp-in")]
pub(crate) use chunk::charged;
pub(crate) use fan_out::Buffer;
pub(crate) use queue::Queue;
