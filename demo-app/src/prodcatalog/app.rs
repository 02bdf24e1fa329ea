//! The catalogue's routes and what its handlers share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::response::Redirect;
use axum::routing::get;
use axum::{Json, Router};

use super::handlers;
use super::store::Store;
use super::vendors::Vendors;
use crate::service::server::{Common, Health};
use crate::service::topology::{Hop, Target, Topology};

/// The name of the catalogue's segments.
pub(crate) const SEGMENT_NAME: &str = "Product-Catalog";

#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) store: Arc<Store>,
    pub(super) vendors: Arc<Vendors>,
    listen: SocketAddr,
    common: Common,
}

/// The service, listening on `listen`.
pub(crate) fn router(
    store: Arc<Store>,
    vendors: Arc<Vendors>,
    listen: SocketAddr,
    common: &Common,
) -> Router {
    let app = App { store, vendors, listen, common: common.clone() };
    let work = Router::new()
        .route("/products/", get(handlers::list).delete(handlers::remove_inserted))
        .route("/products", get(handlers::list).delete(handlers::remove_inserted))
        .route(
            "/products/{id}",
            get(handlers::one)
                .post(handlers::insert)
                .put(handlers::rename)
                .delete(handlers::remove),
        )
        .with_state(app.clone());
    let plain = Router::new()
        .route("/", get(async || Redirect::to("/products/")))
        .route("/topology", get(topology))
        .with_state(app);
    common.wrap(
        common.faulty(work).merge(plain),
        Health { path: "/products/ping", healthy: "healthy" },
    )
}

async fn topology(State(app): State<App>) -> Json<Topology> {
    let now = Instant::now();
    let mut hops = app.vendors.hops(now);
    hops.push(Hop {
        to: app.store.name().to_owned(),
        target: Target::Database(app.store.kind().to_owned()),
        share_percent: 100,
        last_30_s: app.store.report(now),
    });
    Json(Topology {
        service: app.common.name.to_owned(),
        listen: app.listen.to_string(),
        instrumentation: app.common.dialect.words().to_owned(),
        faults: app.common.chaos.faults(),
        hops,
        rows: app.store.rows().await.ok(),
    })
}
