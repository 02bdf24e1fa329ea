//! What is refused, in the service's words, and what the search box says besides.

use crate::backend::local::filter::{Filter, FilterError};

fn error(text: &str) -> FilterError {
    match Filter::parse(text) {
        Ok(_) => panic!("{text} was read"),
        Err(error) => error,
    }
}

/// Expression, and the end of its error after `Error Location: line 1, position `.
fn assert_refused(vectors: &[(&str, &str)]) {
    for (text, expected) in vectors {
        let expected = format!("Error Location: line 1, position {expected}");
        assert_eq!(error(text).message, expected, "{text}");
    }
}

#[test]
fn what_is_missing_is_named_at_the_end() {
    assert_refused(&[
        ("fault AND (error", "17 : missing ')' at end of expression"),
        (r#"service("a") {fault"#, "20 : missing '}' at end of expression"),
        (r#""unclosed"#, "10 : missing '\"' at end of expression"),
        (r#"user = "unclosed"#, "17 : missing '\"' at end of expression"),
        ("duration >", "11 : missing value at end of expression"),
        ("fault AND", "10 : missing condition at end of expression"),
        ("!", "2 : missing condition at end of expression"),
        ("annotation.", "12 : missing annotation key at end of expression"),
        ("annotation", "11 : missing annotation key at end of expression"),
        ("annotation[a", "13 : missing ']' at end of expression"),
        ("group.name", "11 : missing '=' at end of expression"),
        ("rootcause.json = #[{", "21 : missing ']' at end of expression"),
        ("service", "8 : missing '(' at end of expression"),
    ]);
}

#[test]
fn a_word_is_named_up_to_where_it_fits_no_keyword() {
    assert_refused(&[
        ("maybe = 1", "1 : Invalid input symbol: 'ma'"),
        (r#"id(name:"a")"#, "1 : Invalid input symbol: 'id'"),
        ("NOT fault", "1 : Invalid input symbol: 'NO'"),
        ("user = bob", "8 : Invalid input symbol: 'b'"),
        ("coldstart", "1 : Invalid input symbol: 'col'"),
        ("active", "1 : Invalid input symbol: 'ac'"),
        ("region = \"x\"", "1 : Invalid input symbol: 'reg'"),
        ("method = \"GET\"", "1 : Invalid input symbol: 'met'"),
        ("status = 5", "1 : Invalid input symbol: 'st'"),
        ("faults", "1 : Invalid input symbol: 'faults'"),
        ("fault xyz", "7 : Invalid input symbol: 'x'"),
    ]);
}

#[test]
fn a_symbol_that_does_not_belong_is_named_where_it_stands() {
    assert_refused(&[
        ("fault {ok}", "7 : Invalid input symbol: '{'"),
        ("fault && error", "7 : Invalid input symbol: '&'"),
        ("duration ~ 3", "10 : Invalid input symbol: '~'"),
        ("duration == 3", "11 : Invalid input symbol: '='"),
        (r#"edge("a")"#, "9 : Invalid input symbol: ')'"),
        ("annotation.a.b = 1", "13 : Invalid input symbol: '.'"),
        (r#"name = "x""#, "1 : Invalid input symbol: 'name'"),
        ("fault > 1", "7 : Invalid input symbol: '>'"),
        (r#"user > "a""#, "6 : Invalid input symbol: '>'"),
        (r#"duration CONTAINS "1""#, "10 : Invalid input symbol: 'CONTAINS'"),
        (
            "rootcause.responsetime.exception {name = \"x\"}",
            "1 : Invalid input symbol: 'rootcause.responsetime.ex'",
        ),
        (r#"service("a") {service("b")}"#, "15 : Invalid input symbol: 'service'"),
        (r#"service("a") {partial}"#, "15 : Invalid input symbol: 'partial'"),
        (r#"service("a") {}"#, "15 : Invalid input symbol: '}'"),
        (r#"edge("a", "b") {root}"#, "17 : Invalid input symbol: 'root'"),
        ("source.annotation.a = 1", "1 : Invalid input symbol: 'source.annotation.a'"),
        (r#"rootcause.fault.service {annotation.a}"#, "26 : Invalid input symbol: 'annotation.a'"),
        (r#"rootcause.fault.entity {coverage > 0.5}"#, "25 : Invalid input symbol: 'coverage'"),
        ("fault)", "6 : Invalid input symbol: ')'"),
        ("()", "2 : Invalid input symbol: ')'"),
        ("3", "1 : Invalid input symbol: '3'"),
        (r#"service(x)"#, "9 : Invalid input symbol: 'x'"),
        (r#"service(id(region: "x"))"#, "12 : Invalid input symbol: 'r'"),
        (r#"service(id())"#, "12 : Invalid input symbol: ')'"),
        ("group.name > \"x\"", "12 : Invalid input symbol: '>'"),
        ("rootcause.json = #[{]", "18 : Invalid JSON in rootcause.json"),
        ("é", "1 : Invalid input symbol: 'é'"),
    ]);
}

#[test]
fn lines_and_columns_count_characters() {
    let message = |text| error(text).message;
    assert_eq!(
        message("fault OR\n  user = \"é\" &"),
        "Error Location: line 2, position 14 : Invalid input symbol: '&'"
    );
    assert_eq!(
        message("fault\nAND (ok\n"),
        "Error Location: line 3, position 1 : missing ')' at end of expression"
    );
}

#[test]
fn nesting_and_length_are_bounded() {
    let nested = |depth: usize| format!("{}fault{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(128)).is_ok());
    assert_eq!(
        error(&nested(129)).message,
        "Error Location: line 1, position 129 : nested deeper than 128 levels"
    );
    assert!(Filter::parse(&format!("{}fault", "!".repeat(128))).is_ok());
    assert!(Filter::parse(&format!("{}fault", "!".repeat(100_000))).is_err());
    assert!(Filter::parse(&"ok ".repeat(5000)).is_ok(), "width is not depth");
    assert!(error(&"ok ".repeat(10_000)).message.ends_with("longer than 16384 bytes"));
}

#[test]
fn the_search_box_gets_the_bytes_to_mark_and_what_to_write_instead() {
    for (text, marked, replacement) in [
        ("ok AND falut", "falut", Some("fault")),
        ("method = \"GET\"", "method", Some("http.method")),
        ("fault && error", "&", Some("AND")),
        ("user = bob", "bob", Some("\"bob\"")),
        ("user = 'bob'", "'", None),
        ("duration == 3", "=", Some("")),
        ("NOT fault", "NOT", Some("!")),
        ("product_id = 14", "product_id", Some("annotation.product_id")),
        ("service(\"a\") {falut}", "falut", Some("fault")),
        ("name = \"x\"", "name", None),
        ("fault AND (error", "", None),
    ] {
        let error = error(text);
        assert_eq!(text.get(error.span.clone()), Some(marked), "{text}");
        let found = error.hint.as_ref().and_then(|hint| hint.replacement.as_deref());
        assert_eq!(found, replacement, "{text}");
    }
    let hint = |text| error(text).hint.map(|hint| hint.text).unwrap_or_default();
    assert_eq!(hint("falut"), "There is no keyword \"falut\"; did you mean fault?");
    assert_eq!(hint("fault > 1"), "fault is true or false: fault, !fault.");
    assert_eq!(hint("name = \"x\""), "A trace has no name; ask for a service with service(\"…\").");
}
