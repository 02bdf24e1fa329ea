//! The question read: a filter that works, and what is wrong with the one typed.
//!
//! In: the scope. Out: an [`Asked`], and filters with more conditions. Owns nothing.

use super::scope::Scope;
use crate::backend::local::filter::{Filter, FilterError};

/// A question that the store can answer.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) scope: Scope,
    /// What is wrong with the filter that was typed.
    pub(crate) error: Option<FilterError>,
    /// The text of the filter that is shown: the one typed, or the last that worked.
    pub(crate) shown: String,
}

impl Asked {
    /// Reads the filter; `last` is the one that worked before.
    pub(crate) fn new(scope: Scope, last: &str) -> Self {
        let error = Filter::parse(&scope.filter).err();
        let shown = match &error {
            None => scope.filter.clone(),
            Some(_) if Filter::parse(last).is_ok() => last.to_owned(),
            Some(_) => String::new(),
        };
        Self { scope, error, shown }
    }

    /// The filter with the scope's other conditions and `more`.
    pub(crate) fn filter(&self, more: &[String]) -> Filter {
        let mut parts = vec![self.scope.expression(&self.shown)];
        parts.extend(more.iter().map(|condition| format!("({condition})")));
        parts.retain(|part| !part.is_empty() && part != "()");
        // All parts are of our own making or were read before; together they can at most be nested
        // too deep, and then all traces are better than none.
        Filter::parse(&parts.join(" AND ")).unwrap_or_default()
    }

    /// The scope that asks for what is shown, for links.
    pub(crate) fn shown_scope(&self) -> Scope {
        self.scope.with_filter(self.shown.clone())
    }
}
