//! One trace, ready to print: header, map, timeline, detail.
//!
//! In: the trace and which row is picked. Out: text. Owns nothing.

use askama::Template;

use super::map_panel::status_word;
use super::trace_detail::{Detail, DetailInput, RowLink};
use super::trace_map::TraceMap;
use super::trace_rows::{Lanes, key};
use crate::backend::local::console::format;
use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::service::cut;
use crate::backend::local::console::text::fill;
use crate::backend::local::trace::{Row, Status, Summary, Timeline, Trace, Trouble};

/// The page.
#[derive(Debug, Template)]
#[template(path = "pages/trace.html")]
pub(crate) struct TraceView {
    pub(crate) frame: Frame,
    pub(crate) events: Option<String>,
    pub(crate) back: String,
    pub(crate) head: TraceHead,
    pub(crate) map: TraceMap,
    pub(crate) lanes: Lanes,
    pub(crate) detail: Option<Detail>,
    pub(crate) download: String,
    /// What is odd about this trace.
    pub(crate) warnings: Vec<&'static str>,
}

/// What, how long, why.
#[derive(Debug)]
pub(crate) struct TraceHead {
    pub(crate) title: String,
    pub(crate) class: &'static str,
    /// `502 Fault`.
    pub(crate) status: String,
    pub(crate) id: String,
    pub(crate) response_time: String,
    pub(crate) duration: String,
    pub(crate) so_far: bool,
    pub(crate) started: String,
    pub(crate) started_iso: String,
    pub(crate) zone: String,
    pub(crate) services: String,
    pub(crate) segments: String,
    pub(crate) subsegments: String,
    pub(crate) root_cause: Option<RootCause>,
    pub(crate) user: String,
}

/// Where the trouble began.
#[derive(Debug)]
pub(crate) struct RootCause {
    pub(crate) class: &'static str,
    pub(crate) link: RowLink,
}

/// The row where the gravest trouble began; of several the last that the response waited for.
pub(crate) fn root_cause(timeline: &Timeline) -> Option<&Row> {
    let began = || timeline.rows.iter().filter(|row| row.trouble == Trouble::BeganHere);
    let worst = began().map(|row| row.status).max()?;
    let of_worst = || began().filter(|row| row.status == worst);
    of_worst().rev().find(|row| !row.critical_ms.is_empty()).or_else(|| of_worst().next())
}

/// The row that is asked for; else the root cause, else the root.
pub(crate) fn picked<'a>(timeline: &'a Timeline, asked: &str) -> Option<&'a Row> {
    let named = timeline.rows.iter().find(|row| key(row) == asked);
    named.or_else(|| root_cause(timeline)).or_else(|| timeline.rows.first())
}

impl TraceHead {
    /// The header of `trace`.
    pub(crate) fn new(input: &DetailInput<'_>, summary: &Summary) -> Self {
        let DetailInput { frame, trace, timeline, .. } = *input;
        let (lang, t) = (frame.lang, &frame.t.trace);
        let root = trace.root().and_then(|root| timeline.rows.get(root.at()));
        let root = root.or_else(|| timeline.rows.first());
        let status = root.map_or(Status::Ok, |row| row.status);
        let code = summary.http.status.map(|code| format!("{code} ")).unwrap_or_default();
        let users: Vec<_> = summary.users.iter().map(|user| user.name.as_str()).collect();
        let seconds = |s: Option<f64>| s.map(|s| format::duration(lang, s));
        let services = summary.service_ids.iter().filter(|id| !id.is_client()).count();
        Self {
            title: cut(&summary.title, 120),
            class: status.class(),
            status: format!("{code}{}", status_word(frame, status)),
            id: trace.id().to_string(),
            response_time: seconds(summary.response_time_s).unwrap_or_else(|| "…".to_owned()),
            duration: seconds(summary.duration_s)
                .unwrap_or_else(|| format::duration(lang, timeline.total_ms / 1e3)),
            so_far: timeline.in_progress,
            started: format::date_time(lang, summary.start_time_s, frame.zone),
            started_iso: format::iso(summary.start_time_s),
            zone: frame.zone.to_string(),
            services: format::count(lang, services as u64),
            segments: format::count(lang, summary.segments as u64),
            subsegments: match summary.subsegments {
                0 => String::new(),
                1 => t.with_subsegment.to_owned(),
                n => fill(t.with_subsegments_of, &[&format::count(lang, n as u64)]),
            },
            root_cause: root_cause(timeline).and_then(|row| cause(input, row)),
            user: cut(&users.join(", "), 60),
        }
    }
}

/// `Product-Detail, load_vendors`.
fn cause(input: &DetailInput<'_>, row: &Row) -> Option<RootCause> {
    let mut link = input.row_link(row.entry)?;
    let segment = input.trace.entry(row.entry)?.segment.filter(|segment| *segment != row.entry);
    if let Some(segment) = segment.and_then(|segment| input.timeline.rows.get(segment.at())) {
        link.name = format!("{}, {}", segment.name, row.name);
    }
    Some(RootCause { class: row.status.class(), link })
}

/// What a person should know before they trust what they see.
pub(crate) fn warnings(frame: &Frame, trace: &Trace, limit_exceeded: bool) -> Vec<&'static str> {
    let t = &frame.t.trace;
    let orphans = trace.root().is_none().then_some(t.only_orphans);
    let missing = trace.entries().iter().any(|entry| entry.orphan);
    let missing = (orphans.is_none() && missing).then_some(t.parents_missing);
    let exceeded = limit_exceeded.then_some(t.limit_exceeded);
    [orphans, missing, exceeded].into_iter().flatten().collect()
}
