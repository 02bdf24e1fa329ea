//! An expression as a tree, and the tree as text again.
//!
//! In: nothing. Out: the text that parses to the same tree. Owns the tree.

use std::fmt::{self, Display, Formatter, Write as _};

use serde_json::Value;
use xray_tracing::document::AnnotationValue;

use super::keyword::Field;
use super::lexer::Operator;

/// What must hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// At least one; two or more of them.
    Or(Vec<Self>),
    /// All; two or more of them.
    And(Vec<Self>),
    Not(Box<Self>),
    Is(Condition),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Field { field: Field, test: Test },
    Annotation { side: Side, key: String, test: Test },
    Service { node: Option<NodePattern>, body: Option<Box<Expression>> },
    Edge { from: NodePattern, to: NodePattern, body: Option<Box<Expression>> },
    Cause { of: CauseOf, part: CausePart, body: Option<Box<Expression>> },
    CauseJson { equal: bool, pattern: Value },
    Group { by: GroupBy, equal: bool, value: String },
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// It is there; of a boolean, that it is true.
    Holds,
    Compares(Operator, AnnotationValue),
}

/// Whose annotations; only in an edge's body another than one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Own,
    Source,
    Destination,
}

/// A service in the parentheses of `service` and `edge`. Empty members match all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NodePattern {
    pub(super) name: Option<String>,
    pub(super) service_type: Option<String>,
    pub(super) account_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CauseOf {
    Fault,
    Error,
    ResponseTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CausePart {
    Service,
    Entity,
    Exception,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupBy {
    Name,
    Arn,
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => joined(f, parts, " OR ", |part| matches!(part, Self::Or(_))),
            Self::And(parts) => {
                joined(f, parts, " AND ", |part| matches!(part, Self::Or(_) | Self::And(_)))
            }
            Self::Not(inner) => match **inner {
                Self::Or(_) | Self::And(_) => write!(f, "!({inner})"),
                Self::Not(_) | Self::Is(_) => write!(f, "!{inner}"),
            },
            Self::Is(condition) => condition.fmt(f),
        }
    }
}

fn joined(
    f: &mut Formatter<'_>,
    parts: &[Expression],
    between: &str,
    in_parentheses: impl Fn(&Expression) -> bool,
) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(between)?;
        }
        if in_parentheses(part) { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let body = |f: &mut Formatter<'_>, body: &Option<Box<Expression>>| match body {
            Some(body) => write!(f, " {{{body}}}"),
            None => Ok(()),
        };
        let equality = |equal: bool| if equal { "=" } else { "!=" };
        match self {
            Self::Field { field, test } => write!(f, "{}{test}", field.text()),
            Self::Annotation { side, key, test } => {
                f.write_str(match side {
                    Side::Own => "annotation",
                    Side::Source => "source.annotation",
                    Side::Destination => "destination.annotation",
                })?;
                let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                match !key.is_empty() && key.chars().all(plain) {
                    true => write!(f, ".{key}{test}"),
                    false => write!(f, "[{}]{test}", Quoted(key)),
                }
            }
            Self::Service { node, body: inner } => {
                match node {
                    Some(node) => write!(f, "service({node})")?,
                    None => f.write_str("service()")?,
                }
                body(f, inner)
            }
            Self::Edge { from, to, body: inner } => {
                write!(f, "edge({from}, {to})")?;
                body(f, inner)
            }
            Self::Cause { of, part, body: inner } => {
                write!(f, "rootcause.{}.{}", of.text(), part.text())?;
                body(f, inner)
            }
            Self::CauseJson { equal, pattern } => {
                write!(f, "rootcause.json {} #{pattern}", equality(*equal))
            }
            Self::Group { by, equal, value } => {
                let by = if *by == GroupBy::Name { "name" } else { "arn" };
                write!(f, "group.{by} {} {}", equality(*equal), Quoted(value))
            }
        }
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self::Compares(operator, value) = self else { return Ok(()) };
        write!(f, " {} ", operator.text())?;
        match value {
            AnnotationValue::String(text) => Quoted(text).fmt(f),
            AnnotationValue::Number(number) => number.fmt(f),
            AnnotationValue::Bool(bool) => bool.fmt(f),
        }
    }
}

impl Display for NodePattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Self { name: Some(name), service_type: None, account_id: None } = self {
            return Quoted(name).fmt(f);
        }
        let members =
            [("name", &self.name), ("type", &self.service_type), ("account.id", &self.account_id)];
        f.write_str("id(")?;
        let given = members.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
        for (place, (key, value)) in given.enumerate() {
            write!(f, "{}{key}: {}", if place > 0 { ", " } else { "" }, Quoted(value))?;
        }
        f.write_str(")")
    }
}

/// A text as it is written in an expression.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for letter in self.0.chars() {
            if matches!(letter, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(letter)?;
        }
        f.write_char('"')
    }
}

impl CauseOf {
    fn text(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Error => "error",
            Self::ResponseTime => "responsetime",
        }
    }
}

impl CausePart {
    fn text(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Entity => "entity",
            Self::Exception => "exception",
        }
    }
}
