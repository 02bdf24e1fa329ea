//! The architecture, as the last 30 seconds of requests met it.

use super::super::live::Snapshot;
use super::super::words::Lang;
use super::drawing::{Arrow, BarView, Drawing, Icon, LabelAt, Mark, Node, draw, place};
use crate::prodcatalog;
use crate::service::hops::{HopReport, Verdict, WINDOW};
use crate::service::topology::{Hop, Target};

/// What the frontend itself knows.
#[derive(Clone, Debug)]
pub(crate) struct OwnView {
    /// Its port, as text with a colon.
    pub(crate) port: String,
    /// Requests from browsers.
    pub(crate) browser: HopReport,
    /// Its calls of the catalogue.
    pub(crate) catalog: HopReport,
    /// The daemon's port for segments, if it is known: `:2000`.
    pub(crate) daemon_port: Option<String>,
    /// The console's port, if there is one: `:2002`.
    pub(crate) console_port: Option<String>,
}

/// The panel "Architecture".
#[derive(Debug)]
pub(crate) struct ArchitectureView {
    pub(crate) heading: &'static str,
    pub(crate) note: &'static str,
    pub(crate) requests_per_min: String,
    pub(crate) drawings: [Drawing; 2],
}

impl ArchitectureView {
    pub(crate) fn new(lang: Lang, own: &OwnView, snapshot: &Snapshot) -> Self {
        let scene = Scene::new(lang, own, snapshot);
        let words = lang.words();
        let per_min = own.browser.calls * 60 / WINDOW.as_secs();
        Self {
            heading: words.architecture,
            note: words.architecture_note,
            requests_per_min: lang.requests_per_min(per_min),
            drawings: [scene.wide(lang), scene.tall(lang)],
        }
    }
}

/// Everything that is drawn, without places.
struct Scene {
    /// Browser, frontend, catalogue.
    chain: [Node; 3],
    /// Browser to frontend, frontend to catalogue.
    links: [Arrow; 2],
    /// What the catalogue calls.
    targets: Vec<(Node, Arrow)>,
    daemon: String,
    daemon_short: String,
    console: String,
}

impl Scene {
    fn new(lang: Lang, own: &OwnView, snapshot: &Snapshot) -> Self {
        let words = lang.words();
        let hops = snapshot.catalog.as_ref().map_or(&[] as &[Hop], |catalog| &catalog.hops);
        let native = |port: &str| format!("{port} · Rust, {}", words.native_layer);
        let catalog_port = snapshot.catalog.as_ref().map_or(String::new(), |it| port(&it.listen));
        let chain = [
            node(Icon::Browser, words.browser, words.you.to_owned(), Mark::Plain),
            node(
                Icon::Service,
                "Frontend",
                native(&own.port),
                mark(&own.browser, own.catalog.verdict() == Verdict::Fault),
            ),
            node(
                Icon::Service,
                prodcatalog::SEGMENT_NAME,
                native(&catalog_port),
                mark(
                    &own.catalog,
                    hops.iter().any(|hop| hop.last_30_s.verdict() == Verdict::Fault),
                ),
            ),
        ];
        let rate = snapshot.segments_per_s.map(|rate| lang.per_s(rate));
        let daemon = [own.daemon_port.clone(), Some(words.daemon_takes.to_owned()), rate.clone()];
        let console =
            own.console_port.as_ref().map(|port| format!("{} {port}", words.console_port));
        Self {
            chain,
            links: [Arrow::of(&own.browser, lang), Arrow::of(&own.catalog, lang)],
            targets: hops.iter().map(|hop| target(hop, snapshot, lang)).collect(),
            daemon: join_daemon(daemon),
            daemon_short: [rate, console.clone()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(", "),
            console: console.unwrap_or_default(),
        }
    }

    /// From left to right.
    fn wide(&self, lang: Lang) -> Drawing {
        const PITCH: i32 = 57;
        let (browser, frontend, catalog) = (&self.chain[0], &self.chain[1], &self.chain[2]);
        let mut boxes = vec![
            place(browser, 1, 60, 129, 52),
            place(frontend, 226, 60, 204, 52),
            place(catalog, 526, 60, 198, 52),
        ];
        let link = |arrow: &Arrow, from: i32, to: i32| {
            let centre = f64::from(from + to) / 2.0;
            // A label longer than the gap goes above the boxes.
            let label_y = if arrow.text.chars().count() > 9 { 36 } else { 56 };
            draw(arrow, format!("M{from} 86H{to}"), LabelAt::Centre(centre), label_y, 1_176.0)
        };
        let mut arrows = vec![link(&self.links[0], 131, 216), link(&self.links[1], 431, 516)];
        let mut rails = "M328 114V184M625 114V184".to_owned();
        let mut down = "V184";
        let count = i32::try_from(self.targets.len()).unwrap_or(0);
        for (index, (node, arrow)) in (0..).zip(&self.targets) {
            // Half steps above and below the middle of the chain.
            let half_steps = 2 * index - (count - 1);
            let y = 60 + half_steps * PITCH / 2;
            let (from, to) = (86 + half_steps * 5, y + 26);
            let path = if from == to {
                format!("M725 {from}H876")
            } else {
                format!("M725 {from}C806 {from} 766 {to} 876 {to}")
            };
            // On the curve, a little nearer to the target.
            let label_y = to + (from - to) * 15 / 64 - 10;
            arrows.push(draw(arrow, path, LabelAt::Centre(808.0), label_y, 1_176.0));
            boxes.push(place(node, 886, y, 214, 52));
            if node.icon == Icon::Service {
                rails.push_str(&format!("M1102 {to}H1138{down}"));
                down = "";
            }
        }
        let bar = BarView {
            rails,
            x: 226,
            y: 186,
            width: 949,
            height: 27,
            text: self.daemon.clone(),
            end: self.console.clone(),
        };
        let aloud = self.aloud(lang);
        Drawing {
            class: "arch-wide",
            width: 1_176,
            height: 214,
            aloud,
            boxes,
            arrows,
            bar: Some(bar),
        }
    }

    /// From top to bottom.
    fn tall(&self, lang: Lang) -> Drawing {
        const PITCH: i32 = 56;
        let (browser, frontend, catalog) = (&self.chain[0], &self.chain[1], &self.chain[2]);
        let mut boxes = vec![
            place(browser, 1, 1, 338, 44),
            place(frontend, 1, 72, 338, 50),
            place(catalog, 1, 149, 338, 50),
        ];
        let link = |arrow: &Arrow, path: &str, y| {
            draw(arrow, path.to_owned(), LabelAt::Left(184.0), y, 340.0)
        };
        let mut arrows =
            vec![link(&self.links[0], "M170 46V62", 47), link(&self.links[1], "M170 122V140", 124)];
        let count = i32::try_from(self.targets.len()).unwrap_or(0);
        let bar_y = 219 + PITCH * count + 5;
        let mut rails = format!("M12 124V{}", bar_y - 2);
        for (index, (node, arrow)) in (0..).zip(&self.targets) {
            let y = 219 + PITCH * index;
            let middle = y + 23;
            let path = format!("M330 200V{middle}H262");
            arrows.push(draw(arrow, path, LabelAt::Centre(296.0), middle - 28, 325.3));
            boxes.push(place(node, 32, y, 220, 46));
            if node.icon == Icon::Service {
                rails.push_str(&format!("M12 {middle}H30"));
            }
        }
        let bar = BarView {
            rails,
            x: 0,
            y: bar_y,
            width: 340,
            height: 30,
            text: String::new(),
            end: self.daemon_short.clone(),
        };
        let aloud = lang.words().same_drawing.to_owned();
        let height = bar_y + 32;
        Drawing { class: "arch-tall", width: 340, height, aloud, boxes, arrows, bar: Some(bar) }
    }

    /// Every hop and its state, for a screen reader.
    fn aloud(&self, lang: Lang) -> String {
        let [browser, frontend, catalog] = &self.chain;
        let mut said = vec![
            lang.hop_aloud(&browser.name, &frontend.name, &self.links[0].aloud(lang)),
            lang.hop_aloud(&frontend.name, &catalog.name, &self.links[1].aloud(lang)),
        ];
        for (node, arrow) in &self.targets {
            said.push(lang.hop_aloud(&catalog.name, &node.name, &arrow.aloud(lang)));
        }
        said.join(". ")
    }
}

fn node(icon: Icon, name: &str, sub: String, mark: Mark) -> Node {
    Node { icon, name: name.to_owned(), sub, mark }
}

/// A callee is solid where it failed itself, outlined where it passed a failure on.
fn mark(report: &HopReport, callee_failed: bool) -> Mark {
    match report.verdict() {
        _ if report.calls == 0 => Mark::Plain,
        Verdict::Fault if callee_failed => Mark::Passed,
        verdict => Mark::As(verdict),
    }
}

fn target(hop: &Hop, snapshot: &Snapshot, lang: Lang) -> (Node, Arrow) {
    let mark = mark(&hop.last_30_s, false);
    let node = match &hop.target {
        Target::Database(kind) => {
            let rows = snapshot.catalog.as_ref().and_then(|catalog| catalog.rows);
            let rows = rows.map(|rows| format!(" · {}", lang.rows(rows.total)));
            node(Icon::Database, &hop.to, format!("{kind}{}", rows.unwrap_or_default()), mark)
        }
        Target::Service(url) => {
            let topology = snapshot.details.iter().find(|(known, _)| known == url);
            let port = topology.map_or_else(|| port(url), |(_, it)| port(&it.listen));
            let role = match hop.share_percent {
                100 => format!("Rust, {}", lang.words().native_layer),
                percent => lang.share_of_traffic(percent),
            };
            node(Icon::Service, &hop.to, format!("{port} · {role}"), mark)
        }
    };
    (node, Arrow::of(&hop.last_30_s, lang))
}

/// `:5000` of `127.0.0.1:5000` or of a URL.
fn port(address: &str) -> String {
    address.rsplit_once(':').map_or(String::new(), |(_, port)| format!(":{port}"))
}

/// `:2000 · segments from every service, 214/s`, as far as it is known.
fn join_daemon([port, takes, rate]: [Option<String>; 3]) -> String {
    let takes: Vec<String> = [takes, rate].into_iter().flatten().collect();
    let parts: Vec<String> = port.into_iter().chain([takes.join(", ")]).collect();
    parts.join(" · ")
}

/// A view of the whole system in good health, for tests of pages.
#[cfg(test)]
pub(super) fn healthy() -> (OwnView, Snapshot) {
    let report = |mean_ms| HopReport { calls: 106, mean_ms, trouble: None };
    let hop = |to: &str, target, share_percent, mean_ms| Hop {
        to: to.to_owned(),
        target,
        share_percent,
        last_30_s: report(mean_ms),
    };
    let topology = |service: &str, port: u16| crate::service::topology::Topology {
        service: service.to_owned(),
        listen: format!("127.0.0.1:{port}"),
        instrumentation: "native layer".to_owned(),
        faults: crate::chaos::Faults::default(),
        hops: Vec::new(),
        rows: None,
    };
    let [one, two] = ["http://127.0.0.1:3000", "http://127.0.0.1:3001"].map(str::to_owned);
    let mut catalog = topology(prodcatalog::SEGMENT_NAME, 5000);
    catalog.hops = vec![
        hop("Product-Detail", Target::Service(one.clone()), 90, 12.0),
        hop("Product-Detail-V2", Target::Service(two.clone()), 10, 12.4),
        hop("products", Target::Database("SQLite".to_owned()), 100, 1.8),
    ];
    catalog.rows =
        Some(crate::service::topology::Rows { total: 14, inserted: 8, newest: Some(14) });
    let snapshot = Snapshot {
        catalog: Some(catalog),
        details: vec![
            (one, topology("Product-Detail", 3000)),
            (two, topology("Product-Detail-V2", 3001)),
        ],
        segments_per_s: Some(214.0),
    };
    let own = OwnView {
        port: ":9000".to_owned(),
        browser: report(46.0),
        catalog: report(43.0),
        daemon_port: Some(":2000".to_owned()),
        console_port: Some(":2002".to_owned()),
    };
    (own, snapshot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::hops::{Symptom, Trouble};

    fn classes(drawing: &Drawing) -> Vec<(&str, &str)> {
        drawing.boxes.iter().map(|node| (node.name.as_str(), node.class)).collect()
    }

    #[test]
    fn a_healthy_system_is_drawn_as_in_the_picture() {
        let (own, snapshot) = healthy();
        let view = ArchitectureView::new(Lang::En, &own, &snapshot);
        assert_eq!(view.requests_per_min, "212 requests/min");
        let [wide, tall] = &view.drawings;
        let paths: Vec<&str> = wide.arrows.iter().map(|arrow| arrow.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "M131 86H216",
                "M431 86H516",
                "M725 76C806 76 766 29 876 29",
                "M725 86H876",
                "M725 96C806 96 766 143 876 143"
            ]
        );
        let bar = wide.bar.as_ref().unwrap();
        assert_eq!(bar.rails, "M328 114V184M625 114V184M1102 29H1138V184M1102 86H1138");
        assert_eq!(bar.text, ":2000 · segments from every service, 214/s");
        assert_eq!(
            (tall.height, tall.bar.as_ref().unwrap().end.as_str()),
            (424, "214/s, console :2002")
        );
        let subs: Vec<&str> = wide.boxes.iter().map(|node| node.sub.as_str()).collect();
        assert_eq!(
            subs,
            [
                "you",
                ":9000 · Rust, native layer",
                ":5000 · Rust, native layer",
                ":3000 · 90% of traffic",
                ":3001 · 10% of traffic",
                "SQLite · 14 rows"
            ]
        );
        assert!(
            wide.aloud.starts_with(
                "Browser to Frontend: 46 ms, fine. Frontend to Product-Catalog: 43 ms, fine."
            ),
            "{}",
            wide.aloud
        );
    }

    #[test]
    fn a_fault_is_solid_where_it_began_and_outlined_where_it_was_passed_on() {
        let (mut own, mut snapshot) = healthy();
        let fault = |code| {
            Some(Trouble { verdict: Verdict::Fault, symptom: Symptom::Status(code), calls: 106 })
        };
        own.browser.trouble = fault(502);
        own.catalog.trouble = fault(500);
        snapshot.catalog.as_mut().unwrap().hops[0].last_30_s.trouble = fault(500);
        let view = ArchitectureView::new(Lang::En, &own, &snapshot);
        assert_eq!(
            classes(&view.drawings[0]),
            [
                ("Browser", ""),
                ("Frontend", "fault passed"),
                ("Product-Catalog", "fault passed"),
                ("Product-Detail", "fault"),
                ("Product-Detail-V2", "ok"),
                ("products", "ok"),
            ]
        );
        let tips: Vec<&str> = view.drawings[0].arrows.iter().map(|arrow| arrow.tip).collect();
        assert_eq!(tips, ["tip-bad", "tip-bad", "tip-bad", "tip", "tip"]);
    }

    #[test]
    fn before_the_catalogue_was_ever_seen_only_the_chain_is_drawn() {
        let (own, _) = healthy();
        let own = OwnView { browser: HopReport::default(), catalog: HopReport::default(), ..own };
        let view = ArchitectureView::new(Lang::Es, &own, &Snapshot::default());
        assert_eq!(
            classes(&view.drawings[0]),
            [("Navegador", ""), ("Frontend", ""), ("Product-Catalog", "")]
        );
        assert_eq!(view.drawings[0].arrows[0].class, "quiet");
    }
}
