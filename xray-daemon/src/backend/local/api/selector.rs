//! Entity selectors: one `service(…)` or `edge(…, …)` without a body.
//!
//! In: an expression. Out: the part of the graph it names. Whether it is an expression at all the
//! filter's parser says, with line and column; what remains here is to read two forms of it.

use super::ApiError;
use crate::backend::local::filter::Filter;
use crate::backend::local::store::{NodeMatch, SeriesPart};

/// The part of the graph that `expression` names; the requests from outside if it is empty.
pub(super) fn part(expression: &str) -> Result<SeriesPart, ApiError> {
    if expression.trim().is_empty() {
        return Ok(SeriesPart::Incoming);
    }
    Filter::parse(expression)?;
    let mut rest = Rest(expression.trim());
    rest.part().filter(|_| rest.0.is_empty()).ok_or_else(|| {
        ApiError::invalid("The entity selector is one service(…) or edge(…, …) without a body")
    })
}

/// What is not read yet.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn part(&mut self) -> Option<SeriesPart> {
        if self.word("service").is_some() {
            self.sign('(')?;
            let node = if self.sign(')').is_some() { NodeMatch::default() } else { self.last()? };
            return Some(SeriesPart::Service(node));
        }
        self.word("edge")?;
        self.sign('(')?;
        let from = self.node()?;
        self.sign(',')?;
        Some(SeriesPart::Edge(from, self.last()?))
    }

    fn last(&mut self) -> Option<NodeMatch> {
        let node = self.node()?;
        self.sign(')')?;
        Some(node)
    }

    fn node(&mut self) -> Option<NodeMatch> {
        if self.word("id").is_none() {
            return Some(NodeMatch { name: Some(self.text()?), ..NodeMatch::default() });
        }
        self.sign('(')?;
        let mut node = NodeMatch::default();
        loop {
            let slot = if self.word("name").is_some() {
                &mut node.name
            } else if self.word("type").is_some() {
                &mut node.service_type
            } else {
                self.word("account.id")?;
                &mut node.account_id
            };
            self.sign(':')?;
            *slot = Some(self.text()?);
            if self.sign(',').is_none() {
                self.sign(')')?;
                return Some(node);
            }
        }
    }

    /// A word, without case.
    fn word(&mut self, word: &str) -> Option<()> {
        let (start, rest) = self.0.split_at_checked(word.len())?;
        if !start.eq_ignore_ascii_case(word) {
            return None;
        }
        self.0 = rest.trim_start();
        Some(())
    }

    fn sign(&mut self, sign: char) -> Option<()> {
        self.0 = self.0.strip_prefix(sign)?.trim_start();
        Some(())
    }

    /// A text in double quotes; `\"` and `\\` stand for the sign after the backslash.
    fn text(&mut self) -> Option<String> {
        let mut signs = self.0.strip_prefix('"')?.chars();
        let mut text = String::new();
        loop {
            match signs.next()? {
                '"' => break,
                '\\' => text.push(signs.next()?),
                sign => text.push(sign),
            }
        }
        self.0 = signs.as_str().trim_start();
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> NodeMatch {
        NodeMatch { name: Some(name.to_owned()), ..NodeMatch::default() }
    }

    #[test]
    fn services_and_edges_are_read() {
        assert_eq!(part(" "), Ok(SeriesPart::Incoming));
        assert_eq!(part(r#"service("a\"b")"#), Ok(SeriesPart::Service(named("a\"b"))));
        assert_eq!(part("service()"), Ok(SeriesPart::Service(NodeMatch::default())));
        assert_eq!(part(r#"edge( "a" , "b" )"#), Ok(SeriesPart::Edge(named("a"), named("b"))));
        let typed = NodeMatch { service_type: Some("AWS::SQS::Queue".into()), ..named("q") };
        assert_eq!(
            part(r#"service(id(name: "q", type: "AWS::SQS::Queue"))"#),
            Ok(SeriesPart::Service(typed))
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for expression in [r#"service("a") {fault}"#, "fault", r#"service("a") AND ok"#] {
            let Err(ApiError::InvalidRequest(message)) = part(expression) else {
                panic!("{expression} accepted")
            };
            assert!(message.starts_with("The entity selector is one service"), "{message}");
        }
        assert!(part(r#"id(name: "a")"#).is_err());
    }
}
