//! Filter expressions: which traces a person asks for.
//!
//! In: the text of an expression, and traces. Out: yes or no, what SQL can select beforehand, or
//! an error that says where and why. Pure: no I/O, no clock. Grammar and keywords: X-Ray developer
//! guide, "Use filter expressions"; error texts are those of the service.

mod error;
mod hint;
mod keyword;

mod condition;
mod expression_tree;
mod lexer;
mod parser;

mod cause_json;
mod evaluate;
mod subjects;
mod view;

mod expression;
mod health;
mod pushdown;

pub use error::FilterError;
pub use expression::Filter;
pub use health::{HEALTH_CHECKS, is_health_check};
pub use hint::Hint;
pub use keyword::{FieldKind, KEYWORDS, Keyword};
pub use pushdown::{Pushdown, Range, TextPart};
pub use view::{Groups, NoGroups, TraceView};

#[cfg(test)]
mod tests;
