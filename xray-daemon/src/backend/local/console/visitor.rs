//! Who looks: language, theme and time zone of the browser.
//!
//! In: query string, cookies and `Accept-Language` of a request. Out: a [`Visitor`], and the
//! cookies that a link such as `?lang=es` sets. Owns nothing. All of it is untrusted and merely
//! chooses between known values.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};

use super::format::Zone;
use super::scope::link;
use super::text::{Lang, Text};

/// Colours that a person chose over the system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Dark ink on light ground.
    Light,
    /// Light ink on dark ground.
    Dark,
}

impl Theme {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    /// For `<html data-theme>` and the cookie.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The person in front of the page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visitor {
    /// Language of the page.
    pub(crate) lang: Lang,
    /// None: as the system wishes.
    pub(crate) theme: Option<Theme>,
    /// Zone of all times on the page.
    pub(crate) zone: Zone,
    /// Path and query of this page, to come back to.
    pub(crate) path: String,
    /// Query string without `lang` and `theme`.
    pub(crate) query: String,
    /// Cookies to set with the answer.
    cookies: Vec<String>,
}

impl Visitor {
    /// All texts in the visitor's language.
    pub(crate) fn text(&self) -> &'static Text {
        self.lang.text()
    }

    /// This page.
    pub(crate) fn here(&self) -> String {
        link(&self.path, &self.query)
    }

    /// This page with `name=value` added, for links that change a cookie.
    pub(crate) fn here_with(&self, name: &str, value: &str) -> String {
        let joint = if self.query.is_empty() { "" } else { "&" };
        format!("{}?{}{joint}{name}={value}", self.path, self.query)
    }

    /// Adds the cookies that this visit sets.
    pub(crate) fn set_cookies(&self, headers: &mut HeaderMap) {
        for cookie in &self.cookies {
            if let Ok(value) = HeaderValue::from_str(cookie) {
                headers.append(axum::http::header::SET_COOKIE, value);
            }
        }
    }

    fn read(path: &str, query: &str, headers: &HeaderMap) -> Self {
        let asked = |name| parameter(query, name);
        let lang_asked = asked("lang").and_then(Lang::parse);
        let theme_asked = asked("theme").and_then(Theme::parse);
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let lang = lang_asked
            .or_else(|| cookie(headers, "lang").and_then(Lang::parse))
            .or_else(|| accepted.and_then(Lang::accepted))
            .unwrap_or_default();
        let zone = cookie(headers, "tz").and_then(|text| text.parse().ok());
        let rest: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .filter(|pair| !pair.starts_with("lang=") && !pair.starts_with("theme="))
            .collect();
        let mut cookies = Vec::new();
        if let Some(lang) = lang_asked {
            cookies.push(lasting("lang", lang.code()));
        }
        if let Some(theme) = theme_asked {
            cookies.push(lasting("theme", theme.name()));
        }
        Self {
            lang,
            theme: theme_asked.or_else(|| cookie(headers, "theme").and_then(Theme::parse)),
            zone: zone.and_then(Zone::east_of_utc).unwrap_or_default(),
            path: path.to_owned(),
            query: rest.join("&"),
            cookies,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self::read(parts.uri.path(), query, &parts.headers))
    }
}

/// The value of cookie `name`.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The plain value of parameter `name`; values that we choose between need no decoding.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// A cookie for a year; scripts may read and set it (theme, zone).
fn lasting(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (axum::http::HeaderName::from_static(name), value.parse().unwrap())
        });
        pairs.collect()
    }

    #[test]
    fn a_link_wins_over_the_cookie_and_that_over_the_browser() {
        let both = headers(&[("cookie", "a=b; lang=es; theme=dark"), ("accept-language", "en")]);
        assert_eq!(Visitor::read("/", "", &both).lang, Lang::Es);
        assert_eq!(Visitor::read("/", "", &both).theme, Some(Theme::Dark));
        assert_eq!(Visitor::read("/", "lang=en", &both).lang, Lang::En);
        let browser = headers(&[("accept-language", "es-CO,es;q=0.9,en;q=0.8")]);
        assert_eq!(Visitor::read("/", "", &browser).lang, Lang::Es);
        assert_eq!(Visitor::read("/", "lang=xx", &headers(&[])).lang, Lang::En);
    }

    #[test]
    fn choosing_sets_a_cookie_and_leaves_the_rest_of_the_address() {
        let visitor = Visitor::read("/traces", "filter=fault&lang=es&range=1h", &headers(&[]));
        assert_eq!(visitor.query, "filter=fault&range=1h");
        assert_eq!(visitor.here_with("lang", "en"), "/traces?filter=fault&range=1h&lang=en");
        let mut answer = HeaderMap::new();
        visitor.set_cookies(&mut answer);
        assert_eq!(answer["set-cookie"], "lang=es; Path=/; Max-Age=31536000; SameSite=Lax");
    }

    #[test]
    fn the_zone_is_a_number_of_minutes_or_utc() {
        let zone = |cookie| Visitor::read("/", "", &headers(&[("cookie", cookie)])).zone.east_min();
        assert_eq!(zone("tz=-300"), -300);
        assert_eq!(zone("tz=99999"), 0);
        assert_eq!(zone("tz=x"), 0);
        assert_eq!(zone("xtz=60"), 0);
    }
}
