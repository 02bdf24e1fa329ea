//! The rules of the segment document, and how a broken one is named.
//!
//! Owns nothing. Source: X-Ray developer guide, "Segment documents"; the numbers are in
//! [`limits`](super::limits).

use std::fmt;

/// A rule of the segment document. Source: X-Ray developer guide, "Segment documents".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// The field is missing.
    #[error("must be given")]
    Required,
    /// The value has a type or form that X-Ray cannot use.
    #[error("has a type or form that X-Ray does not know here")]
    Form,
    /// Too long a name.
    #[error("has more than 200 characters; the service cuts it")]
    NameLength,
    /// A character that names may not have.
    #[error(r"has characters other than letters, digits, spaces and _ . : / % & # = + \ - @")]
    NameCharacters,
    /// Both or neither of `end_time` and `in_progress`.
    #[error("must be given, or in_progress, but not both")]
    EndOrInProgress,
    /// The end lies before the start.
    #[error("is before start_time")]
    EndBeforeStart,
    /// A time that is no number.
    #[error("is not a finite number")]
    Finite,
    /// Subsegments have no such field.
    #[error("belongs to segments only")]
    SegmentsOnly,
    /// Segments have no such field.
    #[error("belongs to subsegments only")]
    SubsegmentsOnly,
    /// Another namespace.
    #[error("is not one of aws, remote and local")]
    Namespace,
    /// Not a key.
    #[error("has a key other than 1 to 500 letters, digits, _ and . of ASCII")]
    AnnotationKey,
    /// Too long a value.
    #[error("has more than 1000 characters")]
    AnnotationLength,
    /// Too many annotations.
    #[error("has more than 50 entries in the document; X-Ray indexes 50 of a trace")]
    AnnotationCount,
    /// A namespace that AWS keeps for itself.
    #[error("begins with AWS., which is reserved")]
    ReservedNamespace,
    /// Too long a text.
    #[error("has more than 250 characters")]
    TextLength,
    /// Not a status of HTTP.
    #[error("is not from 100 to 599")]
    HttpStatus,
    /// Not an id.
    #[error("is not 16 characters long")]
    ExceptionId,
    /// Not a preparation.
    #[error("is not one of call and statement")]
    Preparation,
    /// Too many links.
    #[error("has more than 20 entries")]
    LinkCount,
    /// Too large.
    #[error("is larger than 64 KiB")]
    DocumentSize,
}

/// A field and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field: `subsegments[2].http.request.url`; empty for the whole document. Keys that others
    /// chose are in it as they came.
    pub path: String,
    /// What it breaks.
    pub rule: Rule,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the document" } else { &self.path };
        write!(f, "{path} {}", self.rule)
    }
}
