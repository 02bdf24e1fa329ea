//! Requests that are refused, with the service's status, code and words.

use super::*;

#[tokio::test]
async fn an_unknown_operation_is_404() {
    let api = Api::new().await;
    let request = Request::get("/TraceSummaries").body(Body::empty()).unwrap();
    let response = api.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["x-amzn-errortype"], "UnknownOperationException");
}

#[tokio::test]
async fn what_is_no_json_or_of_another_type_is_a_serialization_error() {
    let api = Api::new().await;
    for body in ["{", "[]", "3", r#"{"StartTime":"2026-01-01T00:00:00Z","EndTime":2}"#] {
        let refused = api.send("/TraceSummaries", body.to_owned()).await.unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (400, "SerializationException"));
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let api = Api::new().await;
    let refused = api.send("/TraceSegments", " ".repeat((5 << 20) + 1)).await.unwrap_err();
    assert_eq!(refused.status, 413);
}

#[tokio::test]
async fn an_empty_body_is_an_empty_object() {
    let api = Api::new().await;
    let config = api.send("/EncryptionConfig", String::new()).await.unwrap();
    let expected = json!({ "KeyId": null, "Status": "ACTIVE", "Type": "NONE" });
    assert_eq!(config, json!({ "EncryptionConfig": expected }));
    let missing = api.send("/TraceSummaries", String::new()).await.unwrap_err();
    assert_eq!(
        missing,
        refused(
            400,
            "ValidationException",
            "1 validation error detected: Value null at 'startTime' failed to satisfy constraint: \
             Member must not be null"
        )
    );
}

#[tokio::test]
async fn ranges_and_lists_of_ids_are_checked() {
    let api = Api::new().await;
    let backwards = json!({ "StartTime": 2, "EndTime": 1 });
    for path in ["/TraceSummaries", "/ServiceGraph", "/TimeSeriesServiceStatistics"] {
        assert_eq!(
            api.refuse(path, backwards.clone()).await,
            invalid("End time cannot be earlier than start time")
        );
    }
    let ids = |ids: &[&str]| json!({ "TraceIds": ids });
    let one = trace(1);
    assert_eq!(
        api.refuse("/Traces", ids(&[one.as_str(); 6])).await,
        invalid("Exceeding maximum query size: 5")
    );
    assert_eq!(
        api.refuse("/Traces", ids(&["1-x"])).await,
        invalid("Invalid trace id 1-x: incorrect id format")
    );
    assert_eq!(
        api.refuse("/Traces", ids(&[&one, &one])).await,
        invalid("Containing duplicate trace ids")
    );
    assert_eq!(api.refuse("/TraceGraph", ids(&[])).await, invalid("Zero trace ids provided"));
    assert_eq!(
        api.refuse("/TraceGraph", ids(&["1-x"])).await,
        invalid("Invalid traceId. ErrorCode: InvalidId")
    );
    assert_eq!(api.refuse("/TraceGraph", ids(&[&one])).await, invalid("Trace id not found"));
}

#[tokio::test]
async fn tokens_are_refused_where_there_is_one_page() {
    let api = Api::new().await;
    let not_supported = invalid("NextToken is currently not supported");
    let range = json!({ "StartTime": 1, "EndTime": 2, "NextToken": "x" });
    assert_eq!(api.refuse("/ServiceGraph", range.clone()).await, not_supported);
    let ids = json!({ "TraceIds": [trace(1)], "NextToken": "x" });
    assert_eq!(api.refuse("/Traces", ids.clone()).await, not_supported);
    assert_eq!(api.refuse("/TraceGraph", ids).await, not_supported);
    assert_eq!(
        api.refuse("/Groups", json!({ "NextToken": "x" })).await,
        invalid("Next Token not supported")
    );
    for path in ["/TraceSummaries", "/TimeSeriesServiceStatistics"] {
        assert_eq!(api.refuse(path, range.clone()).await, invalid("Invalid token x"));
    }
    assert!(api.send("/GetSamplingRules", r#"{"NextToken":"x"}"#.to_owned()).await.is_ok());
}

#[tokio::test]
async fn an_empty_list_of_what_shall_be_stored_is_refused() {
    let api = Api::new().await;
    assert_eq!(
        api.refuse("/TraceSegments", json!({ "TraceSegmentDocuments": [] })).await,
        invalid("Segments can not be empty")
    );
    assert_eq!(
        api.refuse("/TelemetryRecords", json!({ "TelemetryRecords": [] })).await,
        invalid("Telemetry records cannot be empty")
    );
}

#[tokio::test]
async fn series_have_two_periods_and_groups_that_exist() {
    let api = Api::new().await;
    let range = |more: Value| {
        let mut range = json!({ "StartTime": 1, "EndTime": 2 });
        more.as_object().unwrap().iter().for_each(|(key, value)| range[key] = value.clone());
        range
    };
    let series = "/TimeSeriesServiceStatistics";
    assert_eq!(
        api.refuse(series, range(json!({ "Period": 61 }))).await,
        invalid("Time period must be one of [60, 300]")
    );
    for path in [series, "/ServiceGraph"] {
        let unknown = range(json!({ "GroupName": "none" }));
        assert_eq!(api.refuse(path, unknown).await, invalid("Group not found."));
    }
    assert_eq!(
        api.refuse("/GetGroup", json!({ "GroupName": "none" })).await,
        invalid("Group not found")
    );
}

#[tokio::test]
async fn read_only_refuses_every_change() {
    let api = Api::with(Access::ReadOnly).await;
    for path in [
        "/TraceSegments",
        "/CreateGroup",
        "/UpdateGroup",
        "/DeleteGroup",
        "/CreateSamplingRule",
        "/UpdateSamplingRule",
        "/DeleteSamplingRule",
        "/PutEncryptionConfig",
        "/PutResourcePolicy",
        "/DeleteResourcePolicy",
        "/UpdateIndexingRule",
        "/UpdateTraceSegmentDestination",
    ] {
        let refused = api.refuse(path, json!({})).await;
        assert_eq!((refused.status, refused.code.as_str()), (403, "AccessDeniedException"));
    }
    assert_eq!(api.summaries("").await.len(), 0);
}
