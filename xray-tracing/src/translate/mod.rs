//! One translator between spans and documents, for everybody who has either.
//!
//! In: a [`SpanView`] with its [`Resource`], or an [`Entity`](crate::document::Entity). Out: the
//! other. Owns nothing, does no I/O, needs no OpenTelemetry crate. Rules: the `awsxray` exporter and
//! receiver of the OpenTelemetry Collector, which people use today; where ours differ, the tests
//! list it with its reason. A document that was made of a span, and a span that was made of a
//! document, come back as they were: what the other side has no place for travels in metadata
//! `tracing`, or in attributes `aws.xray.*` (`overlay.rs`).

mod to_document;

// What comes in.
mod options;
mod resource;
mod view;

// The attributes, and what each block makes of them.
mod annotations;
mod attributes;
mod aws;
mod cause;
mod http;
mod ids;
mod json_value;
mod keys;
mod links;
mod metadata;
mod naming;
mod role;
mod sql;
mod stack;
mod time;
mod url;

// The way back.
mod from_document;
mod overlay;

#[cfg(test)]
mod tests;

pub use from_document::{NotASpan, Spans, from_document};
pub use options::Options;
pub use resource::Resource;
pub use to_document::to_documents;
pub use view::{
    Attribute, Dropped, Event, ParentPlace, Scope, SpanKind, SpanLink, SpanView, Status, Value,
};
