//! Refuses what a web page makes a browser send.
//!
//! In: any request. Out: 403 for those with an `Origin`, which SDKs, probes and scrapers never
//! send; the others pass. Owns nothing. Without it any page that the user has open could reach a
//! daemon on loopback, and have requests signed.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Passes requests on that no web page has caused.
pub(crate) async fn refuse_browsers(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::ORIGIN) {
        let text = "requests from web pages are not answered on this port\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}
