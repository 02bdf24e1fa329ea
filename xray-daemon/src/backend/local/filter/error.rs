//! Why an expression is not one, in the service's words, and what to write instead.

use std::ops::Range;

/// An expression that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// What the API answers: `Error Location: line 1, position 7 : Invalid input symbol: '&'`.
    pub message: String,
    /// The bytes of the expression that are wrong; empty at its end where something is missing.
    pub span: Range<usize>,
    /// What a person can do about it.
    pub hint: Option<Hint>,
}

/// A way out, for the search box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// A sentence: `There is no keyword "metod"; did you mean http.method?`
    pub text: String,
    /// What to put in the place of `FilterError::span`, where one thing is likely.
    pub replacement: Option<String>,
}
