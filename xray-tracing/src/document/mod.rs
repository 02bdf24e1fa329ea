//! The segment document: what X-Ray stores, as types.
//!
//! In: documents as bytes, from any SDK. Out: the same as values, and values as bytes. Owns
//! nothing and does no I/O. A *document* is the JSON text, a *segment* (or subsegment) what it
//! says; [`Entity`] is either. Rule: X-Ray developer guide, "Segment documents".

mod encode;
mod entity;
pub(crate) mod json;
mod parse;

pub use entity::{
    AnnotationValue, Aws, Cause, CauseDetail, Entity, Exception, Http, HttpRequest, HttpResponse,
    Kind, Link, Object, Service, Sql, StackFrame,
};
pub use parse::ParseError;

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod samples;
