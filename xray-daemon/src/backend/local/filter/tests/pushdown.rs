//! What SQL may select by, and that it never loses a trace.

use xray_tracing::document::AnnotationValue;

use super::fixtures::{TestGroups, select, traces};
use crate::backend::local::filter::{Filter, Pushdown, Range, TextPart};
use crate::backend::local::trace::Summary;

fn pushdown(text: &str) -> Pushdown {
    Filter::parse(text).unwrap().pushdown()
}

#[test]
fn simple_conditions_are_pushed_down_in_full() {
    let exact = Pushdown { exact: true, ..Pushdown::default() };
    assert_eq!(pushdown(""), exact);
    assert_eq!(
        pushdown("fault AND !partial"),
        Pushdown { has_fault: Some(true), is_partial: Some(false), ..exact.clone() }
    );
    assert_eq!(
        pushdown("ok"),
        Pushdown {
            has_fault: Some(false),
            has_error: Some(false),
            has_throttle: Some(false),
            ..exact.clone()
        }
    );
    assert_eq!(
        pushdown(r#"responsetime > 2 responsetime <= 3 http.status = 200 service("back")"#),
        Pushdown {
            response_time_s: Some(Range { min: 2.0_f64.next_up(), max: 3.0 }),
            http_status: Some(Range { min: 200.0, max: 200.0 }),
            services: vec!["back".into()],
            ..exact.clone()
        }
    );
    assert_eq!(
        pushdown(r#"annotation.rank = 10 AND user = "bob" AND http.method = "GET""#),
        Pushdown {
            annotations: vec![("rank".into(), AnnotationValue::Number(10.0))],
            users: vec!["bob".into()],
            http_method: Some("GET".into()),
            ..exact.clone()
        }
    );
    assert_eq!(
        pushdown(r#"annotation.rank < 10 http.url CONTAINS "/a" http.url ENDSWITH "b""#),
        Pushdown {
            annotation_ranges: vec![(
                "rank".into(),
                Range { min: f64::NEG_INFINITY, max: 10.0_f64.next_down() }
            )],
            http_url_parts: vec![(TextPart::Contains, "/a".into()), (TextPart::Ends, "b".into())],
            ..exact
        }
    );
}

#[test]
fn what_is_only_implied_is_not_exact() {
    for (text, expected) in [
        ("fault OR error", Pushdown::default()),
        ("!ok", Pushdown::default()),
        (
            "ok AND fault",
            Pushdown {
                has_fault: Some(false),
                has_error: Some(false),
                has_throttle: Some(false),
                ..Pushdown::default()
            },
        ),
        (
            r#"service("back") {fault}"#,
            Pushdown {
                services: vec!["back".into()],
                faulty_services: vec!["back".into()],
                ..Pushdown::default()
            },
        ),
        (
            r#"edge("front", id(type: "x"))"#,
            Pushdown { services: vec!["front".into()], ..Pushdown::default() },
        ),
        ("duration != 2", Pushdown::default()),
        (r#"duration = "slow""#, Pushdown::default()),
        ("annotation.rank != 1", Pushdown::default()),
        (r#"group.name = "x""#, Pushdown::default()),
    ] {
        assert_eq!(pushdown(text), expected, "{text}");
    }
}

/// As SQL would select.
fn selects(pushdown: &Pushdown, summary: &Summary) -> bool {
    let flag = |wanted: Option<bool>, found| wanted.is_none_or(|wanted| wanted == found);
    let within = |range: Option<Range>, found: Option<f64>| {
        range.is_none_or(|Range { min, max }| {
            found.is_some_and(|found| min <= found && found <= max)
        })
    };
    let text =
        |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
    flag(pushdown.has_fault, summary.has_fault)
        && flag(pushdown.has_error, summary.has_error)
        && flag(pushdown.has_throttle, summary.has_throttle)
        && flag(pushdown.is_partial, summary.is_partial)
        && pushdown
            .services
            .iter()
            .all(|name| summary.service_ids.iter().any(|id| id.name == *name))
        && within(pushdown.response_time_s, summary.response_time_s)
        && within(pushdown.duration_s, summary.duration_s)
        && within(pushdown.http_status, summary.http.status.map(f64::from))
        && text(&pushdown.http_method, &summary.http.method)
        && text(&pushdown.http_url, &summary.http.url)
        && pushdown.users.iter().all(|user| summary.users.iter().any(|known| known.name == *user))
        && pushdown.http_url_parts.iter().all(|(part, text)| {
            let url = summary.http.url.as_deref();
            url.is_some_and(|url| match part {
                TextPart::Begins => url.starts_with(text),
                TextPart::Contains => url.contains(text),
                TextPart::Ends => url.ends_with(text),
            })
        })
        && pushdown.annotation_ranges.iter().all(|(key, range)| {
            let values = summary.annotations.get(key).into_iter().flatten();
            values.into_iter().any(|said| match said.value {
                AnnotationValue::Number(number) => within(Some(*range), Some(number)),
                _ => false,
            })
        })
        && pushdown.annotations.iter().all(|(key, value)| {
            let known = summary.annotations.get(key);
            known.is_some_and(|known| known.iter().any(|known| known.value == *value))
        })
}

#[test]
fn rows_selected_beforehand_hold_every_match_and_nothing_else_where_exact() {
    for text in [
        "",
        "fault",
        "ok !partial",
        "ok fault",
        "ok = true AND error = false",
        "duration",
        "duration > 1 AND duration < 7",
        "http.status >= 400 http.status < 500",
        r#"service("back")"#,
        r#"service("back") {fault}"#,
        r#"edge("front", "back") ok"#,
        "annotation.enabled = true",
        "annotation.enabled",
        "annotation.rank >= 20",
        "annotation.rank < 15 annotation.rank > 1",
        r#"http.url CONTAINS "/api/""#,
        r#"http.url BEGINSWITH "http://shop" http.url ENDSWITH "h""#,
        r#"http.url CONTAINS """#,
        r#"user = "bob" AND user = "alice""#,
        r#"http.method = "GET" http.method = "POST""#,
        "throttle != false (fault OR ok)",
    ] {
        let pushdown = pushdown(text);
        let selected = traces().into_iter().filter(|(_, _, summary)| selects(&pushdown, summary));
        let selected: String = selected.map(|(letter, ..)| letter).collect();
        let matching = select(text, &TestGroups::default());
        assert!(matching.chars().all(|letter| selected.contains(letter)), "{text}: {selected}");
        if pushdown.exact {
            assert_eq!(selected, matching, "{text}");
        }
    }
}
