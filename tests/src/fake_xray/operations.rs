//! What the service answers to a call that reached it in order.
//!
//! In: a call. Out: status, error type and JSON body, as `xray` 2016-04-12 models them. Documents
//! accepted go to the record, in the order of arrival.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::call::Call;

/// An answer to be sent.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Header `x-amzn-ErrorType`.
    pub(super) error_type: Option<&'static str>,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, error_type: None, body }
    }

    pub(super) fn error(status: StatusCode, code: &'static str, message: &str) -> Self {
        Self { status, error_type: Some(code), body: json!({ "message": message }) }
    }
}

/// What the sampling calls answer.
#[derive(Clone, Debug)]
pub(super) struct Sampling {
    /// `SamplingRuleRecords` of GetSamplingRules.
    pub(super) rule_records: Value,
    /// `LastRuleModification` of SamplingTargets, epoch seconds.
    pub(super) last_rule_modification_s: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        let rule = json!({
            "RuleName": "Default", "RuleARN": "arn:aws:xray:eu-west-1:111122223333:sampling-rule/Default",
            "Priority": 10000, "FixedRate": 0.05, "ReservoirSize": 1, "ServiceName": "*",
            "ServiceType": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "*", "ResourceARN": "*",
            "Version": 1, "Attributes": {},
        });
        Self {
            rule_records: json!([{ "SamplingRule": rule, "CreatedAt": 0.0, "ModifiedAt": 0.0 }]),
            last_rule_modification_s: 0.0,
        }
    }
}

/// Answers `call`; of PutTraceSegments, documents for which `refuse` has a code are refused, the
/// others are added to `accepted`.
pub(super) fn answer(
    call: &Call,
    sampling: &Sampling,
    accepted: &mut Vec<String>,
    refuse: impl Fn(&str) -> Option<&'static str>,
) -> Answer {
    match (&call.method, call.path()) {
        (&Method::POST, "/TraceSegments") => put_trace_segments(call, accepted, refuse),
        (&Method::POST, "/GetSamplingRules") => {
            Answer::ok(json!({ "NextToken": null, "SamplingRuleRecords": sampling.rule_records }))
        }
        (&Method::POST, "/SamplingTargets") => sampling_targets(call, sampling),
        (&Method::POST, "/TelemetryRecords") => telemetry_records(call),
        _ => Answer::error(StatusCode::NOT_FOUND, "UnknownOperationException", "no such operation"),
    }
}

fn put_trace_segments(
    call: &Call,
    accepted: &mut Vec<String>,
    refuse: impl Fn(&str) -> Option<&'static str>,
) -> Answer {
    let Ok(documents) = call.documents() else { return serialization_error() };
    if documents.is_empty() {
        return invalid("Segments can not be empty");
    }
    let mut unprocessed = Vec::new();
    for document in documents {
        match refuse(&document) {
            Some(code) => unprocessed.push(json!({
                "Id": id(&document),
                "ErrorCode": code,
                "Message": format!("Invalid segment. ErrorCode: {code}"),
            })),
            None => accepted.push(document),
        }
    }
    Answer::ok(json!({ "UnprocessedTraceSegments": unprocessed }))
}

/// Grants what was asked for, with the reservoir of one a second.
fn sampling_targets(call: &Call, sampling: &Sampling) -> Answer {
    let Ok(body) = serde_json::from_slice::<Value>(&call.body) else {
        return serialization_error();
    };
    let Some(statistics) = body["SamplingStatisticsDocuments"].as_array() else {
        return invalid("SamplingStatisticsDocuments is required");
    };
    let targets: Vec<_> = statistics
        .iter()
        .map(|document| {
            json!({
                "RuleName": document["RuleName"], "FixedRate": 0.05, "ReservoirQuota": 1,
                "ReservoirQuotaTTL": document["Timestamp"], "Interval": 10, "SamplingBoost": null,
            })
        })
        .collect();
    Answer::ok(json!({
        "SamplingTargetDocuments": targets,
        "LastRuleModification": sampling.last_rule_modification_s,
        "UnprocessedStatistics": [], "UnprocessedBoostStatistics": [],
    }))
}

fn telemetry_records(call: &Call) -> Answer {
    let Ok(body) = serde_json::from_slice::<Value>(&call.body) else {
        return serialization_error();
    };
    match body["TelemetryRecords"].as_array() {
        Some(records) if !records.is_empty() => Answer::ok(json!({})),
        _ => invalid("Telemetry records cannot be empty"),
    }
}

/// The id of a document, null where it has none that can be read.
fn id(document: &str) -> Value {
    serde_json::from_str::<Value>(document).map_or(Value::Null, |document| document["id"].clone())
}

fn invalid(message: &str) -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, "InvalidRequestException", message)
}

fn serialization_error() -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, "SerializationException", "the body cannot be read")
}
