//! What surrounds every page: head, navigation, language and theme, the bar at the foot.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use tracing::error;

use super::super::action::LastAction;
use super::super::assets::AssetUrls;
use super::super::fields::Fields;
use super::super::format::{Moment, TraceView};
use super::super::shop::Shop;
use super::super::tour::{Facts, Step, Tour};
use super::super::visitor::{Theme, Visitor, last_cookie, theme_cookie, tour_cookie};
use super::super::words::{Lang, Words};

/// A page, or why there is none.
pub(crate) type PageResult = Result<Response, PageError>;

/// A template that could not be rendered: a mistake of ours.
#[derive(Debug, thiserror::Error)]
#[error("a template cannot be rendered")]
pub(crate) struct PageError(#[from] askama::Error);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        error!(error = &self as &dyn std::error::Error, "page lost");
        (StatusCode::INTERNAL_SERVER_ERROR, "This page cannot be shown.\n").into_response()
    }
}

/// Which entry of the navigation a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nav {
    Products,
    Workshop,
}

/// The bar at the foot.
#[derive(Debug)]
pub(crate) struct LastView {
    pub(crate) deed: String,
    pub(crate) took: String,
    pub(crate) at: Moment,
    pub(crate) trace: Option<TraceView>,
    /// Id and name of what a deletion took.
    pub(crate) undo: Option<(String, String)>,
}

impl LastView {
    fn new(last: &LastAction, lang: Lang, console: Option<&str>) -> Self {
        Self {
            deed: lang.deed(&last.deed),
            took: lang.ms(last.took_ms as f64),
            at: Moment::of(last.at_s),
            trace: last.trace.as_ref().map(|trace| TraceView::new(trace, lang, console)),
            undo: last.undo().map(|(id, name)| (id.to_string(), name.as_str().to_owned())),
        }
    }
}

/// What `shell.html` prints.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) words: &'static Words,
    pub(crate) lang: &'static str,
    /// Empty to follow the system.
    pub(crate) theme: &'static str,
    pub(crate) title: String,
    pub(crate) nav: Nav,
    /// `2/5`
    pub(crate) tour_done: String,
    pub(crate) console: Option<String>,
    pub(crate) assets: AssetUrls,
    /// Where a change of language or theme leads back to.
    pub(crate) path: String,
    pub(crate) last: Option<LastView>,
    /// Seconds after which a page without script loads itself again.
    pub(crate) reload_s: Option<u32>,
    cookies: Vec<HeaderValue>,
}

impl Shell {
    /// The surroundings of a page, and with them the tour as it stands now.
    pub(crate) fn new(shop: &Shop, visitor: &Visitor, nav: Nav, title: &str) -> (Self, Tour) {
        let console = shop.console_url();
        let mut tour = visitor.tour.clone();
        tour.advance(Facts::of(&shop.live.snapshot()));
        let mut shell = Self::plain(visitor, &tour, nav, title);
        shell.console = console.map(str::to_owned);
        shell.last = visitor.last.as_ref().map(|last| LastView::new(last, visitor.lang, console));
        shell.cookies.extend(visitor.lang_cookie());
        if tour != visitor.tour {
            shell.cookies.extend(tour_cookie(&tour));
        }
        (shell, tour)
    }

    fn plain(visitor: &Visitor, tour: &Tour, nav: Nav, title: &str) -> Self {
        let words = visitor.lang.words();
        let shop = "Product Catalog Application";
        Self {
            words,
            lang: visitor.lang.tag(),
            theme: visitor.theme.map_or("", Theme::as_str),
            title: if title.is_empty() { shop.to_owned() } else { format!("{title} · {shop}") },
            nav,
            tour_done: format!("{}/{}", tour.done_count(), Step::ALL.len()),
            console: None,
            assets: AssetUrls::new(),
            path: match nav {
                Nav::Products => "/".to_owned(),
                Nav::Workshop => "/tour".to_owned(),
            },
            last: None,
            reload_s: None,
            cookies: Vec::new(),
        }
    }

    /// The surroundings without a shop, for tests of templates.
    #[cfg(test)]
    pub(crate) fn for_test(visitor: &Visitor, nav: Nav) -> Self {
        let mut shell = Self::plain(visitor, &visitor.tour, nav, "");
        let console = "http://127.0.0.1:2002";
        shell.console = Some(console.to_owned());
        shell.last =
            visitor.last.as_ref().map(|last| LastView::new(last, visitor.lang, Some(console)));
        // The fingerprints change with the files, which are no part of a template.
        shell.assets = AssetUrls {
            styles: ["tokens.css", "base.css", "shop.css"].map(str::to_owned),
            script: "shop.js".to_owned(),
            icon: "icon.svg".to_owned(),
        };
        shell
    }
}

/// Renders a page with its cookies.
pub(crate) fn page(shell: &Shell, status: StatusCode, template: &impl Template) -> PageResult {
    let mut response = (status, Html(template.render()?)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in &shell.cookies {
        headers.append(header::SET_COOKIE, cookie.clone());
    }
    Ok(response)
}

/// Renders a part of a page, for its script.
pub(crate) fn fragment(template: &impl Template) -> PageResult {
    let mut response = Html(template.render()?).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Leads from a change to the page that shows it: 303, so that a reload does not repeat it.
pub(crate) fn see(to: &str, last: Option<&LastAction>) -> Response {
    let mut response = Redirect::to(to).into_response();
    if let Some(cookie) = last.and_then(last_cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The same, keeping how far somebody is in the workshop.
pub(crate) fn see_tour(to: &str, tour: &Tour) -> Response {
    let mut response = Redirect::to(to).into_response();
    if let Some(cookie) = tour_cookie(tour) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A path of the shop that a form may name to lead back to; anything else is `/`.
pub(crate) fn back_path(text: Option<&str>) -> &str {
    match text {
        Some("/tour") => "/tour",
        _ => "/",
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct ThemeForm {
    back: Option<String>,
}

/// `POST /theme`: the other theme, for pages without script.
pub(crate) async fn theme(
    State(_): State<Arc<Shop>>,
    visitor: Visitor,
    Fields(form): Fields<ThemeForm>,
) -> Response {
    let theme = visitor.theme.map_or(Theme::Dark, Theme::other);
    let mut headers = HeaderMap::new();
    headers.extend(theme_cookie(theme).map(|cookie| (header::SET_COOKIE, cookie)));
    (headers, Redirect::to(back_path(form.back.as_deref()))).into_response()
}
