//! The rows of the timeline: tree, status, lane.
//!
//! In: the timeline of a trace. Out: text and places in percent for `pages/trace.html`. Owns
//! nothing.

use crate::backend::local::console::draw::pct;
use crate::backend::local::console::format::{self, NBSP};
use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::pages::map_panel::status_word;
use crate::backend::local::console::text::fill;
use crate::backend::local::trace::{Row, RowKind, Status, Timeline, Trouble};

/// Most rows that a page prints; a browser lays out no more in good time.
const MAX_PRINTED: usize = 2_000;
/// Deepest indentation.
const MAX_INDENT: usize = 12;
/// Least width of a bar, in percent.
const LEAST_WIDTH: f64 = 0.2;

/// The timeline.
#[derive(Debug)]
pub(crate) struct Lanes {
    pub(crate) ticks: Vec<AxisTick>,
    /// Where the response was sent; none where all ended with it.
    pub(crate) response: Option<String>,
    pub(crate) rows: Vec<LaneRow>,
    /// What is said of rows that are left out.
    pub(crate) omitted: Option<String>,
}

/// A number on the axis.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AxisTick {
    pub(crate) x: String,
    pub(crate) label: String,
}

/// A row.
#[derive(Debug)]
pub(crate) struct LaneRow {
    /// Its id in the page and in the address.
    pub(crate) key: String,
    pub(crate) href: String,
    pub(crate) picked: bool,
    pub(crate) level: usize,
    pub(crate) indent: usize,
    pub(crate) segment: bool,
    pub(crate) parent: bool,
    pub(crate) fold: String,
    pub(crate) icon: &'static str,
    pub(crate) name: String,
    pub(crate) detail: String,
    pub(crate) orphan: bool,
    pub(crate) class: &'static str,
    /// Class of the worst below, for a folded row.
    pub(crate) below: &'static str,
    pub(crate) code: String,
    /// What the row says aloud.
    pub(crate) aloud: String,
    pub(crate) bar_class: String,
    pub(crate) x: String,
    pub(crate) width: String,
    pub(crate) critical: Vec<(String, String)>,
    pub(crate) time: String,
    pub(crate) time_x: String,
    pub(crate) time_dx: &'static str,
    /// The text stands before its place.
    pub(crate) time_end: bool,
    /// The text stands on a filled bar.
    pub(crate) time_on_bar: bool,
}

/// The name of a row in addresses: its id, or its place where it has none.
pub(crate) fn key(row: &Row) -> String {
    row.id.map_or_else(|| format!("n{}", row.entry.at()), |id| id.to_string())
}

/// The icon of a row.
pub(crate) fn icon(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Service => "t-service",
        RowKind::Remote => "t-remote",
        RowKind::Sql => "t-db",
        RowKind::Aws => "t-aws",
        RowKind::KeyValue => "t-kv",
        RowKind::Queue => "t-queue",
        RowKind::Local => "t-local",
    }
}

impl Lanes {
    /// The rows of `timeline`; `link` makes the address of a row.
    pub(crate) fn new(
        frame: &Frame,
        timeline: &Timeline,
        picked: &str,
        link: impl Fn(&str) -> String,
    ) -> Self {
        let printed = timeline.rows.len().min(MAX_PRINTED);
        let omitted = timeline.rows.len() - printed + timeline.omitted_rows;
        let total_ms = timeline.total_ms.max(0.001);
        let asynchronous = timeline.response_ms.filter(|ms| *ms < total_ms * 0.999);
        let row = |row: &Row| lane(frame, row, total_ms, picked, &link);
        Self {
            ticks: ticks(frame, total_ms),
            response: asynchronous.map(|ms| pct(ms / total_ms)),
            rows: timeline.rows.iter().take(printed).map(row).collect(),
            omitted: (omitted > 0).then(|| {
                fill(frame.t.trace.more_rows_of, &[&format::count(frame.lang, omitted as u64)])
            }),
        }
    }
}

fn lane(
    frame: &Frame,
    row: &Row,
    total_ms: f64,
    picked: &str,
    link: impl Fn(&str) -> String,
) -> LaneRow {
    let key = key(row);
    let time = format::duration(frame.lang, row.duration_ms / 1e3);
    let (start, end) = (row.start_ms / total_ms, (row.start_ms + row.duration_ms) / total_ms);
    let width = (end - start).max(LEAST_WIDTH / 100.0);
    let place = time_place(start, start + width, row.in_progress);
    let passed = if row.trouble == Trouble::PassedOn { " passed" } else { "" };
    let class = row.status.class();
    let bar_class = if row.in_progress { "pending".to_owned() } else { format!("{class}{passed}") };
    LaneRow {
        href: link(&key),
        picked: key == picked,
        level: row.depth + 1,
        indent: row.depth.min(MAX_INDENT),
        segment: row.kind == RowKind::Service,
        parent: row.children > 0,
        fold: fill(frame.t.trace.fold_of, &[&row.name]),
        icon: icon(row.kind),
        name: row.name.clone(),
        detail: row.detail.clone(),
        orphan: row.orphan,
        class,
        below: row.worst_below.class(),
        code: row.status_code.map(|code| code.to_string()).unwrap_or_default(),
        aloud: aloud(frame, row, &time),
        bar_class,
        x: pct(start),
        width: pct(width),
        critical: row
            .critical_ms
            .iter()
            .map(|it| (pct(it.start_ms / total_ms), pct((it.end_ms - it.start_ms) / total_ms)))
            .collect(),
        time: if row.in_progress { format!("{time}…") } else { time },
        time_x: pct(place.at),
        time_dx: place.dx,
        time_end: place.before,
        time_on_bar: place.inside && !row.in_progress && row.trouble == Trouble::BeganHere,
        key,
    }
}

/// Where the text of a bar stands.
struct TimePlace {
    at: f64,
    dx: &'static str,
    before: bool,
    inside: bool,
}

/// Behind the bar; inside it, at its end, where there is no room behind; before it where it is
/// short and late. What goes on has an open end, so its text is inside.
fn time_place(start: f64, end: f64, in_progress: bool) -> TimePlace {
    let room_behind = end < 0.9;
    match () {
        () if room_behind && !in_progress => {
            TimePlace { at: end, dx: "6", before: false, inside: false }
        }
        () if end - start > 0.12 => TimePlace { at: end, dx: "-8", before: true, inside: true },
        () if room_behind => TimePlace { at: end, dx: "6", before: false, inside: false },
        () => TimePlace { at: start, dx: "-6", before: true, inside: false },
    }
}

fn aloud(frame: &Frame, row: &Row, time: &str) -> String {
    let (t, from) = (&frame.t.trace, format::duration(frame.lang, row.start_ms / 1e3));
    if row.status == Status::InProgress {
        return fill(t.row_pending_of, &[time, &from]);
    }
    fill(t.row_of, &[status_word(frame, row.status), time, &from])
}

/// Five to ten round numbers along the axis; the first carries the unit.
fn ticks(frame: &Frame, total_ms: f64) -> Vec<AxisTick> {
    let (scale, unit) = if total_ms < 2_000.0 { (1.0, "ms") } else { (1_000.0, "s") };
    let total = total_ms / scale;
    let power = 10_f64.powf((total / 5.0).log10().floor());
    let mut steps = [10.0, 5.0, 2.5, 2.0, 1.0].into_iter().map(|step| step * power);
    let step = steps.find(|step| total / step >= 5.0).unwrap_or(power);
    (0..=12)
        .map(|i| f64::from(i) * step)
        .take_while(|value| *value <= total * 0.96)
        .map(|value| {
            let number = format::decimal(frame.lang, value, 3);
            let label = if value == 0.0 { format!("{number}{NBSP}{unit}") } else { number };
            AxisTick { x: pct(value / total), label }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::console::visitor::Visitor;

    fn frame() -> Frame {
        Frame::new(&Visitor::default(), None, "")
    }

    fn labels(total_ms: f64) -> Vec<String> {
        ticks(&frame(), total_ms).into_iter().map(|tick| tick.label.replace(NBSP, " ")).collect()
    }

    #[test]
    fn the_axis_has_round_numbers() {
        assert_eq!(labels(640.0), ["0 ms", "100", "200", "300", "400", "500", "600"]);
        assert_eq!(labels(9.5), ["0 ms", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        assert_eq!(labels(12_300.0), ["0 s", "2", "4", "6", "8", "10"]);
        assert_eq!(labels(0.001).len(), 5);
    }

    #[test]
    fn the_time_of_a_bar_finds_room() {
        let place = |start, end, running| {
            let place = time_place(start, end, running);
            (place.at, place.dx, place.before)
        };
        assert_eq!(place(0.0, 0.63, false), (0.63, "6", false));
        assert_eq!(place(0.0, 1.0, false), (1.0, "-8", true));
        assert_eq!(place(0.97, 0.99, false), (0.97, "-6", true));
        assert_eq!(place(0.4, 1.0, true), (1.0, "-8", true));
    }
}
