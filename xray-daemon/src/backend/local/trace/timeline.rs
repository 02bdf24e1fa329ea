//! Rows of the trace timeline, ready to print: what stands where, how it ended, what it waited for.
//!
//! In: an assembled trace. Out: a [`Timeline`] of at most 10,000 rows, in reading order.
//! Owns nothing.

use xray_tracing::SegmentId;

use super::critical_path::{Stretch, critical_path};
use super::tries::tries;
use super::trouble::{Trouble, Troubles};
use super::words::Words;
use super::{Entry, EntryIndex, EntryKind, Status, Trace};

/// Most rows; what is left out is counted.
const MAX_ROWS: usize = 10_000;
/// A trace that was heard of within this time after its last known end may still be alive; what is
/// in progress is drawn up to there. Old data that is imported would else stretch the axis.
const MAX_SILENCE_S: f64 = 600.0;

/// A trace as rows over one axis of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Epoch seconds at the left end of the axis.
    pub start_s: f64,
    /// Length of the axis: the last end that is known, or the last sign of life of what goes on.
    pub total_ms: f64,
    /// When the response was sent; what runs past it is asynchronous. None without finished root.
    pub response_ms: Option<f64>,
    /// Something is in progress, so that `total_ms` is "so far".
    pub in_progress: bool,
    /// Parents before children, siblings by start.
    pub rows: Vec<Row>,
    /// Rows beyond the first 10,000.
    pub omitted_rows: usize,
}

/// One segment or subsegment.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its place in the trace.
    pub entry: EntryIndex,
    /// Its id; only documents that the service would refuse have none.
    pub id: Option<SegmentId>,
    /// 0 for segments without parent, and for orphans.
    pub depth: usize,
    /// Segment, or what sort of subsegment: chooses the icon.
    pub kind: RowKind,
    /// Service, callee, table, or the work.
    pub name: String,
    /// `POST /products`, `INSERT INTO products`, `DynamoDB GetItem, try 2`; may be empty.
    pub detail: String,
    /// HTTP status.
    pub status_code: Option<u16>,
    /// How it ended.
    pub status: Status,
    /// Whether its fault, error or throttle began here.
    pub trouble: Trouble,
    /// The worst status of it and all below: what a folded row shows.
    pub worst_below: Status,
    /// From the start of the trace.
    pub start_ms: f64,
    /// Length; so far while in progress.
    pub duration_ms: f64,
    /// Not ended yet.
    pub in_progress: bool,
    /// Stretches in which the response waited for this row itself, not for a child.
    pub critical_ms: Vec<Interval>,
    /// Part of it that lies past the response; 0 for what ended before.
    pub after_response_ms: f64,
    /// Rows directly below.
    pub children: usize,
    /// Rows below, at any depth.
    pub descendants: usize,
    /// Its parent was never received (or is part of a ring of parents).
    pub orphan: bool,
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// A segment: the work of a service.
    Service,
    /// A call to another service.
    Remote,
    /// A statement of a database.
    Sql,
    /// A call to an AWS service that is neither table nor queue.
    Aws,
    /// A call to a table or cache (DynamoDB, ElastiCache).
    KeyValue,
    /// A call to a queue, topic or stream (SQS, SNS, Kinesis, EventBridge).
    Queue,
    /// Work inside the service.
    Local,
}

/// A stretch of time, from the start of the trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Where it begins.
    pub start_ms: f64,
    /// Where it ends; not before `start_ms`.
    pub end_ms: f64,
}

impl Timeline {
    /// The rows of `trace`.
    pub fn of(trace: &Trace) -> Self {
        let axis = Axis::of(trace);
        let mut critical = critical_path(trace);
        let trouble = Troubles::of(trace);
        let tries = tries(trace);
        let entries = trace.indexed().take(MAX_ROWS);
        let rows = entries.map(|(index, entry)| {
            let mut row = axis.row(index, entry);
            if let Some(attempt) = tries.get(&index) {
                let comma = if row.detail.is_empty() { "" } else { ", " };
                row.detail = format!("{}{comma}try {attempt}", row.detail);
            }
            row.trouble = trouble.of_entry(index, entry);
            row.worst_below = trouble.worst_below(index);
            row.critical_ms = axis.intervals(critical.remove(&index).unwrap_or_default());
            row
        });
        Self {
            start_s: axis.start_s,
            total_ms: to_ms(axis.end_s - axis.start_s),
            response_ms: axis.response_s.map(|end_s| to_ms(end_s - axis.start_s)),
            in_progress: trace.entries().iter().any(|entry| entry.end_s.is_none()),
            rows: rows.collect(),
            omitted_rows: trace.entries().len().saturating_sub(MAX_ROWS),
        }
    }
}

/// Milliseconds, to the microsecond: what is finer is noise of doubles.
fn to_ms(time_s: f64) -> f64 {
    (time_s * 1e6).round() / 1e3
}

/// The common axis of all rows.
#[derive(Clone, Copy, Debug)]
struct Axis {
    start_s: f64,
    /// Where what is in progress is drawn to.
    end_s: f64,
    /// When the root ended.
    response_s: Option<f64>,
}

impl Axis {
    fn of(trace: &Trace) -> Self {
        let entries = trace.entries();
        let start_s = entries.iter().map(|entry| entry.start_s).reduce(f64::min).unwrap_or(0.0);
        let known_end_s = entries
            .iter()
            .map(|entry| entry.end_s.unwrap_or(entry.start_s))
            .fold(start_s, f64::max);
        let lives = entries.iter().any(|entry| entry.end_s.is_none());
        let heard_s = Some(trace.updated_at_s()).filter(|heard_s| {
            lives && *heard_s > known_end_s && *heard_s - known_end_s <= MAX_SILENCE_S
        });
        let root = trace.root().and_then(|root| trace.entry(root));
        let response_s = root.and_then(|root| root.end_s);
        Self { start_s, end_s: heard_s.unwrap_or(known_end_s), response_s }
    }

    fn row(&self, index: EntryIndex, entry: &Entry) -> Row {
        let words = match entry.kind {
            EntryKind::Segment => Words::segment(&entry.entity),
            EntryKind::Subsegment => Words::subsegment(&entry.entity, entry.callee().as_ref()),
        };
        let end_s = entry.end_s.unwrap_or(self.end_s).max(entry.start_s);
        let after_s =
            self.response_s.map_or(0.0, |response_s| end_s - response_s.max(entry.start_s));
        Row {
            entry: index,
            id: entry.entity.id,
            depth: entry.depth,
            kind: words.kind,
            name: words.name,
            detail: words.detail,
            status_code: entry.entity.http.as_ref().and_then(|http| http.response.status),
            status: entry.status(),
            trouble: Trouble::None,
            worst_below: Status::Ok,
            start_ms: to_ms(entry.start_s - self.start_s),
            duration_ms: to_ms(end_s - entry.start_s),
            in_progress: entry.end_s.is_none(),
            critical_ms: Vec::new(),
            after_response_ms: to_ms(after_s.max(0.0)),
            children: entry.children.len(),
            descendants: entry.descendants,
            orphan: entry.orphan,
        }
    }

    fn intervals(&self, stretches: Vec<Stretch>) -> Vec<Interval> {
        let interval = |stretch: Stretch| Interval {
            start_ms: to_ms(stretch.start_s - self.start_s),
            end_ms: to_ms(stretch.end_s - self.start_s),
        };
        let intervals = stretches.into_iter().map(interval);
        intervals.filter(|interval| interval.end_ms > interval.start_ms).collect()
    }
}
