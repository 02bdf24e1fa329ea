//! Reads an expression: tokens to tree, or the first mistake with its place.
//!
//! In: text. Out: an [`Expression`], or a [`FilterError`]. Owns the tokens while it reads.
//! Precedence: `!` before AND (which may be left out) before OR. Nesting is bounded, so the
//! recursion is.

use std::ops::Range;

use super::expression_tree::Expression;
use super::keyword::Place;
use super::lexer::{Token, TokenKind, lex};
use super::{FilterError, Hint};

/// Deepest nesting of parentheses, braces and `!`.
const MAX_DEPTH: usize = 128;
/// Longest expression, in bytes.
const MAX_BYTES: usize = 16 * 1024;

pub(super) type Parsed<T> = Result<T, FilterError>;

/// The tree of `text`; none if it is empty.
pub(super) fn parse(text: &str) -> Parsed<Option<Expression>> {
    if text.len() > MAX_BYTES {
        let message = format!("expression longer than {MAX_BYTES} bytes");
        return Err(FilterError::at(text, text.len()..text.len(), &message));
    }
    let mut parser = Parser { text, tokens: lex(text), at: 0, depth: 0 };
    if parser.peek() == Some(&TokenKind::End) {
        return Ok(None);
    }
    let expression = parser.or(Place::Trace)?;
    match parser.peek() {
        Some(TokenKind::End) | None => Ok(Some(expression)),
        Some(_) => Err(parser.unexpected()),
    }
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    tokens: Vec<Token>,
    /// The token that is next.
    pub(super) at: usize,
    depth: usize,
}

impl Parser<'_> {
    pub(super) fn or(&mut self, place: Place) -> Parsed<Expression> {
        let first = self.and(place)?;
        let mut parts = vec![first];
        while self.take_word("OR") {
            parts.push(self.and(place)?);
        }
        Ok(one_or(parts, Expression::Or))
    }

    fn and(&mut self, place: Place) -> Parsed<Expression> {
        let first = self.unary(place)?;
        let mut parts = vec![first];
        while self.take_word("AND") || self.begins_condition() {
            parts.push(self.unary(place)?);
        }
        Ok(one_or(parts, Expression::And))
    }

    /// A word other than OR, `!` or `(`: the next condition, joined by nothing.
    fn begins_condition(&self) -> bool {
        match self.peek() {
            Some(TokenKind::Word) => !self.word().eq_ignore_ascii_case("OR"),
            Some(TokenKind::Sign(sign)) => matches!(sign, '!' | '('),
            _ => false,
        }
    }

    fn unary(&mut self, place: Place) -> Parsed<Expression> {
        if self.peek() == Some(&TokenKind::Sign('!')) {
            let inner = self.nested(|parser| {
                parser.at += 1;
                parser.unary(place)
            })?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        if self.peek() == Some(&TokenKind::Sign('(')) {
            return self.nested(|parser| {
                parser.at += 1;
                let inner = parser.or(place)?;
                parser.expect(')')?;
                Ok(inner)
            });
        }
        self.condition(place).map(Expression::Is)
    }

    /// Runs `read` one level deeper.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            let what = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(FilterError::at(self.text, self.span(), &what));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    pub(super) fn expect(&mut self, sign: char) -> Parsed<()> {
        if self.peek() == Some(&TokenKind::Sign(sign)) {
            self.at += 1;
            return Ok(());
        }
        Err(self.expected(&format!("'{sign}'")))
    }

    pub(super) fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    pub(super) fn span(&self) -> Range<usize> {
        let end = self.text.len();
        self.tokens.get(self.at).map_or(end..end, |token| token.span.clone())
    }

    /// The text of the token here.
    pub(super) fn symbol(&self) -> &str {
        self.text.get(self.span()).unwrap_or_default()
    }

    /// The word here; empty if there is none.
    pub(super) fn word(&self) -> &str {
        if self.peek() == Some(&TokenKind::Word) { self.symbol() } else { "" }
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.word().eq_ignore_ascii_case(word);
        self.at += usize::from(found);
        found
    }

    /// The mistake that `what` does not stand here.
    pub(super) fn expected(&self, what: &str) -> FilterError {
        match self.peek() {
            Some(TokenKind::End) | None => FilterError::missing(self.text, what),
            Some(_) => self.unexpected(),
        }
    }

    pub(super) fn unexpected_of(&self, words: &[&str]) -> FilterError {
        match self.peek() {
            Some(TokenKind::Word) => {
                FilterError::symbol(self.text, self.span(), words.iter().copied())
            }
            _ => self.expected("service name"),
        }
    }

    /// The mistake that the token here does not belong.
    pub(super) fn unexpected(&self) -> FilterError {
        match self.peek() {
            Some(TokenKind::Unclosed(end)) => {
                let mut error = FilterError::missing(self.text, &format!("'{end}'"));
                error.span = self.span();
                error
            }
            Some(TokenKind::Word) => FilterError::unknown_word(self.text, self.span()),
            Some(TokenKind::Operator(_) | TokenKind::Number(_)) => {
                FilterError::misplaced(self.text, self.span())
            }
            _ => {
                let error = FilterError::unknown_word(self.text, self.span());
                error.with_hint(Hint::for_sign(self.symbol()))
            }
        }
    }

    /// The mistake that a keyword may not stand here.
    pub(super) fn misplaced(&self, place: Place) -> FilterError {
        let error = FilterError::misplaced(self.text, self.span());
        error.with_hint(Hint::for_place(self.word(), place))
    }
}

fn one_or(mut parts: Vec<Expression>, all: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            all(parts)
        }
        None => all(parts),
    }
}
