//! The shop's routes.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use super::assets;
use super::console::content_security_policy;
use super::pages;
use super::shop::Shop;
use crate::service::hops::Outcome;
use crate::service::server::Health;
use crate::service::topology::{Hop, Target, Topology};

/// The name of the shop's segments.
pub(crate) const SEGMENT_NAME: &str = "Frontend";

/// What an open page asks for by itself: nothing that a person did, so nothing that is traced.
pub(crate) const PLUMBING_PATHS: [&str; 6] =
    ["/architecture", "/bulk", "/tour/checks", "/tour/opened", "/theme", "/topology"];

/// The paths of the embedded files.
pub(crate) fn asset_paths() -> impl Iterator<Item = &'static str> {
    assets::paths()
}

/// The whole service.
pub(crate) fn router(shop: &Arc<Shop>) -> Router {
    let work = Router::new()
        .route("/", get(pages::home))
        .route("/products", get(async || Redirect::to("/")).post(pages::add))
        .route("/products/{id}", get(pages::show_one).post(pages::rename))
        .route("/products/{id}/delete", post(pages::remove))
        .route("/products/reload", post(pages::reload))
        .route("/products/bulk", post(pages::start_bulk))
        .with_state(Arc::clone(shop));
    let work = shop.common.faulty(work).layer(from_fn_with_state(Arc::clone(shop), observe));
    let plain = Router::new()
        .route("/products/bulk/stop", post(pages::stop_bulk))
        .route("/products/break/reset", post(pages::reset_scenarios))
        .route("/products/break/{scenario}", post(pages::switch_scenario))
        .route("/products/start-over", post(pages::start_over))
        .route("/architecture", get(pages::architecture))
        .route("/bulk", get(pages::bulk))
        .route("/theme", post(pages::theme))
        .route("/tour", get(pages::tour))
        .route("/tour/checks", get(pages::checks))
        .route("/tour/open", post(pages::open_trace))
        .route("/tour/opened", post(pages::opened))
        .route("/tour/answer", post(pages::answer))
        .route("/tour/filter", post(pages::filter))
        .route("/tour/skip", post(pages::skip))
        .route("/topology", get(topology))
        .fallback(pages::not_found)
        .with_state(Arc::clone(shop))
        .merge(assets::routes());
    let routes = work.merge(plain).layer(from_fn_with_state(Arc::clone(shop), secure));
    shop.common.wrap(routes, Health { path: "/ping", healthy: "Healthy" })
}

/// Middleware: counts a person's request for the drawing.
async fn observe(State(shop): State<Arc<Shop>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let response = next.run(request).await;
    let outcome = Outcome::of_status(response.status());
    shop.window.record(Instant::now(), began.elapsed(), outcome);
    response
}

/// Middleware: a page loads nothing from elsewhere, is framed by nobody and is what it says it is.
async fn secure(State(shop): State<Arc<Shop>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let (name, value) = content_security_policy(shop.console.as_ref());
    headers.insert(name, value);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

async fn topology(State(shop): State<Arc<Shop>>) -> Json<Topology> {
    Json(Topology {
        service: SEGMENT_NAME.to_owned(),
        listen: shop.listen().to_string(),
        instrumentation: shop.common.dialect.words().to_owned(),
        faults: shop.common.chaos.faults(),
        hops: vec![Hop {
            to: crate::prodcatalog::SEGMENT_NAME.to_owned(),
            target: Target::Service(shop.catalog.origin()),
            share_percent: 100,
            last_30_s: shop.catalog.report(Instant::now()),
        }],
        rows: None,
    })
}
