//! What every matching trace has for certain: conditions that SQL can select by beforehand.
//!
//! In: an expression. Out: a [`Pushdown`]. Owns nothing. Only what is joined by AND at the top
//! counts; everything else is left to the evaluation, and then `exact` is false.

use xray_tracing::document::AnnotationValue;

use super::expression_tree::{Condition, Expression, NodePattern, Side, Test};
use super::health::is_rule;
use super::keyword::Field;
use super::lexer::Operator;

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
    /// Whether it must be a [health check](super::is_health_check).
    pub health_check: Option<bool>,
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
    /// Parts that the root's URL has.
    pub http_url_parts: Vec<(TextPart, String)>,
    /// Services of these names take part, and something of theirs is a fault.
    pub faulty_services: Vec<String>,
    /// Users that are named.
    pub users: Vec<String>,
    /// Values that annotations have.
    pub annotations: Vec<(String, AnnotationValue)>,
    /// Bounds of numbers that annotations have.
    pub annotation_ranges: Vec<(String, Range)>,
    /// Nothing but these conditions decides: rows that fulfil them match.
    pub exact: bool,
}

/// Where a text stands in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// `BEGINSWITH`
    Begins,
    /// `CONTAINS`
    Contains,
    /// `ENDSWITH`
    Ends,
}

/// Bounds of a number, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Lowest value.
    pub min: f64,
    /// Highest value.
    pub max: f64,
}

impl Range {
    const ALL: Self = Self { min: f64::NEG_INFINITY, max: f64::INFINITY };

    /// The numbers that compare so; none where they are no single range.
    fn of(operator: Operator, number: f64) -> Option<Self> {
        match operator {
            Operator::Equal => Some(Self { min: number, max: number }),
            Operator::Less => Some(Self { max: number.next_down(), ..Self::ALL }),
            Operator::LessOrEqual => Some(Self { max: number, ..Self::ALL }),
            Operator::Greater => Some(Self { min: number.next_up(), ..Self::ALL }),
            Operator::GreaterOrEqual => Some(Self { min: number, ..Self::ALL }),
            _ => None,
        }
    }

    fn and(self, other: Self) -> Self {
        Self { min: self.min.max(other.min), max: self.max.min(other.max) }
    }
}

impl Pushdown {
    pub(super) fn of(expression: Option<&Expression>) -> Self {
        let mut pushdown = Self { exact: true, ..Self::default() };
        match expression {
            None => {}
            Some(Expression::And(parts)) => parts.iter().for_each(|part| pushdown.add(part)),
            Some(other) => pushdown.add(other),
        }
        pushdown
    }

    fn add(&mut self, part: &Expression) {
        let known = match part {
            Expression::Is(condition) => self.add_condition(condition),
            Expression::Not(inner) => match &**inner {
                Expression::Is(Condition::Field { field, test: Test::Holds }) => {
                    self.add_flag(*field, false)
                }
                rule if is_rule(rule) => agree(&mut self.health_check, false),
                _ => false,
            },
            Expression::And(parts) => {
                parts.iter().for_each(|part| self.add(part));
                true
            }
            rule @ Expression::Or(_) if is_rule(rule) => agree(&mut self.health_check, true),
            Expression::Or(_) => false,
        };
        self.exact &= known;
    }

    /// Whether the condition is expressed in full.
    fn add_condition(&mut self, condition: &Condition) -> bool {
        match condition {
            Condition::Field { field, test } => self.add_field(*field, test),
            Condition::Annotation {
                side: Side::Own,
                key,
                test: Test::Compares(Operator::Equal, value),
            } => {
                self.annotations.push((key.clone(), value.clone()));
                true
            }
            Condition::Annotation {
                side: Side::Own,
                key,
                test: Test::Compares(operator, AnnotationValue::Number(number)),
            } => match Range::of(*operator, *number) {
                Some(range) => {
                    self.annotation_ranges.push((key.clone(), range));
                    true
                }
                None => false,
            },
            Condition::Service { node: Some(node), body } => {
                self.services.extend(node.name.clone());
                if body.as_deref().is_some_and(is_fault) {
                    self.faulty_services.extend(node.name.clone());
                }
                let by_name = matches!(
                    node,
                    NodePattern { name: Some(_), service_type: None, account_id: None }
                );
                by_name && body.is_none()
            }
            Condition::Edge { from, to, .. } => {
                self.services.extend([from, to].into_iter().filter_map(|node| node.name.clone()));
                false
            }
            _ => false,
        }
    }

    fn add_field(&mut self, field: Field, test: &Test) -> bool {
        let number = |slot: &mut Option<Range>| {
            let range = match test {
                Test::Holds => Some(Range::ALL),
                Test::Compares(operator, AnnotationValue::Number(number)) => {
                    Range::of(*operator, *number)
                }
                Test::Compares(..) => None,
            };
            let Some(range) = range else { return false };
            *slot = Some(slot.map_or(range, |known| known.and(range)));
            true
        };
        let text = |slot: &mut Option<String>| match test {
            Test::Compares(Operator::Equal, AnnotationValue::String(text)) if slot.is_none() => {
                *slot = Some(text.clone());
                true
            }
            _ => false,
        };
        let part = |parts: &mut Vec<(TextPart, String)>| match test {
            Test::Compares(operator, AnnotationValue::String(text)) => match operator {
                Operator::BeginsWith => Some(TextPart::Begins),
                Operator::Contains => Some(TextPart::Contains),
                Operator::EndsWith => Some(TextPart::Ends),
                _ => None,
            }
            .map(|part| parts.push((part, text.clone())))
            .is_some(),
            Test::Holds | Test::Compares(..) => false,
        };
        match field {
            Field::HttpUrl if part(&mut self.http_url_parts) => true,
            Field::ResponseTime => number(&mut self.response_time_s),
            Field::Duration => number(&mut self.duration_s),
            Field::HttpStatus => number(&mut self.http_status),
            Field::HttpMethod => text(&mut self.http_method),
            Field::HttpUrl => text(&mut self.http_url),
            Field::User => match test {
                Test::Compares(Operator::Equal, AnnotationValue::String(user)) => {
                    self.users.push(user.clone());
                    true
                }
                _ => false,
            },
            _ => match test {
                Test::Holds => self.add_flag(field, true),
                Test::Compares(Operator::Equal, AnnotationValue::Bool(bool)) => {
                    self.add_flag(field, *bool)
                }
                Test::Compares(Operator::NotEqual, AnnotationValue::Bool(bool)) => {
                    self.add_flag(field, !*bool)
                }
                Test::Compares(..) => false,
            },
        }
    }

    fn add_flag(&mut self, field: Field, value: bool) -> bool {
        let set = |slot: &mut Option<bool>| agree(slot, value);
        match field {
            Field::Fault => set(&mut self.has_fault),
            Field::Error => set(&mut self.has_error),
            Field::Throttle => set(&mut self.has_throttle),
            Field::Partial => set(&mut self.is_partial),
            Field::Ok if value => {
                let none = |slot: &mut Option<bool>| !*slot.get_or_insert(false);
                // All three, whatever the first says.
                let faultless = none(&mut self.has_fault);
                let errorless = none(&mut self.has_error);
                none(&mut self.has_throttle) && faultless && errorless
            }
            _ => false,
        }
    }
}

/// Notes a value; false if another one is there already.
fn agree(slot: &mut Option<bool>, value: bool) -> bool {
    *slot.get_or_insert(value) == value
}

/// The body `{fault}`, alone or among other conditions.
fn is_fault(body: &Expression) -> bool {
    match body {
        Expression::Is(Condition::Field { field: Field::Fault, test: Test::Holds }) => true,
        Expression::And(parts) => parts.iter().any(is_fault),
        _ => false,
    }
}
