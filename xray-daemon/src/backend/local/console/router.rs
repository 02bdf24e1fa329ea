//! Addresses of the console, and the headers of all its answers.
//!
//! In: requests that no operation of the API took. Out: pages, files, events. Owns nothing.

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;

use super::state::ConsoleState;
use super::{assets, pages};

/// Everything comes from here: no inline script or style, no frame around us, forms only to us.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// The pages, to be merged with the API.
pub(crate) fn router(state: ConsoleState) -> Router {
    Router::new()
        .route("/", get(pages::map))
        .route("/traces", get(pages::traces))
        .route("/traces/{id}", get(pages::trace_redirect))
        .route("/trace/{id}", get(pages::trace))
        .route("/trace/{id}/json", get(pages::trace_json))
        .route("/events", get(pages::events))
        .route("/static/{name}", get(assets::asset))
        .with_state(state)
        .layer(middleware::from_fn(harden))
}

async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
