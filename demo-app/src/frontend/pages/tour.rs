//! `GET /tour`, the checks that an open tour asks for, and the answers of its steps.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::fields::Fields;
use super::super::shop::Shop;
use super::super::tour::{Evidence, Facts, Step, Tour};
use super::super::visitor::{Visitor, tour_cookie};
use super::failure::{Asked, failed, switch_failed};
use super::shell::{Nav, PageResult, Shell, page, see_tour};
use super::tour_view::{NODES, StepState, TourScene, TourView, Wrong, product_filter};
use crate::proddetail::Version;
use crate::service::trace;

#[derive(Template)]
#[template(path = "tour.html")]
pub(super) struct TourPage {
    pub(super) shell: Shell,
    pub(super) tour: TourView,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct TourQuery {
    /// What the last answer was wrong about.
    wrong: Option<String>,
}

pub(crate) async fn tour(
    State(shop): State<Arc<Shop>>,
    visitor: Visitor,
    Query(query): Query<TourQuery>,
) -> PageResult {
    let title = visitor.lang.words().workshop;
    let (mut shell, tour) = Shell::new(&shop, &visitor, Nav::Workshop, title);
    shell.reload_s =
        matches!(tour.current(), Some(Step::InsertProducts | Step::BreakDetail)).then_some(5);
    let snapshot = shop.live.snapshot();
    let detail = snapshot
        .details
        .iter()
        .find(|(_, topology)| topology.service == Version::One.segment_name())
        .map(|(_, topology)| topology.listen.as_str());
    let last = visitor.last.as_ref().and_then(|last| last.trace.as_ref());
    let own = shop.listen().to_string();
    let scene = TourScene {
        facts: Facts::of(&snapshot),
        console: shop.console_url(),
        detail,
        shop: &own,
        last_trace: last.filter(|trace| trace.sampled).map(|trace| trace.id.as_str()),
        wrong: query.wrong.as_deref().and_then(wrong),
    };
    let template = TourPage { tour: TourView::new(visitor.lang, &tour, &scene), shell };
    page(&template.shell, StatusCode::OK, &template)
}

fn wrong(text: &str) -> Option<Wrong> {
    match text {
        "trace-id" => Some(Wrong::NoTraceId),
        "not-found" => Some(Wrong::NotFound),
        "console" => Some(Wrong::ConsoleSilent),
        node => NODES.into_iter().find(|known| *known == node).map(Wrong::Node),
    }
}

/// `GET /tour/checks`: the tour's mark now, which an open page compares with its own.
pub(crate) async fn checks(State(shop): State<Arc<Shop>>, visitor: Visitor) -> String {
    let facts = Facts::of(&shop.live.snapshot());
    let mut tour = visitor.tour.clone();
    tour.advance(facts);
    tour.mark(facts)
}

/// `POST /tour/open`: leads to the trace of the last action, and ticks the step.
pub(crate) async fn open_trace(State(shop): State<Arc<Shop>>, visitor: Visitor) -> Response {
    let last = visitor.last.as_ref().and_then(|last| last.trace.as_ref());
    let (Some(trace), Some(console)) = (last.filter(|it| it.sampled), shop.console_url()) else {
        return Redirect::to("/tour").into_response();
    };
    let mut tour = visitor.tour.clone();
    tour.tick(Step::FindTrace, Evidence::Trace(trace.id.clone()));
    see_tour(&format!("{console}/trace/{}", trace.id), &tour)
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct TraceForm {
    #[serde(default)]
    id: String,
}

/// `POST /tour/opened`: the page's script saw somebody follow the link to a trace.
pub(crate) async fn opened(visitor: Visitor, Fields(form): Fields<TraceForm>) -> Response {
    let Some(id) = trace::checked_id(&form.id) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut tour = visitor.tour.clone();
    tour.tick(Step::FindTrace, Evidence::Trace(id.to_string()));
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = tour_cookie(&tour) {
        response.headers_mut().append(axum::http::header::SET_COOKIE, cookie);
    }
    response
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct AnswerForm {
    #[serde(default)]
    node: String,
}

/// `POST /tour/answer`: the node at which the fault starts.
pub(crate) async fn answer(visitor: Visitor, Fields(form): Fields<AnswerForm>) -> Response {
    let mut tour = visitor.tour.clone();
    if form.node == Version::One.segment_name() {
        tour.tick(Step::FindNode, Evidence::Node);
        return see_tour("/tour", &tour);
    }
    match NODES.into_iter().find(|known| *known == form.node) {
        Some(node) => see_tour(&format!("/tour?wrong={node}"), &tour),
        None => see_tour("/tour", &tour),
    }
}

/// `POST /tour/filter`: a trace that the filter finds. The console is asked whether it does.
pub(crate) async fn filter(
    State(shop): State<Arc<Shop>>,
    visitor: Visitor,
    Fields(form): Fields<TraceForm>,
) -> Response {
    let mut tour = visitor.tour.clone();
    let Some(id) = trace::checked_id(form.id.trim()) else {
        return see_tour("/tour?wrong=trace-id", &tour);
    };
    let newest = Facts::of(&shop.live.snapshot()).newest;
    let (Some(console), Some(newest)) = (&shop.console, newest) else {
        return see_tour("/tour?wrong=console", &tour);
    };
    match console.finds(&product_filter(newest), &id).await {
        Some(true) => {
            tour.tick(Step::Filter, Evidence::Trace(id.to_string()));
            see_tour("/tour", &tour)
        }
        Some(false) => see_tour("/tour?wrong=not-found", &tour),
        None => see_tour("/tour?wrong=console", &tour),
    }
}

/// `POST /tour/skip`.
pub(crate) async fn skip(visitor: Visitor) -> Response {
    let mut tour = visitor.tour.clone();
    if let Some(step) = tour.current() {
        tour.tick(step, Evidence::Skipped);
    }
    see_tour("/tour", &tour)
}

/// `POST /products/start-over`: the tour, the faults and the products as they were at the start.
pub(crate) async fn start_over(State(shop): State<Arc<Shop>>, visitor: Visitor) -> PageResult {
    let began = Instant::now();
    shop.bulk.stop();
    let snapshot = shop.live.refresh().await;
    if let Err(err) = shop.breaker.reset(&snapshot).await {
        return switch_failed(&shop, &visitor, began, &err);
    }
    if let Err(err) = shop.catalog.remove_inserted().await {
        return failed(&shop, &visitor, Asked::Change, began, err);
    }
    shop.live.refresh().await;
    Ok(see_tour("/tour", &Tour::default()))
}
