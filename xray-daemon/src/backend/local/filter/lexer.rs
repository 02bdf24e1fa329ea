//! Cuts an expression into tokens.
//!
//! In: text. Out: tokens with the bytes they stand on, the last one [`TokenKind::End`]. Owns
//! nothing and never fails: what fits nothing is a token too, and the parser says so if it gets
//! there, so that the first mistake is the one that is told.

use std::ops::Range;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// Letters, digits, `_` and `.`, beginning with a letter.
    Word,
    /// The key of `annotation[key]`.
    Key(String),
    Text(String),
    Number(f64),
    Operator(Operator),
    /// One of `( ) { } , : !`
    Sign(char),
    /// `#[…]`, without the `#`.
    Json(String),
    /// A text, key or JSON whose end (the character) is missing.
    Unclosed(char),
    /// A character that fits nothing.
    Strange,
    End,
}

/// Compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    BeginsWith,
    EndsWith,
}

pub(super) fn lex(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new() };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    /// Reads one token; false after the last.
    fn step(&mut self) -> bool {
        self.skip(char::is_whitespace);
        let start = self.at;
        let Some(first) = self.next() else {
            self.push(start, TokenKind::End);
            return false;
        };
        let kind = match first {
            '"' => self.text(),
            '(' | ')' | '{' | '}' | ',' | ':' => TokenKind::Sign(first),
            '!' if self.take('=') => TokenKind::Operator(Operator::NotEqual),
            '!' => TokenKind::Sign('!'),
            '=' => TokenKind::Operator(Operator::Equal),
            '<' if self.take('=') => TokenKind::Operator(Operator::LessOrEqual),
            '<' => TokenKind::Operator(Operator::Less),
            '>' if self.take('=') => TokenKind::Operator(Operator::GreaterOrEqual),
            '>' => TokenKind::Operator(Operator::Greater),
            '[' if self.is_after_annotation(start) => self.key(),
            '#' if self.peek() == Some('[') => self.json(),
            '0'..='9' => self.number(start),
            '-' if self.peek().is_some_and(|next| next.is_ascii_digit()) => self.number(start),
            letter if letter.is_ascii_alphabetic() || letter == '_' => {
                self.skip(|next| next.is_ascii_alphanumeric() || next == '_' || next == '.');
                self.word(start)
            }
            _ => TokenKind::Strange,
        };
        self.push(start, kind);
        true
    }

    fn push(&mut self, start: usize, kind: TokenKind) {
        self.tokens.push(Token { kind, span: start..self.at });
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn skip(&mut self, belongs: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|next| !belongs(next)).unwrap_or(rest.len());
    }

    fn word(&self, start: usize) -> TokenKind {
        let word = self.text.get(start..self.at).unwrap_or_default();
        let operators = [
            ("CONTAINS", Operator::Contains),
            ("BEGINSWITH", Operator::BeginsWith),
            ("ENDSWITH", Operator::EndsWith),
        ];
        let found = operators.into_iter().find(|(text, _)| text.eq_ignore_ascii_case(word));
        found.map_or(TokenKind::Word, |(_, operator)| TokenKind::Operator(operator))
    }

    /// The rest of a text after its opening quote. Only `\"` and `\\` stand for something else.
    fn text(&mut self) -> TokenKind {
        let mut text = String::new();
        while let Some(next) = self.next() {
            match next {
                '"' => return TokenKind::Text(text),
                '\\' if self.take('"') => text.push('"'),
                '\\' if self.take('\\') => text.push('\\'),
                other => text.push(other),
            }
        }
        TokenKind::Unclosed('"')
    }

    /// Whether the bracket at `bracket` stands right behind the word `annotation`.
    fn is_after_annotation(&self, bracket: usize) -> bool {
        let last = self.tokens.last().filter(|last| last.span.end == bracket);
        let word = last.and_then(|last| self.text.get(last.span.clone())).unwrap_or_default();
        ["annotation", "source.annotation", "destination.annotation"]
            .into_iter()
            .any(|annotation| annotation.eq_ignore_ascii_case(word))
    }

    /// The rest of `[key]` or `["key"]`.
    fn key(&mut self) -> TokenKind {
        self.skip(char::is_whitespace);
        let key = if self.take('"') {
            match self.text() {
                TokenKind::Text(key) => key,
                unclosed => return unclosed,
            }
        } else {
            let start = self.at;
            self.skip(|next| !matches!(next, ']' | '"' | '[' | '\n'));
            self.text.get(start..self.at).unwrap_or_default().trim().to_owned()
        };
        self.skip(char::is_whitespace);
        if self.take(']') { TokenKind::Key(key) } else { TokenKind::Unclosed(']') }
    }

    /// The rest of `#[…]`, up to the bracket that closes the first.
    fn json(&mut self) -> TokenKind {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(next) = self.next() {
            match next {
                '"' => {
                    if let TokenKind::Unclosed(quote) = self.text() {
                        return TokenKind::Unclosed(quote);
                    }
                }
                '[' => depth += 1,
                ']' if depth == 1 => {
                    let json = self.text.get(start..self.at).unwrap_or_default();
                    return TokenKind::Json(json.to_owned());
                }
                ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        TokenKind::Unclosed(']')
    }

    fn number(&mut self, start: usize) -> TokenKind {
        let is_digit = |next: char| next.is_ascii_digit();
        self.skip(is_digit);
        let after = |lexer: &Self, count: usize| lexer.rest().chars().nth(count);
        if self.peek() == Some('.') && after(self, 1).is_some_and(is_digit) {
            self.take('.');
            self.skip(is_digit);
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            let sign = usize::from(matches!(after(self, 1), Some('+' | '-')));
            if after(self, 1 + sign).is_some_and(is_digit) {
                self.at += 1 + sign;
                self.skip(is_digit);
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => TokenKind::Number(number),
            _ => TokenKind::Strange,
        }
    }
}

impl Operator {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Contains => "CONTAINS",
            Self::BeginsWith => "BEGINSWITH",
            Self::EndsWith => "ENDSWITH",
        }
    }

    /// `=` and `!=`, which every value has.
    pub(super) fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }

    /// An operator of texts.
    pub(super) fn is_of_text(self) -> bool {
        matches!(self, Self::Contains | Self::BeginsWith | Self::EndsWith)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        lex(text).into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn texts_end_at_a_quote_that_is_not_escaped() {
        assert_eq!(
            kinds(r#""disk \"full\" \\ \d""#),
            [TokenKind::Text(r#"disk "full" \ \d"#.into()), TokenKind::End]
        );
        assert_eq!(kinds(r#""open \""#), [TokenKind::Unclosed('"'), TokenKind::End]);
    }

    #[test]
    fn numbers_take_a_fraction_and_an_exponent_only_when_complete() {
        assert_eq!(kinds("-1.5e-3"), [TokenKind::Number(-0.0015), TokenKind::End]);
        assert_eq!(kinds("5e"), [TokenKind::Number(5.0), TokenKind::Word, TokenKind::End]);
        assert_eq!(kinds("5."), [TokenKind::Number(5.0), TokenKind::Strange, TokenKind::End]);
        assert_eq!(kinds("- 5"), [TokenKind::Strange, TokenKind::Number(5.0), TokenKind::End]);
        assert_eq!(kinds("1e999"), [TokenKind::Strange, TokenKind::End]);
    }

    #[test]
    fn brackets_belong_to_annotations_alone() {
        assert_eq!(
            kinds(r#"annotation[order.id] annotation[ "a]b" ]"#),
            [
                TokenKind::Word,
                TokenKind::Key("order.id".into()),
                TokenKind::Word,
                TokenKind::Key("a]b".into()),
                TokenKind::End
            ]
        );
        assert_eq!(
            kinds("fault[x"),
            [TokenKind::Word, TokenKind::Strange, TokenKind::Word, TokenKind::End]
        );
        assert_eq!(
            kinds("annotation[x"),
            [TokenKind::Word, TokenKind::Unclosed(']'), TokenKind::End]
        );
    }

    #[test]
    fn json_ends_where_its_first_bracket_does() {
        assert_eq!(
            kinds(r#"#[{"a":["]"]}] ok"#),
            [TokenKind::Json(r#"[{"a":["]"]}]"#.into()), TokenKind::Word, TokenKind::End]
        );
        assert_eq!(kinds("#[[]"), [TokenKind::Unclosed(']'), TokenKind::End]);
    }

    #[test]
    fn spans_are_bytes() {
        let spans: Vec<_> = lex("é !=ok").into_iter().map(|token| token.span).collect();
        assert_eq!(spans, [0..2, 3..5, 5..7, 7..7]);
    }
}
