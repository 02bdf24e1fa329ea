//! Questions to the store and the shape of its answers.
//!
//! In: what an API operation or a page wants to know. Out: plain values. Times are epoch seconds as
//! the documents carry them; ranges include both ends. Every question is bounded, in rows and in
//! time: an answer that had to stop early says so.

use std::time::SystemTime;

use crate::backend::local::filter::Filter;
use crate::backend::local::graph::{Counts, Histogram};
use crate::backend::local::trace::ServiceId;

/// A range of time in epoch seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// First moment in it.
    pub start_s: f64,
    /// Last moment in it.
    pub end_s: f64,
}

impl Window {
    /// All time.
    pub const ALL: Self = Self { start_s: 0.0, end_s: 253_402_300_799.0 };

    /// Whether `moment_s` is in it.
    pub fn contains(&self, moment_s: f64) -> bool {
        self.start_s <= moment_s && moment_s <= self.end_s
    }
}

/// Which time of a trace must lie in the window (`TimeRangeType` of the API).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeRange {
    /// The earliest start of its segments.
    #[default]
    TraceId,
    /// When its last update was received.
    Event,
    /// The end of one of its segments.
    Service,
}

/// Asks for traces, newest first.
#[derive(Clone, Debug)]
pub struct TraceQuery {
    /// When.
    pub window: Window,
    /// Which time of a trace that means.
    pub range: TimeRange,
    /// Which of them.
    pub filter: Filter,
    /// Share of them, 0–1, chosen by trace id, so that all pages agree.
    pub rate: f64,
    /// Where the page before ended.
    pub after: Option<Key>,
    /// Most traces in a page.
    pub limit: usize,
}

impl TraceQuery {
    /// The newest traces that start in `window` and that `filter` lets through.
    pub fn new(window: Window, filter: Filter) -> Self {
        Self { window, range: TimeRange::TraceId, filter, rate: 1.0, after: None, limit: 100 }
    }
}

/// Place in the order "newest first": where a page ends and the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub(crate) time_us: i64,
    pub(crate) trace: i64,
}

/// One page of an answer.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What was found, newest first.
    pub items: Vec<T>,
    /// Where to go on; `None` at the end. A page may be short, even empty, and still have this: the
    /// store looks at a bounded number of traces at a time.
    pub next: Option<Key>,
    /// Traces looked at before the filter.
    pub processed: u64,
}

/// Asks for numbers over all traces that start in a window.
#[derive(Clone, Debug)]
pub struct SurveyQuery {
    /// When.
    pub window: Window,
    /// Which traces.
    pub filter: Filter,
    /// Slices of the window; at most 1,000.
    pub buckets: usize,
    /// Bins of the response-time histogram; at most 1,000.
    pub bins: usize,
}

/// Numbers over traces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    /// Traces that start in the window.
    pub processed: u64,
    /// Those that the filter lets through.
    pub matched: u64,
    /// Matching ones by the status of their root, each counted once.
    pub total: StatusCounts,
    /// Matching ones whose root is not finished.
    pub in_progress: u64,
    /// Matching ones in which something is a fault, the root or not.
    pub any_fault: u64,
    /// Matching ones in which an exception led to a fault or an error.
    pub with_exception: u64,
    /// Slices of the window in order, all of the same length.
    pub buckets: Vec<Bucket>,
    /// Response times of finished roots, in bins of the same width from 0.
    pub latency: Vec<LatencyBin>,
    /// Response time that half of them do not exceed, seconds.
    pub p50_s: Option<f64>,
    /// … 90 %.
    pub p90_s: Option<f64>,
    /// … 95 %.
    pub p95_s: Option<f64>,
    /// … 99 %.
    pub p99_s: Option<f64>,
    /// False when the time was up before all traces were looked at; then the newest were.
    pub complete: bool,
}

/// Requests by outcome, each counted once: throttle > fault > error > ok.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusCounts {
    /// Without any flag, in-progress ones included.
    pub ok: u64,
    /// 4xx, but not 429.
    pub error: u64,
    /// 5xx.
    pub fault: u64,
    /// 429.
    pub throttle: u64,
}

/// Traces that start in one slice of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Where the slice begins.
    pub start_s: f64,
    /// How they ended.
    pub counts: StatusCounts,
}

/// A slice of response times.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatencyBin {
    /// Lower end, in seconds.
    pub from_s: f64,
    /// Upper end, exclusive except in the last bin.
    pub to_s: f64,
    /// Traces whose root took that long.
    pub count: u64,
}

/// Asks for the numbers of a part of the service graph in the course of time.
#[derive(Clone, Debug)]
pub struct SeriesQuery {
    /// When traces were received.
    pub window: Window,
    /// Which traces.
    pub filter: Filter,
    /// Length of what a point sums up.
    pub period: Period,
    /// What is summed up.
    pub part: SeriesPart,
}

/// Length of what a point sums up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Period {
    /// 60 s.
    #[default]
    Minute,
    /// 300 s.
    FiveMinutes,
}

impl Period {
    /// Its length.
    pub fn seconds(self) -> u32 {
        match self {
            Self::Minute => 60,
            Self::FiveMinutes => 300,
        }
    }
}

/// A part of the service graph.
#[derive(Clone, Debug, PartialEq)]
pub enum SeriesPart {
    /// The requests that came from outside.
    Incoming,
    /// What services took.
    Service(NodeMatch),
    /// What calls took, from one to another.
    Edge(NodeMatch, NodeMatch),
}

/// Which nodes; what is none is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeMatch {
    /// Name of the service.
    pub name: Option<String>,
    /// Its type.
    pub service_type: Option<String>,
    /// Its account.
    pub account_id: Option<String>,
}

impl NodeMatch {
    pub(super) fn matches(&self, service: &ServiceId) -> bool {
        let same = |wanted: &Option<String>, is: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| is == Some(wanted))
        };
        // The client of a service bears its name and is another node.
        let is_meant = !service.is_client() || self.service_type.is_some();
        is_meant
            && same(&self.name, Some(&service.name))
            && same(&self.service_type, service.service_type.as_deref())
            && same(&self.account_id, service.account_id.as_deref())
    }
}

/// Numbers of one period.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesPoint {
    /// End of the period, epoch seconds.
    pub end_s: i64,
    /// Requests and how they ended.
    pub counts: Counts,
    /// How long each took.
    pub response: Histogram,
}

/// What the store holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreStats {
    /// Documents.
    pub segments: u64,
    /// Traces.
    pub traces: u64,
    /// On disk.
    pub bytes: u64,
    /// Most bytes on disk.
    pub max_bytes: u64,
    /// Earliest start of a trace, epoch seconds.
    pub oldest_s: Option<f64>,
    /// Documents refused since the start.
    pub refused: u64,
    /// Traces removed since the start to keep age and size.
    pub expired: u64,
}

/// What the store did not take of a document, as the API says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Unstored {
    /// Place in the call.
    pub index: usize,
    /// The document's id as it stands there, where it can be read; hostile text.
    pub id: Option<String>,
    /// Error code, such as `MissingName`.
    pub code: String,
    /// `Invalid segment. ErrorCode: MissingName`
    pub message: String,
}

/// A document that the store refused, for a person to look at.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedDocument {
    /// When.
    pub at: SystemTime,
    /// Error code of the service, such as `MissingName`.
    pub code: String,
    /// What is wrong with it.
    pub message: String,
    /// Its length.
    pub bytes: usize,
    /// How it begins; hostile text.
    pub excerpt: String,
}
