//! Which traces of the fixture each expression selects.

use super::fixtures::{TestGroups, select};

/// Expression and the traces it selects.
type Vector = (&'static str, &'static str);

fn assert_selects(vectors: &[Vector]) {
    let groups = TestGroups::of(&[("slow", "duration > 2")]);
    for (text, expected) in vectors {
        assert_eq!(select(text, &groups), *expected, "{text}");
    }
}

#[test]
fn flags_are_those_of_the_root() {
    assert_selects(&[
        ("", "AEFHPC"),
        (" \n", "AEFHPC"),
        ("ok", "APC"),
        ("fault", "F"),
        ("error", "E"),
        ("throttle", "H"),
        ("!fault", "AEHPC"),
        ("fault = true", "F"),
        ("fault = \"true\"", "F"),
        ("fault != true", "AEHPC"),
        ("fault = false", "AEHPC"),
        ("fault = \"perhaps\"", ""),
        ("partial", "P"),
        ("inferred", "F"),
    ]);
}

#[test]
fn services_are_nodes_of_the_trace() {
    assert_selects(&[
        (r#"service("back")"#, "A"),
        (r#"!service("back")"#, "EFHPC"),
        (r#"service("back") {fault}"#, "A"),
        ("service() {fault}", "AF"),
        (r#"service("front") {fault}"#, "F"),
        (r#"service() {name BEGINSWITH "ba"}"#, "A"),
        (r#"service(id(name: "t1", type: "AWS::DynamoDB::Table"))"#, "F"),
        (r#"service(id(type: "AWS::EC2::Instance"))"#, "AEFHP"),
        (r#"service(id(type: "client"))"#, "AEFHPC"),
        (r#"service(id(account.id: "111122223333"))"#, ""),
        (r#"service("front") {root AND ok}"#, "AP"),
        (r#"service("back") {responsetime > 6}"#, "A"),
        (r#"service("back") {duration = 6.5 user = "bob"}"#, "A"),
        (r#"service("back") {annotation.backend = "b1"}"#, "A"),
        (r#"service("front") {annotation.attempt = 1}"#, "A"),
        (r#"service("front") {annotation.backend}"#, ""),
        (r#"service() {inferred}"#, "F"),
        (r#"service() {type = "AWS::DynamoDB::Table" AND !http.status}"#, "F"),
        (r#"service() {instance.id = "i-0a"}"#, "A"),
    ]);
}

#[test]
fn edges_are_calls_seen_by_the_caller() {
    assert_selects(&[
        (r#"edge("front", "back")"#, "A"),
        (r#"edge("back", "front")"#, ""),
        (r#"edge("front", "back") {fault}"#, "A"),
        (r#"edge("front", "back") {responsetime > 6}"#, ""),
        (r#"edge("front", "back") {responsetime = 1}"#, "A"),
        (r#"edge("front", "back") {http.status = 503}"#, "A"),
        (r#"edge("front", "back") {annotation.attempt = 1}"#, "A"),
        (
            r#"edge("front", "back") {source.annotation.rank = 10 AND destination.annotation.backend = "b1"}"#,
            "A",
        ),
        (r#"edge("front", "back") {source.annotation.backend}"#, ""),
        (r#"edge("front", id(type: "AWS::DynamoDB::Table"))"#, "F"),
        (r#"edge(id(type: "client"), "clock") {responsetime = 1}"#, "C"),
    ]);
}

#[test]
fn numbers_and_texts_compare_with_literals_of_their_type() {
    assert_selects(&[
        ("responsetime > 2", "F"),
        ("responsetime >= 2", "AF"),
        ("responseTime = 2 AND duration = 7", "A"),
        (r#"duration = "slow""#, ""),
        (r#"duration != "slow""#, ""),
        ("duration >= 0", "AEFHC"),
        ("duration", "AEFHC"),
        ("!duration", "P"),
        (r#"http.url CONTAINS "/api/""#, "AEFH"),
        (r#"http.url BEGINSWITH "http://shop.example/api/a""#, "A"),
        (r#"http.url ENDSWITH "/clock""#, "C"),
        ("http.url", "AEFHC"),
        ("!http.url", "P"),
        (r#"HTTP.Method = "POST""#, "E"),
        (r#"http.method = "post""#, ""),
        ("http.status != 200", "EFHC"),
        ("http.status >= 400 AND http.status < 500", "EH"),
        (r#"user = "bob""#, "A"),
        (r#"user CONTAINS """#, "A"),
        (r#"user != "bob""#, "A"),
        (r#"instance.id = "i-0a" AND availabilityzone = "eu-west-1a""#, "A"),
    ]);
}

#[test]
fn annotations_stand_for_any_entity() {
    assert_selects(&[
        ("annotation.rank >= 20", "E"),
        ("annotation[rank] = 10", "A"),
        (r#"annotation["rank"] = 10"#, "A"),
        (r#"annotation.rank = "10""#, ""),
        ("annotation.RANK = 10", ""),
        ("Annotation.rank = 10", "A"),
        ("annotation.enabled", "A"),
        ("annotation.enabled = false", "E"),
        ("!annotation.absent", "AEFHPC"),
        ("!annotation.enabled", "EFHPC"),
        (r#"annotation[order.id] = "o-1""#, "C"),
        (r#"annotation[order.id] BEGINSWITH "o-""#, "C"),
        ("annotation.backend AND annotation.rank < 15", "A"),
    ]);
}

#[test]
fn and_binds_tighter_than_or_and_may_be_left_out() {
    assert_selects(&[
        (r#"fault OR error AND http.method = "GET""#, "F"),
        (r#"(fault OR error) AND http.method = "POST""#, "E"),
        ("ok !partial duration >= 2", "A"),
        ("throttle or http.status = 201", "HC"),
        ("!!fault", "F"),
        ("!(fault or error) ok and duration = 1", "C"),
    ]);
}

#[test]
fn root_causes_are_asked_part_by_part() {
    assert_selects(&[
        (r#"rootcause.fault.exception {message CONTAINS "timed out"}"#, "A"),
        (r#"rootcause.fault.exception {message = "disk \"full\""}"#, "F"),
        (r#"rootcause.fault.service {name = "back"}"#, "A"),
        (r#"rootcause.fault.service {name = "back" AND first AND last AND index = 0}"#, "A"),
        (r#"rootcause.fault.service {type = "AWS::EC2::Instance"}"#, "F"),
        ("rootcause.fault.exception", "AF"),
        (r#"rootcause.fault.entity {name = "front" AND !remote}"#, "F"),
        ("rootcause.error.entity", ""),
        ("rootcause.responsetime.service", ""),
        (r#"rootcause.json = #[{"Services": [{"Name": "back"}]}]"#, "A"),
        (
            r#"rootcause.json = #[{"Services": [{"EntityPath": [{"Exceptions": [{"Name": "IOError"}]}]}]}]"#,
            "F",
        ),
        (r#"rootcause.json != #[{"Services": [{"Name": "back"}]}]"#, "F"),
    ]);
}

#[test]
fn groups_hold_what_their_expression_holds() {
    assert_selects(&[
        (r#"group.name = "slow""#, "AF"),
        (r#"group.arn = "arn:slow""#, "AF"),
        (r#"group.name != "slow""#, "EHPC"),
        (r#"group.name = "unknown""#, ""),
        (r#"group.name != "unknown""#, ""),
    ]);
}

#[test]
fn a_group_that_names_itself_selects_nothing_and_is_refused_by_the_check() {
    let groups = TestGroups::of(&[
        ("one", r#"group.name = "two" OR fault"#),
        ("two", r#"group.name = "one""#),
        ("fine", r#"group.name = "leaf" group.name = "leaf""#),
        ("leaf", r#"service("back") {fault}"#),
    ]);
    let parse = |text| super::super::Filter::parse(text).unwrap();
    let ring = parse(r#"group.name = "one""#);
    assert_eq!(ring.check_groups(&groups).unwrap_err().message, "Group 'one' refers to itself");
    assert_eq!(select(r#"group.name = "two""#, &groups), "F");
    let fine = parse(r#"group.name = "fine""#);
    assert_eq!(fine.check_groups(&groups), Ok(()));
    assert!(fine.needs_segments(&groups), "a group inside a group asks for segments");
    assert_eq!(select(r#"group.name = "fine""#, &groups), "A");
}
