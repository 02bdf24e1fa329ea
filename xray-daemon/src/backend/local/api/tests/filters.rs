//! Filter expressions through the store: what SQL selects beforehand must not change what is found.

use super::*;

/// Six traces, one of each kind: A fine with a failing callee, E error, F fault, H throttled,
/// P in progress, C another service.
async fn fixture() -> Api {
    let api = Api::new().await;
    let origin = "AWS::EC2::Instance";
    let http = |method: &str, url: &str, code: u16| json!({ "request": { "method": method, "url": url }, "response": { "status": code } });
    let back = json!({ "namespace": "remote", "fault": true, "http": status(503) });
    let a = json!({
        "origin": origin, "user": "alice",
        "aws": { "ec2": { "instance_id": "i-0a", "availability_zone": "eu-west-1a" } },
        "annotations": { "rank": 10, "enabled": true },
        "http": http("GET", "http://shop.example/api/a?x=1", 200),
        "subsegments": [subsegment(2, "back", (100.5, 101.5), back)],
    });
    let late = json!({ "type": "Timeout", "message": "downstream timed out", "id": id(70) });
    let callee = json!({ "parent_id": id(2), "fault": true, "user": "bob",
        "annotations": { "backend": "b1" }, "cause": { "exceptions": [late] } });
    let e = json!({ "origin": origin, "error": true, "annotations": { "rank": 20, "enabled": false },
        "http": http("POST", "http://shop.example/api/e", 404) });
    let full = json!({ "type": "IOError", "message": "disk \"full\"", "id": id(71) });
    let table = json!({ "namespace": "aws",
        "aws": { "operation": "GetItem", "table_name": "t1" } });
    let f = json!({ "origin": origin, "fault": true, "cause": { "exceptions": [full] },
        "http": http("GET", "http://shop.example/api/f", 500),
        "subsegments": [subsegment(6, "DynamoDB", (120.1, 120.3), table)] });
    let h = json!({ "origin": origin, "error": true, "throttle": true,
        "http": http("GET", "http://shop.example/api/h", 429) });
    let c = json!({ "annotations": { "order.id": "o-1" },
        "http": http("GET", "http://c.example/clock", 201) });
    let mut p =
        segment(5, 8, "front", (140.0, 0.0), json!({ "origin": origin, "in_progress": true }));
    p.as_object_mut().unwrap().remove("end_time");
    let unprocessed = api
        .put(&[
            segment(1, 1, "front", (100.0, 102.0), a),
            segment(1, 3, "back", (100.5, 107.0), callee),
            segment(2, 4, "front", (110.0, 110.4), e),
            segment(3, 5, "front", (120.0, 123.0), f),
            segment(4, 7, "front", (130.0, 130.1), h),
            p,
            segment(6, 9, "clock", (150.0, 151.0), c),
        ])
        .await;
    assert_eq!(unprocessed, [] as [Value; 0]);
    let slow = json!({ "GroupName": "slow", "FilterExpression": "duration > 2" });
    api.call("/CreateGroup", slow).await;
    api
}

/// The letters of the traces that `filter` lets through, in order of their numbers.
async fn letters(api: &Api, filter: &str) -> String {
    let mut letters: Vec<_> = api
        .summaries(filter)
        .await
        .iter()
        .map(|summary| {
            let id = summary["Id"].as_str().unwrap();
            let number = id.get(2..10).unwrap().parse::<usize>().unwrap();
            b"AEFHPC"[number - 1]
        })
        .collect();
    letters.sort_by_key(|letter| b"AEFHPC".iter().position(|known| known == letter));
    String::from_utf8(letters).unwrap()
}

#[tokio::test]
async fn expressions_find_what_the_service_finds() {
    let api = fixture().await;
    let cases = [
        ("", "AEFHPC"),
        ("ok", "APC"),
        ("fault", "F"),
        ("error", "E"),
        ("throttle", "H"),
        ("!fault", "AEHPC"),
        ("fault = true", "F"),
        ("fault = false", "AEHPC"),
        ("partial", "P"),
        (r#"service("back")"#, "A"),
        (r#"!service("back")"#, "EFHPC"),
        (r#"service("back") {fault}"#, "A"),
        ("service() {fault}", "AF"),
        (r#"service("front") {fault}"#, "F"),
        (r#"service() {name BEGINSWITH "ba"}"#, "A"),
        (r#"service(id(name: "t1", type: "AWS::DynamoDB::Table"))"#, "F"),
        (r#"service(id(type: "AWS::EC2::Instance"))"#, "AEFHP"),
        (r#"service("front") {root AND ok}"#, "AP"),
        (r#"edge("front", "back")"#, "A"),
        (r#"edge("back", "front")"#, ""),
        (r#"edge("front", "back") {fault}"#, "A"),
        (r#"edge("front", "back") {responsetime > 6}"#, ""),
        (r#"service("back") {responsetime > 6}"#, "A"),
        ("responsetime > 2", "F"),
        ("responsetime >= 2", "AF"),
        ("responseTime = 2 AND duration = 7", "A"),
        (r#"duration = "slow""#, ""),
        ("duration >= 0", "AEFHC"),
        ("!duration", "P"),
        (r#"http.url CONTAINS "/api/""#, "AEFH"),
        (r#"http.url BEGINSWITH "http://shop.example/api/a""#, "A"),
        (r#"http.url ENDSWITH "/clock""#, "C"),
        (r#"http.url = "http://c.example/clock""#, "C"),
        ("http.url", "AEFHC"),
        ("!http.url", "P"),
        (r#"HTTP.Method = "POST""#, "E"),
        (r#"http.method = "post""#, ""),
        ("http.status != 200", "EFHC"),
        ("http.status >= 400 AND http.status < 500", "EH"),
        (r#"user = "bob""#, "A"),
        (r#"user CONTAINS """#, "A"),
        ("annotation.rank >= 20", "E"),
        ("annotation.rank > 5 annotation.rank < 15", "A"),
        ("annotation.rank > 5 throttle", ""),
        (r#"http.url CONTAINS "%" OR http.url CONTAINS "_""#, ""),
        (r#"http.url CONTAINS """#, "AEFHC"),
        (r#"service("front") {fault AND http.status = 500}"#, "F"),
        ("annotation[rank] = 10", "A"),
        (r#"annotation.rank = "10""#, ""),
        ("annotation.enabled", "A"),
        ("annotation.enabled = false", "E"),
        ("!annotation.absent", "AEFHPC"),
        ("!annotation.enabled", "EFHPC"),
        (r#"annotation[order.id] = "o-1""#, "C"),
        ("annotation.backend AND annotation.rank < 15", "A"),
        (r#"instance.id = "i-0a" AND availabilityzone = "eu-west-1a""#, "A"),
        (r#"fault OR error AND http.method = "GET""#, "F"),
        (r#"(fault OR error) AND http.method = "POST""#, "E"),
        ("ok !partial duration >= 2", "A"),
        ("throttle or http.status = 201", "HC"),
        (r#"rootcause.fault.exception {message CONTAINS "timed out"}"#, "A"),
        (r#"rootcause.fault.exception {message = "disk \"full\""}"#, "F"),
        (r#"rootcause.fault.service {name = "back"}"#, "A"),
        (r#"group.name = "slow""#, "AF"),
    ];
    for (filter, expected) in cases {
        assert_eq!(letters(&api, filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn each_bad_expression_says_where() {
    let api = fixture().await;
    let cases = [
        ("fault AND (error", "line 1, position 17 : missing ')' at end of expression"),
        ("maybe = 1", "line 1, position 1 : Invalid input symbol: 'ma'"),
        (r#"id(name:"a")"#, "line 1, position 1 : Invalid input symbol: 'id'"),
    ];
    for (filter, expected) in cases {
        let input = json!({ "StartTime": 0, "EndTime": 9, "FilterExpression": filter });
        assert_eq!(
            api.refuse("/TraceSummaries", input).await,
            invalid(format!("Error Location: {expected}"))
        );
    }
}
