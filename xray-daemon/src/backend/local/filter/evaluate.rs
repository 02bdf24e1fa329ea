//! Says whether an expression holds.
//!
//! In: an expression and what it is asked of ([`Subject`]): a trace, a service, an edge, a part of
//! a cause. Out: yes or no. Owns nothing. A value that is missing compares with nothing, not even
//! by `!=`; of several values one that fits is enough; a literal of another type fits none.

use xray_tracing::document::AnnotationValue;

use super::expression_tree::{Condition, Expression, Side, Test};
use super::keyword::Field;
use super::lexer::Operator;

/// A value of a subject.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Flag(bool),
    Number(f64),
    Text(&'a str),
}

impl<'a> From<&'a AnnotationValue> for Value<'a> {
    fn from(value: &'a AnnotationValue) -> Self {
        match value {
            AnnotationValue::String(text) => Self::Text(text),
            AnnotationValue::Number(number) => Self::Number(*number),
            AnnotationValue::Bool(bool) => Self::Flag(*bool),
        }
    }
}

/// Looks at one value.
pub(super) type Look<'l> = &'l mut dyn FnMut(Value<'_>) -> bool;

/// What a condition can be asked of.
pub(super) trait Subject {
    /// Shows the values of `field` to `look`; true as soon as that says so.
    fn any(&self, field: Field, look: Look<'_>) -> bool;

    /// The same for the values of an annotation.
    fn any_annotation(&self, _side: Side, _key: &str, _look: Look<'_>) -> bool {
        false
    }

    /// A condition that only a whole trace has.
    fn holds(&self, _condition: &Condition) -> bool {
        false
    }
}

/// Whether `expression` holds of `subject`. The depth of an expression is bounded.
pub(super) fn holds(expression: &Expression, subject: &dyn Subject) -> bool {
    match expression {
        Expression::Or(parts) => parts.iter().any(|part| holds(part, subject)),
        Expression::And(parts) => parts.iter().all(|part| holds(part, subject)),
        Expression::Not(inner) => !holds(inner, subject),
        Expression::Is(Condition::Field { field, test }) => {
            subject.any(*field, &mut |value| test.fits(value))
        }
        Expression::Is(Condition::Annotation { side, key, test }) => {
            subject.any_annotation(*side, key, &mut |value| test.fits(value))
        }
        Expression::Is(condition) => subject.holds(condition),
    }
}

/// Whether `body` holds; no body always does.
pub(super) fn body_holds(body: Option<&Expression>, subject: &dyn Subject) -> bool {
    body.is_none_or(|body| holds(body, subject))
}

impl Test {
    fn fits(&self, value: Value<'_>) -> bool {
        match self {
            Self::Holds => value != Value::Flag(false),
            Self::Compares(operator, literal) => compare(value, *operator, Value::from(literal)),
        }
    }
}

fn compare(value: Value<'_>, operator: Operator, literal: Value<'_>) -> bool {
    match (value, literal) {
        (Value::Flag(value), Value::Flag(literal)) => match operator {
            Operator::Equal => value == literal,
            Operator::NotEqual => value != literal,
            _ => false,
        },
        (Value::Number(value), Value::Number(literal)) => match operator {
            Operator::Equal => value == literal,
            Operator::NotEqual => value != literal,
            Operator::Less => value < literal,
            Operator::LessOrEqual => value <= literal,
            Operator::Greater => value > literal,
            Operator::GreaterOrEqual => value >= literal,
            _ => false,
        },
        (Value::Text(value), Value::Text(literal)) => match operator {
            Operator::Equal => value == literal,
            Operator::NotEqual => value != literal,
            Operator::Contains => value.contains(literal),
            Operator::BeginsWith => value.starts_with(literal),
            Operator::EndsWith => value.ends_with(literal),
            _ => false,
        },
        _ => false,
    }
}
