//! The list of traces, ready to print: quick filters, distributions, rows, pager.
//!
//! In: numbers over all matching traces and one page of their summaries. Out: text. Owns nothing.

use askama::Template;

use super::annotation;
use super::map_panel::status_word;
use super::traces_query::{Only, Sort, TracesState};
use super::traces_refine::Refinement;
use crate::backend::local::console::draw::{
    Bin, Column, ColumnPlot, Histogram, Plot, Shares, Slice, Tick, columns, px,
};
use crate::backend::local::console::format;
use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::scope::{Scope, link};
use crate::backend::local::console::scope_bar::ScopeBar;
use crate::backend::local::console::service::cut;
use crate::backend::local::console::text::fill;
use crate::backend::local::store::{Bucket, LatencyBin, Survey, Window};
use crate::backend::local::trace::Summary;

/// Size of both distributions in user units.
const DIST_WIDTH: f64 = 640.0;
/// Height of their columns and bins.
const DIST_HEIGHT: f64 = 70.0;
/// Longest bar of a response time.
const BAR_WIDTH: f64 = 64.0;
/// Annotations shown in a row; the rest is counted.
const SHOWN_ANNOTATIONS: usize = 2;
/// Characters of a trace id that tell it from its neighbours.
const ID_CHARS: usize = 17;

/// The page.
#[derive(Debug, Template)]
#[template(path = "pages/traces.html")]
pub(crate) struct TracesView {
    pub(crate) frame: Frame,
    pub(crate) bar: ScopeBar,
    pub(crate) events: Option<String>,
    pub(crate) matched: String,
    pub(crate) chips: Vec<Chip>,
    pub(crate) refine: Vec<Refinement>,
    pub(crate) dist: Distribution,
    pub(crate) heads: Vec<HeadCell>,
    pub(crate) rows: Vec<TraceRow>,
    pub(crate) pager: Pager,
    /// This page from its start, with what is new.
    pub(crate) again: String,
}

/// A quick filter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chip {
    pub(crate) name: &'static str,
    /// Class of a status; empty for none.
    pub(crate) class: &'static str,
    pub(crate) count: String,
    pub(crate) href: String,
    pub(crate) on: bool,
}

/// Traffic and response times of what matches.
#[derive(Debug)]
pub(crate) struct Distribution {
    pub(crate) columns: Vec<Column>,
    pub(crate) slice: String,
    pub(crate) axis: Vec<String>,
    pub(crate) bins: Vec<Bin>,
    pub(crate) ticks: Vec<Tick>,
    pub(crate) of_traces: String,
    pub(crate) percentiles: Vec<(&'static str, String)>,
    pub(crate) end_s: f64,
    pub(crate) pattern: String,
    pub(crate) chosen: Option<ChosenTimes>,
    pub(crate) label: String,
}

/// A range of response times in the filter.
#[derive(Debug)]
pub(crate) struct ChosenTimes {
    pub(crate) x: String,
    pub(crate) width: String,
    pub(crate) range: String,
    pub(crate) clear: String,
}

/// A head of the table.
#[derive(Debug)]
pub(crate) struct HeadCell {
    pub(crate) name: &'static str,
    pub(crate) number: bool,
    /// Link that sorts; none where there is no order.
    pub(crate) sort: Option<String>,
    /// `ascending` or `descending`, where the table is sorted by it.
    pub(crate) sorted: Option<&'static str>,
}

/// A trace as a row.
#[derive(Debug)]
pub(crate) struct TraceRow {
    pub(crate) href: String,
    pub(crate) class: &'static str,
    pub(crate) status: &'static str,
    pub(crate) clock: String,
    pub(crate) iso: String,
    /// Date, for the tool tip.
    pub(crate) date: String,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) full_url: String,
    pub(crate) code: String,
    pub(crate) response_time: String,
    pub(crate) bar: Option<String>,
    pub(crate) duration: String,
    pub(crate) pending: bool,
    pub(crate) incomplete: bool,
    pub(crate) annotations: Vec<AnnotationChip>,
    pub(crate) more_annotations: Option<String>,
    pub(crate) id: String,
    pub(crate) full_id: String,
}

/// An annotation, as a link that filters by it.
#[derive(Debug)]
pub(crate) struct AnnotationChip {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) href: String,
}

/// Where the page stands in the list.
#[derive(Debug)]
pub(crate) struct Pager {
    pub(crate) place: String,
    pub(crate) rows: Vec<(usize, bool)>,
    pub(crate) hidden: Vec<(&'static str, String)>,
    pub(crate) newest: Option<String>,
    pub(crate) older: Option<String>,
}

/// What the page is made from.
#[derive(Debug)]
pub(crate) struct TracesInput<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) state: &'a TracesState,
    /// Over the filter without the quick filter.
    pub(crate) all: &'a Survey,
    /// With it.
    pub(crate) shown: &'a Survey,
    pub(crate) window: Window,
    pub(crate) items: &'a [Summary],
    /// Address of the next page, if there is one.
    pub(crate) older: Option<String>,
}

/// Text of the line beside the title: `412 of 3,186 match`; without a filter how many there are and
/// how many health checks are not shown.
pub(crate) fn matched(
    frame: &Frame,
    scope: &Scope,
    state: &TracesState,
    survey: &Survey,
) -> String {
    let t = &frame.t.traces;
    let n = |n| format::count(frame.lang, n);
    let (matched, all) = (n(survey.matched), n(survey.processed));
    let narrowed = !state.conditions(None).is_empty();
    let text = if !scope.filter.is_empty() || !scope.group.is_empty() || narrowed {
        fill(t.match_of, &[&matched, &all])
    } else {
        let count = match survey.matched {
            1 => t.count_one.to_owned(),
            _ => fill(t.count_of, &[&matched]),
        };
        match survey.processed.saturating_sub(survey.matched) {
            0 => count,
            1 => format!("{count}, {}", t.hidden_one),
            hidden => format!("{count}, {}", fill(t.hidden_of, &[&n(hidden)])),
        }
    };
    if survey.complete { text } else { format!("{} {text}", t.at_least) }
}

impl TracesInput<'_> {
    /// The quick filters.
    pub(crate) fn chips(&self, frame: &Frame) -> Vec<Chip> {
        let (t, s, all) = (&frame.t.traces, &frame.t.status, self.all);
        let finished: u64 = all.latency.iter().map(|bin| bin.count).sum();
        let slow = finished - (finished * 95).div_ceil(100);
        [
            (Only::All, t.all, "", all.matched),
            (Only::Fault, s.fault, "fault", all.total.fault),
            (Only::Error, s.error, "error", all.total.error),
            (Only::Throttle, s.throttle, "throttle", all.total.throttle),
            (Only::Pending, s.pending, "pending", all.in_progress),
            (Only::Slow, t.slow, "", slow),
            (Only::Exception, t.exception, "", all.with_exception),
        ]
        .into_iter()
        .map(|(only, name, class, count)| Chip {
            name,
            class,
            count: format::count(frame.lang, count),
            href: self.state.only(only).link(self.scope),
            on: self.state.only == only,
        })
        .collect()
    }

    /// Traffic and response times.
    pub(crate) fn distribution(&self, frame: &Frame) -> Distribution {
        let (lang, t) = (frame.lang, &frame.t.traces);
        let slices: Vec<_> = self.shown.buckets.iter().map(|bucket| slice(*bucket)).collect();
        let length_s = self.window.end_s - self.window.start_s;
        let each = (length_s / slices.len().max(1) as f64).round() as u64;
        let middle = |bin: &LatencyBin| ((bin.from_s + bin.to_s) / 2.0, bin.count);
        let histogram = Histogram::new(self.shown.latency.iter().map(middle));
        let plot = Plot { width: DIST_WIDTH, top: 0.0, height: DIST_HEIGHT };
        let percentile =
            |(name, value): (_, Option<f64>)| Some((name, format::duration(lang, value?)));
        let without = self.state.times(None);
        let pattern = without.link(self.scope);
        let joint = if pattern.contains('?') { '&' } else { '?' };
        let chosen = self.state.times_s.map(|(from_s, to_s)| {
            let at = |s: f64| (s / histogram.axis_end_s() * DIST_WIDTH).min(DIST_WIDTH);
            ChosenTimes {
                x: px(at(from_s)),
                width: px(at(to_s) - at(from_s)),
                range: format::range_ms(lang, from_s, to_s),
                clear: pattern.clone(),
            }
        });
        Distribution {
            columns: columns(&slices, ColumnPlot { width: DIST_WIDTH, height: DIST_HEIGHT }),
            slice: fill(t.per_slice_of, &[&format::long_span(each)]),
            axis: format::axis(lang, self.window, frame.zone, 5),
            bins: histogram.bins(plot, self.state.times_s),
            ticks: histogram.ticks(lang, plot, 5),
            of_traces: match self.shown.matched {
                1 => t.of_the_trace.to_owned(),
                n => fill(t.of_the_traces_of, &[&format::count(lang, n)]),
            },
            percentiles: [
                ("p50", self.shown.p50_s),
                ("p90", self.shown.p90_s),
                ("p99", self.shown.p99_s),
            ]
            .into_iter()
            .filter_map(percentile)
            .collect(),
            end_s: histogram.axis_end_s(),
            pattern: format!("{pattern}{joint}rt=RANGE"),
            label: frame.t.map.histogram_keys.to_owned(),
            chosen,
        }
    }

    /// Heads of the table.
    pub(crate) fn heads(&self, frame: &Frame) -> Vec<HeadCell> {
        let t = &frame.t.traces;
        let plain = |name| HeadCell { name, number: false, sort: None, sorted: None };
        let sorting = |name, number, sort: Sort| HeadCell {
            name,
            number,
            sort: Some(self.state.sorted_by(sort).link(self.scope)),
            sorted: (self.state.sort.column() == sort.column())
                .then(|| self.state.sort.direction()),
        };
        vec![
            plain(frame.t.map.status),
            sorting(t.time, false, Sort::Newest),
            plain(t.method),
            plain(t.url),
            HeadCell { number: true, ..plain(t.code) },
            sorting(frame.t.map.response_time, true, Sort::Slowest),
            sorting(t.duration, true, Sort::Longest),
            plain(t.annotations),
            plain(t.trace),
        ]
    }

    /// The rows.
    pub(crate) fn rows(&self, frame: &Frame) -> Vec<TraceRow> {
        let longest = self.items.iter().filter_map(|summary| summary.response_time_s);
        let longest_s = longest.fold(0.0, f64::max);
        self.items.iter().map(|summary| self.row(frame, summary, longest_s)).collect()
    }

    fn row(&self, frame: &Frame, summary: &Summary, longest_s: f64) -> TraceRow {
        let lang = frame.lang;
        let duration = |s| format::duration(lang, s);
        let bar = summary.response_time_s.filter(|_| longest_s > 0.0);
        let pending = summary.duration_s.is_none();
        let annotations = &summary.annotations;
        let shown = annotations.iter().filter_map(|(key, values)| {
            let first = values.first()?;
            let value = annotation::shown(lang, &first.value);
            let condition = annotation::condition(key, &first.value);
            Some(AnnotationChip {
                key: cut(key, 24),
                value: cut(&value, 32),
                href: self.state.link(&self.scope.and(&condition)),
            })
        });
        let hidden = annotations.len().saturating_sub(SHOWN_ANNOTATIONS);
        let full_id = summary.id.to_string();
        let full_url = summary.http.url.clone().unwrap_or_default();
        TraceRow {
            href: link(&format!("/trace/{full_id}"), &self.scope.query()),
            class: summary.worst.class(),
            status: status_word(frame, summary.worst),
            clock: format::clock_ms(lang, summary.start_time_s, frame.zone),
            iso: format::iso(summary.start_time_s),
            date: format::date_time(lang, summary.start_time_s, frame.zone),
            method: summary.http.method.clone().unwrap_or_default(),
            url: cut(&path_or_title(summary), 80),
            full_url,
            code: summary.http.status.map(|code| code.to_string()).unwrap_or_default(),
            response_time: summary.response_time_s.map_or_else(|| "…".to_owned(), duration),
            bar: bar.map(|s| px((s / longest_s * BAR_WIDTH).max(1.0))),
            duration: summary.duration_s.map_or_else(
                || duration((summary.updated_at_s - summary.start_time_s).max(0.0)),
                duration,
            ),
            pending,
            incomplete: summary.orphans > 0,
            annotations: shown.take(SHOWN_ANNOTATIONS).collect(),
            more_annotations: (hidden > 0)
                .then(|| fill(frame.t.traces.more_annotations_of, &[&hidden.to_string()])),
            id: cut(&full_id, ID_CHARS + 1),
            full_id,
        }
    }

    /// Where the page stands.
    pub(crate) fn pager(&self, frame: &Frame) -> Pager {
        let n = |n: usize| format::count(frame.lang, n as u64);
        let (first, last) = (self.state.at + 1, self.state.at + self.items.len());
        let range = if last > first { format!("{}–{}", n(first), n(last)) } else { n(last) };
        let total = format::count(frame.lang, self.shown.matched);
        let place = fill(frame.t.traces.page_of, &[&range, &total]);
        let on_first = self.state.first_page();
        let mut hidden = self.scope.fields();
        hidden.extend(on_first.extras().into_iter().filter(|(name, _)| *name != "rows"));
        Pager {
            place,
            rows: [20, 50, 100].map(|rows| (rows, rows == self.state.rows)).into(),
            hidden,
            newest: (self.state.at > 0).then(|| on_first.link(self.scope)),
            older: self.older.clone(),
        }
    }
}

/// A slice of the survey as the drawings take it.
pub(crate) fn slice(bucket: Bucket) -> Slice {
    let counts = bucket.counts;
    Slice {
        start_s: bucket.start_s,
        shares: Shares {
            ok: counts.ok,
            error: counts.error,
            fault: counts.fault,
            throttle: counts.throttle,
        },
    }
}

/// The path of the URL; the title where there is no URL.
fn path_or_title(summary: &Summary) -> String {
    let Some(url) = summary.http.url.as_deref() else { return summary.title.clone() };
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    match after_scheme.find('/') {
        Some(at) => after_scheme.split_at(at).1.to_owned(),
        None if url.contains("://") => "/".to_owned(),
        None => url.to_owned(),
    }
}
