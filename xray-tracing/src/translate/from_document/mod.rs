//! Makes spans of a document: the way back.
//!
//! In: a document, whoever made it. Out: a resource and one span for each segment and subsegment.
//! Owns nothing. Rule: the Collector's `awsxray` receiver, in today's conventions; what the receiver
//! loses or refuses travels along: after the span is made it is translated back, and whatever does
//! not come out as it was becomes an attribute `aws.xray.document.MEMBER` (`overlay.rs`).

mod tree;

mod blocks;
mod cause;
mod resource;
mod span;
mod values;

pub use tree::{NotASpan, Spans, from_document};
