//! The segment document: what X-Ray stores, as types.
//!
//! In: documents as bytes, from any SDK. Out: the same as values, and values as bytes. Owns
//! nothing and does no I/O. A *document* is the JSON text, a *segment* (or subsegment) what it
//! says; [`Entity`] is either. Rule: X-Ray developer guide, "Segment documents".

mod accept;
mod encode;
mod entity;
pub(crate) mod json;
pub mod limits;
mod names;
mod parse;
mod shrink;
mod split;
mod validate;

pub use accept::{Refusal, RefusalCode, accept};
pub use entity::{
    AnnotationValue, Aws, Cause, CauseDetail, Entity, Exception, Http, HttpRequest, HttpResponse,
    Kind, Link, Object, Service, Sql, StackFrame,
};
pub use names::{cut_bytes, cut_chars, sanitize_annotation_key, sanitize_name};
pub use parse::ParseError;
pub use shrink::Losses;
pub use split::{Parts, split};
pub use validate::{Rule, Violation, validate};

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod samples;
