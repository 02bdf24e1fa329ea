//! Signing in to the console: the token once, then a cookie.
//!
//! In: the form of the page `/login`, and the cookies of later requests. Out: a cookie that only
//! whoever knew the token has; pages for those alone. The cookie is made from the token: it needs no
//! memory, outlives a restart, and ends when the token changes.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::hmac::{hex, hmac_sha256, is_equal};

/// Name of the cookie.
const COOKIE: &str = "xray_session";
/// Binds the cookie to its purpose: it is not the token's hash for anything else.
const PURPOSE: &[u8] = b"xray console session";
/// How long a browser keeps it: 30 days.
const MAX_AGE_S: u32 = 30 * 24 * 60 * 60;
/// What everybody may see: the page to sign in, and what it looks like.
const OPEN_PATHS: [&str; 2] = ["/login", "/static/"];

/// The sessions of a console, if it wants a token.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    token: Option<Arc<str>>,
}

/// What the page `/login` sends.
#[derive(Debug, Deserialize)]
pub(super) struct Credentials {
    #[serde(default)]
    token: String,
}

impl Sessions {
    pub(super) fn new(token: Option<Arc<str>>) -> Self {
        Self { token }
    }

    fn value(token: &str) -> String {
        hex(&hmac_sha256(token.as_bytes(), PURPOSE))
    }

    /// Whether a request with these headers may see pages.
    fn may_enter(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        let expected = Self::value(token);
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|text| text.to_str().ok());
        let mut values = cookies.flat_map(|text| text.split(';')).filter_map(|cookie| {
            let (name, value) = cookie.trim().split_once('=')?;
            (name == COOKIE).then_some(value)
        });
        values.any(|value| is_equal(value.as_bytes(), expected.as_bytes()))
    }

    /// The cookie for whoever gave the right token.
    fn enter(&self, given: &str) -> Option<String> {
        let token = self.token.as_ref()?;
        // Hashed first: the comparison tells nothing of the token's length.
        let (expected, value) = (Self::value(token), Self::value(given));
        is_equal(value.as_bytes(), expected.as_bytes()).then(|| {
            format!("{COOKIE}={value}; Path=/; Max-Age={MAX_AGE_S}; HttpOnly; SameSite=Strict")
        })
    }
}

/// `POST /login`: sets the cookie, or says that the token is wrong.
pub(super) async fn enter(
    State(sessions): State<Sessions>,
    Form(credentials): Form<Credentials>,
) -> Response {
    match sessions.enter(credentials.token.trim()) {
        Some(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
        None => Redirect::to("/login?wrong").into_response(),
    }
}

/// Passes on requests of those who signed in; leads the others to `/login`.
pub(super) async fn check(
    State(sessions): State<Sessions>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let is_open = OPEN_PATHS.iter().any(|open| path.starts_with(open));
    if is_open || sessions.may_enter(request.headers()) {
        return next.run(request).await;
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Redirect::to("/login").into_response();
    }
    (StatusCode::UNAUTHORIZED, "sign in at /login\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, text.parse().unwrap())])
    }

    #[test]
    fn the_token_opens_once_and_the_cookie_from_then_on() {
        let sessions = Sessions::new(Some("s3cret".into()));
        assert!(!sessions.may_enter(&HeaderMap::new()));
        assert_eq!(sessions.enter("wrong"), None);
        let cookie = sessions.enter("s3cret").unwrap();
        assert!(cookie.ends_with("HttpOnly; SameSite=Strict"));
        assert!(!cookie.contains("s3cret"));
        let (pair, _) = cookie.split_once(';').unwrap();
        assert!(sessions.may_enter(&cookies(&format!("theme=dark; {pair}"))));
        assert!(!sessions.may_enter(&cookies("xray_session=; xray_session=x")));
        let changed = Sessions::new(Some("other".into()));
        assert!(!changed.may_enter(&cookies(pair)));
    }

    #[test]
    fn without_a_token_everybody_may_enter() {
        assert!(Sessions::new(None).may_enter(&HeaderMap::new()));
    }
}
