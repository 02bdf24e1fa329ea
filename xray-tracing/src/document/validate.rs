//! Says what is wrong with an entity, by field and rule.
//!
//! In: an [`Entity`] and the size of its document. Out: every rule it breaks, up to 100. Owns
//! nothing. Stricter than [`accept`](super::accept): it also names what the service takes but
//! cuts, ignores or cannot search, so that a developer sees why something does not show.

use super::limits::{
    MAX_ANNOTATION_VALUE_CHARS, MAX_ANNOTATIONS, MAX_DOCUMENT_BYTES, MAX_HTTP_TEXT_CHARS,
    MAX_LINKS, MAX_NAME_CHARS, MAX_TEXT_CHARS, RESERVED_METADATA_PREFIX,
};
use super::names::{is_name_char, is_valid_annotation_key};
use super::{AnnotationValue, Cause, Entity, Http, Kind, Object, Rule, Violation};

/// Most violations that are listed: a hostile document has no end of them.
const MAX_VIOLATIONS: usize = 100;

/// Lists what is wrong with `entity`, whose document has `size_bytes`; at most 100 violations.
///
/// ```
/// use xray_tracing::document::{Entity, validate};
/// let entity = Entity::parse(
///     br#"{"id":"70de5b6f19ff9a0a","trace_id":"1-5f29ab21-d4ebf299219a65bd5c31d6da",
///          "name":"a<b","start_time":2,"end_time":1,"subsegments":[{"namespace":"far"}]}"#,
/// )?;
/// let said: Vec<String> = validate(&entity, 0).iter().map(ToString::to_string).collect();
/// assert_eq!(said[1], "end_time is before start_time");
/// assert_eq!(said[2], "subsegments[0].id must be given");
/// # Ok::<(), xray_tracing::document::ParseError>(())
/// ```
pub fn validate(entity: &Entity, size_bytes: usize) -> Vec<Violation> {
    let mut found = Findings { path: Vec::new(), violations: Vec::new(), annotations: 0 };
    found.check(size_bytes <= MAX_DOCUMENT_BYTES, "", Rule::DocumentSize);
    found.entity(entity, Place::Document);
    found.check(found.annotations <= MAX_ANNOTATIONS, "annotations", Rule::AnnotationCount);
    found.violations
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    Embedded,
}

struct Findings {
    /// Where we are: `subsegments[2]`, `http` …
    path: Vec<String>,
    violations: Vec<Violation>,
    /// In the whole document.
    annotations: usize,
}

impl Findings {
    fn check(&mut self, kept: bool, field: &str, rule: Rule) {
        if kept || self.violations.len() >= MAX_VIOLATIONS {
            return;
        }
        let mut path = self.path.join(".");
        if !path.is_empty() && !field.is_empty() {
            path.push('.');
        }
        path.push_str(field);
        self.violations.push(Violation { path, rule });
    }

    /// Runs `check` with `step` added to the path.
    fn under(&mut self, step: String, check: impl FnOnce(&mut Self)) {
        self.path.push(step);
        check(self);
        self.path.pop();
    }

    fn entity(&mut self, entity: &Entity, place: Place) {
        self.identity(entity, place);
        self.times(entity);
        self.kinds(entity);
        self.annotations(entity);
        self.blocks(entity);
        self.unusable(&entity.extra);
        for (index, child) in entity.subsegments.iter().enumerate() {
            if self.violations.len() >= MAX_VIOLATIONS {
                return;
            }
            self.under(format!("subsegments[{index}]"), |found| {
                found.entity(child, Place::Embedded);
            });
        }
    }

    fn identity(&mut self, entity: &Entity, place: Place) {
        self.check(entity.id.is_some(), "id", Rule::Required);
        self.check(!entity.name.is_empty(), "name", Rule::Required);
        let fits = entity.name.chars().count() <= MAX_NAME_CHARS;
        self.check(fits, "name", Rule::NameLength);
        self.check(entity.name.chars().all(is_name_char), "name", Rule::NameCharacters);
        if place == Place::Document {
            self.check(entity.trace_id.is_some(), "trace_id", Rule::Required);
            let has_parent = entity.parent_id.is_some() || entity.kind == Kind::Segment;
            self.check(has_parent, "parent_id", Rule::Required);
        }
    }

    fn times(&mut self, entity: &Entity) {
        let finite = |time: Option<f64>| time.is_none_or(f64::is_finite);
        self.check(entity.start_time_s.is_some(), "start_time", Rule::Required);
        self.check(finite(entity.start_time_s), "start_time", Rule::Finite);
        self.check(finite(entity.end_time_s), "end_time", Rule::Finite);
        let one = entity.end_time_s.is_some() != entity.in_progress;
        self.check(one, "end_time", Rule::EndOrInProgress);
        if let (Some(start_s), Some(end_s)) = (entity.start_time_s, entity.end_time_s) {
            self.check(start_s <= end_s || start_s.is_nan(), "end_time", Rule::EndBeforeStart);
        }
    }

    fn kinds(&mut self, entity: &Entity) {
        match entity.kind {
            Kind::Segment => {
                self.check(entity.namespace.is_none(), "namespace", Rule::SubsegmentsOnly);
                self.check(entity.sql.is_none(), "sql", Rule::SubsegmentsOnly);
                let none = entity.precursor_ids.is_empty();
                self.check(none, "precursor_ids", Rule::SubsegmentsOnly);
            }
            Kind::Subsegment => {
                self.check(entity.user.is_none(), "user", Rule::SegmentsOnly);
                self.check(entity.service.is_none(), "service", Rule::SegmentsOnly);
                let namespace = entity.namespace.as_deref().unwrap_or("local");
                let known = ["aws", "remote", "local"].contains(&namespace);
                self.check(known, "namespace", Rule::Namespace);
            }
        }
        self.text("user", entity.user.as_deref(), MAX_TEXT_CHARS);
        self.text("origin", entity.origin.as_deref(), MAX_TEXT_CHARS);
        self.text("resource_arn", entity.resource_arn.as_deref(), MAX_TEXT_CHARS);
        self.check(entity.links.len() <= MAX_LINKS, "links", Rule::LinkCount);
    }

    fn text(&mut self, field: &str, text: Option<&str>, max_chars: usize) {
        let fits = text.is_none_or(|text| text.chars().count() <= max_chars);
        self.check(fits, field, Rule::TextLength);
    }

    fn annotations(&mut self, entity: &Entity) {
        self.annotations += entity.annotations.len();
        for (key, value) in &entity.annotations {
            let valid_key = is_valid_annotation_key(key);
            let fits = match value {
                AnnotationValue::String(text) => text.chars().count() <= MAX_ANNOTATION_VALUE_CHARS,
                AnnotationValue::Number(_) | AnnotationValue::Bool(_) => true,
            };
            if !valid_key || !fits {
                let field = format!("annotations.{key}");
                self.check(valid_key, &field, Rule::AnnotationKey);
                self.check(fits, &field, Rule::AnnotationLength);
            }
        }
        for namespace in entity.metadata.keys() {
            if namespace.starts_with(RESERVED_METADATA_PREFIX) {
                self.check(false, &format!("metadata.{namespace}"), Rule::ReservedNamespace);
            }
        }
    }

    fn blocks(&mut self, entity: &Entity) {
        if let Some(http) = &entity.http {
            self.under("http".into(), |found| found.http(http, entity.kind));
        }
        if let Some(aws) = &entity.aws {
            self.under("aws".into(), |found| {
                if entity.kind == Kind::Segment {
                    found.check(aws.operation.is_none(), "operation", Rule::SubsegmentsOnly);
                }
            });
        }
        if let Some(sql) = &entity.sql {
            let preparation = sql.preparation.as_deref().unwrap_or("call");
            let known = ["call", "statement"].contains(&preparation);
            self.check(known, "sql.preparation", Rule::Preparation);
        }
        if let Some(service) = &entity.service {
            self.text("service.version", service.version.as_deref(), MAX_TEXT_CHARS);
        }
        match &entity.cause {
            Some(Cause::ExceptionId(id)) => {
                self.check(is_exception_id(id), "cause", Rule::ExceptionId);
            }
            Some(Cause::Detail(detail)) => {
                for (index, exception) in detail.exceptions.iter().enumerate() {
                    let field = |name: &str| format!("cause.exceptions[{index}].{name}");
                    let valid = exception.id.as_deref().is_some_and(is_exception_id);
                    self.check(valid, &field("id"), Rule::ExceptionId);
                }
            }
            None => {}
        }
    }

    fn http(&mut self, http: &Http, kind: Kind) {
        let request = &http.request;
        let texts = [
            ("request.method", &request.method),
            ("request.url", &request.url),
            ("request.user_agent", &request.user_agent),
            ("request.client_ip", &request.client_ip),
        ];
        for (field, text) in texts {
            self.text(field, text.as_deref(), MAX_HTTP_TEXT_CHARS);
        }
        match kind {
            Kind::Segment => self.check(!request.traced, "request.traced", Rule::SubsegmentsOnly),
            Kind::Subsegment => {
                self.check(!request.x_forwarded_for, "request.x_forwarded_for", Rule::SegmentsOnly);
            }
        }
        let valid = http.response.status.is_none_or(|status| (100..=599).contains(&status));
        self.check(valid, "response.status", Rule::HttpStatus);
        for (block, extra) in [("request", &request.extra), ("response", &http.response.extra)] {
            for field in ["method", "url", "user_agent", "client_ip", "status", "content_length"] {
                if extra.contains_key(field) {
                    self.check(false, &format!("{block}.{field}"), Rule::Form);
                }
            }
        }
    }

    /// Known members among the unknown: the parser could not use their type.
    fn unusable(&mut self, extra: &Object) {
        const KNOWN: [&str; 26] = [
            "id",
            "name",
            "trace_id",
            "parent_id",
            "type",
            "start_time",
            "end_time",
            "in_progress",
            "inferred",
            "namespace",
            "origin",
            "resource_arn",
            "user",
            "fault",
            "error",
            "throttle",
            "cause",
            "http",
            "aws",
            "sql",
            "service",
            "annotations",
            "metadata",
            "links",
            "precursor_ids",
            "subsegments",
        ];
        for field in KNOWN.into_iter().filter(|field| extra.contains_key(*field)) {
            self.check(false, field, Rule::Form);
        }
    }
}

/// Rule: "a 16-character exception id"; SDKs take hex digits, the guide asks for none.
fn is_exception_id(id: &str) -> bool {
    id.chars().count() == 16
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const GOOD: &str = r#"{"id": "70de5b6f19ff9a0a", "name": "cart", "start_time": 1, "end_time": 2,
        "trace_id": "1-5f29ab21-d4ebf299219a65bd5c31d6da"}"#;

    /// What is wrong with the good segment once it has these members too; `null` removes one.
    fn said(changes: Value) -> Vec<String> {
        let mut document: Value = serde_json::from_str(GOOD).unwrap();
        for (key, value) in changes.as_object().unwrap() {
            document[key] = value.clone();
        }
        let entity = Entity::parse(document.to_string().as_bytes()).unwrap();
        validate(&entity, 100).iter().map(ToString::to_string).collect()
    }

    /// The same of an embedded subsegment.
    fn said_of_child(changes: Value) -> Vec<String> {
        let mut child =
            json!({"id": "1111111111111111", "name": "db", "start_time": 1, "end_time": 1});
        for (key, value) in changes.as_object().unwrap() {
            child[key] = value.clone();
        }
        said(json!({"subsegments": [child]}))
    }

    #[test]
    fn a_good_segment_breaks_no_rule() {
        assert_eq!(said(json!({})), [""; 0]);
        assert_eq!(said(json!({"end_time": null, "in_progress": true})), [""; 0]);
        assert_eq!(
            said_of_child(json!({"namespace": "remote", "sql": {"preparation": "call"}})),
            [""; 0]
        );
    }

    #[test]
    fn missing_fields_are_named() {
        assert_eq!(
            said(
                json!({"id": null, "name": null, "trace_id": null, "start_time": null, "end_time": null,
                        "type": "subsegment"})
            ),
            [
                "id must be given",
                "name must be given",
                "trace_id must be given",
                "parent_id must be given",
                "start_time must be given",
                "end_time must be given, or in_progress, but not both",
            ]
        );
        assert_eq!(
            said(json!({"in_progress": true})),
            ["end_time must be given, or in_progress, but not both"]
        );
    }

    #[test]
    fn values_that_cannot_be_read_are_named() {
        assert_eq!(
            said(json!({"cause": 200, "type": "span", "http": {"response": {"status": "odd"}}})),
            [
                "http.response.status has a type or form that X-Ray does not know here",
                "type has a type or form that X-Ray does not know here",
                "cause has a type or form that X-Ray does not know here",
            ]
        );
    }

    #[test]
    fn names_and_times_have_rules() {
        assert_eq!(
            said(json!({"name": "<".repeat(201), "end_time": 0.5})),
            [
                "name has more than 200 characters; the service cuts it",
                r"name has characters other than letters, digits, spaces and _ . : / % & # = + \ - @",
                "end_time is before start_time",
            ]
        );
    }

    #[test]
    fn each_kind_has_fields_of_its_own() {
        assert_eq!(
            said(json!({"namespace": "aws", "sql": {}, "precursor_ids": ["70de5b6f19ff9a0a"],
                        "http": {"request": {"traced": true, "x_forwarded_for": true}},
                        "aws": {"operation": "GetItem"}})),
            [
                "namespace belongs to subsegments only",
                "sql belongs to subsegments only",
                "precursor_ids belongs to subsegments only",
                "http.request.traced belongs to subsegments only",
                "aws.operation belongs to subsegments only",
            ]
        );
        assert_eq!(
            said_of_child(json!({"namespace": "far", "user": "ada", "service": {},
                                 "http": {"request": {"traced": true, "x_forwarded_for": true}}})),
            [
                "subsegments[0].user belongs to segments only",
                "subsegments[0].service belongs to segments only",
                "subsegments[0].namespace is not one of aws, remote and local",
                "subsegments[0].http.request.x_forwarded_for belongs to segments only",
            ]
        );
    }

    #[test]
    fn long_and_odd_texts_are_named() {
        let url = "x".repeat(251);
        assert_eq!(
            said(
                json!({"http": {"request": {"url": url}, "response": {"status": 99}}, "user": url})
            ),
            [
                "user has more than 250 characters",
                "http.request.url has more than 250 characters",
                "http.response.status is not from 100 to 599",
            ]
        );
        assert_eq!(
            said(
                json!({"annotations": {"a b": 1, "long": "x".repeat(1_001), "fits": "x".repeat(1_000)},
                        "metadata": {"AWS.own": {}, "mine": {}}})
            ),
            [
                "annotations.a b has a key other than 1 to 500 letters, digits, _ and . of ASCII",
                "annotations.long has more than 1000 characters",
                "metadata.AWS.own begins with AWS., which is reserved",
            ]
        );
    }

    #[test]
    fn causes_and_statements_have_rules() {
        assert_eq!(
            said_of_child(
                json!({"cause": {"exceptions": [{"id": "1111111111111111"}, {"id": "odd"}, {}]},
                                 "sql": {"preparation": "guess"}})
            ),
            [
                "subsegments[0].sql.preparation is not one of call and statement",
                "subsegments[0].cause.exceptions[1].id is not 16 characters long",
                "subsegments[0].cause.exceptions[2].id is not 16 characters long",
            ]
        );
        assert_eq!(said(json!({"cause": "short"})), ["cause is not 16 characters long"]);
    }

    #[test]
    fn what_is_counted_is_counted_over_the_whole_document() {
        let annotations = |count: usize, letter: &str| -> Value {
            (0..count).map(|n| (format!("{letter}{n}"), Value::from(n))).collect::<Object>().into()
        };
        let child = |count: usize| {
            json!({"id": "1111111111111111", "name": "db", "start_time": 1,
                                          "end_time": 1, "annotations": annotations(count, "b")})
        };
        let both = |count| {
            said(json!({"annotations": annotations(30, "a"), "subsegments": [child(count)]}))
        };
        assert_eq!(both(20), [""; 0]);
        assert_eq!(
            both(21),
            ["annotations has more than 50 entries in the document; X-Ray indexes 50 of a trace"]
        );
        let links = vec![json!({"id": "1111111111111111"}); 21];
        assert_eq!(said(json!({"links": links})), ["links has more than 20 entries"]);
    }

    #[test]
    fn size_is_a_rule_of_the_document() {
        let entity = Entity::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(validate(&entity, 65_536), []);
        let violations = validate(&entity, 65_537);
        assert_eq!(violations[0].to_string(), "the document is larger than 64 KiB");
    }

    #[test]
    fn the_list_ends_at_100() {
        let entity = Entity { subsegments: vec![Entity::default(); 60], ..Entity::default() };
        assert_eq!(validate(&entity, 0).len(), 100);
    }
}
