//! `GetTraceSummaries`: members, ranges, pages, filters.

use super::*;

#[tokio::test]
async fn a_summary_has_every_member_of_the_model() {
    let api = Api::new().await;
    let request = json!({ "method": "GET", "url": "http://shop.example/a", "user_agent": "curl",
        "client_ip": "192.0.2.1" });
    let more = json!({
        "origin": "AWS::EC2::Instance", "user": "alice", "resource_arn": "arn:aws:ec2:x",
        "aws": { "ec2": { "instance_id": "i-0a", "availability_zone": "eu-west-1a" } },
        "http": { "request": request, "response": { "status": 200 } },
        "annotations": { "rank": 10, "vip": true, "city": "Łódź" },
    });
    api.put(&[segment(1, 1, "front", (10.25, 12.5), more)]).await;
    let summary = api.summaries("").await.remove(0);
    let front = json!({ "Name": "front", "Names": ["front"], "AccountId": null,
        "Type": "AWS::EC2::Instance" });
    let client =
        json!({ "Name": "front", "Names": ["front"], "AccountId": null, "Type": "client" });
    let said = |value: Value| json!([{ "AnnotationValue": value, "ServiceIds": [front] }]);
    assert_eq!(
        summary,
        json!({
            "Id": trace(1), "StartTime": 10.25, "Duration": 2.25, "ResponseTime": 2.25,
            "HasFault": false, "HasError": false, "HasThrottle": false, "IsPartial": false,
            "Http": { "HttpURL": "http://shop.example/a", "HttpStatus": 200, "HttpMethod": "GET",
                "UserAgent": "curl", "ClientIp": "192.0.2.1" },
            "Annotations": {
                "rank": said(json!({ "NumberValue": 10.0 })),
                "vip": said(json!({ "BooleanValue": true })),
                "city": said(json!({ "StringValue": "Łódź" })),
            },
            "Users": [{ "UserName": "alice", "ServiceIds": [front] }],
            "ServiceIds": [front, client],
            "ResourceARNs": [{ "ARN": "arn:aws:ec2:x" }],
            "InstanceIds": [{ "Id": "i-0a" }],
            "AvailabilityZones": [{ "Name": "eu-west-1a" }],
            "EntryPoint": front,
            "FaultRootCauses": [], "ErrorRootCauses": [], "ResponseTimeRootCauses": [],
            "Revision": 1, "MatchedEventTime": null,
        })
    );
}

#[tokio::test]
async fn without_http_the_object_is_there_all_the_same() {
    let api = Api::new().await;
    api.put(&[segment(1, 1, "job", (1.0, 2.0), json!({}))]).await;
    let http = api.summaries("").await.remove(0)["Http"].clone();
    assert_eq!(
        http,
        json!({ "HttpURL": null, "HttpStatus": null, "HttpMethod": null, "UserAgent": null,
            "ClientIp": null })
    );
}

#[tokio::test]
async fn a_fault_names_its_root_cause_with_a_type_that_is_no_null() {
    let api = Api::new().await;
    let exception = json!({ "id": id(77), "type": "Timeout", "message": "too late" });
    let back = json!({ "parent_id": id(2), "fault": true,
        "cause": { "exceptions": [exception] } });
    let call = subsegment(2, "back", (1.1, 1.9), json!({ "namespace": "remote", "fault": true }));
    api.put(&[
        segment(1, 1, "front", (1.0, 2.0), json!({ "fault": true, "subsegments": [call] })),
        segment(1, 3, "back", (1.2, 1.8), back),
    ])
    .await;
    let causes = api.summaries("").await.remove(0)["FaultRootCauses"].clone();
    assert_eq!(causes[0]["ClientImpacting"], json!(true));
    let services = causes[0]["Services"].as_array().unwrap();
    let names: Vec<_> = services.iter().map(|service| &service["Name"]).collect();
    assert_eq!(names, ["front", "back"]);
    assert!(services.iter().all(|service| service["Type"] == ""));
    let path = services[1]["EntityPath"].as_array().unwrap();
    assert_eq!(path[0]["Exceptions"], json!([{ "Name": "Timeout", "Message": "too late" }]));
}

#[tokio::test]
async fn a_429_root_is_throttled_and_no_error() {
    let api = Api::new().await;
    let flags = json!({ "error": true, "throttle": true, "http": status(429) });
    api.put(&[
        segment(1, 1, "a", (1.0, 2.0), flags),
        segment(2, 2, "a", (1.0, 2.0), json!({ "http": status(404) })),
        segment(3, 3, "a", (1.0, 2.0), json!({ "http": status(503) })),
    ])
    .await;
    let flags: Vec<_> = api
        .summaries("")
        .await
        .iter()
        .map(|summary| {
            let flag = |name: &str| summary[name].as_bool().unwrap();
            (flag("HasThrottle"), flag("HasError"), flag("HasFault"))
        })
        .collect();
    assert_eq!(flags, [(false, false, true), (false, true, false), (true, false, false)]);
}

#[tokio::test]
async fn pages_are_bound_to_their_question_and_sum_up() {
    let api = Api::new().await;
    for call in 0..5 {
        let documents: Vec<_> = (0..50)
            .map(|place| call * 50 + place)
            .map(|number| {
                let start_s = 1_000.0 + f64::from(number);
                segment(number, 1, "cart", (start_s, start_s + 1.0), json!({}))
            })
            .collect();
        api.put(&documents).await;
    }
    let range = json!({ "StartTime": 1_000, "EndTime": 2_000 });
    let (mut ids, mut processed, mut input) = (Vec::new(), 0, range.clone());
    loop {
        let page = api.call("/TraceSummaries", input.clone()).await;
        let summaries = page["TraceSummaries"].as_array().unwrap();
        ids.extend(summaries.iter().map(|summary| summary["Id"].as_str().unwrap().to_owned()));
        processed += page["TracesProcessedCount"].as_u64().unwrap();
        assert_eq!(page["ApproximateTime"], json!(1_000.0));
        let Some(token) = page["NextToken"].as_str() else { break };
        let other = json!({ "StartTime": 1_000, "EndTime": 2_001, "NextToken": token });
        let message = format!("Invalid token {token}");
        assert_eq!(api.refuse("/TraceSummaries", other).await, invalid(message));
        input["NextToken"] = json!(token);
    }
    let expected: Vec<_> = (0..250).rev().map(trace).collect();
    assert_eq!(ids, expected);
    assert_eq!(processed, 250);
}

#[tokio::test]
async fn other_ranges_tell_when_the_update_came() {
    let api = Api::new().await;
    api.put(&[segment(1, 1, "cart", (10.0, 40.0), json!({}))]).await;
    let of = async |range: &str, start: f64, end: f64| {
        let input = json!({ "StartTime": start, "EndTime": end, "TimeRangeType": range });
        let answer = api.call("/TraceSummaries", input).await;
        let matched = answer["TraceSummaries"].as_array().unwrap().first().map(|summary| {
            summary["MatchedEventTime"].as_f64().is_some_and(|time_s| time_s > 1.7e9)
        });
        (matched, answer["ApproximateTime"].as_f64().unwrap())
    };
    assert_eq!(of("TraceId", 5.5, 15.0).await, (Some(false), 5.0));
    assert_eq!(of("Service", 35.0, 45.0).await, (Some(true), -25.0));
    assert_eq!(of("Service", 5.0, 15.0).await, (None, -55.0));
    assert_eq!(of("Event", 1.7e9, 9e9).await, (Some(true), 1.7e9));
    assert_eq!(of("Event", 5.0, 15.0).await, (None, 5.0));
    let odd = json!({ "StartTime": 1, "EndTime": 2, "TimeRangeType": "Other" });
    assert_eq!(api.refuse("/TraceSummaries", odd).await.code, "ValidationException");
}

#[tokio::test]
async fn a_running_trace_has_no_times_and_is_partial() {
    let api = Api::new().await;
    let mut running = segment(1, 1, "cart", (10.0, 0.0), json!({ "in_progress": true }));
    running.as_object_mut().unwrap().remove("end_time");
    api.put(&[running]).await;
    let summary = api.summaries("").await.remove(0);
    assert_eq!(summary["Duration"], Value::Null);
    assert_eq!(summary["ResponseTime"], Value::Null);
    assert_eq!(summary["IsPartial"], json!(true));
}
