//! The panel beside the map: figures of what is picked, shares, response times, recent traces.
//!
//! In: counts and times of a node, an edge or all traces; the newest traces that touch it. Out:
//! ready-to-print text. Owns nothing.

use super::map_graph::{shares, sum_of_edges};
use super::pick::{MapState, Pick, Picked, times_condition};
use crate::backend::local::console::draw::{Bin, Histogram, Mark, Plot, Shares, Tick, px};
use crate::backend::local::console::format;
use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::scope::{Scope, link};
use crate::backend::local::console::service::Look;
use crate::backend::local::console::text::fill;
use crate::backend::local::graph::{self, Counts, ServiceGraph};
use crate::backend::local::trace::{Status, Summary};

/// The histogram's size in user units.
const PLOT: Plot = Plot { width: 324.0, top: 12.0, height: 88.0 };
/// Width of the bar of shares.
const SPLIT_WIDTH: f64 = 324.0;

/// The panel.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) icon: &'static str,
    pub(crate) title: String,
    pub(crate) subtitle: String,
    /// Where the map without this panel is.
    pub(crate) close: String,
    pub(crate) figures: Vec<Figure>,
    pub(crate) requests: String,
    pub(crate) split: Vec<SplitPart>,
    pub(crate) statuses: Vec<StatusRow>,
    pub(crate) times: Option<Times>,
    pub(crate) recent: Vec<Recent>,
    pub(crate) in_range: bool,
    pub(crate) view_href: String,
    pub(crate) view: String,
}

/// A number with its unit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) unit: &'static str,
}

/// A part of the bar of shares.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SplitPart {
    pub(crate) class: &'static str,
    pub(crate) x: String,
    pub(crate) width: String,
}

/// A line of the table of shares.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StatusRow {
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
    pub(crate) count: String,
    pub(crate) share: String,
    /// The traces behind the number; none for 0.
    pub(crate) href: Option<String>,
}

/// The histogram with what is chosen on it.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) bins: Vec<Bin>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) ticks: Vec<Tick>,
    /// End of the axis in seconds, for the script.
    pub(crate) end_s: f64,
    /// Address with `RANGE` where the range goes.
    pub(crate) pattern: String,
    pub(crate) label: String,
    pub(crate) chosen: Option<Chosen>,
    /// Ranges to choose without dragging.
    pub(crate) choices: Vec<(String, String)>,
}

/// A chosen range.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) x: String,
    pub(crate) width: String,
    pub(crate) end_x: String,
    pub(crate) grip_x: String,
    pub(crate) end_grip_x: String,
    pub(crate) range: String,
    pub(crate) count: String,
    pub(crate) clear: String,
}

/// A recent trace.
#[derive(Debug)]
pub(crate) struct Recent {
    pub(crate) href: String,
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
    pub(crate) title: String,
    pub(crate) time: String,
    pub(crate) age: String,
    pub(crate) started: String,
}

/// What the panel is made from.
#[derive(Debug)]
pub(crate) struct PanelInput<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) graph: &'a ServiceGraph,
    pub(crate) scope: &'a Scope,
    pub(crate) state: &'a MapState,
    pub(crate) observed_s: f64,
    /// The newest traces that touch the pick, within the chosen times.
    pub(crate) recent: &'a [Summary],
    /// How many do.
    pub(crate) matched: u64,
    pub(crate) now_s: f64,
}

impl Panel {
    /// The panel for what is picked.
    pub(crate) fn new(input: &PanelInput<'_>) -> Self {
        let PanelInput { frame, graph, scope, state, observed_s, matched, .. } = *input;
        let (lang, t) = (frame.lang, &frame.t.map);
        let pick = state.find(graph);
        let (counts, histogram) = numbers(pick, graph);
        let (icon, title, subtitle) = input.heading(pick);
        let per_min = format::rate(lang, counts.per_minute(observed_s));
        let total = format::count(lang, counts.total());
        let view = match matched {
            1 => t.view_one.to_owned(),
            matched => fill(t.view_of, &[&format::count(lang, matched)]),
        };
        let condition = state.times_s.map(times_condition).unwrap_or_default();
        Self {
            icon,
            title,
            subtitle,
            close: MapState { closed: true, picked: Picked::All, times_s: None, ..state.clone() }
                .link(scope),
            figures: input.figures(counts, &histogram),
            requests: fill(t.requests_of, &[&total, &per_min]),
            split: split(shares(counts)),
            statuses: input.statuses(pick, counts),
            times: (histogram.total() > 0).then(|| input.times(&histogram)),
            recent: input.recent.iter().map(|summary| input.recent(summary)).collect(),
            in_range: state.times_s.is_some(),
            view_href: traces_link(scope, &pick.expression(&condition)),
            view,
        }
    }
}

/// The list of traces with one more condition.
pub(super) fn traces_link(scope: &Scope, condition: &str) -> String {
    if condition.is_empty() { scope.link("/traces") } else { scope.and(condition).link("/traces") }
}

fn numbers(pick: Pick<'_>, graph: &ServiceGraph) -> (Counts, Histogram) {
    let seconds = |histogram: &graph::Histogram| {
        let bins = histogram.bins_us().iter();
        bins.map(|(us, count)| (*us as f64 / 1e6, *count)).collect::<Vec<_>>()
    };
    match pick {
        Pick::Node(node) if !node.is_client() => {
            (node.stats.counts, Histogram::new(seconds(&node.stats.response)))
        }
        Pick::Edge(_, edge, _) => {
            (edge.stats.counts, Histogram::new(seconds(&edge.stats.response)))
        }
        Pick::Node(client) => {
            let times = client.edges.iter().flat_map(|edge| seconds(&edge.stats.response));
            (sum_of_edges(client), Histogram::new(times))
        }
        Pick::All => {
            let clients = || graph.nodes.iter().filter(|node| node.is_client());
            let counts = clients().map(sum_of_edges).fold(Counts::default(), add);
            let edges = clients().flat_map(|client| &client.edges);
            (counts, Histogram::new(edges.flat_map(|edge| seconds(&edge.stats.response))))
        }
    }
}

fn add(a: Counts, b: Counts) -> Counts {
    Counts {
        ok: a.ok.saturating_add(b.ok),
        error: a.error.saturating_add(b.error),
        throttle: a.throttle.saturating_add(b.throttle),
        fault: a.fault.saturating_add(b.fault),
        total_us: a.total_us.saturating_add(b.total_us),
    }
}

impl PanelInput<'_> {
    fn heading(&self, pick: Pick<'_>) -> (&'static str, String, String) {
        let (lang, t) = (self.frame.lang, &self.frame.t.map);
        let look = |node: &graph::GraphNode| Look::of(lang, &node.id, node.stats.state);
        match pick {
            Pick::All => (
                "traces",
                self.frame.t.scope.all_traces.to_owned(),
                self.scope.range_name(self.frame.t, self.frame.zone),
            ),
            Pick::Node(node) => {
                let look = look(node);
                // The full type says more than our words, and a URL more than its end.
                let more = match &node.id.service_type {
                    _ if node.is_client() => None,
                    _ if node.id.name != look.name => Some(node.id.name.clone()),
                    Some(kind) if kind.starts_with("AWS::") => Some(kind.clone()),
                    _ => None,
                };
                let subtitle = more
                    .map_or_else(|| look.kind.clone(), |more| format!("{} · {more}", look.kind));
                (look.icon, look.name, subtitle)
            }
            Pick::Edge(from, _, to) => {
                let (from, to) = (look(from), look(to));
                (to.icon, to.name, fill(t.call_of, &[&from.name]))
            }
        }
    }

    fn figures(&self, counts: Counts, histogram: &Histogram) -> Vec<Figure> {
        let figure = |name, seconds: Option<f64>| {
            let (value, unit) = seconds.map_or_else(
                || ("–".to_owned(), ""),
                |seconds| format::duration_parts(self.frame.lang, seconds),
            );
            Figure { name, value, unit }
        };
        vec![
            figure(self.frame.t.map.average, counts.average_ms().map(|ms| ms / 1e3)),
            figure("p50", histogram.percentile_s(0.5)),
            figure("p90", histogram.percentile_s(0.9)),
            figure("p99", histogram.percentile_s(0.99)),
        ]
    }

    fn statuses(&self, pick: Pick<'_>, counts: Counts) -> Vec<StatusRow> {
        let (lang, t) = (self.frame.lang, &self.frame.t.status);
        let row = |(class, word, keyword, count): (_, _, &str, u64)| StatusRow {
            class,
            word,
            count: format::count(lang, count),
            share: format::share(lang, count, counts.total()),
            href: (count > 0 && !keyword.is_empty())
                .then(|| traces_link(self.scope, &pick.expression(keyword))),
        };
        [
            ("ok", t.ok, "", counts.ok),
            ("error", t.error, "error", counts.error),
            ("fault", t.fault, "fault", counts.fault),
            ("throttle", t.throttle, "throttle", counts.throttle),
        ]
        .map(row)
        .into()
    }

    fn times(&self, histogram: &Histogram) -> Times {
        let (lang, t) = (self.frame.lang, &self.frame.t.map);
        let with = |times_s| MapState { times_s, ..self.state.clone() }.link(self.scope);
        let chosen = self.state.times_s.map(|times_s| self.chosen(histogram, times_s));
        let label = match &chosen {
            Some(chosen) => fill(t.histogram_of, &[&chosen.range, &chosen.count]),
            None => t.histogram_keys.to_owned(),
        };
        let over = |share| {
            let from_s = histogram.percentile_s(share)?;
            let to_s = histogram.percentile_s(1.0).filter(|to_s| *to_s > from_s)?;
            Some((fill(t.over_of, &[&format::duration(lang, from_s)]), with(Some((from_s, to_s)))))
        };
        let pattern = with(None);
        let joint = if pattern.contains('?') { '&' } else { '?' };
        Times {
            bins: histogram.bins(PLOT, self.state.times_s),
            marks: histogram.marks(PLOT),
            ticks: histogram.ticks(lang, PLOT, 4),
            end_s: histogram.axis_end_s(),
            pattern: format!("{pattern}{joint}rt=RANGE"),
            label,
            choices: [0.5, 0.9, 0.99].into_iter().filter_map(over).collect(),
            chosen,
        }
    }

    fn chosen(&self, histogram: &Histogram, (from_s, to_s): (f64, f64)) -> Chosen {
        let t = &self.frame.t.map;
        let at = |seconds: f64| (seconds / histogram.axis_end_s() * PLOT.width).min(PLOT.width);
        let (x, end) = (at(from_s), at(to_s));
        Chosen {
            x: px(x),
            width: px(end - x),
            end_x: px(end),
            grip_x: px(x - 2.5),
            end_grip_x: px(end - 2.5),
            range: format::range_ms(self.frame.lang, from_s, to_s),
            count: match histogram.between(from_s, to_s) {
                1 => t.one_trace.to_owned(),
                n => fill(t.n_traces_of, &[&format::count(self.frame.lang, n)]),
            },
            clear: MapState { times_s: None, ..self.state.clone() }.link(self.scope),
        }
    }

    fn recent(&self, summary: &Summary) -> Recent {
        let lang = self.frame.lang;
        Recent {
            href: link(&format!("/trace/{}", summary.id), &self.scope.query()),
            class: summary.worst.class(),
            word: status_word(self.frame, summary.worst),
            title: summary.title.clone(),
            time: summary
                .response_time_s
                .map_or_else(|| "…".to_owned(), |s| format::duration(lang, s)),
            age: format::age(self.now_s - summary.start_time_s),
            started: format::iso(summary.start_time_s),
        }
    }
}

/// The word of a status.
pub(crate) fn status_word(frame: &Frame, status: Status) -> &'static str {
    let t = &frame.t.status;
    match status {
        Status::Ok => t.ok,
        Status::InProgress => t.pending,
        Status::Throttle => t.throttle,
        Status::Error => t.error,
        Status::Fault => t.fault,
    }
}

fn split(shares: Shares) -> Vec<SplitPart> {
    let total = shares.total();
    if total == 0 {
        return Vec::new();
    }
    let mut x = 0.0;
    [
        ("ok", shares.ok),
        ("error", shares.error),
        ("fault", shares.fault),
        ("throttle", shares.throttle),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(class, count)| {
        let width = count as f64 / total as f64 * SPLIT_WIDTH;
        let part = SplitPart { class, x: px(x), width: px(width) };
        x += width;
        part
    })
    .collect()
}
