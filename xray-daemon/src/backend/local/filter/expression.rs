//! A filter expression that was read.
//!
//! In: its text. Out: which traces match. Owns the tree.

use std::fmt::{self, Display, Formatter};

use super::evaluate::holds;
use super::expression_tree::{Condition, Expression, GroupBy};
use super::health::is_rule;
use super::parser::parse;
use super::subjects::{Known, TraceSubject};
use super::{FilterError, Groups, Pushdown, TraceView};

/// Which traces somebody wants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    text: String,
    /// None lets all through.
    expression: Option<Expression>,
}

impl Filter {
    /// Reads `text`; an empty one lets all traces through.
    ///
    /// # Errors
    /// What is wrong, where, in the words of the service.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.to_owned(), expression: parse(text)? })
    }

    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether both read the same, however they are written.
    pub fn same_expression(&self, other: &Self) -> bool {
        self.expression == other.expression
    }

    /// Lets all traces through.
    pub fn is_empty(&self) -> bool {
        self.expression.is_none()
    }

    /// Lets all traces through but health checks.
    pub fn only_hides_health_checks(&self) -> bool {
        matches!(&self.expression, Some(Expression::Not(inner)) if is_rule(inner))
    }

    /// Whether this is its whole expression.
    pub(super) fn is(&self, expression: &Expression) -> bool {
        self.expression.as_ref() == Some(expression)
    }

    /// Whether [`matches`](Self::matches) must see the segments; else the summary is enough.
    /// Groups may need them too: those of `groups` that are named are asked.
    pub fn needs_segments(&self, groups: &dyn Groups) -> bool {
        let mut seen = Vec::new();
        self.any_condition(groups, &mut seen, &mut |condition| {
            matches!(condition, Condition::Service { body: Some(_), .. } | Condition::Edge { .. })
        })
    }

    /// Whether the trace is one of those.
    pub fn matches(&self, view: &TraceView<'_>) -> bool {
        self.matches_knowing(view, &Known::default())
    }

    /// The same, asked as a group of a filter that has found out things already.
    pub(super) fn matches_knowing(&self, view: &TraceView<'_>, known: &Known) -> bool {
        let subject = TraceSubject { view, known };
        self.expression.as_ref().is_none_or(|expression| holds(expression, &subject))
    }

    /// What every matching trace has for certain, to select rows before they are read.
    pub fn pushdown(&self) -> Pushdown {
        Pushdown::of(self.expression.as_ref())
    }

    /// Checks that no group that this one names leads back to itself.
    ///
    /// # Errors
    /// The group that does.
    pub fn check_groups(&self, groups: &dyn Groups) -> Result<(), FilterError> {
        match self.ring(groups, &mut Vec::new(), &mut Vec::new()) {
            None => Ok(()),
            Some(name) => {
                let message = format!("Group '{name}' refers to itself");
                Err(FilterError { message, span: 0..self.text.len(), hint: None })
            }
        }
    }

    /// A group that leads back to itself, if one is reached from here. `open` are those on the way.
    fn ring<'a>(
        &'a self,
        groups: &'a dyn Groups,
        open: &mut Vec<&'a Self>,
        closed: &mut Vec<&'a Self>,
    ) -> Option<String> {
        for (by, value) in self.groups() {
            let Some(group) = find(groups, by, value) else { continue };
            let is_group = |known: &&Self| std::ptr::eq(*known, group);
            if open.iter().any(is_group) {
                return Some(value.to_owned());
            }
            if closed.iter().any(is_group) {
                continue;
            }
            open.push(group);
            let ring = group.ring(groups, open, closed);
            closed.extend(open.pop());
            if ring.is_some() {
                return ring;
            }
        }
        None
    }

    /// The groups that it names.
    fn groups(&self) -> Vec<(GroupBy, &str)> {
        let mut found = Vec::new();
        self.for_each(&mut |condition| {
            if let Condition::Group { by, value, .. } = condition {
                found.push((*by, value.as_str()));
            }
        });
        found
    }

    fn any_condition<'a>(
        &'a self,
        groups: &'a dyn Groups,
        seen: &mut Vec<&'a Self>,
        is_one: &mut dyn FnMut(&Condition) -> bool,
    ) -> bool {
        if seen.iter().any(|known| std::ptr::eq(*known, self)) {
            return false;
        }
        seen.push(self);
        let mut any = false;
        self.for_each(&mut |condition| any |= is_one(condition));
        let named = self.groups();
        any || named
            .into_iter()
            .filter_map(|(by, value)| find(groups, by, value))
            .any(|group| group.any_condition(groups, seen, is_one))
    }

    /// Shows every condition outside of braces.
    fn for_each<'a>(&'a self, show: &mut dyn FnMut(&'a Condition)) {
        let mut waiting: Vec<&Expression> = self.expression.iter().collect();
        while let Some(expression) = waiting.pop() {
            match expression {
                Expression::Or(parts) | Expression::And(parts) => waiting.extend(parts),
                Expression::Not(inner) => waiting.push(inner),
                Expression::Is(condition) => show(condition),
            }
        }
    }
}

fn find<'a>(groups: &'a dyn Groups, by: GroupBy, value: &str) -> Option<&'a Filter> {
    match by {
        GroupBy::Name => groups.by_name(value),
        GroupBy::Arn => groups.by_arn(value),
    }
}

/// The expression written anew: one way for all that mean the same.
impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expression.as_ref().map_or(Ok(()), |expression| expression.fmt(f))
    }
}
