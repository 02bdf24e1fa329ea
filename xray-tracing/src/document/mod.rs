//! The segment document: what X-Ray stores, as types.
//!
//! In: documents as bytes, from any SDK. Out: the same as values, and values as bytes. Owns
//! nothing and does no I/O. A *document* is the JSON text, a *segment* (or subsegment) what it
//! says; [`Entity`] is either. Rule: X-Ray developer guide, "Segment documents".

mod entity;

// Rules: what a document may hold.
pub mod limits;
mod names;
mod rules;

// From bytes to values.
mod parse;
mod read_blocks;
mod read_values;

// From values to bytes.
mod encode;
pub(crate) mod json;
mod shrink;
mod split;

// What is right and wrong.
mod accept;
mod validate;

pub use accept::{Refusal, RefusalCode, accept};
pub use entity::{
    AnnotationValue, Aws, Cause, CauseDetail, Entity, Exception, Http, HttpRequest, HttpResponse,
    Kind, Link, Object, Service, Sql, StackFrame,
};
pub use names::{cut_bytes, cut_chars, sanitize_annotation_key, sanitize_name};
pub use parse::ParseError;
pub use rules::{Rule, Violation};
pub use shrink::Losses;
pub use split::{Parts, split};
pub use validate::validate;

#[cfg(test)]
pub(crate) mod arbitrary;
#[cfg(test)]
mod samples;
