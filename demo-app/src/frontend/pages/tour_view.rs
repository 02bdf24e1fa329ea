//! The workshop, ready to print: which steps are done, and what the open one waits for.

use super::super::format::Moment;
use super::super::tour::{Evidence, Facts, PRODUCTS_ASKED, Step, Tour};
use super::super::words::{Lang, StepWords, Words};
use crate::prodcatalog;
use crate::proddetail::Version;

/// The nodes that the fourth step offers; one of them is right.
pub(super) const NODES: [&str; 5] = [
    "Frontend",
    prodcatalog::SEGMENT_NAME,
    Version::One.segment_name(),
    Version::Two.segment_name(),
    "products",
];

/// What surrounds the tour.
#[derive(Debug)]
pub(super) struct TourScene<'a> {
    pub(super) facts: Facts,
    pub(super) console: Option<&'a str>,
    /// Where Product-Detail listens: `127.0.0.1:3000`.
    pub(super) detail: Option<&'a str>,
    /// The shop's own address.
    pub(super) shop: &'a str,
    /// The trace of the last action, if it is recorded.
    pub(super) last_trace: Option<&'a str>,
    /// What the last answer was wrong about.
    pub(super) wrong: Option<Wrong>,
}

/// What a wrong answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Another node than the one where the fault starts.
    Node(&'static str),
    NoTraceId,
    /// A trace that the filter does not find.
    NotFound,
    ConsoleSilent,
}

#[derive(Debug)]
pub(crate) struct TourView {
    pub(crate) words: &'static Words,
    pub(crate) done: usize,
    pub(crate) total: usize,
    pub(crate) done_text: String,
    /// What `/tour/checks` says as long as nothing has changed.
    pub(crate) mark: String,
    pub(crate) steps: Vec<StepView>,
}

#[derive(Debug)]
pub(crate) struct StepView {
    pub(crate) number: usize,
    pub(crate) words: &'static StepWords,
    pub(crate) state: StepState,
}

#[derive(Debug)]
pub(crate) enum StepState {
    /// With its evidence.
    Done(EvidenceView),
    Now(Box<OpenStep>),
    Ahead,
}

/// What ticked a step, in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EvidenceView {
    pub(crate) text: String,
    pub(crate) at: Option<Moment>,
}

/// The step that is open.
#[derive(Debug)]
pub(crate) struct OpenStep {
    pub(crate) kind: &'static str,
    pub(crate) checks: Vec<CheckView>,
    /// What to type in a terminal instead.
    pub(crate) command: Option<String>,
    /// Where the main button leads, where that is a link.
    pub(crate) link: Option<String>,
    /// Whether the main button can be pressed.
    pub(crate) ready: bool,
    pub(crate) nodes: Vec<&'static str>,
    pub(crate) filter: Option<String>,
    pub(crate) wrong: Option<String>,
}

/// Something that a step waits for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CheckView {
    pub(crate) is_met: bool,
    pub(crate) text: String,
    /// What it waits for, where it is not met.
    pub(crate) note: String,
    pub(crate) at: Option<Moment>,
}

impl TourView {
    pub(super) fn new(lang: Lang, tour: &Tour, scene: &TourScene<'_>) -> Self {
        let steps = Step::ALL.into_iter().map(|step| StepView {
            number: step.number(),
            words: step.words(lang),
            state: match tour.evidence(step) {
                Some(evidence) => StepState::Done(evidence_view(lang, evidence)),
                None if tour.current() == Some(step) => {
                    StepState::Now(Box::new(OpenStep::new(lang, step, scene)))
                }
                None => StepState::Ahead,
            },
        });
        let (done, total) = (tour.done_count(), Step::ALL.len());
        Self {
            words: lang.words(),
            done,
            total,
            done_text: lang.steps_done(done, total),
            mark: tour.mark(scene.facts),
            steps: steps.collect(),
        }
    }
}

impl OpenStep {
    fn new(lang: Lang, step: Step, scene: &TourScene<'_>) -> Self {
        let facts = scene.facts;
        let mut open = Self {
            kind: "",
            checks: Vec::new(),
            command: None,
            link: None,
            ready: true,
            nodes: Vec::new(),
            filter: None,
            wrong: scene.wrong.map(|wrong| lang.wrong(wrong)),
        };
        match step {
            Step::InsertProducts => {
                open.kind = "insert";
                open.command = Some(format!("curl {}/products -d id=100 -d name=Lamp", scene.shop));
                open.checks = vec![lang.check_inserted(facts.inserted)];
            }
            Step::FindTrace => {
                open.kind = "trace";
                open.ready = scene.last_trace.is_some() && scene.console.is_some();
                open.checks = vec![lang.check_opened(open.ready)];
            }
            Step::BreakDetail => {
                open.kind = "break";
                open.ready = facts.fault_since_s.is_none();
                open.command = scene.detail.map(|detail| format!("curl {detail}/injectFault"));
                open.checks = lang.checks_broken(facts);
            }
            Step::FindNode => {
                open.kind = "node";
                open.link = scene.console.map(str::to_owned);
                open.nodes = NODES.to_vec();
                open.checks = vec![lang.check_node()];
            }
            Step::Filter => {
                open.kind = "filter";
                open.link = scene.console.map(|console| format!("{console}/traces"));
                open.ready = scene.console.is_some();
                open.filter = facts.newest.map(product_filter);
                open.checks = vec![lang.check_filter(facts.newest)];
            }
        }
        open
    }
}

/// The filter expression of the last step.
pub(super) fn product_filter(product_id: i64) -> String {
    format!("annotation.product_id = {product_id}")
}

fn evidence_view(lang: Lang, evidence: &Evidence) -> EvidenceView {
    let text = |text: String| EvidenceView { text, at: None };
    match (lang, evidence) {
        (_, Evidence::Skipped) => text(lang.words().skipped.to_owned()),
        (Lang::En, Evidence::Inserted(count)) => {
            text(format!("{count} inserted, {PRODUCTS_ASKED} asked"))
        }
        (Lang::Es, Evidence::Inserted(count)) => {
            text(format!("{count} insertados, {PRODUCTS_ASKED} pedidos"))
        }
        (_, Evidence::Trace(id)) => text(id.clone()),
        (Lang::En, Evidence::FaultAt(at_s)) => {
            EvidenceView { text: "broken at".to_owned(), at: Some(Moment::of(*at_s)) }
        }
        (Lang::Es, Evidence::FaultAt(at_s)) => {
            EvidenceView { text: "roto a las".to_owned(), at: Some(Moment::of(*at_s)) }
        }
        (_, Evidence::Node) => text(Version::One.segment_name().to_owned()),
    }
}

impl Lang {
    fn check(self, is_met: bool, text: (&str, &str), note: (&str, &str)) -> CheckView {
        let pick = |(en, es): (&str, &str)| match self {
            Self::En => en.to_owned(),
            Self::Es => es.to_owned(),
        };
        let note = if is_met { String::new() } else { pick(note) };
        CheckView { is_met, text: pick(text), note, at: None }
    }

    fn check_inserted(self, inserted: u64) -> CheckView {
        let mut check = self.check(
            inserted >= PRODUCTS_ASKED,
            ("Ten products inserted", "Diez productos insertados"),
            ("", ""),
        );
        check.note = match self {
            Self::En => format!("{inserted} so far; looks every 2 s"),
            Self::Es => format!("{inserted} hasta ahora; mira cada 2 s"),
        };
        check
    }

    fn check_opened(self, ready: bool) -> CheckView {
        let note = if ready {
            ("follow the link", "sigue el enlace")
        } else {
            ("add or change a product first", "añade o cambia antes un producto")
        };
        self.check(false, ("A trace was opened", "Se abrió una traza"), note)
    }

    fn checks_broken(self, facts: Facts) -> Vec<CheckView> {
        let mut on = self.check(
            facts.fault_since_s.is_some(),
            ("Fault injection is on", "La inyección de fallos está activa"),
            ("looks every 2 s", "mira cada 2 s"),
        );
        on.at = facts.fault_since_s.map(Moment::of);
        let reached = self.check(
            facts.fault_reached,
            ("A fault has reached the catalog", "Un fallo ha llegado al catálogo"),
            ("looks every 2 s; open the product list", "mira cada 2 s; abre la lista de productos"),
        );
        vec![on, reached]
    }

    fn check_node(self) -> CheckView {
        self.check(
            false,
            ("The node at which it starts", "El nodo en el que empieza"),
            ("choose one below", "elige uno abajo"),
        )
    }

    fn check_filter(self, newest: Option<i64>) -> CheckView {
        let note = match newest {
            Some(_) => ("paste its id below", "pega su ID abajo"),
            None => ("insert a product first", "inserta antes un producto"),
        };
        self.check(
            false,
            ("A trace that the filter finds", "Una traza que encuentra el filtro"),
            note,
        )
    }

    fn wrong(self, wrong: Wrong) -> String {
        match (self, wrong) {
            (Self::En, Wrong::Node(node)) => format!(
                "Not {node}. A node that calls a failing one fails as well; look where the red \
                 edges end."
            ),
            (Self::Es, Wrong::Node(node)) => format!(
                "No es {node}. Un nodo que llama a otro que falla también falla; mira dónde acaban \
                 las líneas rojas."
            ),
            (Self::En, Wrong::NoTraceId) => {
                "That is no trace id; one looks like 1-6b0564b5-7be260d19f03a8c4512e6b77."
                    .to_owned()
            }
            (Self::Es, Wrong::NoTraceId) => {
                "Eso no es un ID de traza; tienen la forma 1-6b0564b5-7be260d19f03a8c4512e6b77."
                    .to_owned()
            }
            (Self::En, Wrong::NotFound) => {
                "The filter does not find that trace. A new one takes a second to arrive."
                    .to_owned()
            }
            (Self::Es, Wrong::NotFound) => {
                "El filtro no encuentra esa traza. Una nueva tarda un segundo en llegar.".to_owned()
            }
            (Self::En, Wrong::ConsoleSilent) => "The console does not answer.".to_owned(),
            (Self::Es, Wrong::ConsoleSilent) => "La consola no responde.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> TourScene<'static> {
        TourScene {
            facts: Facts::default(),
            console: Some("http://127.0.0.1:2002"),
            detail: Some("127.0.0.1:3000"),
            shop: "127.0.0.1:9000",
            last_trace: None,
            wrong: None,
        }
    }

    fn open(tour: &str, scene: &TourScene<'_>) -> OpenStep {
        let view = TourView::new(Lang::En, &Tour::from_cookie(tour), scene);
        let mut open = view.steps.into_iter().filter_map(|step| match step.state {
            StepState::Now(open) => Some(*open),
            StepState::Done(_) | StepState::Ahead => None,
        });
        open.next().unwrap()
    }

    #[test]
    fn the_broken_detail_shows_both_checks() {
        let facts = Facts { fault_since_s: Some(1_795_515_571), ..Facts::default() };
        let step = open(r#"["skipped","skipped"]"#, &TourScene { facts, ..scene() });
        assert_eq!(step.command.as_deref(), Some("curl 127.0.0.1:3000/injectFault"));
        let checks: Vec<_> = step
            .checks
            .iter()
            .map(|check| (check.is_met, check.text.as_str(), check.note.as_str()))
            .collect();
        assert_eq!(
            checks,
            [
                (true, "Fault injection is on", ""),
                (
                    false,
                    "A fault has reached the catalog",
                    "looks every 2 s; open the product list"
                ),
            ]
        );
        assert_eq!(step.checks[0].at.as_ref().map(|at| at.clock.as_str()), Some("10:19:31"));
        assert!(!step.ready, "it is broken already");
    }

    #[test]
    fn done_steps_show_their_evidence() {
        let tour = Tour::from_cookie(r#"[{"inserted":12},"skipped"]"#);
        let view = TourView::new(Lang::Es, &tour, &scene());
        assert_eq!(view.done_text, "2 de 5 hechos");
        let done: Vec<&str> = view
            .steps
            .iter()
            .filter_map(|step| match &step.state {
                StepState::Done(evidence) => Some(evidence.text.as_str()),
                StepState::Now(_) | StepState::Ahead => None,
            })
            .collect();
        assert_eq!(done, ["12 insertados, 10 pedidos", "saltado"]);
    }

    #[test]
    fn a_wrong_node_gets_a_hint_instead_of_a_tick() {
        let wrong = Some(Wrong::Node("Frontend"));
        let step = open(r#"["skipped","skipped","skipped"]"#, &TourScene { wrong, ..scene() });
        assert!(step.wrong.unwrap().starts_with("Not Frontend."));
        assert_eq!(step.nodes, NODES);
    }
}
