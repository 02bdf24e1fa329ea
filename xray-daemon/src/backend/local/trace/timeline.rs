//! Rows of the trace timeline, ready to print: what stands where, how it ended, what it waited for.
//!
//! In: an assembled trace. Out: a [`Timeline`] of at most [`MAX_ROWS`] rows, in reading order.
//! Owns nothing.

use xray_tracing::SegmentId;

use super::{EntryIndex, Status, Trace};

/// Most rows; what is left out is counted.
pub const MAX_ROWS: usize = 10_000;

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
    /// Rows beyond [`MAX_ROWS`].
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

/// Where trouble of a row began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// There is none.
    #[default]
    None,
    /// Here: drawn solid.
    BeganHere,
    /// Below, and it was passed on: drawn outlined.
    PassedOn,
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
    pub fn of(_trace: &Trace) -> Self {
        Self::default()
    }
}
