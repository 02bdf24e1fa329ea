//! What stands around every page: top bar, language, theme, and the answer's headers.
//!
//! In: the visitor, the question they carry, what is counted. Out: a [`Frame`] for the base
//! template, and pages as responses. Owns nothing.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tracing::error;

use super::format::{self, Zone};
use super::scope::link;
use super::text::{Lang, Text};
use super::visitor::{Theme, Visitor};

/// The four pages of the bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Map,
    Traces,
    Sampling,
    Daemon,
}

/// A link in the bar.
#[derive(Debug)]
pub(crate) struct TabLink {
    pub(crate) name: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) href: String,
    /// Second key after `g`.
    pub(crate) key: char,
    pub(crate) current: bool,
}

/// Around every page.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) lang: Lang,
    pub(crate) t: &'static Text,
    pub(crate) theme: Option<Theme>,
    pub(crate) zone: Zone,
    pub(crate) title: String,
    tab: Option<Tab>,
    /// Query string that links to other pages carry.
    travel: String,
    /// Segments a second; none before the first.
    pub(crate) intake: Option<String>,
    pub(crate) other_lang: Lang,
    pub(crate) other_lang_link: String,
    pub(crate) theme_link: String,
    pub(crate) theme_name: &'static str,
    /// The visitor may see data.
    pub(crate) open: bool,
    /// The visitor came with a token and can leave.
    pub(crate) signed_in: bool,
}

/// What is coming in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Intake {
    /// Since the start.
    pub(crate) received: u64,
    /// Of late.
    pub(crate) per_second: f64,
}

impl Frame {
    /// A frame around page `tab` (none: a page outside the bar), with `travel` as the question.
    pub(crate) fn new(visitor: &Visitor, tab: Option<Tab>, title: impl Into<String>) -> Self {
        let t = visitor.text();
        let other_lang = match visitor.lang {
            Lang::En => Lang::Es,
            Lang::Es => Lang::En,
        };
        let (other_theme, theme_name) = match visitor.theme {
            Some(Theme::Dark) => (Theme::Light, t.frame.light),
            _ => (Theme::Dark, t.frame.dark),
        };
        Self {
            lang: visitor.lang,
            t,
            theme: visitor.theme,
            zone: visitor.zone,
            title: title.into(),
            tab,
            travel: String::new(),
            intake: None,
            other_lang,
            other_lang_link: visitor.here_with("lang", other_lang.code()),
            theme_link: visitor.here_with("theme", other_theme.name()),
            theme_name,
            open: true,
            signed_in: false,
        }
    }

    /// Carries the question to other pages.
    pub(crate) fn travelling(mut self, query: String) -> Self {
        self.travel = query;
        self
    }

    /// Shows what is coming in.
    pub(crate) fn with_intake(mut self, intake: Intake) -> Self {
        let rate = || format::rate(self.lang, intake.per_second);
        self.intake = (intake.received > 0).then(rate);
        self
    }

    /// `path` with the question that travels.
    pub(crate) fn to(&self, path: &str) -> String {
        link(path, &self.travel)
    }

    /// The links of the bar.
    pub(crate) fn tabs(&self) -> [TabLink; 4] {
        let t = &self.t.frame;
        [
            (Tab::Map, t.map, "map", self.to("/"), 'm'),
            (Tab::Traces, t.traces, "traces", self.to("/traces"), 't'),
            (Tab::Sampling, t.sampling, "sampling", "/sampling".to_owned(), 's'),
            (Tab::Daemon, t.daemon, "daemon", "/daemon".to_owned(), 'd'),
        ]
        .map(|(tab, name, icon, href, key)| TabLink {
            name,
            icon,
            href,
            key,
            current: self.tab == Some(tab),
        })
    }
}

/// A page as a response: 200 unless another status is set on it.
pub(crate) fn render(visitor: &Visitor, page: &impl Template) -> Response {
    let html = match page.render() {
        Ok(html) => html,
        Err(err) => {
            // Only a formatter that fails ends here; templates are checked at compile time.
            error!(error = &err as &dyn std::error::Error, "a page of the console was not printed");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = html.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    visitor.set_cookies(headers);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_travels_to_map_and_traces_only() {
        let frame = Frame::new(&Visitor::default(), Some(Tab::Traces), "Traces")
            .travelling("filter=fault&range=1h".into());
        let links = frame.tabs().map(|tab| (tab.href, tab.current));
        assert_eq!(
            links,
            [
                ("/?filter=fault&range=1h".to_owned(), false),
                ("/traces?filter=fault&range=1h".to_owned(), true),
                ("/sampling".to_owned(), false),
                ("/daemon".to_owned(), false),
            ]
        );
    }

    #[test]
    fn the_bar_says_when_nothing_has_come_yet() {
        let frame = |received, per_second| {
            Frame::new(&Visitor::default(), None, "")
                .with_intake(Intake { received, per_second })
                .intake
        };
        assert_eq!(frame(0, 0.0), None);
        assert_eq!(frame(7, 0.0), Some("0".to_owned()));
        assert_eq!(frame(7, 214.4), Some("214".to_owned()));
    }
}
