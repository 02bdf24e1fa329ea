//! The two languages, how one is chosen, and how each writes numbers.

use super::{Words, en, es};

/// A language of the shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lang {
    #[default]
    En,
    Es,
}

impl Lang {
    /// `en` or `es`, if `tag` is one of them.
    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        match tag {
            "en" => Some(Self::En),
            "es" => Some(Self::Es),
            _ => None,
        }
    }

    /// The first language of an `Accept-Language` header that we speak. Browsers write it in order
    /// of preference, so the weights need no reading.
    pub(crate) fn accepted(header: &str) -> Self {
        header
            .split(',')
            .filter_map(|range| range.split([';', '-']).next())
            .find_map(|tag| Self::from_tag(&tag.trim().to_ascii_lowercase()))
            .unwrap_or_default()
    }

    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::En => &en::WORDS,
            Self::Es => &es::WORDS,
        }
    }

    /// A duration as a page shows it: `1.8 ms`, `46 ms`, `1.2 s`.
    pub(crate) fn ms(self, ms: f64) -> String {
        if ms < 9.95 {
            format!("{} ms", self.decimal(ms))
        } else if ms < 999.5 {
            format!("{ms:.0} ms")
        } else {
            format!("{} s", self.decimal(ms / 1_000.0))
        }
    }

    /// A rate: `2.4/s`, `214/s`.
    pub(crate) fn per_s(self, rate: f64) -> String {
        if rate < 9.95 { format!("{}/s", self.decimal(rate)) } else { format!("{rate:.0}/s") }
    }

    /// One decimal, with the language's own mark.
    pub(crate) fn decimal(self, number: f64) -> String {
        let text = format!("{number:.1}");
        match self {
            Self::En => text,
            Self::Es => text.replace('.', ","),
        }
    }

    /// `10%`, `10 %`.
    pub(crate) fn percent(self, percent: u64) -> String {
        match self {
            Self::En => format!("{percent}%"),
            Self::Es => format!("{percent} %"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_language_wins() {
        assert_eq!(Lang::accepted("es-MX,es;q=0.9,en;q=0.8"), Lang::Es);
        assert_eq!(Lang::accepted("de-DE, EN-gb;q=0.8, es;q=0.7"), Lang::En);
        assert_eq!(Lang::accepted("fr"), Lang::En);
        assert_eq!(Lang::accepted(""), Lang::En);
    }

    #[test]
    fn durations_have_two_or_three_figures_and_a_unit() {
        let written = |lang: Lang| [1.84, 9.96, 46.2, 1_200.0].map(|ms| lang.ms(ms));
        assert_eq!(written(Lang::En), ["1.8 ms", "10 ms", "46 ms", "1.2 s"]);
        assert_eq!(written(Lang::Es), ["1,8 ms", "10 ms", "46 ms", "1,2 s"]);
    }
}
