//! Every word of the console, in English and Spanish.
//!
//! A page prints `t.traces.title`, never a literal, so that a missing translation does not
//! compile. Sentences with values in them are patterns: `{0}` and `{1}` stand for what
//! [`fill`] puts there. Service, rule and key names are never translated.

mod en;
mod es;
mod words;

pub(crate) use words::{QueryText, SamplingText, Text};

/// Language of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lang {
    /// English.
    #[default]
    En,
    /// Spanish.
    Es,
}

impl Lang {
    /// From `?lang=`, the cookie, or a tag of `Accept-Language`: `es`, `es-CO`, `en`.
    pub(crate) fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', ';']).next()?.trim();
        match primary {
            primary if primary.eq_ignore_ascii_case("en") => Some(Self::En),
            primary if primary.eq_ignore_ascii_case("es") => Some(Self::Es),
            _ => None,
        }
    }

    /// The first language of an `Accept-Language` header that we speak. Weights are not read:
    /// browsers send the tags in order.
    pub(crate) fn accepted(header: &str) -> Option<Self> {
        header.split(',').take(16).find_map(|tag| Self::parse(tag.trim()))
    }

    /// For `<html lang>`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }

    /// As a link that changes to it.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::En => "EN",
            Self::Es => "ES",
        }
    }

    /// All texts in this language.
    pub(crate) fn text(self) -> &'static Text {
        match self {
            Self::En => &en::TEXT,
            Self::Es => &es::TEXT,
        }
    }
}

/// Puts `values` in the places `{0}`, `{1}`… of `pattern`.
pub(crate) fn fill(pattern: &str, values: &[&str]) -> String {
    let mut filled = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let place = after.split_once('}').and_then(|(place, tail)| {
            let value = values.get(place.parse::<usize>().ok()?)?;
            Some((*value, tail))
        });
        match place {
            Some((value, tail)) => {
                filled.push_str(value);
                rest = tail;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_filled_in_any_order() {
        assert_eq!(fill("{0} of {1} match", &["412", "3,186"]), "412 of 3,186 match");
        assert_eq!(fill("de {1}, {0}", &["a", "b"]), "de b, a");
        assert_eq!(fill("plain", &["a"]), "plain");
    }

    #[test]
    fn what_is_no_place_stays_and_values_are_not_filled_again() {
        assert_eq!(fill("service(…) {fault} {9}", &["a"]), "service(…) {fault} {9}");
        assert_eq!(fill("{0}", &["{0}"]), "{0}");
    }

    #[test]
    fn the_first_language_that_we_speak_is_taken() {
        assert_eq!(Lang::accepted("de-DE, es-CO;q=0.8, en;q=0.7"), Some(Lang::Es));
        assert_eq!(Lang::accepted("en-US,en;q=0.9"), Some(Lang::En));
        assert_eq!(Lang::accepted("fr"), None);
        assert_eq!(Lang::parse("ES"), Some(Lang::Es));
    }
}
