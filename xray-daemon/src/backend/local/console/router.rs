//! Addresses of the console.
//!
//! In: requests that passed the door of port 2002, which checks host, origin and session and adds
//! the headers that keep pages to themselves. Out: pages, files, events. Owns nothing.

use axum::Router;
use axum::routing::{get, post};

use super::state::ConsoleState;
use super::{assets, pages};

/// The pages, to be merged with the API.
pub(crate) fn router(state: ConsoleState) -> Router {
    Router::new()
        .route("/", get(pages::map))
        .route("/traces", get(pages::traces))
        .route("/traces/{id}", get(pages::trace_redirect))
        .route("/trace/{id}", get(pages::trace))
        .route("/trace/{id}/json", get(pages::trace_json))
        .route("/sampling", get(pages::sampling))
        .route("/sampling/rules", post(pages::create_rule))
        .route("/sampling/rules/{name}", post(pages::update_rule))
        .route("/sampling/rules/{name}/delete", post(pages::delete_rule))
        .route("/daemon", get(pages::daemon))
        .route("/daemon/clear", post(pages::clear))
        .route("/login", get(pages::login))
        .route("/complete", get(pages::complete))
        .route("/events", get(pages::events))
        .route("/static/{name}", get(assets::asset))
        .with_state(state)
}
