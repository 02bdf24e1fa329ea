//! Puts API and console behind the door.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tower_http::timeout::TimeoutLayer;

use super::guard::{self, Hosts};
use super::headers;
use super::login::{self, Sessions};
use super::signature::{self, Secret};
use crate::backend::local::LocalConfig;
use crate::backend::local::api::{self, ApiError, ApiState};

/// Longest that an answer may take to begin.
const MAX_ANSWER: Duration = Duration::from_secs(30);

/// API and `console` as `config` wants them to be reached.
pub(in crate::backend::local) fn router(
    config: &LocalConfig,
    api: ApiState,
    console: Router,
) -> Router {
    let token: Option<Arc<str>> = config.console_token.as_deref().map(Arc::from);
    let sessions = Sessions::new(token.clone());
    let sign_in = Router::new().route("/login", post(login::enter)).with_state(sessions.clone());
    let api = api::router(api).route_layer(from_fn_with_state(Secret(token), signature::check));
    let pages = console.merge(sign_in).route_layer(from_fn_with_state(sessions, login::check));
    api.merge(pages)
        .fallback(unknown)
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, MAX_ANSWER))
        .layer(from_fn_with_state(Hosts::new(&config.allow_hosts), guard::check))
        .layer(map_response(headers::add))
}

/// What is neither an operation nor a page.
async fn unknown(method: Method) -> Response {
    if method == Method::POST {
        return ApiError::UnknownOperation.into_response();
    }
    (StatusCode::NOT_FOUND, "there is nothing at this address\n").into_response()
}
