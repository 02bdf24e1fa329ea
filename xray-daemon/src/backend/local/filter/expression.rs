//! A filter expression that was read.

use xray_tracing::document::AnnotationValue;

use super::{FilterError, TraceView};

/// Which traces somebody wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    text: String,
}

impl Filter {
    /// Reads `text`; an empty one lets all traces through.
    ///
    /// # Errors
    /// What is wrong, where, in the words of the service.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.trim().to_owned() })
    }

    /// The text as it was given, trimmed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Lets all traces through.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether [`matches`](Self::matches) must see the segments; else the summary is enough.
    pub fn needs_segments(&self) -> bool {
        false
    }

    /// Whether the trace is one of those.
    pub fn matches(&self, _view: &TraceView<'_>) -> bool {
        self.is_empty()
    }

    /// What every matching trace has for certain, to select rows before they are read.
    pub fn pushdown(&self) -> Pushdown {
        Pushdown::default()
    }
}

/// Conditions that hold for every trace that matches (there may be others).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pushdown {
    /// `HasFault` must be this.
    pub has_fault: Option<bool>,
    /// `HasError` must be this.
    pub has_error: Option<bool>,
    /// `HasThrottle` must be this.
    pub has_throttle: Option<bool>,
    /// `IsPartial` must be this.
    pub is_partial: Option<bool>,
    /// Services of these names take part.
    pub services: Vec<String>,
    /// Bounds of `ResponseTime`, seconds; then it must be there.
    pub response_time_s: Option<Range>,
    /// Bounds of `Duration`, seconds; then it must be there.
    pub duration_s: Option<Range>,
    /// Bounds of the root's HTTP status; then it must be there.
    pub http_status: Option<Range>,
    /// The root's method.
    pub http_method: Option<String>,
    /// The root's URL.
    pub http_url: Option<String>,
    /// Users that are named.
    pub users: Vec<String>,
    /// Values that annotations have.
    pub annotations: Vec<(String, AnnotationValue)>,
    /// Nothing but these conditions decides: rows that fulfil them match.
    pub exact: bool,
}

/// Bounds of a number, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Lowest value.
    pub min: f64,
    /// Highest value.
    pub max: f64,
}
