//! Who looks at a page: language, theme, what they did last, how far they are in the workshop.
//!
//! In: query, cookies and `Accept-Language` of a request. Nothing of it is trusted: what cannot be
//! read is as if it were not there.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

use super::action::LastAction;
use super::cookie::{self, Keep, Readable};
use super::tour::Tour;
use super::words::Lang;

const LANG: &str = "lang";
const THEME: &str = "theme";
const LAST: &str = "last";
const TOUR: &str = "tour";
/// Longest path that is shown.
const MAX_PATH_CHARS: usize = 60;

/// The look that somebody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Light => Self::Dark,
            Self::Dark => Self::Light,
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }
}

/// What a request says about who sent it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Visitor {
    /// What was asked for: `GET /`.
    pub(crate) request: String,
    pub(crate) lang: Lang,
    /// Set if the address asked for a language, which is then kept.
    pub(crate) chosen_lang: Option<Lang>,
    /// `None` follows the system.
    pub(crate) theme: Option<Theme>,
    pub(crate) last: Option<LastAction>,
    pub(crate) tour: Tour,
}

impl Visitor {
    fn read(headers: &HeaderMap, query: &str) -> Self {
        let chosen_lang =
            query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Lang::from_tag);
        let kept_lang = || cookie::read(headers, LANG).and_then(|tag| Lang::from_tag(&tag));
        let accepted = || {
            let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|it| it.to_str().ok());
            Lang::accepted(header.unwrap_or_default())
        };
        Self {
            request: String::new(),
            lang: chosen_lang.or_else(kept_lang).unwrap_or_else(accepted),
            chosen_lang,
            theme: cookie::read(headers, THEME).and_then(|theme| Theme::from_text(&theme)),
            last: cookie::read(headers, LAST).and_then(|text| LastAction::from_cookie(&text)),
            tour: cookie::read(headers, TOUR)
                .map(|text| Tour::from_cookie(&text))
                .unwrap_or_default(),
        }
    }

    /// Keeps a language that the address asked for.
    pub(crate) fn lang_cookie(&self) -> Option<HeaderValue> {
        let lang = self.chosen_lang?;
        cookie::write(LANG, lang.tag(), Keep::Year, Readable::ByServer)
    }
}

/// Keeps a theme. The page's script writes the same cookie.
pub(super) fn theme_cookie(theme: Theme) -> Option<HeaderValue> {
    cookie::write(THEME, theme.as_str(), Keep::Year, Readable::ByScript)
}

/// Keeps what somebody just did.
pub(super) fn last_cookie(last: &LastAction) -> Option<HeaderValue> {
    cookie::write(LAST, &last.to_cookie(), Keep::Session, Readable::ByServer)
}

/// Keeps how far somebody is in the workshop.
pub(super) fn tour_cookie(tour: &Tour) -> Option<HeaderValue> {
    cookie::write(TOUR, &tour.to_cookie(), Keep::Year, Readable::ByServer)
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut visitor = Self::read(&parts.headers, parts.uri.query().unwrap_or_default());
        // A path that nobody typed is not worth a whole line.
        let path = parts.uri.path().chars().take(MAX_PATH_CHARS);
        visitor.request = parts.method.as_str().chars().take(8).chain([' ']).chain(path).collect();
        Ok(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(cookies: &str, accepted: &str, query: &str) -> Visitor {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookies.parse().unwrap());
        headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
        Visitor::read(&headers, query)
    }

    #[test]
    fn the_address_beats_the_cookie_that_beats_the_browser() {
        assert_eq!(visitor("", "es", "").lang, Lang::Es);
        assert_eq!(visitor("lang=en", "es", "").lang, Lang::En);
        let chosen = visitor("lang=en", "en", "page=2&lang=es");
        assert_eq!((chosen.lang, chosen.chosen_lang), (Lang::Es, Some(Lang::Es)));
        assert!(chosen.lang_cookie().is_some());
        assert_eq!(visitor("lang=xx", "de", "lang=<b>"), Visitor::default());
    }

    #[test]
    fn only_the_two_themes_are_themes() {
        assert_eq!(visitor("theme=dark", "en", "").theme, Some(Theme::Dark));
        assert_eq!(visitor("theme=\"><script>", "en", "").theme, None);
    }
}
