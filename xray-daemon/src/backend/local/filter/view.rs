//! What a filter looks at.

use super::Filter;
use crate::backend::local::trace::{Summary, Trace};

/// A trace before a filter.
#[derive(Clone, Copy)]
pub struct TraceView<'a> {
    /// Its summary.
    pub summary: &'a Summary,
    /// Its segments; may be missing where [`Filter::needs_segments`] says no.
    pub trace: Option<&'a Trace>,
    /// The groups that `group.name` and `group.arn` speak of.
    pub groups: &'a dyn Groups,
}

/// The groups that exist, with their expressions of now.
pub trait Groups {
    /// The expression of the group of this name.
    fn by_name(&self, name: &str) -> Option<&Filter>;
    /// The expression of the group of this ARN.
    fn by_arn(&self, arn: &str) -> Option<&Filter>;
}

/// There are no groups.
#[derive(Clone, Copy, Debug)]
pub struct NoGroups;

impl Groups for NoGroups {
    fn by_name(&self, _name: &str) -> Option<&Filter> {
        None
    }

    fn by_arn(&self, _arn: &str) -> Option<&Filter> {
        None
    }
}
