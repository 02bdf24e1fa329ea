//! Any text is read or refused, and what was read prints to text that reads the same.

use proptest::prelude::*;

use super::fixtures::{TestGroups, traces};
use crate::backend::local::filter::{Filter, TraceView};

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), Just("say \"x\" \\ y".to_owned()), "\\PC{0,6}"]
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn any_condition() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<f64>().prop_filter("finite", |number| number.is_finite()),
        (-9..99i32).prop_map(f64::from)
    ];
    let operator = prop_oneof![Just("="), Just("!="), Just("<"), Just(">="), Just(">"), Just("<=")];
    prop_oneof![
        prop_oneof![
            Just("ok"),
            Just("FAULT"),
            Just("fault = true"),
            Just("duration"),
            Just("user")
        ]
        .prop_map(str::to_owned),
        (operator, number)
            .prop_map(|(operator, number)| format!("responsetime {operator} {number}")),
        any_text().prop_map(|text| format!("http.url CONTAINS {}", quoted(&text))),
        any_text().prop_map(|text| format!("annotation[{}]", quoted(&format!("k{text}")))),
        Just("annotation.key = false".to_owned()),
        any_text().prop_map(|text| format!("service({}) {{ok OR type = \"t\"}}", quoted(&text))),
        any_text().prop_map(|text| format!("edge(id(type: {}), \"b\")", quoted(&text))),
        any_text().prop_map(|text| format!("group.name != {}", quoted(&text))),
        Just("rootcause.fault.entity {first !remote}".to_owned()),
        Just("rootcause.json = #[{\"a\": [1, \"]\"]}]".to_owned()),
    ]
}

fn any_expression() -> impl Strategy<Value = String> {
    any_condition().prop_recursive(4, 24, 3, |inner| {
        let joined = (proptest::collection::vec(inner.clone(), 1..4), 0..3usize);
        prop_oneof![
            joined
                .prop_map(|(parts, how)| format!("({})", parts.join([" AND ", " or ", " "][how]))),
            inner.prop_map(|inner| format!("!{inner}")),
        ]
    })
}

fn matches_all(filter: &Filter) -> Vec<bool> {
    let groups = TestGroups::of(&[("a", "fault"), ("b", "group.name = \"b\"")]);
    let matches = |trace, summary| {
        filter.matches(&TraceView { summary: &summary, trace: Some(&trace), groups: &groups })
    };
    traces().into_iter().map(|(_, trace, summary)| matches(trace, summary)).collect()
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(text.get(error.span).is_some());
            prop_assert!(error.message.starts_with("Error Location: line 1, position "));
        }
    }

    #[test]
    fn any_mixture_of_what_expressions_are_made_of_is_read_or_refused(
        pieces in proptest::collection::vec(prop_oneof![
            Just("fault"), Just("service("), Just("\"a\""), Just(")"), Just("{"), Just("}"),
            Just("annotation"), Just("["), Just("]"), Just("."), Just("="), Just("!"), Just("#["),
            Just("edge("), Just(","), Just("id(name:"), Just("5"), Just("AND"), Just("OR"),
            Just("rootcause.fault.service"), Just("rootcause.json"), Just("CONTAINS"), Just("\\"),
            Just("group.name"), Just("\n"), Just("\""), Just("source.annotation"), Just("true"),
        ], 0..16),
        spaces in any::<bool>(),
    ) {
        let text = pieces.join(if spaces { " " } else { "" });
        if let Ok(filter) = Filter::parse(&text) {
            let printed = filter.to_string();
            let again = Filter::parse(&printed).unwrap();
            prop_assert_eq!(again.to_string(), printed);
        }
    }

    #[test]
    fn what_is_printed_reads_as_the_same_and_selects_the_same(text in any_expression()) {
        let filter = Filter::parse(&text).unwrap();
        let printed = filter.to_string();
        let again = Filter::parse(&printed).unwrap();
        prop_assert!(filter.same_expression(&again), "{} | {}", text, printed);
        prop_assert_eq!(matches_all(&filter), matches_all(&again));
    }
}
