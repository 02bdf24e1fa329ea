//! Why an expression is not one, in the service's words, and what to write instead.
//!
//! In: a place in the expression. Out: the text that the service answers, with line and column,
//! and the bytes for the search box to mark. Owns nothing.

use std::ops::Range;

use super::Hint;
use super::keyword::all_words;

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

impl FilterError {
    /// A symbol that fits nothing, or nothing here. Of a word only so much is named as it takes to
    /// see that it is none of `expected` (the service's lexer reads no farther).
    pub(super) fn symbol<'a>(
        text: &str,
        span: Range<usize>,
        expected: impl Iterator<Item = &'a str>,
    ) -> Self {
        let symbol = text.get(span.clone()).unwrap_or_default();
        let symbol = cut_to_first_misfit(symbol, expected);
        Self::at(text, span, &format!("Invalid input symbol: '{symbol}'"))
    }

    /// A word that is no keyword at all.
    pub(super) fn unknown_word(text: &str, span: Range<usize>) -> Self {
        Self::symbol(text, span, all_words())
    }

    /// Something that is known, but not allowed here: named in full.
    pub(super) fn misplaced(text: &str, span: Range<usize>) -> Self {
        let symbol = text.get(span.clone()).unwrap_or_default().to_owned();
        Self::at(text, span, &format!("Invalid input symbol: '{symbol}'"))
    }

    /// `what` is missing at the end of the expression.
    pub(super) fn missing(text: &str, what: &str) -> Self {
        let end = text.len();
        Self::at(text, end..end, &format!("missing {what} at end of expression"))
    }

    /// Any other mistake at a place.
    pub(super) fn at(text: &str, span: Range<usize>, what: &str) -> Self {
        let before = text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        let message = format!("Error Location: line {line}, position {column} : {what}");
        Self { message, span, hint: None }
    }

    pub(super) fn with_hint(mut self, hint: Option<Hint>) -> Self {
        self.hint = hint;
        self
    }
}

/// The letters of `symbol` up to and including the first with which none of `words` goes on.
fn cut_to_first_misfit<'a>(symbol: &str, words: impl Iterator<Item = &'a str>) -> String {
    let is_letter_of_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let word_like = symbol.chars().next().is_some_and(is_letter_of_word);
    if !word_like {
        return symbol.chars().take(1).collect();
    }
    let common = |word: &str| {
        let letters = symbol.chars().zip(word.chars());
        letters.take_while(|(one, other)| one.eq_ignore_ascii_case(other)).count()
    };
    let fits = words.map(common).max().unwrap_or(0);
    symbol.chars().take(fits + 1).collect()
}
