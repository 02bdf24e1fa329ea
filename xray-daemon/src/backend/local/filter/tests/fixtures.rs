//! Six traces of two services, each with something the others have not, and a group.

use serde_json::{Value, json};

use crate::backend::local::filter::{Filter, Groups, TraceView};
use crate::backend::local::trace::tests::trace;
use crate::backend::local::trace::{Summary, Trace};

/// Groups by name; their ARN is `arn:` and the name.
#[derive(Default)]
pub(super) struct TestGroups(pub(super) Vec<(&'static str, Filter)>);

impl TestGroups {
    pub(super) fn of(groups: &[(&'static str, &str)]) -> Self {
        let read = |(name, text): &(&'static str, &str)| (*name, Filter::parse(text).unwrap());
        Self(groups.iter().map(read).collect())
    }
}

impl Groups for TestGroups {
    fn by_name(&self, name: &str) -> Option<&Filter> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, filter)| filter)
    }

    fn by_arn(&self, arn: &str) -> Option<&Filter> {
        self.by_name(arn.strip_prefix("arn:")?)
    }
}

/// The root segment of `front`, with `more` members.
fn front(start: f64, end: Option<f64>, more: Value) -> Value {
    let mut root = json!({"id": 1, "name": "front", "origin": "AWS::EC2::Instance",
        "start_time": start, "end_time": end, "in_progress": end.is_none()});
    root.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    root
}

fn http(method: &str, url: &str, status: u16) -> Value {
    json!({"request": {"method": method, "url": url}, "response": {"status": status}})
}

/// Letter and documents of each trace.
pub(super) fn documents() -> Vec<(char, Vec<Value>)> {
    let shop = |path: &str| format!("http://shop.example{path}");
    vec![
        (
            'A',
            vec![
                front(
                    100.0,
                    Some(102.0),
                    json!({
                        "http": http("GET", &shop("/api/a?x=1"), 200), "user": "alice",
                        "aws": {"ec2": {"instance_id": "i-0a", "availability_zone": "eu-west-1a"}},
                        "annotations": {"rank": 10, "enabled": true},
                        "subsegments": [{"id": 2, "name": "back", "namespace": "remote", "fault": true,
                            "start_time": 100.5, "end_time": 101.5, "annotations": {"attempt": 1},
                            "http": http("GET", "http://back.example/b", 503)}],
                    }),
                ),
                json!({"id": 3, "name": "back", "parent_id": 2, "start_time": 100.5, "end_time": 107,
                "fault": true, "user": "bob", "annotations": {"backend": "b1"},
                "cause": {"exceptions": [{"type": "Timeout", "message": "downstream timed out"}]}}),
            ],
        ),
        (
            'E',
            vec![front(
                110.0,
                Some(110.4),
                json!({
                    "http": http("POST", &shop("/api/e"), 404), "error": true,
                    "annotations": {"rank": 20, "enabled": false},
                }),
            )],
        ),
        (
            'F',
            vec![front(
                120.0,
                Some(123.0),
                json!({
                    "http": http("GET", &shop("/api/f"), 500), "fault": true,
                    "cause": {"exceptions": [{"type": "IOError", "message": "disk \"full\""}]},
                    "subsegments": [{"id": 2, "name": "DynamoDB", "namespace": "aws",
                        "start_time": 120.1, "end_time": 120.3,
                        "aws": {"operation": "GetItem", "table_name": "t1"}}],
                }),
            )],
        ),
        (
            'H',
            vec![front(
                130.0,
                Some(130.1),
                json!({
                    "http": http("GET", &shop("/api/h"), 429), "error": true, "throttle": true,
                }),
            )],
        ),
        ('P', vec![front(140.0, None, json!({}))]),
        (
            'C',
            vec![json!({"id": 1, "name": "clock", "start_time": 150, "end_time": 151,
            "http": http("GET", "http://c.example/clock", 201),
            "annotations": {"order.id": "o-1"}})],
        ),
    ]
}

/// The traces with their summaries.
pub(super) fn traces() -> Vec<(char, Trace, Summary)> {
    let assembled = |(letter, documents): (char, Vec<Value>)| {
        let trace = trace(&documents);
        let summary = Summary::of(&trace);
        (letter, trace, summary)
    };
    documents().into_iter().map(assembled).collect()
}

/// The letters of the traces that match.
pub(super) fn select(text: &str, groups: &dyn Groups) -> String {
    let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let matches = |(letter, trace, summary): (char, Trace, Summary)| {
        let trace = filter.needs_segments(groups).then_some(&trace);
        filter.matches(&TraceView { summary: &summary, trace, groups }).then_some(letter)
    };
    traces().into_iter().filter_map(matches).collect()
}
