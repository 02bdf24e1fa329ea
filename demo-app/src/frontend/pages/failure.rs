//! The page that says what failed, where, and in which trace.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;

use super::super::catalog::CatalogError;
use super::super::scenarios::SwitchError;
use super::super::shop::Shop;
use super::super::visitor::Visitor;
use super::failure_view::{FailureView, Scene};
use super::shell::{Nav, PageResult, Shell, page};
use crate::product::ProductId;
use crate::service::trace;

/// What a person wanted of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    List,
    Change,
}

#[derive(Template)]
#[template(path = "failure.html")]
pub(super) struct FailurePage {
    pub(super) shell: Shell,
    pub(super) failure: FailureView,
}

/// The catalogue could not do what was asked.
pub(super) fn failed(
    shop: &Shop,
    visitor: &Visitor,
    asked: Asked,
    began: Instant,
    err: CatalogError,
) -> PageResult {
    let status = err.status();
    let snapshot = shop.live.snapshot();
    let trace = trace::current();
    let scene = Scene {
        lang: visitor.lang,
        request: &visitor.request,
        took: began.elapsed(),
        trace: trace.as_ref(),
        console: shop.console_url(),
        snapshot: &snapshot,
    };
    render(shop, visitor, status, FailureView::of_catalog(&scene, asked, &err))
}

/// The address names something that is no product id.
pub(super) fn bad_id(shop: &Shop, visitor: &Visitor, began: Instant) -> PageResult {
    let text = (visitor.lang.bad_id_title(), visitor.lang.words().bad_id.to_owned());
    plain(shop, visitor, StatusCode::BAD_REQUEST, began, text)
}

/// There is no such product, or not any more.
pub(super) fn no_such_product(
    shop: &Shop,
    visitor: &Visitor,
    id: ProductId,
    began: Instant,
) -> PageResult {
    let text = visitor.lang.no_such_product(&id.to_string());
    plain(shop, visitor, StatusCode::NOT_FOUND, began, text)
}

/// A switch could not be set.
pub(super) fn switch_failed(
    shop: &Shop,
    visitor: &Visitor,
    began: Instant,
    err: &SwitchError,
) -> PageResult {
    let text = (visitor.lang.switch_failed_title(), format!("{err}."));
    plain(shop, visitor, StatusCode::BAD_GATEWAY, began, text)
}

/// A path that the shop does not have.
pub(super) fn not_found_page(shop: &Shop, visitor: &Visitor) -> PageResult {
    let words = visitor.lang.words();
    let text = (words.not_found_title.to_owned(), words.not_found_lead.to_owned());
    plain(shop, visitor, StatusCode::NOT_FOUND, Instant::now(), text)
}

/// The fallback of the router.
pub(crate) async fn not_found(State(shop): State<Arc<Shop>>, visitor: Visitor) -> PageResult {
    not_found_page(&shop, &visitor)
}

fn plain(
    shop: &Shop,
    visitor: &Visitor,
    status: StatusCode,
    began: Instant,
    (title, lead): (String, String),
) -> PageResult {
    let snapshot = shop.live.snapshot();
    let trace = trace::current();
    let scene = Scene {
        lang: visitor.lang,
        request: &visitor.request,
        took: began.elapsed(),
        trace: trace.as_ref(),
        console: shop.console_url(),
        snapshot: &snapshot,
    };
    render(shop, visitor, status, FailureView::plain(&scene, status, title, lead))
}

fn render(shop: &Shop, visitor: &Visitor, status: StatusCode, failure: FailureView) -> PageResult {
    let title = status.as_u16().to_string();
    let (shell, _) = Shell::new(shop, visitor, Nav::Products, &title);
    let template = FailurePage { shell, failure };
    page(&template.shell, status, &template)
}
