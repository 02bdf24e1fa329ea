//! `POST /products/bulk` and its stop; `GET /bulk` is the panel's inside, for an open page.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::super::action::{Deed, LastAction};
use super::super::bulk::MAX_COUNT;
use super::super::fields::Fields;
use super::super::shop::Shop;
use super::super::visitor::Visitor;
use super::bulk_view::BulkView;
use super::failure::{Asked, failed};
use super::products::show_refusal;
use super::products_view::{Chosen, next_id};
use super::shell::{PageResult, back_path, fragment, see};

#[derive(Template)]
#[template(path = "bulk.html")]
struct Fragment {
    bulk: BulkView,
}

pub(crate) async fn bulk(State(shop): State<Arc<Shop>>, visitor: Visitor) -> PageResult {
    let bulk = BulkView::new(visitor.lang, shop.bulk.progress(), false);
    fragment(&Fragment { bulk })
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct BulkForm {
    #[serde(default)]
    count: String,
    back: Option<String>,
}

pub(crate) async fn start_bulk(
    State(shop): State<Arc<Shop>>,
    visitor: Visitor,
    Fields(form): Fields<BulkForm>,
) -> PageResult {
    let began = Instant::now();
    let count = form.count.trim().parse().ok().filter(|count| (1..=MAX_COUNT).contains(count));
    let Some(count) = count else {
        let chosen = Chosen { bulk_refused: true, ..Chosen::default() };
        return show_refusal(&shop, &visitor, StatusCode::BAD_REQUEST, chosen).await;
    };
    let list = match shop.catalog.list().await {
        Ok(list) => list,
        Err(err) => return failed(&shop, &visitor, Asked::Change, began, err),
    };
    let started = next_id(&list.products).is_some_and(|first| shop.bulk.start(count, first));
    let last = started.then(|| LastAction::now(Deed::Inserting(count), began.elapsed()));
    Ok(see(back_path(form.back.as_deref()), last.as_ref()))
}

pub(crate) async fn stop_bulk(State(shop): State<Arc<Shop>>) -> Response {
    shop.bulk.stop();
    see("/", None)
}
