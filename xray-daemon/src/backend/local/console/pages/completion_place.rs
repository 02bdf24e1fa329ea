//! What can stand where the cursor is in a filter expression.
//!
//! In: the text before the cursor. Out: what kind of thing is being written, and how much of it is
//! there already. Owns nothing. Tolerant: half a filter is what is typed most of the time.

/// What is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A keyword of the language.
    Keyword,
    /// `AND`, `OR`, a comparison: something was complete before.
    Operator,
    /// The name of a service, quoted.
    Service,
    /// A key behind `annotation.`.
    AnnotationKey,
    /// A value of this annotation.
    AnnotationValue(String),
    /// The name of a group, quoted.
    Group,
    /// A method, quoted.
    Method,
    /// `true` or `false`.
    Bool,
    /// A value that nothing is known of.
    Nothing,
}

/// The place of the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) wanted: Wanted,
    /// What is written of it, without quotes.
    pub(crate) begun: String,
    /// Where it begins, in bytes.
    pub(crate) from: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

impl Place {
    /// The place at the end of `before`.
    pub(crate) fn at_end(before: &str) -> Self {
        let (tokens, open) = tokens(before);
        let (begun, from) = match &open {
            Some((Token::Word(word), from)) => (word.clone(), *from),
            Some((Token::Text(text), from)) => (text.clone(), *from),
            _ => (String::new(), before.len()),
        };
        let quoted = matches!(open, Some((Token::Text(_), _)));
        Self { wanted: wanted(&tokens, &begun, quoted), begun, from }.behind_the_dot()
    }

    /// `annotation.pro` is a key of which `pro` is written.
    fn behind_the_dot(mut self) -> Self {
        if self.wanted == Wanted::AnnotationKey {
            let kept = self.begun.rfind('.').map_or(0, |dot| dot + 1);
            self.begun = self.begun.split_off(kept);
            self.from += kept;
        }
        self
    }
}

/// The tokens before the one being written, and that one with its start.
fn tokens(text: &str) -> (Vec<Token>, Option<(Token, usize)>) {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let start = text.len() - rest.len();
        if first == '"' {
            let (content, length, closed) = string(rest);
            if !closed {
                return (tokens, Some((Token::Text(content), start)));
            }
            tokens.push(Token::Text(content));
            rest = rest.split_at(length).1;
        } else if is_word(first) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            if after.is_empty() {
                return (tokens, Some((Token::Word(word.to_owned()), start)));
            }
            tokens.push(Token::Word(word.to_owned()));
            rest = after;
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Sign(first));
            }
            rest = rest.split_at(first.len_utf8()).1;
        }
    }
    (tokens, None)
}

/// Content, length with quotes, and whether the string at the front of `rest` ends.
fn string(rest: &str) -> (String, usize, bool) {
    let mut content = String::new();
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => {
                content.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (content, at + 1, true),
            c => content.push(c),
        }
    }
    (content, rest.len(), false)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-')
}

fn wanted(before: &[Token], begun: &str, quoted: bool) -> Wanted {
    if !quoted && is_annotation(begun) {
        return Wanted::AnnotationKey;
    }
    if inside_name(before) {
        return Wanted::Service;
    }
    // Skip the signs of a comparison, or its word.
    let mut signs = before.iter().rev().take_while(|token| is_comparison(token)).count();
    // `!=` is a comparison, `!` alone is none.
    if signs > 0 && before.iter().rev().nth(signs) == Some(&Token::Sign('!')) {
        signs += 1;
    }
    let subject = before.len().checked_sub(signs + 1).and_then(|at| before.get(at));
    if signs > 0 {
        return value_of(subject, before.get(..before.len() - signs).unwrap_or_default());
    }
    if quoted {
        return Wanted::Nothing;
    }
    match before.last() {
        None => Wanted::Keyword,
        Some(Token::Sign('(' | '{' | '!' | ',')) => Wanted::Keyword,
        Some(Token::Word(word)) if is_connective(word) => Wanted::Keyword,
        Some(_) => Wanted::Operator,
    }
}

/// Behind `service(`, `edge(`, `edge("a",` or `name:`.
fn inside_name(before: &[Token]) -> bool {
    let word = |at: usize, wanted: &str| {
        let at = before.len().checked_sub(at);
        at.and_then(|at| before.get(at)).is_some_and(
            |token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted)),
        )
    };
    match before.last() {
        Some(Token::Sign('(')) => word(2, "service") || word(2, "edge"),
        Some(Token::Sign(',')) => {
            let open = before.iter().rposition(|token| *token == Token::Sign('('));
            let name = open.and_then(|at| at.checked_sub(1)).and_then(|at| before.get(at));
            matches!(name, Some(Token::Word(word)) if word.eq_ignore_ascii_case("edge"))
        }
        Some(Token::Sign(':')) => word(2, "name"),
        _ => false,
    }
}

fn value_of(subject: Option<&Token>, before: &[Token]) -> Wanted {
    match subject {
        Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
            _ if is_annotation(word) => {
                let key = word.split_once('.').map_or("", |(_, key)| key);
                Wanted::AnnotationValue(key.to_owned())
            }
            "group.name" => Wanted::Group,
            "http.method" => Wanted::Method,
            "ok" | "error" | "fault" | "throttle" | "partial" => Wanted::Bool,
            "name" => Wanted::Service,
            _ => Wanted::Nothing,
        },
        // `annotation[key] =`
        Some(Token::Sign(']')) => match before.get(before.len().wrapping_sub(2)) {
            Some(Token::Word(key) | Token::Text(key)) => Wanted::AnnotationValue(key.clone()),
            _ => Wanted::Nothing,
        },
        _ => Wanted::Nothing,
    }
}

fn is_annotation(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    ["annotation.", "source.annotation.", "destination.annotation."]
        .iter()
        .any(|prefix| word.starts_with(prefix))
}

fn is_comparison(token: &Token) -> bool {
    match token {
        Token::Sign(sign) => matches!(sign, '=' | '<' | '>'),
        Token::Word(word) => {
            ["contains", "beginswith", "endswith"].iter().any(|it| it.eq_ignore_ascii_case(word))
        }
        Token::Text(_) => false,
    }
}

fn is_connective(word: &str) -> bool {
    word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(before: &str) -> (Wanted, String, usize) {
        let place = Place::at_end(before);
        (place.wanted, place.begun, place.from)
    }

    fn wanted(before: &str) -> Wanted {
        place(before).0
    }

    #[test]
    fn a_filter_begins_with_a_keyword() {
        assert_eq!(place(""), (Wanted::Keyword, String::new(), 0));
        assert_eq!(place("resp"), (Wanted::Keyword, "resp".into(), 0));
        for before in ["fault AND ", "!", "(", "service(\"a\") { ", "ok or "] {
            assert_eq!(wanted(before), Wanted::Keyword, "{before}");
        }
    }

    #[test]
    fn behind_something_complete_comes_an_operator() {
        for before in ["fault ", "service(\"a\") ", "responsetime > 5 ", "user = \"a\" "] {
            assert_eq!(wanted(before), Wanted::Operator, "{before}");
        }
        assert_eq!(place("fault AN"), (Wanted::Operator, "AN".into(), 6));
    }

    #[test]
    fn names_of_services_stand_in_quotes_behind_service_and_edge() {
        assert_eq!(place("service(\"Fro"), (Wanted::Service, "Fro".into(), 8));
        assert_eq!(place("service("), (Wanted::Service, String::new(), 8));
        assert_eq!(wanted("edge(\"a\", \""), Wanted::Service);
        assert_eq!(wanted("service(id(name: \""), Wanted::Service);
        assert_eq!(wanted("service() { name = \""), Wanted::Service);
    }

    #[test]
    fn annotations_have_keys_and_values() {
        assert_eq!(place("annotation.pro"), (Wanted::AnnotationKey, "pro".into(), 11));
        assert_eq!(place("ok AND annotation."), (Wanted::AnnotationKey, String::new(), 18));
        let value = |key: &str| Wanted::AnnotationValue(key.into());
        assert_eq!(place("annotation.product_id = 1"), (value("product_id"), "1".into(), 24));
        assert_eq!(wanted("annotation.k != \"a"), value("k"));
        assert_eq!(wanted("annotation[order.id] = "), value("order.id"));
        assert_eq!(wanted("annotation[\"a b\"] = "), value("a b"));
    }

    #[test]
    fn other_values_are_known_or_not() {
        assert_eq!(wanted("group.name = \""), Wanted::Group);
        assert_eq!(wanted("http.method = "), Wanted::Method);
        assert_eq!(wanted("fault = "), Wanted::Bool);
        assert_eq!(wanted("responsetime > "), Wanted::Nothing);
        assert_eq!(wanted("http.url CONTAINS \"/a"), Wanted::Nothing);
    }

    #[test]
    fn strange_text_ends_somewhere() {
        for before in ["é\"\\", "]]] =", "= = =", "\"", ",", ":", "] = "] {
            Place::at_end(before);
        }
    }
}
