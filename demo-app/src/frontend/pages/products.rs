//! `GET /` and the changes of products: each a call of the catalogue in the person's own trace.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use xray_tracing::annotate;

use super::super::action::{Deed, LastAction};
use super::super::catalog::CatalogError;
use super::super::fields::Fields;
use super::super::shop::Shop;
use super::super::visitor::Visitor;
use super::architecture_view::ArchitectureView;
use super::bulk_view::BulkView;
use super::failure::{Asked, bad_id, failed};
use super::products_view::{AddForm, Chosen, DetailView, Edit, ProductsView, Refusal};
use super::scenarios::ScenariosView;
use super::shell::{Nav, PageResult, Shell, page, see};
use crate::prodcatalog::ProductList;
use crate::product::{ProductId, ProductName};
use crate::service::hops::Symptom;

#[derive(Template)]
#[template(path = "products.html")]
pub(super) struct ProductsPage {
    pub(super) shell: Shell,
    pub(super) architecture: ArchitectureView,
    pub(super) products: ProductsView,
    pub(super) detail: DetailView,
    pub(super) bulk: BulkView,
    pub(super) scenarios: ScenariosView,
}

/// What the address asks for. Everything is text: what is no number is as if it were not there, but
/// for a product's id.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct HomeQuery {
    page: Option<String>,
    /// The product whose row is open for a change.
    edit: Option<String>,
    /// The product whose detail is shown.
    product: Option<String>,
    /// The product whose page of the list is shown.
    show: Option<String>,
}

pub(crate) async fn home(
    State(shop): State<Arc<Shop>>,
    visitor: Visitor,
    Query(query): Query<HomeQuery>,
) -> PageResult {
    annotate("service", "prodcatalog-request");
    let began = Instant::now();
    let mut chosen = Chosen {
        page: query.page.as_deref().and_then(|page| page.parse().ok()),
        show: query.show.as_deref().and_then(|id| id.parse().ok()),
        edit: query.edit.as_deref().and_then(|id| id.parse().ok()).map(Edit::of),
        ..Chosen::default()
    };
    let shown: Option<ProductId> = match query.product.as_deref().map(str::parse) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return bad_id(&shop, &visitor, began),
    };
    let list = match shop.catalog.list().await {
        Ok(list) => list,
        Err(err) => return failed(&shop, &visitor, Asked::List, began, err),
    };
    if let Some(id) = shown {
        match shop.catalog.one(id).await {
            Ok(Some(found)) => chosen.product = Some((id, found.name, found.details)),
            Ok(None) => return super::failure::no_such_product(&shop, &visitor, id, began),
            Err(err) => return failed(&shop, &visitor, Asked::List, began, err),
        }
    }
    show(&shop, &visitor, StatusCode::OK, &list, &chosen)
}

fn show(
    shop: &Shop,
    visitor: &Visitor,
    status: StatusCode,
    list: &ProductList,
    chosen: &Chosen,
) -> PageResult {
    let lang = visitor.lang;
    let (mut shell, _) = Shell::new(shop, visitor, Nav::Products, "");
    let snapshot = shop.live.snapshot();
    let bulk = BulkView::new(lang, shop.bulk.progress(), chosen.bulk_refused);
    shell.reload_s = bulk.is_running().then_some(2);
    let details = chosen.product.as_ref().map_or(&list.details, |(_, _, details)| details);
    let new_id = visitor.last.as_ref().and_then(LastAction::added_id);
    let template = ProductsPage {
        architecture: ArchitectureView::new(lang, &shop.own_view(), &snapshot),
        products: ProductsView::new(lang, &list.products, chosen, new_id),
        detail: DetailView::new(lang, details, chosen, |service| shop.detail_report(service)),
        bulk,
        scenarios: ScenariosView::new(lang, &snapshot, shop.console_url()),
        shell,
    };
    page(&template.shell, status, &template)
}

/// Shows the list with what was refused in it.
pub(super) async fn show_refusal(
    shop: &Shop,
    visitor: &Visitor,
    status: StatusCode,
    chosen: Chosen,
) -> PageResult {
    let began = Instant::now();
    match shop.catalog.list().await {
        Ok(list) => show(shop, visitor, status, &list, &chosen),
        Err(err) => failed(shop, visitor, Asked::List, began, err),
    }
}

/// `GET /products/{id}`: the workshop's address of a product, which the list shows.
pub(crate) async fn show_one(Path(id): Path<String>) -> Response {
    match id.parse::<ProductId>() {
        Ok(id) => Redirect::to(&format!("/?product={id}")).into_response(),
        Err(_) => Redirect::to("/?product=-").into_response(),
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct NewProduct {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    /// Set where a deletion is taken back.
    undo: Option<String>,
}

/// `POST /products`: adds one.
pub(crate) async fn add(
    State(shop): State<Arc<Shop>>,
    visitor: Visitor,
    Fields(form): Fields<NewProduct>,
) -> PageResult {
    let began = Instant::now();
    let (id, name) = match (form.id.parse::<ProductId>(), form.name.parse::<ProductName>()) {
        (Ok(id), Ok(name)) => (id, name),
        (id, name) => {
            let add = AddForm {
                id: form.id,
                name: form.name,
                id_refused: id.err().map(Refusal::from),
                name_refused: name.err().map(Refusal::from),
            };
            let chosen = Chosen { add: Some(add), ..Chosen::default() };
            return show_refusal(&shop, &visitor, StatusCode::BAD_REQUEST, chosen).await;
        }
    };
    annotate("product_id", id.get());
    match shop.catalog.insert(id, &name).await {
        Ok(()) => {
            let deed =
                if form.undo.is_some() { Deed::Restored(id.get()) } else { Deed::Added(id.get()) };
            let last = LastAction::now(deed, began.elapsed());
            shop.live.refresh().await;
            Ok(see(&format!("/?show={id}"), Some(&last)))
        }
        Err(CatalogError { symptom: Symptom::Status(409), .. }) => {
            let id_refused = Some(Refusal::Taken);
            let add = AddForm { id: form.id, name: form.name, id_refused, name_refused: None };
            let chosen = Chosen { add: Some(add), show: Some(id), ..Chosen::default() };
            show_refusal(&shop, &visitor, StatusCode::CONFLICT, chosen).await
        }
        Err(err) => failed(&shop, &visitor, Asked::Change, began, err),
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Change {
    #[serde(default)]
    name: String,
}

/// `POST /products/{id}`: gives a product another name.
pub(crate) async fn rename(
    State(shop): State<Arc<Shop>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Fields(form): Fields<Change>,
) -> PageResult {
    let began = Instant::now();
    let Ok(id) = id.parse::<ProductId>() else { return bad_id(&shop, &visitor, began) };
    annotate("product_id", id.get());
    let name = match form.name.parse::<ProductName>() {
        Ok(name) => name,
        Err(err) => {
            let edit = Edit { id, typed: Some(form.name), refused: Some(err.into()) };
            let chosen = Chosen { edit: Some(edit), ..Chosen::default() };
            return show_refusal(&shop, &visitor, StatusCode::BAD_REQUEST, chosen).await;
        }
    };
    match shop.catalog.rename(id, &name).await {
        Ok(()) => {
            let last = LastAction::now(Deed::Renamed(id.get()), began.elapsed());
            Ok(see(&format!("/?show={id}"), Some(&last)))
        }
        Err(CatalogError { symptom: Symptom::Status(404), .. }) => {
            super::failure::no_such_product(&shop, &visitor, id, began)
        }
        Err(err) => failed(&shop, &visitor, Asked::Change, began, err),
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Removal {
    /// The page of the list to come back to.
    page: Option<usize>,
}

/// `POST /products/{id}/delete`: takes a product out, at once; the bar at the foot undoes it.
pub(crate) async fn remove(
    State(shop): State<Arc<Shop>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Fields(form): Fields<Removal>,
) -> PageResult {
    let began = Instant::now();
    let Ok(id) = id.parse::<ProductId>() else { return bad_id(&shop, &visitor, began) };
    annotate("product_id", id.get());
    match shop.catalog.remove(id).await {
        Ok(name) => {
            let last = LastAction::now(Deed::Deleted(id.get(), name), began.elapsed());
            shop.live.refresh().await;
            Ok(see(&format!("/?page={}", form.page.unwrap_or(1)), Some(&last)))
        }
        Err(CatalogError { symptom: Symptom::Status(404), .. }) => {
            super::failure::no_such_product(&shop, &visitor, id, began)
        }
        Err(err) => failed(&shop, &visitor, Asked::Change, began, err),
    }
}

/// `POST /products/reload`: asks for the list as an action, which is always traced, and so is its
/// failure.
pub(crate) async fn reload(State(shop): State<Arc<Shop>>, visitor: Visitor) -> PageResult {
    annotate("service", "prodcatalog-request");
    let began = Instant::now();
    match shop.catalog.list().await {
        Ok(_) => Ok(see("/", Some(&LastAction::now(Deed::Reloaded, began.elapsed())))),
        Err(err) => failed(&shop, &visitor, Asked::List, began, err),
    }
}
