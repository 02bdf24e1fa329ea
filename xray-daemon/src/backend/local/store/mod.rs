//! Traces in one SQLite file: written by one thread, read by a few.

mod location;
mod query;
mod schema;

pub use query::{Bucket, Key, LatencyBin, Page, RefusedDocument, StoreStats, TimeRange, Window};
