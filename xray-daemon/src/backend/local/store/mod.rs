//! Traces in one SQLite file: written by one thread, read by a few.

mod query;

pub use query::{Bucket, Key, LatencyBin, Page, RefusedDocument, StoreStats, TimeRange, Window};
