//! The AWS X-Ray daemon as a library.

pub mod backend;
mod segment;

pub use segment::Segment;
