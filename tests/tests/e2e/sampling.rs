//! TCP 2000: two sampling calls are answered, by X-Ray or by the local store; nothing else is.

use e2e::fake_xray::FakeXray;
use e2e::{Daemon, DaemonOptions};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

async fn call(daemon: &Daemon, method: Method, path: &str, body: &str) -> Response {
    let url = format!("http://{}{path}", daemon.segments());
    Client::new().request(method, url).body(body.to_owned()).send().await.unwrap()
}

/// What an SDK sends after ten seconds of the Default rule.
fn statistics() -> String {
    json!({ "SamplingStatisticsDocuments": [{
        "RuleName": "Default", "ClientID": "0123456789abcdef01234567", "Timestamp": 1795517069,
        "RequestCount": 30, "SampledCount": 3, "BorrowCount": 1,
    }]})
    .to_string()
}

#[tokio::test]
async fn with_x_ray_behind_it_both_calls_are_signed_and_passed_on() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let answer = call(&daemon, Method::POST, "/GetSamplingRules", "{}").await;
    assert_eq!(answer.status(), 200);
    let rules: Value = answer.json().await.unwrap();
    assert_eq!(rules["SamplingRuleRecords"][0]["SamplingRule"]["RuleName"], "Default");
    let answer = call(&daemon, Method::POST, "/SamplingTargets", &statistics()).await;
    assert_eq!(answer.status(), 200);
    let targets: Value = answer.json().await.unwrap();
    assert_eq!(targets["SamplingTargetDocuments"][0]["RuleName"], "Default");
    for path in ["/GetSamplingRules", "/SamplingTargets"] {
        let calls = xray.calls_to(path);
        assert!(!calls.is_empty() && calls.iter().all(|call| call.signature.is_ok()), "{calls:?}");
    }
}

#[tokio::test]
async fn the_local_store_answers_both_calls() {
    let daemon = DaemonOptions::local().start().await;
    let answer = call(&daemon, Method::POST, "/GetSamplingRules", "{}").await;
    assert_eq!(answer.status(), 200);
    let rules: Value = answer.json().await.unwrap();
    let records = rules["SamplingRuleRecords"].as_array().unwrap();
    assert_eq!(records.last().unwrap()["SamplingRule"]["RuleName"], "Default");
    let answer = call(&daemon, Method::POST, "/SamplingTargets", &statistics()).await;
    assert_eq!(answer.status(), 200);
    let targets: Value = answer.json().await.unwrap();
    let target = &targets["SamplingTargetDocuments"][0];
    assert_eq!((&target["RuleName"], &target["FixedRate"]), (&json!("Default"), &json!(0.05)));
}

#[tokio::test]
async fn everything_else_is_refused_and_never_signed() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let calls = [
        (Method::GET, "/GetSamplingRules"),
        (Method::POST, "/TraceSummaries"),
        (Method::POST, "/TraceSegments"),
        (Method::DELETE, "/SamplingTargets"),
        (Method::POST, "/GetSamplingRules/../TraceSummaries"),
        (Method::POST, "//GetSamplingRules"),
    ];
    for (method, path) in calls {
        let answer = call(&daemon, method.clone(), path, "{}").await;
        assert_eq!(answer.status(), 403, "{method} {path}");
        assert!(answer.text().await.unwrap().contains("/GetSamplingRules"), "{method} {path}");
    }
    assert_eq!(xray.calls().len(), 0, "{:?}", xray.calls());
}
