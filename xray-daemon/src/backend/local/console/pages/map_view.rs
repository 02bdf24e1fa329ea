//! The service map, ready to print: head, drawing, table, strip, panel.
//!
//! In: the graph, its layouts and the traffic in time. Out: text and coordinates. Owns nothing.

use askama::Template;

use super::map_graph::Drawing;
use super::map_panel::Panel;
use super::map_table::TableRow;
use crate::backend::local::console::draw::{Column, ColumnPlot, Slice, columns, px};
use crate::backend::local::console::format;
use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::onset::onset;
use crate::backend::local::console::scope_bar::ScopeBar;
use crate::backend::local::console::text::fill;
use crate::backend::local::store::Window;

/// Width of the strip in user units.
const STRIP_WIDTH: f64 = 1_036.0;
/// Height of its columns.
const STRIP_HEIGHT: f64 = 44.0;

/// The page.
#[derive(Debug, Template)]
#[template(path = "pages/map.html")]
pub(crate) struct MapView {
    pub(crate) frame: Frame,
    pub(crate) bar: ScopeBar,
    /// Where live events come from; none when the page stands still.
    pub(crate) events: Option<String>,
    pub(crate) head: Head,
    pub(crate) show: Show,
    pub(crate) strip: Strip,
    pub(crate) compare: Option<CompareNote>,
    pub(crate) panel: Option<Panel>,
    pub(crate) map_link: String,
    pub(crate) table_link: String,
}

/// Drawing or table.
#[derive(Debug)]
pub(crate) enum Show {
    Map { wide: Box<Drawing>, tall: Box<Drawing> },
    Table(Vec<TableRow>),
}

impl Show {
    /// The table, not the drawing.
    pub(crate) fn is_table(&self) -> bool {
        matches!(self, Self::Table(_))
    }
}

/// The line beside the title.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) nodes: String,
    pub(crate) traffic: String,
    pub(crate) trouble: Option<Trouble>,
}

/// The gravest share of trouble in the window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) class: &'static str,
    pub(crate) share: String,
    /// When it began, if it began within the window.
    pub(crate) since: Option<String>,
}

/// Traffic in time.
#[derive(Debug)]
pub(crate) struct Strip {
    pub(crate) columns: Vec<Column>,
    pub(crate) axis: Vec<String>,
    pub(crate) caption: String,
    /// Where the second window begins, in user units.
    pub(crate) split: Option<String>,
    pub(crate) rest: String,
}

/// Which windows are compared.
#[derive(Debug)]
pub(crate) struct CompareNote {
    pub(crate) before: String,
    pub(crate) after: String,
}

impl Head {
    /// From the number of nodes and the traffic.
    pub(crate) fn new(frame: &Frame, nodes: usize, slices: &[Slice], window: Window) -> Self {
        let (lang, t) = (frame.lang, &frame.t.map);
        let total: u64 = slices.iter().map(|slice| slice.shares.total()).sum();
        let per_min = total as f64 * 60.0 / observed_s(slices, window);
        Self {
            nodes: match nodes {
                1 => t.nodes_one.to_owned(),
                nodes => fill(t.nodes_of, &[&format::count(lang, nodes as u64)]),
            },
            traffic: fill(t.traces_per_min_of, &[&format::rate(lang, per_min)]),
            trouble: trouble(frame, slices, total),
        }
    }
}

/// Length of the part of the window in which there can be traffic: a store that is younger than
/// the window must not make its rates look small. Never 0.
pub(crate) fn observed_s(slices: &[Slice], window: Window) -> f64 {
    let first = slices.iter().find(|slice| slice.shares.total() > 0);
    let from_s = first.map_or(window.start_s, |slice| slice.start_s.max(window.start_s));
    (window.end_s - from_s).max(1.0)
}

fn trouble(frame: &Frame, slices: &[Slice], total: u64) -> Option<Trouble> {
    let t = &frame.t.status;
    let sum = |count: fn(&Slice) -> u64| slices.iter().map(count).sum::<u64>();
    let shares = [
        ("fault", t.share_fault, sum(|slice| slice.shares.fault)),
        ("error", t.share_error, sum(|slice| slice.shares.error)),
        ("throttle", t.share_throttle, sum(|slice| slice.shares.throttle)),
    ];
    let (class, word, count) = shares.into_iter().find(|(_, _, count)| *count > 0)?;
    let since = if class == "fault" { onset(slices) } else { None };
    Some(Trouble {
        class,
        share: format!("{} {word}", format::share(frame.lang, count, total)),
        since: since.map(|s| fill(frame.t.map.since_of, &[&format::clock(s, frame.zone)])),
    })
}

impl Strip {
    /// From the traffic; `split_s` is where the second window of a comparison begins.
    pub(crate) fn new(
        frame: &Frame,
        slices: &[Slice],
        window: Window,
        split_s: Option<f64>,
    ) -> Self {
        let (lang, zone, t) = (frame.lang, frame.zone, &frame.t.map);
        let length_s = (window.end_s - window.start_s).max(1.0);
        let each = format::long_span((length_s / slices.len().max(1) as f64).round() as u64);
        let clock = |moment_s| format::clock(moment_s, zone);
        let between = [each.as_str(), &clock(window.start_s), &clock(window.end_s)];
        let mut caption = fill(t.strip_of, &between);
        if let Some(since_s) = onset(slices) {
            caption = format!("{caption} {}", fill(t.strip_since_of, &[&clock(since_s)]));
        }
        let split = split_s.map(|s| (s - window.start_s) / length_s * STRIP_WIDTH);
        Self {
            columns: columns(slices, ColumnPlot { width: STRIP_WIDTH, height: STRIP_HEIGHT }),
            axis: format::axis(lang, window, zone, 5),
            caption,
            rest: px(STRIP_WIDTH - split.unwrap_or(0.0)),
            split: split.map(px),
        }
    }
}

impl CompareNote {
    /// Names both windows.
    pub(crate) fn new(frame: &Frame, window: Window, split_s: f64) -> Self {
        let clock = |moment_s| format::clock(moment_s, frame.zone);
        Self {
            before: format!("{} – {}", clock(window.start_s), clock(split_s)),
            after: format!("{} – {}", clock(split_s), clock(window.end_s)),
        }
    }
}
