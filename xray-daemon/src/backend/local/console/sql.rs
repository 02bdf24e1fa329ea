//! A statement as coloured pieces: keywords, literals, the rest. It is shown as it came; nothing is
//! reformatted, so that it can be copied and run.

use super::json::Piece;

const KEYWORDS: &[&str] = &[
    "ALL",
    "ALTER",
    "AND",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BY",
    "CASE",
    "COMMIT",
    "CONFLICT",
    "CREATE",
    "CROSS",
    "DELETE",
    "DESC",
    "DISTINCT",
    "DO",
    "DROP",
    "ELSE",
    "END",
    "EXISTS",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INDEX",
    "INNER",
    "INSERT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NOTHING",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "PRIMARY",
    "RETURNING",
    "RIGHT",
    "ROLLBACK",
    "SELECT",
    "SET",
    "TABLE",
    "THEN",
    "UNION",
    "UPDATE",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];
/// Most bytes that are coloured; the rest is plain.
const MAX_COLOURED: usize = 20_000;

/// The pieces of `statement`, joined the same text.
pub(crate) fn pieces(statement: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = statement;
    while let Some(first) = rest.chars().next() {
        let done = statement.len() - rest.len();
        let (class, length) =
            if done > MAX_COLOURED { ("", rest.len()) } else { next(rest, first) };
        let (text, tail) = rest.split_at(length);
        match pieces.last_mut() {
            Some(last) if last.class == class => last.text.push_str(text),
            _ => pieces.push(Piece { class, text: text.to_owned() }),
        }
        rest = tail;
    }
    pieces
}

/// Class and length in bytes of the piece at the front.
fn next(rest: &str, first: char) -> (&'static str, usize) {
    let span = |keep: fn(char) -> bool| {
        rest.char_indices().find(|(_, c)| !keep(*c)).map_or(rest.len(), |(at, _)| at)
    };
    match first {
        '\'' => {
            let closed = rest.char_indices().skip(1).find(|(_, c)| *c == '\'');
            ("ts", closed.map_or(rest.len(), |(at, _)| at + 1))
        }
        '-' if rest.starts_with("--") => ("tc", span(|c| c != '\n')),
        '$' | '?' | ':' | '@' => {
            let name = rest.char_indices().skip(1).find(|(_, c)| !c.is_ascii_alphanumeric());
            ("tn", name.map_or(rest.len(), |(at, _)| at))
        }
        c if c.is_ascii_digit() => ("tn", span(|c| c.is_ascii_digit() || c == '.')),
        c if c.is_alphabetic() || c == '_' => {
            let length = span(|c| c.is_alphanumeric() || c == '_');
            let (word, _) = rest.split_at(length);
            let keyword = KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word));
            (if keyword { "tk" } else { "" }, length)
        }
        c => ("", c.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_and_literals_have_a_class() {
        let pieces = pieces("insert INTO products (id) VALUES (?1, 'a b', 14) -- x");
        let coloured: Vec<_> = pieces
            .iter()
            .filter(|piece| !piece.class.is_empty())
            .map(|p| p.text.as_str())
            .collect();
        assert_eq!(coloured, ["insert", "INTO", "VALUES", "?1", "'a b'", "14", "-- x"]);
    }

    #[test]
    fn any_text_comes_back_as_it_was() {
        for text in ["", "'open", "é 'ñ' ?", "a\n--", "::int", "SELECT 1.5", &"x ".repeat(30_000)]
        {
            let joined: String = pieces(text).into_iter().map(|piece| piece.text).collect();
            assert_eq!(joined, text);
        }
    }
}
