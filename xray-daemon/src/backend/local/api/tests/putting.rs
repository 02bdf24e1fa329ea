//! `PutTraceSegments` and `BatchGetTraces`: what is checked, and what comes back.

use super::*;

/// What `PutTraceSegments` says of one document.
async fn verdict(api: &Api, document: String) -> (Value, String, String) {
    let answer = api.call("/TraceSegments", json!({ "TraceSegmentDocuments": [document] })).await;
    let unprocessed = answer["UnprocessedTraceSegments"].as_array().unwrap();
    match unprocessed.as_slice() {
        [] => (Value::Null, "stored".to_owned(), String::new()),
        [one] => (
            one["Id"].clone(),
            one["ErrorCode"].as_str().unwrap().to_owned(),
            one["Message"].as_str().unwrap().to_owned(),
        ),
        more => panic!("{more:?}"),
    }
}

#[tokio::test]
async fn documents_are_checked_in_the_order_of_the_service() {
    let api = Api::new().await;
    let good = || segment(1, 1, "cart", (1.0, 2.0), json!({}));
    let with = |more: Value| segment(1, 1, "cart", (1.0, 2.0), more);
    let without = |member: &str| {
        let mut document = good();
        document.as_object_mut().unwrap().remove(member);
        document
    };
    let cases = [
        (without("id"), "MissingId"),
        (with(json!({ "id": "xyz" })), "InvalidId"),
        (without("name"), "MissingName"),
        (with(json!({ "name": "" })), "MissingName"),
        (without("trace_id"), "MissingTraceId"),
        (with(json!({ "trace_id": "1-2" })), "InvalidTraceId"),
        (with(json!({ "start_time": "1" })), "MissingStartTime"),
        (without("end_time"), "MissingEndTime"),
        (with(json!({ "in_progress": true })), "InProgressSegmentHasEndTime"),
        (with(json!({ "type": "x" })), "UnknownType"),
        (with(json!({ "parent_id": "x" })), "InvalidParentId"),
    ];
    for (document, code) in cases {
        let (_, found, message) = verdict(&api, document.to_string()).await;
        assert_eq!(found, code, "{document}");
        let entity = if code == "UnknownType" { "entity" } else { "segment" };
        assert_eq!(message, format!("Invalid {entity}. ErrorCode: {code}"));
    }
    let independent = with(json!({ "type": "subsegment" }));
    assert_eq!(verdict(&api, independent.to_string()).await.1, "MissingParentId");
    for (text, entity) in [("{", "segment"), ("{} x", "segment"), ("[]", "entity"), ("1", "entity")]
    {
        let expected = format!("Invalid {entity}. ErrorCode: ParseError");
        assert_eq!(
            verdict(&api, text.to_owned()).await,
            (Value::Null, "ParseError".to_owned(), expected)
        );
    }
    assert_eq!(api.summaries("").await.len(), 0);
    assert_eq!(verdict(&api, good().to_string()).await.1, "stored");
}

#[tokio::test]
async fn one_bad_embedded_subsegment_refuses_the_whole_document() {
    let api = Api::new().await;
    let bad = subsegment(2, "", (1.0, 2.0), json!({}));
    let document = segment(1, 1, "cart", (1.0, 2.0), json!({ "subsegments": [bad] }));
    let expected = "Invalid subsegment. ErrorCode: MissingName, Cause: null";
    assert_eq!(
        verdict(&api, document.to_string()).await,
        (json!(id(1)), "MissingName".to_owned(), expected.to_owned())
    );
}

#[tokio::test]
async fn a_document_over_64_kib_is_refused_and_a_long_name_is_cut() {
    let api = Api::new().await;
    let long = json!({ "metadata": { "default": { "text": "x".repeat(64 * 1024) } } });
    let document = segment(1, 1, "cart", (1.0, 2.0), long);
    assert_eq!(verdict(&api, document.to_string()).await.1, "InvalidSegment");

    let document = segment(1, 1, &"n".repeat(201), (1.0, 2.0), json!({}));
    assert_eq!(verdict(&api, document.to_string()).await.1, "stored");
    assert_eq!(api.summaries("").await[0]["EntryPoint"]["Name"], "n".repeat(200));
}

#[tokio::test]
async fn times_in_exponent_form_are_taken() {
    let api = Api::new().await;
    let document = format!(
        r#"{{"trace_id":"{}","id":"{}","name":"cart","start_time":1.478293361271E9,
            "end_time":1.478293361449E9}}"#,
        trace(1),
        id(1)
    );
    assert_eq!(verdict(&api, document).await.1, "stored");
    assert_eq!(api.summaries("").await[0]["StartTime"], 1_478_293_361.271);
}

/// The documents of trace 1, by `BatchGetTraces`.
async fn read_back(api: &Api) -> (Value, Vec<Value>) {
    let answer = api.call("/Traces", json!({ "TraceIds": [trace(1)] })).await;
    assert_eq!(answer["UnprocessedTraceIds"], json!([]));
    assert_eq!(answer["NextToken"], Value::Null);
    let found = &answer["Traces"][0];
    assert_eq!(found["Id"], json!(trace(1)));
    assert_eq!(found["LimitExceeded"], json!(false));
    let documents = found["Segments"].as_array().unwrap().iter().map(|segment| {
        let document: Value = serde_json::from_str(segment["Document"].as_str().unwrap()).unwrap();
        assert_eq!(document["id"], segment["Id"]);
        document
    });
    (found["Duration"].clone(), documents.collect())
}

#[tokio::test]
async fn independent_subsegments_fold_into_their_parents_in_any_order() {
    let api = Api::new().await;
    let inner = json!({ "type": "subsegment", "parent_id": id(2) });
    let outer = json!({ "type": "subsegment", "parent_id": id(1) });
    api.put(&[segment(1, 3, "inner", (1.2, 1.3), inner)]).await;
    let (duration, documents) = read_back(&api).await;
    assert_eq!((duration, documents.len()), (Value::Null, 0), "orphans alone");

    api.put(&[segment(1, 2, "outer", (1.1, 1.4), outer)]).await;
    api.put(&[segment(1, 1, "root", (0.5, 2.75), json!({}))]).await;
    let (duration, documents) = read_back(&api).await;
    assert_eq!(duration, json!(2.25));
    assert_eq!(
        documents,
        [segment(
            1,
            1,
            "root",
            (0.5, 2.75),
            json!({ "subsegments": [
            subsegment(2, "outer", (1.1, 1.4), json!({ "subsegments": [
                subsegment(3, "inner", (1.2, 1.3), json!({}))
            ] }))
        ] })
        )]
    );
}

#[tokio::test]
async fn a_call_without_callee_is_inferred_until_the_callee_reports() {
    let api = Api::new().await;
    let call = subsegment(2, "worker", (1.5, 1.6), json!({ "namespace": "remote" }));
    api.put(&[segment(1, 1, "front", (1.0, 2.0), json!({ "subsegments": [call] }))]).await;
    let (_, documents) = read_back(&api).await;
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[1]["inferred"], json!(true));
    assert_eq!(documents[1]["parent_id"], json!(id(2)));
    assert_eq!(documents[1]["name"], json!("worker"));

    api.put(&[segment(1, 9, "worker", (1.51, 1.59), json!({ "parent_id": id(2) }))]).await;
    let (_, documents) = read_back(&api).await;
    let names: Vec<_> = documents.iter().map(|document| &document["name"]).collect();
    assert_eq!(names, ["front", "worker"]);
    assert!(documents[1].get("inferred").is_none());
}

#[tokio::test]
async fn unknown_traces_are_left_out_without_a_word_and_w3c_ids_are_understood() {
    let api = Api::new().await;
    api.put(&[segment(1, 1, "cart", (1.0, 2.0), json!({}))]).await;
    let w3c = format!("{:08x}{}", 1, "0".repeat(24));
    let answer = api.call("/Traces", json!({ "TraceIds": [trace(2), w3c] })).await;
    assert_eq!(answer["Traces"].as_array().unwrap().len(), 1);
    assert_eq!(answer["Traces"][0]["Id"], json!(trace(1)));
    assert_eq!(answer["UnprocessedTraceIds"], json!([]));
}
