//! `GET /architecture`: the drawing alone, which an open page asks for every few seconds.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;

use super::super::shop::Shop;
use super::super::visitor::Visitor;
use super::architecture_view::ArchitectureView;
use super::shell::{PageResult, fragment};

#[derive(Template)]
#[template(path = "architecture.html")]
struct Fragment {
    architecture: ArchitectureView,
}

pub(crate) async fn architecture(State(shop): State<Arc<Shop>>, visitor: Visitor) -> PageResult {
    let architecture = ArchitectureView::new(visitor.lang, &shop.own_view(), &shop.live.snapshot());
    fragment(&Fragment { architecture })
}
