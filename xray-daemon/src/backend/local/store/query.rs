//! Questions to the store and the shape of its answers.
//!
//! Times are epoch seconds as the documents carry them; ranges include both ends.

use std::time::SystemTime;

/// A range of time in epoch seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// First moment in it.
    pub start_s: f64,
    /// Last moment in it.
    pub end_s: f64,
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

/// Requests in one slice of time, each counted once: throttle > fault > error > ok.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Where the slice begins.
    pub start_s: f64,
    /// Without any flag, in-progress ones included.
    pub ok: u64,
    /// 4xx, but not 429.
    pub error: u64,
    /// 5xx.
    pub fault: u64,
    /// 429.
    pub throttle: u64,
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
