//! Patterns with `*` (any text) and `?` (any one character).
//!
//! In: a pattern and texts. Out: whether they match. Owns the pattern. Never recurses and goes back
//! to the last `*` only: the time is at most pattern length × text length, whoever wrote them.
//! Hot path: a few comparisons a request, no allocation.

use std::fmt;

/// Whether upper and lower case are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// They are the same, as in sampling rules.
    #[default]
    Insensitive,
    /// They differ.
    Sensitive,
}

/// A pattern that texts are compared with. An empty pattern matches only empty text.
///
/// ```
/// use xray_tracing::sampling::Pattern;
/// let pattern = Pattern::new("/products*");
/// assert!(pattern.matches("/PRODUCTS/7"));
/// assert!(!pattern.matches("/cart"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    /// `text`, folded if case does not count.
    compared: Box<str>,
    case: Case,
    /// It is `*`: most patterns of most rules are.
    is_anything: bool,
}

impl Pattern {
    /// A pattern for which case does not count.
    pub fn new(text: impl Into<String>) -> Self {
        Self::with_case(text, Case::Insensitive)
    }

    /// A pattern for which case counts as `case` says.
    pub fn with_case(text: impl Into<String>, case: Case) -> Self {
        let text = text.into();
        let compared = text.chars().map(|char| folded(char, case)).collect();
        let is_anything = !text.is_empty() && text.bytes().all(|byte| byte == b'*');
        Self { text: text.into(), compared, case, is_anything }
    }

    /// `*`.
    pub fn anything() -> Self {
        Self::new("*")
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Every text matches: the pattern is `*`, or several of them.
    #[inline]
    pub fn is_anything(&self) -> bool {
        self.is_anything
    }

    /// All of `text` matches.
    #[inline]
    pub fn matches(&self, text: &str) -> bool {
        self.is_anything || self.compare(text)
    }

    fn compare(&self, text: &str) -> bool {
        let fold = |char| folded(char, self.case);
        if self.compared.is_ascii() && text.is_ascii() {
            let (pattern, text) = (self.compared.bytes(), text.bytes());
            matches(pattern.map(char::from), text.map(char::from), fold)
        } else {
            matches(self.compared.chars(), text.chars(), fold)
        }
    }
}

/// All of `text` matches `pattern`, which is folded already.
fn matches(
    mut pattern: impl Iterator<Item = char> + Clone,
    mut text: impl Iterator<Item = char> + Clone,
    fold: impl Fn(char) -> char,
) -> bool {
    // Where to go on after a mismatch: behind the last `*`, which then takes one character more.
    let mut retry = None;
    loop {
        let (mut behind, mut rest) = (pattern.clone(), text.clone());
        match (behind.next(), rest.next()) {
            (Some('*'), _) => {
                if behind.clone().next().is_none() {
                    return true;
                }
                retry = Some((behind.clone(), text.clone()));
                pattern = behind;
                continue;
            }
            (Some(wanted), Some(found)) if wanted == '?' || wanted == fold(found) => {
                (pattern, text) = (behind, rest);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((behind_star, taken)) = &mut retry else { return false };
        if taken.next().is_none() {
            return false;
        }
        (pattern, text) = (behind_star.clone(), taken.clone());
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// The one lower-case character of `char`, if case does not count and there is just one.
fn folded(char: char, case: Case) -> char {
    if case == Case::Sensitive {
        return char;
    }
    if char.is_ascii() {
        return char.to_ascii_lowercase();
    }
    let mut lower = char.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => char,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A pattern, texts that match it, `|`, texts that do not; `''` is the empty text. Source: tests
    /// of the X-Ray SDKs for Go, Java and Python.
    const CASES: &str = "
        ''       '' | whatever
        foo      foo | bar
        fo?      foo |
        f?o       | boo
        ?o?      foo |
        f??       | boo
        *oo      foo |
        foo*     foo | fo0
        fo*       | boo
        *o?      foo |
        f?*       | boo
        *        boo cAr |
        ?at      bat cat |
        ?o?se    horse mouse |
        *s       dogs horses |
        J*       Jeep |
        ????     ford | chevy
        */foo    /bar/foo |
        Foo      Foo FOO |
        Fo*      Foo0 FOO0 |
        Fo?      Foo FOO |
        abcd      | abc
        a        a |
        *a       a ba |
        a*       a ab |
        a*a      aa aba aaa |
        a*a*     aa aba aaa aaaaaaaaaaaaaaaaaaaaaaa |
        a*na*ha   | anananahahanahana
        **a      a |
        ***a     a |
        **a*     a |
        **a**    a |
        a**b     ab abb |
        *?       a aa aaa |
        *??      aa |
        *???      | aa
        ?        a |
        ??        | a
        ?*       a |
        ?*?      aa | a
        *?*      a |
        *?*a      | a
        *?*a*    ba |";

    /// The same, our own.
    const MORE_CASES: &str = "
        foo      FOO | fooo fo ''
        *        '' |
        ?        x é | ''
        *b       ab abb | abc
        a*b*c    abc aXbXc abcbc | acb ab
        ?É       né NÉ | ne
        /p*      /P /products?x=1 | /q p
        P*       POST PUT PATCH | GET DELETE
        **       '' x |";

    fn assert_cases(cases: &str) {
        let unquoted = |word: &str| if word == "''" { String::new() } else { word.to_owned() };
        for line in cases.lines().filter(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            let pattern = Pattern::new(unquoted(words.next().unwrap()));
            let mut expected = true;
            for word in words {
                if word == "|" {
                    expected = false;
                } else {
                    assert_eq!(pattern.matches(&unquoted(word)), expected, "{pattern} {word}");
                }
            }
            assert!(!expected, "no | in {line}");
        }
    }

    #[test]
    fn stars_take_any_text_and_question_marks_one_character() {
        assert_cases(CASES);
        assert_cases(MORE_CASES);
    }

    #[test]
    fn case_counts_only_if_asked() {
        let sensitive =
            |pattern: &str, text| Pattern::with_case(pattern, Case::Sensitive).matches(text);
        assert!(sensitive("Foo", "Foo") && sensitive("Fo*", "Foo0") && sensitive("Fo?", "FoO"));
        assert!(!sensitive("Foo", "FOO") && !sensitive("Fo*", "FOo0") && !sensitive("Fo?", "FOo"));
    }

    #[test]
    fn the_vectors_match_as_listed() {
        let Ok(vectors) = std::env::var("XRAY_VECTORS") else { return };
        let path = std::path::Path::new(&vectors).join("wildcards_and_headers.json");
        let vectors: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let cases = vectors["wildcard"].as_array().unwrap();
        assert!(cases.len() >= 74);
        for vector in cases {
            let text = |key: &str| vector[key].as_str().unwrap();
            let insensitive = vector["case_insensitive"].as_bool().unwrap();
            let case = if insensitive { Case::Insensitive } else { Case::Sensitive };
            let pattern = Pattern::with_case(text("pattern"), case);
            assert_eq!(Some(pattern.matches(text("text"))), vector["match"].as_bool(), "{vector}");
        }
    }

    #[test]
    fn only_stars_are_anything() {
        let anything = |pattern: &str| Pattern::new(pattern).is_anything();
        assert!(anything("*") && anything("**"));
        assert!(!anything("") && !anything("*?") && !anything("a*"));
    }

    #[test]
    fn hostile_patterns_take_no_longer_than_pattern_times_text() {
        // With backtracking over every star this would not end.
        let pattern = Pattern::new("*a".repeat(60) + "b");
        assert!(!pattern.matches(&"a".repeat(20_000)));
    }

    /// What a pattern means, said in the simplest way.
    fn means(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', behind)), _) => (0..=text.len()).any(|taken| means(behind, &text[taken..])),
            (Some(('?', behind)), Some((_, rest))) => means(behind, rest),
            (Some((wanted, behind)), Some((found, rest))) => wanted == found && means(behind, rest),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn patterns_mean_what_the_simplest_matcher_says(pattern in "[ab?*]{0,7}", text in "[ab]{0,9}") {
            let (pattern_chars, text_chars): (Vec<char>, Vec<char>) =
                (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(
                Pattern::with_case(pattern, Case::Sensitive).matches(&text),
                means(&pattern_chars, &text_chars)
            );
        }

        #[test]
        fn a_text_without_wildcards_matches_itself(text in "[^*?]{0,20}") {
            prop_assert!(Pattern::new(text.clone()).matches(&text));
        }
    }
}
