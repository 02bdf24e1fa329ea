//! Keeps segments in memory between intake and delivery.
//!
//! In: segments from intake, batches that come back from delivery. Out: batches, one queue for each
//! backend, over the same shared bytes. Owns the bound on memory. All documents of one receive
//! call share one chunk; the bound counts chunks, from the moment they are filled until the last
//! document of each is settled by the last backend, uploads included. Over the bound the longest
//! queue gives up its oldest segments, so that a backend that stands still costs itself and nobody
//! else: to the disk where there is a spool, else they are dropped, counted.

mod batcher;
mod chunk;
mod fan_out;
mod queue;
mod spool;

pub(crate) use batcher::{Batch, BatchLimits, Retries};
pub(crate) use chunk::ChunkFiller;
#[cfg(feature = "otlp-in")]
pub(crate) use chunk::charged;
pub(crate) use fan_out::Buffer;
pub(crate) use queue::Queue;
pub use spool::SpoolError;
pub(crate) use spool::{Spool, SpoolFolder, SpoolHandle, SpoolKeeper, SpoolLink};
