//! Takes the values out of SQL text: what is left can be kept and compared.
//!
//! In: a statement in any dialect. Out: the same with `?` for each literal, comments left out.
//! Owns nothing. It scans, it does not parse: text that is not SQL only loses its quoted parts and
//! numbers.

/// Longest statement that is kept.
const MAX_BYTES: usize = 4_096;

/// Replaces string and number literals by `?`; leaves out comments.
pub(crate) fn sanitize(sql: &str) -> String {
    let end = sql.floor_char_boundary(MAX_BYTES);
    let (text, is_cut) = (sql.get(..end).unwrap_or(sql), end < sql.len());
    let mut scanner = Scanner { rest: text, out: String::with_capacity(text.len()) };
    while scanner.step() {}
    if is_cut {
        scanner.out.push('…');
    }
    scanner.out
}

struct Scanner<'a> {
    rest: &'a str,
    out: String,
}

impl Scanner<'_> {
    /// Takes one token; false at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        match first {
            '\'' => self.literal(after_quoted(self.rest, '\'')),
            '"' | '`' => self.copy(after_quoted(self.rest, first)),
            '-' if self.rest.starts_with("--") => {
                self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            }
            '/' if self.rest.starts_with("/*") => {
                self.skip(self.rest.find("*/").map_or(self.rest.len(), |at| at + 2));
            }
            '$' => match after_dollar_quoted(self.rest) {
                Some(end) => self.literal(end),
                None => self.copy(after_word(self.rest)), // $1: a placeholder already
            },
            '0'..='9' => self.literal(after_number(self.rest)),
            '.' if self.rest.chars().nth(1).is_some_and(|next| next.is_ascii_digit()) => {
                self.literal(1 + after_number(self.rest.get(1..).unwrap_or_default()));
            }
            _ if is_word(first) => self.word(after_word(self.rest)),
            _ => self.copy(first.len_utf8()),
        }
        true
    }

    /// A name, or the letters before a string: `E'..'`, `N'..'`, `x'..'`.
    fn word(&mut self, end: usize) {
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        if rest.starts_with('\'') && word.len() <= 2 && word.chars().all(char::is_alphabetic) {
            self.rest = rest;
        } else {
            self.copy(end);
        }
    }

    fn literal(&mut self, end: usize) {
        self.out.push('?');
        self.skip(end);
    }

    fn copy(&mut self, end: usize) {
        self.out.push_str(self.rest.get(..end).unwrap_or(self.rest));
        self.skip(end);
    }

    fn skip(&mut self, end: usize) {
        self.rest = self.rest.get(end..).unwrap_or_default();
    }
}

/// Where a quoted text ends that begins here; a doubled quote or one behind `\` is part of it.
fn after_quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        if char == '\\' && quote == '\'' {
            chars.next();
        } else if char == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => drop(chars.next()),
                _ => return at + quote.len_utf8(),
            }
        }
    }
    text.len()
}

/// PostgreSQL: `$tag$ … $tag$`, the tag may be empty.
fn after_dollar_quoted(text: &str) -> Option<usize> {
    let (tag, _) = text.strip_prefix('$')?.split_once('$')?;
    if tag.starts_with(|first: char| first.is_ascii_digit()) || !tag.chars().all(is_word) {
        return None;
    }
    let mark = tag.len() + 2;
    let (open, body) = text.split_at_checked(mark)?;
    Some(body.find(open).map_or(text.len(), |at| mark + at + mark))
}

/// `12`, `1.5`, `1e-9`, `0xff`.
fn after_number(text: &str) -> usize {
    let mut before = '0';
    let end = text.find(|char: char| {
        let is_sign_of_exponent = (char == '-' || char == '+') && matches!(before, 'e' | 'E');
        let goes_on =
            char.is_ascii_alphanumeric() || char == '.' || char == '_' || is_sign_of_exponent;
        before = char;
        !goes_on
    });
    end.unwrap_or(text.len())
}

fn after_word(text: &str) -> usize {
    let mut chars = text.char_indices();
    chars.next();
    chars.find(|(_, char)| !is_word(*char)).map_or(text.len(), |(at, _)| at)
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn literals_become_question_marks() {
        for (sql, expected) in [
            ("SELECT * FROM t WHERE id = 42", "SELECT * FROM t WHERE id = ?"),
            ("SELECT 'it''s', \"col 1\", `b`", "SELECT ?, \"col 1\", `b`"),
            ("WHERE a = 'x\\' OR 1=1' AND b=-1.5e-9", "WHERE a = ? AND b=-?"),
            (
                "INSERT INTO t2 VALUES ($1, ?, :name, @p1)",
                "INSERT INTO t2 VALUES ($1, ?, :name, @p1)",
            ),
            ("SELECT E'a\\'b', N'x', x'ff', 0xff, .5", "SELECT ?, ?, ?, ?, ?"),
            ("SELECT $$secret$$, $tag$it's $$ x$tag$, 1", "SELECT ?, ?, ?"),
            ("SELECT 1 -- token 'abc'\nFROM t /* 42 */", "SELECT ? \nFROM t "),
            ("VALUES ('never closed", "VALUES (?"),
            ("", ""),
        ] {
            assert_eq!(sanitize(sql), expected, "{sql}");
        }
    }

    #[test]
    fn a_long_statement_is_cut() {
        let cut = sanitize(&"é ".repeat(MAX_BYTES));
        assert!(cut.len() <= MAX_BYTES + 3 && cut.ends_with('…'));
    }

    proptest! {
        #[test]
        fn any_text_ends(sql in any::<String>()) {
            sanitize(&sql);
        }

        #[test]
        fn what_is_quoted_does_not_come_out(secret in "[a-z]{8,20}", sql in "[a-z0-9 =,()]{0,30}") {
            prop_assume!(!sql.contains(&secret));
            let text = format!("{sql} '{secret}' {sql}");
            prop_assert!(!sanitize(&text).contains(&secret));
        }
    }
}
