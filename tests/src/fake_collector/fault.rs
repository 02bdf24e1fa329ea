//! What goes wrong with a request.

use std::time::Duration;

/// How the collector treats a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CollectorFault {
    /// As it should.
    #[default]
    None,
    /// Answers this status.
    Status {
        /// HTTP status.
        status: u16,
        /// The `Retry-After` header.
        retry_after_s: Option<u32>,
    },
    /// Reads the request and never answers.
    Hang,
    /// Answers as it should, but only after this time.
    Slow(Duration),
    /// Takes the request but for this many spans.
    Rejects(u64, &'static str),
    /// Answers 400 where a span of that name is in the request.
    Refuses(&'static str),
    /// Answers 413 where more than this many spans are in the request.
    Larger(usize),
}

impl CollectorFault {
    /// Not well for a moment.
    pub const UNAVAILABLE: Self = Self::Status { status: 503, retry_after_s: None };
}
