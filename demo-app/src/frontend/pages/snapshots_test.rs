//! Every page, as it is sent, in the states that matter.

use askama::Template;

use super::super::action::{Deed, LastAction};
use super::super::bulk::Progress;
use super::super::catalog::CatalogError;
use super::super::tour::{Facts, Tour};
use super::super::visitor::{Theme, Visitor};
use super::super::words::Lang;
use super::architecture_view::{ArchitectureView, healthy};
use super::bulk_view::BulkView;
use super::failure::{Asked, FailurePage};
use super::failure_view::{FailureView, Scene};
use super::products::ProductsPage;
use super::products_view::{AddForm, Chosen, DetailView, Edit, ProductsView, Refusal};
use super::scenarios::ScenariosView;
use super::shell::{Nav, Shell};
use super::tour::TourPage;
use super::tour_view::{TourScene, TourView};
use crate::chaos::Fault;
use crate::prodcatalog::{Failing, Problem, Try};
use crate::proddetail::CatalogDetail;
use crate::product::{Product, ProductId};
use crate::service::hops::{HopReport, Symptom};
use crate::service::trace::TraceRef;

const CONSOLE: Option<&str> = Some("http://127.0.0.1:2002");
const TRACE_ID: &str = "1-6b0564b5-7be260d19f03a8c4512e6b77";

/// A page from its header on: the icons above are the same everywhere.
fn body(template: &impl Template) -> String {
    let html = template.render().unwrap();
    let at = html.find("<header class=\"head\">").unwrap();
    html.split_at(at).1.to_owned()
}

fn visitor(lang: Lang, sampled: bool) -> Visitor {
    let rule = Some(if sampled { "workshop-actions" } else { "Default" }.to_owned());
    let trace = TraceRef { id: TRACE_ID.to_owned(), sampled, rule };
    let last =
        LastAction { deed: Deed::Added(13), took_ms: 42, at_s: 1_795_515_573, trace: Some(trace) };
    Visitor { lang, last: Some(last), ..Visitor::default() }
}

fn products() -> Vec<Product> {
    let names = ["Table", "Chair", "Bookshelf", "Desk <lamp>", "Mug", "Notebook", "Vase", "Rug"];
    let product = |(id, name): (i64, &str)| Product {
        id: ProductId::try_from(id).unwrap(),
        name: name.to_owned(),
    };
    (1_i64..).zip(names).map(product).collect()
}

fn detail() -> CatalogDetail {
    CatalogDetail { version: "1".to_owned(), vendors: vec!["ABC.com".to_owned()] }
}

fn report(_: &str) -> Option<HopReport> {
    Some(HopReport { calls: 9, mean_ms: 12.0, trouble: None })
}

#[test]
fn the_shop_in_english_with_a_refused_form_and_an_open_row() {
    let visitor = visitor(Lang::En, true);
    let (own, mut snapshot) = healthy();
    snapshot.details[1].1.faults.status = Some(Fault { value: 500, since_s: 1_795_515_285 });
    let add = AddForm {
        id: "4".to_owned(),
        name: "Desk \"lamp\"".to_owned(),
        id_refused: Some(Refusal::Taken),
        name_refused: None,
    };
    let edit = Some(Edit::of("3".parse().unwrap()));
    let chosen = Chosen { add: Some(add), edit, ..Chosen::default() };
    let progress = Progress { asked: 50, inserted: 35, failed: 2, running: true, per_s: 12.0 };
    let template = ProductsPage {
        shell: Shell::for_test(&visitor, Nav::Products),
        architecture: ArchitectureView::new(Lang::En, &own, &snapshot),
        products: ProductsView::new(Lang::En, &products(), &chosen, Some(5)),
        detail: DetailView::new(Lang::En, &detail(), &chosen, report),
        bulk: BulkView::new(Lang::En, Some(progress), false),
        scenarios: ScenariosView::new(Lang::En, &snapshot, CONSOLE),
    };
    insta::assert_snapshot!(body(&template));
}

#[test]
fn the_shop_in_spanish_with_an_unsampled_action_and_no_product() {
    let mut visitor = visitor(Lang::Es, false);
    visitor.theme = Some(Theme::Dark);
    let (own, snapshot) = healthy();
    let chosen = Chosen::default();
    let template = ProductsPage {
        shell: Shell::for_test(&visitor, Nav::Products),
        architecture: ArchitectureView::new(Lang::Es, &own, &snapshot),
        products: ProductsView::new(Lang::Es, &[], &chosen, None),
        detail: DetailView::new(Lang::Es, &detail(), &chosen, report),
        bulk: BulkView::new(Lang::Es, None, true),
        scenarios: ScenariosView::new(Lang::Es, &snapshot, None),
    };
    insta::assert_snapshot!(body(&template));
}

#[test]
fn a_failure_of_the_detail() {
    let visitor = visitor(Lang::En, true);
    let (_, mut snapshot) = healthy();
    snapshot.details[0].1.faults.status = Some(Fault { value: 500, since_s: 1_795_515_285 });
    let took_ms = 148;
    let tries = vec![Try { callee: "Product-Detail".to_owned(), took_ms }; 2];
    let mut problem = Problem::refusal(
        axum::http::StatusCode::INTERNAL_SERVER_ERROR,
        "Could not get details",
        "Product-Detail answered 500, twice",
    );
    let (callee, symptom) = ("Product-Detail".to_owned(), Symptom::Status(500));
    problem.failing = Some(Box::new(Failing { callee, symptom, tries }));
    let err = CatalogError {
        symptom,
        problem: Some(problem),
        tries: 1,
        took: std::time::Duration::from_millis(383),
    };
    let trace = visitor.last.as_ref().and_then(|last| last.trace.clone());
    let scene = Scene {
        lang: Lang::En,
        request: "GET /",
        took: std::time::Duration::from_millis(402),
        trace: trace.as_ref(),
        console: CONSOLE,
        snapshot: &snapshot,
    };
    let failure = FailureView::of_catalog(&scene, Asked::List, &err);
    let shell = Shell::for_test(&visitor, Nav::Products);
    insta::assert_snapshot!(body(&FailurePage { shell, failure }));
}

#[test]
fn the_tour_at_its_third_step() {
    let mut visitor = visitor(Lang::En, true);
    visitor.tour = Tour::from_cookie(&format!(r#"[{{"inserted":12}},{{"trace":"{TRACE_ID}"}}]"#));
    let scene = TourScene {
        facts: Facts {
            inserted: 12,
            fault_since_s: Some(1_795_515_571),
            fault_reached: false,
            newest: Some(14),
        },
        console: CONSOLE,
        detail: Some("127.0.0.1:3000"),
        shop: "127.0.0.1:9000",
        last_trace: Some(TRACE_ID),
        wrong: None,
    };
    let tour = TourView::new(Lang::En, &visitor.tour, &scene);
    let shell = Shell::for_test(&visitor, Nav::Workshop);
    insta::assert_snapshot!(body(&TourPage { shell, tour }));
}
