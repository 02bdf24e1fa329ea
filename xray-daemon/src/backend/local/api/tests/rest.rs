//! The rest of the API.

use super::*;

#[tokio::test]
async fn telemetry_with_every_counter_is_taken() {
    let api = Api::new().await;
    let errors = json!({ "TimeoutCount": 1, "ConnectionRefusedCount": 1, "HTTPCode4XXCount": 1,
        "HTTPCode5XXCount": 1, "UnknownHostCount": 1, "OtherCount": 1 });
    let record = json!({ "Timestamp": 1.5, "SegmentsReceivedCount": 4, "SegmentsSentCount": 3,
        "SegmentsSpilloverCount": 1, "SegmentsRejectedCount": 0,
        "BackendConnectionErrors": errors });
    let input = json!({ "TelemetryRecords": vec![record; 30], "EC2InstanceId": "i-0a",
        "Hostname": "host", "ResourceARN": "arn:x" });
    assert_eq!(api.call("/TelemetryRecords", input).await, json!({}));
    let null = json!({ "TelemetryRecords": [null] });
    assert_eq!(api.refuse("/TelemetryRecords", null).await.status, 400);
}

#[tokio::test]
async fn encryption_is_kept_and_active_at_once() {
    let api = Api::new().await;
    let kms = json!({ "Type": "KMS", "KeyId": "alias/x" });
    let expected = json!({ "EncryptionConfig":
        { "KeyId": "alias/x", "Status": "ACTIVE", "Type": "KMS" } });
    assert_eq!(api.call("/PutEncryptionConfig", kms).await, expected);
    assert_eq!(api.call("/EncryptionConfig", json!({})).await, expected);
    assert_eq!(api.refuse("/PutEncryptionConfig", json!({ "Type": "KMS" })).await.status, 400);
    assert_eq!(api.refuse("/PutEncryptionConfig", json!({ "Type": "X" })).await.status, 400);
}

#[tokio::test]
async fn policies_have_revisions() {
    let api = Api::new().await;
    let put = |revision: Value| json!({ "PolicyName": "p", "PolicyDocument": "{}", "PolicyRevisionId": revision });
    let first = api.call("/PutResourcePolicy", put(json!("0"))).await;
    assert_eq!(first["ResourcePolicy"]["PolicyRevisionId"], "1");
    let refused = api.refuse("/PutResourcePolicy", put(json!("0"))).await;
    assert_eq!(refused.code, "InvalidPolicyRevisionIdException");
    assert_eq!(refused.message, "Another concurrent request has modified the resource policy p");
    let second = api.call("/PutResourcePolicy", put(json!(null))).await;
    assert_eq!(second["ResourcePolicy"]["PolicyRevisionId"], "2");
    let listed = api.call("/ListResourcePolicies", json!({})).await;
    assert_eq!(listed["ResourcePolicies"].as_array().unwrap().len(), 1);
    let bad = json!({ "PolicyName": "q", "PolicyDocument": "x" });
    let refused = api.refuse("/PutResourcePolicy", bad).await;
    assert_eq!(refused.code, "MalformedPolicyDocumentException");
    assert_eq!(api.call("/DeleteResourcePolicy", json!({ "PolicyName": "p" })).await, json!({}));
    assert_eq!(
        api.refuse("/DeleteResourcePolicy", json!({ "PolicyName": "p" })).await,
        invalid("The resource policy p does not exist.")
    );
}

#[tokio::test]
async fn the_indexing_rule_and_the_destination_are_what_they_are() {
    let api = Api::new().await;
    let rules = api.call("/GetIndexingRules", json!({})).await;
    let percentage =
        |rule: &Value| rule["Rule"]["Probabilistic"]["DesiredSamplingPercentage"].as_f64();
    assert_eq!(percentage(&rules["IndexingRules"][0]), Some(100.0));
    let rule = |name: &str| {
        json!({ "Name": name,
            "Rule": { "Probabilistic": { "DesiredSamplingPercentage": 5.0 } } })
    };
    let updated = api.call("/UpdateIndexingRule", rule("Default")).await;
    assert_eq!(percentage(&updated["IndexingRule"]), Some(5.0));
    assert_eq!(api.refuse("/UpdateIndexingRule", rule("x")).await.status, 404);

    let expected = json!({ "Destination": "XRay", "Status": "ACTIVE" });
    assert_eq!(api.call("/GetTraceSegmentDestination", json!({})).await, expected);
    let logs = json!({ "Destination": "CloudWatchLogs" });
    assert_eq!(api.refuse("/UpdateTraceSegmentDestination", logs).await.status, 400);
}

#[tokio::test]
async fn retrieval_is_complete_at_once_and_pages() {
    let api = Api::new().await;
    for number in 1..=7 {
        api.put(&[segment(number, 1, "cart", (1.0, 2.0), json!({}))]).await;
    }
    let ids: Vec<_> = (1..=7).map(trace).collect();
    let input = json!({ "TraceIds": ids, "StartTime": 0, "EndTime": 9 });
    let token = api.call("/StartTraceRetrieval", input).await["RetrievalToken"].clone();
    let first = api.call("/ListRetrievedTraces", json!({ "RetrievalToken": token })).await;
    assert_eq!(first["RetrievalStatus"], "COMPLETE");
    assert_eq!(first["Traces"].as_array().unwrap().len(), 5);
    assert_eq!(first["Traces"][0]["Spans"].as_array().unwrap().len(), 1);
    let next = json!({ "RetrievalToken": token, "NextToken": first["NextToken"] });
    let last = api.call("/ListRetrievedTraces", next).await;
    assert_eq!(last["Traces"].as_array().unwrap().len(), 2);
    assert_eq!(last["NextToken"], Value::Null);
    let graph = api.call("/GetRetrievedTracesGraph", json!({ "RetrievalToken": token })).await;
    assert_eq!(graph["Services"][0]["Service"]["SummaryStatistics"]["TotalCount"], json!(7));
    let cancel = json!({ "RetrievalToken": token });
    assert_eq!(api.call("/CancelTraceRetrieval", cancel.clone()).await, json!({}));
    assert_eq!(api.refuse("/ListRetrievedTraces", cancel).await.status, 404);
}

#[tokio::test]
async fn there_are_no_insights() {
    let api = Api::new().await;
    let range = json!({ "StartTime": 1, "EndTime": 2, "States": ["ACTIVE"] });
    let answer = api.call("/InsightSummaries", range).await;
    assert_eq!(answer, json!({ "InsightSummaries": [], "NextToken": null }));
    for path in ["/Insight", "/InsightEvents", "/InsightImpactGraph"] {
        let refused = api.refuse(path, json!({ "InsightId": "x" })).await;
        assert_eq!(refused, invalid("Insight not found"));
    }
}
