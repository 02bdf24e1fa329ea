//! Filter expressions: which traces a person asks for.
//!
//! In: the text of an expression, and traces. Out: yes or no, what SQL can select beforehand, or
//! an error that says where and why. Pure: no I/O, no clock. Grammar and keywords: X-Ray developer
//! guide, "Use filter expressions"; error texts are those of the service.

mod error;
mod expression;
mod view;

pub use error::{FilterError, Hint};
pub use expression::{Filter, Pushdown, Range};
pub use view::{Groups, NoGroups, TraceView};
