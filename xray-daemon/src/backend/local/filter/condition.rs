//! Reads one condition: a keyword, an annotation, a service, an edge, a root cause, a group.
//!
//! In: the tokens from its first word on, and the place in the expression. Out: a [`Condition`], or
//! the mistake. Owns nothing.

use std::iter;

use serde_json::Value;
use xray_tracing::document::AnnotationValue;

use super::expression_tree::{
    CauseOf, CausePart, Condition, Expression, GroupBy, NodePattern, Side, Test,
};
use super::keyword::{Field, FieldKind, Place};
use super::lexer::{Operator, TokenKind};
use super::parser::{Parsed, Parser};
use super::{FilterError, Hint};

impl Parser<'_> {
    pub(super) fn condition(&mut self, place: Place) -> Parsed<Condition> {
        match self.peek() {
            Some(TokenKind::Word) => {}
            Some(TokenKind::End) | None => {
                return Err(FilterError::missing(self.text, "condition"));
            }
            Some(_) => return Err(self.unexpected()),
        }
        let word = self.word().to_ascii_lowercase();
        if let Some(field) = Field::of(&word) {
            return self.field(field, place);
        }
        if let Some(side) = annotation_side(&word) {
            return self.annotation(side, place);
        }
        match word.as_str() {
            "service" | "edge" | "group.name" | "group.arn" | "rootcause.json"
                if place != Place::Trace =>
            {
                Err(self.misplaced(place))
            }
            "service" => self.service(),
            "edge" => self.edge(),
            "group.name" => self.group(GroupBy::Name),
            "group.arn" => self.group(GroupBy::Arn),
            "rootcause.json" => self.cause_json(),
            _ => match cause_of(&word) {
                Some(_) if place != Place::Trace => Err(self.misplaced(place)),
                Some((of, part)) => self.cause(of, part),
                None => {
                    let hint = Hint::for_word(self.word(), place);
                    let error = FilterError::unknown_word(self.text, self.span());
                    Err(error.with_hint(Some(hint)))
                }
            },
        }
    }

    fn field(&mut self, field: Field, place: Place) -> Parsed<Condition> {
        if !field.may_stand(place) {
            return Err(self.misplaced(place));
        }
        self.at += 1;
        let kind = field.kind();
        let allowed = |operator: Operator| match kind {
            FieldKind::Flag => operator.is_equality(),
            FieldKind::Number => !operator.is_of_text(),
            FieldKind::Text => operator.is_equality() || operator.is_of_text(),
        };
        let mut test = self.test(allowed, || Hint::for_operator(field.text(), kind))?;
        if let (FieldKind::Flag, Test::Compares(_, value)) = (kind, &mut test) {
            // Of flags the service takes the words in quotes too.
            match value {
                AnnotationValue::String(text) if text == "true" => {
                    *value = AnnotationValue::Bool(true)
                }
                AnnotationValue::String(text) if text == "false" => {
                    *value = AnnotationValue::Bool(false)
                }
                _ => {}
            }
        }
        Ok(Condition::Field { field, test })
    }

    fn annotation(&mut self, side: Side, place: Place) -> Parsed<Condition> {
        let sides = side == Side::Own || place == Place::Edge;
        if !place.has_annotations() || !sides {
            return Err(self.misplaced(place));
        }
        let span = self.span();
        let word = self.word().to_owned();
        self.at += 1;
        let prefix = match side {
            Side::Own => "annotation",
            Side::Source => "source.annotation",
            Side::Destination => "destination.annotation",
        };
        let key = match word.get(prefix.len()..).filter(|rest| !rest.is_empty()) {
            Some(rest) => {
                let key = rest.get(1..).unwrap_or_default().to_owned();
                if let Some(dot) = key.find('.') {
                    let dot = span.start + prefix.len() + 1 + dot;
                    let error = FilterError::misplaced(self.text, dot..dot + 1);
                    let text = "A key with dots stands in brackets.".to_owned();
                    return Err(error.with_hint(Some(Hint { text, replacement: None })));
                }
                key
            }
            None => self.key()?,
        };
        if key.is_empty() {
            return Err(match self.peek() {
                Some(TokenKind::End) | None => FilterError::missing(self.text, "annotation key"),
                Some(_) => self.unexpected(),
            });
        }
        let test = self.test(|_| true, || None)?;
        Ok(Condition::Annotation { side, key, test })
    }

    /// `[key]`; an empty one if there is none.
    fn key(&mut self) -> Parsed<String> {
        match self.peek().cloned() {
            Some(TokenKind::Key(key)) if !key.is_empty() => {
                self.at += 1;
                Ok(key)
            }
            Some(TokenKind::End) | None => Ok(String::new()),
            Some(_) => Err(self.unexpected()),
        }
    }

    /// An operator and a value, if an operator follows.
    fn test(
        &mut self,
        allowed: impl Fn(Operator) -> bool,
        hint: impl FnOnce() -> Option<Hint>,
    ) -> Parsed<Test> {
        let Some(TokenKind::Operator(operator)) = self.peek().cloned() else {
            return Ok(Test::Holds);
        };
        if !allowed(operator) {
            return Err(FilterError::misplaced(self.text, self.span()).with_hint(hint()));
        }
        self.at += 1;
        self.value().map(|value| Test::Compares(operator, value))
    }

    fn value(&mut self) -> Parsed<AnnotationValue> {
        let value = match self.peek() {
            Some(TokenKind::Text(text)) => AnnotationValue::String(text.clone()),
            Some(TokenKind::Number(number)) => AnnotationValue::Number(*number),
            Some(TokenKind::Word) if self.word().eq_ignore_ascii_case("true") => {
                AnnotationValue::Bool(true)
            }
            Some(TokenKind::Word) if self.word().eq_ignore_ascii_case("false") => {
                AnnotationValue::Bool(false)
            }
            Some(TokenKind::End) | None => return Err(FilterError::missing(self.text, "value")),
            Some(TokenKind::Unclosed(_)) => return Err(self.unexpected()),
            Some(_) => {
                let error =
                    FilterError::symbol(self.text, self.span(), ["true", "false"].into_iter());
                return Err(error.with_hint(Hint::for_value(self.symbol())));
            }
        };
        self.at += 1;
        Ok(value)
    }

    fn service(&mut self) -> Parsed<Condition> {
        self.at += 1;
        self.expect('(')?;
        let node = match self.peek() {
            Some(TokenKind::Sign(')')) => None,
            _ => Some(self.node()?),
        };
        self.expect(')')?;
        Ok(Condition::Service { node, body: self.body(Place::Node)? })
    }

    fn edge(&mut self) -> Parsed<Condition> {
        self.at += 1;
        self.expect('(')?;
        let from = self.node()?;
        self.expect(',')?;
        let to = self.node()?;
        self.expect(')')?;
        Ok(Condition::Edge { from, to, body: self.body(Place::Edge)? })
    }

    /// `"name"` or `id(name: "…", type: "…", account.id: "…")`.
    fn node(&mut self) -> Parsed<NodePattern> {
        if let Some(TokenKind::Text(name)) = self.peek() {
            let name = Some(name.clone());
            self.at += 1;
            return Ok(NodePattern { name, ..NodePattern::default() });
        }
        match self.peek() {
            Some(TokenKind::Word) if self.word().eq_ignore_ascii_case("id") => self.at += 1,
            Some(TokenKind::End) | None => {
                return Err(FilterError::missing(self.text, "service name"));
            }
            Some(TokenKind::Word) => {
                let error = FilterError::symbol(self.text, self.span(), ["id"].into_iter());
                return Err(error.with_hint(Hint::for_value(self.symbol())));
            }
            Some(_) => return Err(self.unexpected()),
        }
        self.expect('(')?;
        let mut pattern = NodePattern::default();
        loop {
            let member = match self.word().to_ascii_lowercase().as_str() {
                "name" => &mut pattern.name,
                "type" => &mut pattern.service_type,
                "account.id" => &mut pattern.account_id,
                _ => return Err(self.unexpected_of(&["name", "type", "account.id"])),
            };
            self.at += 1;
            self.expect(':')?;
            *member = Some(self.string()?);
            if self.peek() != Some(&TokenKind::Sign(',')) {
                break;
            }
            self.at += 1;
        }
        self.expect(')')?;
        Ok(pattern)
    }

    fn body(&mut self, place: Place) -> Parsed<Option<Box<Expression>>> {
        if self.peek() != Some(&TokenKind::Sign('{')) {
            return Ok(None);
        }
        self.nested(|parser| {
            parser.at += 1;
            let inner = parser.or(place)?;
            parser.expect('}')?;
            Ok(Some(Box::new(inner)))
        })
    }

    fn cause(&mut self, of: CauseOf, part: CausePart) -> Parsed<Condition> {
        self.at += 1;
        let place = match (part, of) {
            (CausePart::Service, _) => Place::CauseService,
            (CausePart::Entity, CauseOf::ResponseTime) => Place::TimedEntity,
            (CausePart::Entity, _) => Place::CauseEntity,
            (CausePart::Exception, _) => Place::CauseException,
        };
        Ok(Condition::Cause { of, part, body: self.body(place)? })
    }

    fn cause_json(&mut self) -> Parsed<Condition> {
        self.at += 1;
        let equal = self.equality()?;
        let Some(TokenKind::Json(json)) = self.peek().cloned() else {
            return Err(self.expected("#[…]"));
        };
        let Ok(pattern) = serde_json::from_str::<Value>(&json) else {
            let error = FilterError::at(self.text, self.span(), "Invalid JSON in rootcause.json");
            return Err(error);
        };
        self.at += 1;
        Ok(Condition::CauseJson { equal, pattern })
    }

    fn group(&mut self, by: GroupBy) -> Parsed<Condition> {
        self.at += 1;
        let equal = self.equality()?;
        Ok(Condition::Group { by, equal, value: self.string()? })
    }

    /// Whether `=` or `!=` stands here.
    fn equality(&mut self) -> Parsed<bool> {
        match self.peek() {
            Some(TokenKind::Operator(operator)) if operator.is_equality() => {
                let equal = *operator == Operator::Equal;
                self.at += 1;
                Ok(equal)
            }
            _ => Err(self.expected("'='")),
        }
    }

    fn string(&mut self) -> Parsed<String> {
        match self.peek().cloned() {
            Some(TokenKind::Text(text)) => {
                self.at += 1;
                Ok(text)
            }
            Some(TokenKind::Word) => {
                let error = FilterError::symbol(self.text, self.span(), iter::empty());
                Err(error.with_hint(Hint::for_value(self.symbol())))
            }
            _ => Err(self.expected("text")),
        }
    }
}

/// Whose annotation the word (in lower case) asks for: `annotation` alone, or with a key.
fn annotation_side(word: &str) -> Option<Side> {
    let (side, rest) = [
        (Side::Own, "annotation"),
        (Side::Source, "source.annotation"),
        (Side::Destination, "destination.annotation"),
    ]
    .into_iter()
    .find_map(|(side, prefix)| Some((side, word.strip_prefix(prefix)?)))?;
    (rest.is_empty() || rest.starts_with('.')).then_some(side)
}

/// `rootcause.fault.service` and the like; response times have no exceptions.
fn cause_of(word: &str) -> Option<(CauseOf, CausePart)> {
    let (of, part) = word.strip_prefix("rootcause.")?.split_once('.')?;
    let of = match of {
        "fault" => CauseOf::Fault,
        "error" => CauseOf::Error,
        "responsetime" => CauseOf::ResponseTime,
        _ => return None,
    };
    let part = match part {
        "service" => CausePart::Service,
        "entity" => CausePart::Entity,
        "exception" if of != CauseOf::ResponseTime => CausePart::Exception,
        _ => return None,
    };
    Some((of, part))
}
