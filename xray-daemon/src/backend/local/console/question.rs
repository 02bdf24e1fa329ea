//! The question read: a filter that works, and what is wrong with the one typed.
//!
//! In: the scope. Out: an [`Asked`], and filters with more conditions. Owns nothing.

use super::scope::Scope;
use crate::backend::local::filter::{Filter, FilterError};
use crate::backend::local::store::Survey;

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

    /// The filter for drawings of everything, once `survey` has counted what it lets through: where
    /// it lets all through, none is needed, and the store answers from its sums.
    pub(crate) fn filter_after(&self, survey: &Survey) -> Filter {
        let all_pass = survey.complete && survey.matched == survey.processed;
        if all_pass { Filter::default() } else { self.filter(&[]) }
    }

    /// The scope that asks for what is shown, for links.
    pub(crate) fn shown_scope(&self) -> Scope {
        self.scope.with_filter(self.shown.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_lets_all_through_is_left_out() {
        let asked = Asked::new(Scope::default(), "");
        let survey =
            |matched, complete| Survey { processed: 9, matched, complete, ..Survey::default() };
        assert!(asked.filter_after(&survey(9, true)).is_empty());
        assert!(!asked.filter_after(&survey(8, true)).is_empty(), "something is hidden");
        assert!(!asked.filter_after(&survey(9, false)).is_empty(), "not all was counted");
    }

    #[test]
    fn a_wrong_filter_shows_the_last_that_worked() {
        let asked = Asked::new(Scope::default().with_filter("responstime > 1"), "fault");
        assert!(asked.error.is_some());
        assert_eq!(asked.shown, "fault");
        assert_eq!(Asked::new(Scope::default().with_filter("("), ")").shown, "");
    }
}
