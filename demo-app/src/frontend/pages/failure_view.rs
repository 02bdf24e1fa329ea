//! A failure in words and as a drawing: what was asked of whom, and who failed.

use std::time::Duration;

use axum::http::StatusCode;

use super::super::catalog::CatalogError;
use super::super::format::{Moment, TraceView};
use super::super::live::Snapshot;
use super::super::scenarios::Scenario;
use super::super::words::{Lang, Words};
use super::drawing::{Arrow, Drawing, Icon, LabelAt, Mark, Node, draw, place, symptom_text};
use super::failure::Asked;
use crate::prodcatalog::{self, Failing};
use crate::service::hops::{Symptom, Verdict};
use crate::service::trace::TraceRef;

/// What surrounds a failure.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) lang: Lang,
    /// What was asked for: `GET /`.
    pub(super) request: &'a str,
    pub(super) took: Duration,
    pub(super) trace: Option<&'a TraceRef>,
    pub(super) console: Option<&'a str>,
    pub(super) snapshot: &'a Snapshot,
}

/// What one service said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) service: String,
    pub(crate) answer: String,
    /// The body, where there was one.
    pub(crate) body: String,
}

#[derive(Debug)]
pub(crate) struct FailureView {
    pub(crate) words: &'static Words,
    pub(crate) code: u16,
    /// The class of the status: `fault`, `error`, `throttle`.
    pub(crate) class: &'static str,
    /// `GET / failed after 402 ms`
    pub(crate) after: String,
    pub(crate) title: String,
    pub(crate) lead: String,
    pub(crate) drawing: Option<Drawing>,
    pub(crate) trace: Option<TraceView>,
    /// What is broken on purpose: a sentence and since when.
    pub(crate) causes: Vec<(String, Moment)>,
    pub(crate) said: Vec<Said>,
    /// Whether the list can be asked for again.
    pub(crate) can_retry: bool,
}

impl FailureView {
    /// A failure of the catalogue, or of what it calls.
    pub(super) fn of_catalog(scene: &Scene<'_>, asked: Asked, err: &CatalogError) -> Self {
        let lang = scene.lang;
        let status = err.status();
        let safe = match (asked, err.symptom) {
            (Asked::List, _) => lang.words().products_safe,
            // The catalogue itself went silent: it may have written before.
            (Asked::Change, Symptom::Timeout | Symptom::Unreachable) => lang.words().maybe_saved,
            (Asked::Change, _) => lang.words().nothing_saved,
        };
        let lead = format!("{} {safe}", lang.chain_of_failure(err));
        let mut view = Self::plain(scene, status, lang.failure_title(status), lead);
        view.drawing = Some(chain(scene, status, err));
        view.said = said(lang, status, err);
        view.can_retry = asked == Asked::List;
        view
    }

    /// A failure that needs no drawing.
    pub(super) fn plain(
        scene: &Scene<'_>,
        status: StatusCode,
        title: String,
        lead: String,
    ) -> Self {
        let lang = scene.lang;
        let causes = Scenario::ALL.into_iter().filter_map(|scenario| {
            let fault = scenario.state(scene.snapshot)?;
            Some((lang.on_since(scenario.words(lang).title), Moment::of(fault.since_s)))
        });
        Self {
            words: lang.words(),
            code: status.as_u16(),
            class: Verdict::of_status(status).as_str(),
            after: lang.failed_after(scene.request, &lang.ms(millis(scene.took))),
            title,
            lead,
            drawing: None,
            trace: scene.trace.map(|trace| TraceView::new(trace, lang, scene.console)),
            causes: causes.collect(),
            said: Vec::new(),
            can_retry: false,
        }
    }
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1_000.0
}

/// Browser, Frontend, Product-Catalog and, where it says so, what it waited for.
fn chain(scene: &Scene<'_>, status: StatusCode, err: &CatalogError) -> Drawing {
    let lang = scene.lang;
    let failing = err.problem.as_ref().and_then(|problem| problem.failing.as_deref());
    let verdict = Verdict::of_status(status);
    let passed = if verdict == Verdict::Fault { Mark::Passed } else { Mark::As(verdict) };
    let arrow = |text: String| Arrow { verdict: Some(verdict), text };
    let node =
        |icon, name: &str, sub: String, mark| Node { icon, name: name.to_owned(), sub, mark };
    let words = lang.words();

    let browser = node(Icon::Browser, words.browser, words.you.to_owned(), Mark::Plain);
    let frontend = node(Icon::Service, "Frontend", lang.ms(millis(scene.took)), passed);
    let catalog_mark = if failing.is_some() { passed } else { Mark::As(verdict) };
    let each = lang.ms(millis(err.took) / err.tries.max(1) as f64);
    let catalog_sub = lang.tries_each(err.tries, &each);
    let catalog = node(Icon::Service, prodcatalog::SEGMENT_NAME, catalog_sub, catalog_mark);

    let mut boxes = vec![
        place(&browser, 0, 28, 126, 52),
        place(&frontend, 190, 28, 120, 52),
        place(&catalog, 374, 28, 176, 52),
    ];
    let link = |text: String, from: i32, to: i32| {
        let centre = f64::from(from + to) / 2.0;
        // Above the boxes, so that a long label may reach over them.
        draw(&arrow(text), format!("M{from} 54H{to}"), LabelAt::Centre(centre), 2, 800.0)
    };
    let mut arrows = vec![
        link(status.as_u16().to_string(), 127, 180),
        link(symptom_text(err.symptom, lang), 311, 364),
    ];
    let mut aloud = vec![browser.name, frontend.name, catalog.name];
    if let Some(failing) = failing {
        let icon =
            if failing.symptom == Symptom::Statement { Icon::Database } else { Icon::Service };
        let callee = node(icon, &failing.callee, tries_text(lang, failing), Mark::As(verdict));
        boxes.push(place(&callee, 614, 28, 185, 52));
        arrows.push(link(symptom_text(failing.symptom, lang), 551, 604));
        aloud.push(callee.name);
    }
    let last = failing.map_or(err.symptom, |failing| failing.symptom);
    let aloud = format!("{}: {}", aloud.join(", "), symptom_text(last, lang));
    Drawing { class: "arch-wide", width: 800, height: 88, aloud, boxes, arrows, bar: None }
}

fn tries_text(lang: Lang, failing: &Failing) -> String {
    let total_ms: u64 = failing.tries.iter().map(|one| one.took_ms).sum();
    let each = total_ms as f64 / failing.tries.len().max(1) as f64;
    lang.tries_each(failing.tries.len(), &lang.ms(each))
}

/// What each service answered, from the one that failed to the shop.
fn said(lang: Lang, status: StatusCode, err: &CatalogError) -> Vec<Said> {
    let mut said = Vec::new();
    if let Some(failing) = err.problem.as_ref().and_then(|problem| problem.failing.as_deref()) {
        said.push(Said {
            service: failing.callee.clone(),
            answer: symptom_text(failing.symptom, lang),
            body: String::new(),
        });
    }
    said.push(Said {
        service: prodcatalog::SEGMENT_NAME.to_owned(),
        answer: symptom_text(err.symptom, lang),
        body: err.problem.as_ref().map_or_else(String::new, |problem| {
            let mut problem = problem.clone();
            problem.failing = None;
            serde_json::to_string(&problem).unwrap_or_default()
        }),
    });
    let answer = status.as_u16().to_string();
    said.push(Said { service: "Frontend".to_owned(), answer, body: String::new() });
    said
}

impl Lang {
    fn failure_title(self, status: StatusCode) -> String {
        let (en, es) = match status.as_u16() {
            429 => ("The catalog takes no more requests", "El catálogo no admite más peticiones"),
            504 => ("The catalog took too long", "El catálogo tardó demasiado"),
            507 => ("The catalog is full", "El catálogo está lleno"),
            400..=499 => ("The catalog refused that", "El catálogo lo rechazó"),
            _ => ("The catalog could not answer", "El catálogo no pudo responder"),
        };
        match self {
            Self::En => en.to_owned(),
            Self::Es => es.to_owned(),
        }
    }

    /// Who asked whom, and who failed.
    fn chain_of_failure(self, err: &CatalogError) -> String {
        let failing = err.problem.as_ref().and_then(|problem| problem.failing.as_deref());
        match (self, failing) {
            (Self::En, Some(failing)) => {
                format!("Frontend asked Product-Catalog, which {}.", en_failing(self, failing))
            }
            (Self::Es, Some(failing)) => {
                format!("Frontend preguntó a Product-Catalog, que {}.", es_failing(self, failing))
            }
            (Self::En, None) => en_catalog(self, err),
            (Self::Es, None) => es_catalog(self, err),
        }
    }

    pub(super) fn bad_id_title(self) -> String {
        match self {
            Self::En => "That is no product id".to_owned(),
            Self::Es => "Eso no es un ID de producto".to_owned(),
        }
    }

    pub(super) fn no_such_product(self, id: &str) -> (String, String) {
        match self {
            Self::En => {
                (format!("There is no product {id}"), "It was deleted, or never added.".to_owned())
            }
            Self::Es => {
                (format!("No hay ningún producto {id}"), "Se borró o nunca se añadió.".to_owned())
            }
        }
    }

    pub(super) fn switch_failed_title(self) -> String {
        match self {
            Self::En => "The switch could not be set".to_owned(),
            Self::Es => "No se pudo accionar el interruptor".to_owned(),
        }
    }
}

/// The callees of all tries, without repetition.
fn callees(failing: &Failing) -> Vec<&str> {
    let mut names: Vec<&str> = failing.tries.iter().map(|one| one.callee.as_str()).collect();
    names.dedup();
    names
}

fn longest(lang: Lang, failing: &Failing) -> String {
    let longest_ms = failing.tries.iter().map(|one| one.took_ms).max().unwrap_or(0);
    lang.ms(longest_ms as f64)
}

fn en_failing(lang: Lang, failing: &Failing) -> String {
    let names = callees(failing).join(" and then ");
    let callee = &failing.callee;
    match (failing.symptom, failing.tries.len()) {
        (Symptom::Status(_), 2) if callees(failing).len() == 1 => {
            format!("asked {names} twice and got an error both times")
        }
        (Symptom::Status(_), 2) => format!("asked {names} and got an error both times"),
        (Symptom::Status(_), _) => format!("asked {names} and got an error"),
        (Symptom::Timeout, _) => {
            format!("waited {} for {callee} and got no answer", longest(lang, failing))
        }
        (Symptom::Unreachable, _) => format!("cannot reach {callee}"),
        (Symptom::Statement, _) => {
            format!("asked its database {callee}, which refused the statement")
        }
    }
}

fn es_failing(lang: Lang, failing: &Failing) -> String {
    let names = callees(failing).join(" y luego a ");
    let callee = &failing.callee;
    match (failing.symptom, failing.tries.len()) {
        (Symptom::Status(_), 2) if callees(failing).len() == 1 => {
            format!("preguntó dos veces a {names} y las dos recibió un error")
        }
        (Symptom::Status(_), 2) => format!("preguntó a {names} y las dos veces recibió un error"),
        (Symptom::Status(_), _) => format!("preguntó a {names} y recibió un error"),
        (Symptom::Timeout, _) => {
            format!("esperó {} a {callee} sin recibir respuesta", longest(lang, failing))
        }
        (Symptom::Unreachable, _) => format!("no puede conectar con {callee}"),
        (Symptom::Statement, _) => {
            format!("preguntó a su base de datos {callee}, que rechazó la sentencia")
        }
    }
}

fn en_catalog(lang: Lang, err: &CatalogError) -> String {
    match err.symptom {
        Symptom::Status(429) => format!(
            "Product-Catalog takes no more requests this second; Frontend tried {} times.",
            err.tries
        ),
        Symptom::Timeout => format!(
            "Frontend waited {} for Product-Catalog and got no answer.",
            lang.ms(millis(err.took))
        ),
        Symptom::Unreachable | Symptom::Statement => {
            "Frontend cannot reach Product-Catalog.".to_owned()
        }
        Symptom::Status(code) => format!("Frontend asked Product-Catalog and got {code}."),
    }
}

fn es_catalog(lang: Lang, err: &CatalogError) -> String {
    match err.symptom {
        Symptom::Status(429) => format!(
            "Product-Catalog no admite más peticiones en este segundo; Frontend lo intentó {} veces.",
            err.tries
        ),
        Symptom::Timeout => format!(
            "Frontend esperó {} a Product-Catalog sin recibir respuesta.",
            lang.ms(millis(err.took))
        ),
        Symptom::Unreachable | Symptom::Statement => {
            "Frontend no puede conectar con Product-Catalog.".to_owned()
        }
        Symptom::Status(code) => format!("Frontend preguntó a Product-Catalog y recibió {code}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prodcatalog::{Problem, Try};

    /// Product-Detail answered `symptom` in each of `tries`.
    fn err(code: u16, symptom: Symptom, tries: &[(&str, u64)]) -> CatalogError {
        let tries: Vec<Try> = tries
            .iter()
            .map(|&(callee, took_ms)| Try { callee: callee.to_owned(), took_ms })
            .collect();
        let mut problem = Problem::refusal(
            StatusCode::from_u16(code).unwrap(),
            "Could not get details",
            "upstream failed",
        );
        let callee = tries.last().unwrap().callee.clone();
        problem.failing = Some(Box::new(Failing { callee, symptom, tries }));
        CatalogError {
            symptom: Symptom::Status(code),
            problem: Some(problem),
            tries: 1,
            took: Duration::from_millis(383),
        }
    }

    fn view(lang: Lang, asked: Asked, err: &CatalogError) -> FailureView {
        let snapshot = Snapshot::default();
        let took = Duration::from_millis(402);
        let (request, trace, console) = ("GET /", None, None);
        let scene = Scene { lang, request, took, trace, console, snapshot: &snapshot };
        FailureView::of_catalog(&scene, asked, err)
    }

    #[test]
    fn two_failed_tries_are_told_and_drawn() {
        let detail = "Product-Detail";
        let err = err(500, Symptom::Status(500), &[(detail, 148), (detail, 148)]);
        let view = view(Lang::En, Asked::List, &err);
        assert_eq!((view.code, view.class), (502, "fault"));
        assert_eq!(view.after, "GET / failed after 402 ms");
        assert_eq!(
            view.lead,
            "Frontend asked Product-Catalog, which asked Product-Detail twice and got an error \
             both times. Your products are safe."
        );
        let drawing = view.drawing.unwrap();
        let boxes: Vec<_> = drawing
            .boxes
            .iter()
            .map(|node| (node.name.as_str(), node.sub.as_str(), node.class))
            .collect();
        assert_eq!(
            boxes,
            [
                ("Browser", "you", ""),
                ("Frontend", "402 ms", "fault passed"),
                ("Product-Catalog", "383 ms", "fault passed"),
                ("Product-Detail", "2 tries, 148 ms each", "fault"),
            ]
        );
        let labels: Vec<&str> = drawing.arrows.iter().map(|arrow| arrow.text.as_str()).collect();
        assert_eq!(labels, ["502", "500", "500"]);
        assert_eq!(view.said.len(), 3);
        assert!(view.said[1].body.contains("\"statusCode\":\"500\""), "{}", view.said[1].body);
    }

    #[test]
    fn each_kind_of_failure_has_its_sentence_in_both_languages() {
        let detail = "Product-Detail";
        let timeout = err(504, Symptom::Timeout, &[(detail, 2_000)]);
        assert_eq!(
            view(Lang::En, Asked::Change, &timeout).lead,
            "Frontend asked Product-Catalog, which waited 2.0 s for Product-Detail and got no \
             answer. Nothing was saved."
        );
        let statement = err(500, Symptom::Statement, &[("products", 1)]);
        assert_eq!(
            view(Lang::Es, Asked::Change, &statement).lead,
            "Frontend preguntó a Product-Catalog, que preguntó a su base de datos products, que \
             rechazó la sentencia. No se ha guardado nada."
        );
        let canary = err(500, Symptom::Status(500), &[("Product-Detail-V2", 3), (detail, 4)]);
        assert!(
            view(Lang::En, Asked::List, &canary)
                .lead
                .contains("asked Product-Detail-V2 and then Product-Detail and got an error both")
        );
    }

    #[test]
    fn a_throttled_catalogue_is_the_end_of_the_chain() {
        let err = CatalogError {
            symptom: Symptom::Status(429),
            problem: None,
            tries: 3,
            took: Duration::from_millis(600),
        };
        let view = view(Lang::En, Asked::List, &err);
        assert_eq!((view.code, view.class), (429, "throttle"));
        assert!(view.lead.contains("Frontend tried 3 times"), "{}", view.lead);
        let drawing = view.drawing.unwrap();
        assert_eq!(drawing.boxes.len(), 3);
        assert_eq!(drawing.boxes[2].sub, "3 tries, 200 ms each");
    }
}
