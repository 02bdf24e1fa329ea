//! TCP 2000 in front of X-Ray: one call for many clients, rules that outlive an outage, signatures
//! that hold behind a mesh, and clients that mean no good.

use std::time::Duration;

use e2e::fake_xray::{FakeXray, Fault};
use e2e::{Daemon, DaemonOptions, wait_until};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(30);
/// What Istio's and Envoy's sidecars, load balancers and tracers add on the way.
const MESH: [(&str, &str); 12] = [
    ("x-forwarded-for", "10.42.0.7"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-client-cert", "By=spiffe://cluster.local/ns/shop/sa/cart;Hash=4f5a"),
    ("x-envoy-attempt-count", "1"),
    ("x-envoy-expected-rq-timeout-ms", "15000"),
    ("x-envoy-peer-metadata-id", "sidecar~10.42.0.7~cart-1.shop~shop.svc.cluster.local"),
    ("x-request-id", "6b46b5d9-2c11-9f0e-a1f6-3b6d2c1c9a54"),
    ("x-b3-traceid", "80f198ee56343ba864fe8b2a57d3eff7"),
    ("traceparent", "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01"),
    ("te", "trailers"),
    ("keep-alive", "timeout=5"),
    ("via", "1.1 gateway"),
];

fn post(daemon: &Daemon, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    Client::new().post(format!("http://{}{path}", daemon.address())).body(body)
}

async fn rules(daemon: &Daemon) -> Response {
    post(daemon, "/GetSamplingRules", "{}").send().await.unwrap()
}

/// How the rules came about: `hit`, `stale`, or empty for straight from X-Ray.
fn from_memory(answer: &Response) -> String {
    let header = answer.headers().get("x-xray-daemon-cache");
    header.map_or(String::new(), |word| word.to_str().unwrap().to_owned())
}

async fn rule_name(answer: Response) -> Value {
    let body: Value = answer.json().await.unwrap();
    body["SamplingRuleRecords"][0]["SamplingRule"]["RuleName"].clone()
}

fn statistics() -> String {
    json!({ "SamplingStatisticsDocuments": [{
        "RuleName": "Default", "ClientID": "0123456789abcdef01234567", "Timestamp": 1795517069,
        "RequestCount": 30, "SampledCount": 3, "BorrowCount": 1,
    }]})
    .to_string()
}

/// Lets X-Ray answer the rule `name`, changed at `modified_s`.
fn change_rules(xray: &FakeXray, name: &str, modified_s: f64) {
    let rule = json!({ "SamplingRule": { "RuleName": name, "Version": 1 } });
    xray.set_sampling_rules(json!([rule]), modified_s);
}

#[tokio::test]
async fn a_hundred_clients_cost_one_call() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    xray.misbehave_for(1, &Fault::Slow(Duration::from_millis(300)));
    let clients: Vec<_> = (0..100)
        .map(|_| {
            let request = post(&daemon, "/GetSamplingRules", "{}");
            tokio::spawn(async move { rule_name(request.send().await.unwrap()).await })
        })
        .collect();
    for client in clients {
        assert_eq!(client.await.unwrap(), "Default");
    }
    assert_eq!(from_memory(&rules(&daemon).await), "hit");
    assert_eq!(xray.calls_to("/GetSamplingRules").len(), 1);
    let metrics = daemon.metrics().await;
    let answered = "call=\"rules\",result=\"answered\"";
    let cached = metrics.sum("sampling_requests_total", "call=\"rules\",result=\"cached\"");
    assert_eq!(metrics.sum("sampling_requests_total", answered) + cached, 101.0, "{}", metrics.0);
    assert_eq!(metrics.sum("sampling_upstream_calls_total", answered), 1.0);
    // Another question is another call.
    let page = post(&daemon, "/GetSamplingRules", r#"{"NextToken":"2"}"#).send().await.unwrap();
    assert_eq!((page.status().as_u16(), from_memory(&page)), (200, String::new()));
    assert_eq!(xray.calls_to("/GetSamplingRules").len(), 2);
}

#[tokio::test]
async fn targets_are_passed_on_each_time_and_a_newer_change_drops_the_rules_in_memory() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    change_rules(&xray, "before", 1_000.0);
    let targets = || async {
        let answer = post(&daemon, "/SamplingTargets", statistics()).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    assert_eq!(targets().await["LastRuleModification"], 1_000.0);
    assert_eq!(rule_name(rules(&daemon).await).await, "before");
    assert_eq!(targets().await["SamplingTargetDocuments"][0]["RuleName"], "Default");
    assert_eq!(xray.calls_to("/SamplingTargets").len(), 2);
    assert_eq!(xray.calls_to("/SamplingTargets")[1].body, statistics());
    let kept = rules(&daemon).await;
    assert_eq!((from_memory(&kept).as_str(), rule_name(kept).await), ("hit", json!("before")));

    change_rules(&xray, "after", 1_000.5);
    assert_eq!(from_memory(&rules(&daemon).await), "hit", "nobody has told the daemon yet");
    targets().await;
    let new = rules(&daemon).await;
    assert_eq!((from_memory(&new).as_str(), rule_name(new).await), ("", json!("after")));
}

#[tokio::test]
async fn while_x_ray_fails_the_last_rules_are_served_and_marked() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    change_rules(&xray, "before", 1_000.0);
    assert_eq!(rule_name(rules(&daemon).await).await, "before");
    change_rules(&xray, "after", 2_000.0);
    post(&daemon, "/SamplingTargets", statistics()).send().await.unwrap();
    for fault in [Fault::INTERNAL, Fault::THROTTLED, Fault::Hang] {
        xray.misbehave(fault.clone());
        let begin = Instant::now();
        let stale = rules(&daemon).await;
        assert!(begin.elapsed() < Duration::from_secs(5), "{fault:?}: {:?}", begin.elapsed());
        assert_eq!((stale.status().as_u16(), from_memory(&stale).as_str()), (200, "stale"));
        assert!(stale.headers().contains_key("age"), "{fault:?}");
        assert_eq!(rule_name(stale).await, "before", "{fault:?}");
    }
    assert!(
        daemon.metrics().await.sum("sampling_requests_total", "result=\"stale\"") >= 3.0,
        "{}",
        daemon.metrics().await.0
    );
    // What is in memory does not help with targets.
    xray.misbehave(Fault::INTERNAL);
    let targets = post(&daemon, "/SamplingTargets", statistics()).send().await.unwrap();
    assert_eq!(targets.status(), 500);

    xray.misbehave(Fault::None);
    let new = || async {
        let answer = rules(&daemon).await;
        (from_memory(&answer) != "stale").then_some(answer)
    };
    let new = wait_until("rules from X-Ray", SOON, new).await;
    assert_eq!(rule_name(new).await, "after");
}

#[tokio::test]
async fn a_client_without_rules_in_memory_gets_the_failure_and_the_reason() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    xray.misbehave(Fault::Reset);
    let answer = rules(&daemon).await;
    assert_eq!(answer.status(), 502);
    let body = answer.text().await.unwrap();
    assert!(body.contains("the service cannot be reached"), "{body}");
    daemon.wait_for_metric("sampling_requests_total", "result=\"failed\"", 1.0).await;
}

#[tokio::test]
async fn signatures_hold_behind_a_mesh() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    for (path, body) in [("/GetSamplingRules", "{}".to_owned()), ("/SamplingTargets", statistics())]
    {
        let request = MESH.iter().fold(post(&daemon, path, body), |request, (name, value)| {
            request.header(*name, *value)
        });
        let answer = request.header("authorization", "Bearer not ours").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let [call] = &xray.calls_to(path)[..] else { panic!("{path}") };
        assert!(call.signature.is_ok(), "{:?}", call.signature);
        assert!(MESH.iter().all(|(name, _)| !call.headers.contains_key(*name)), "{call:?}");
        assert!(call.header("user-agent").contains("xray-agent/xray-daemon/"), "{call:?}");
    }
}

#[tokio::test]
async fn everything_is_passed_on_and_signed_where_that_is_asked_for() {
    let xray = FakeXray::start().await;
    let options = DaemonOptions::uploading_to(&xray).args(["--proxy-allow-all"]);
    let daemon = options.start().await;
    let body = r#"{"TraceSegmentDocuments":["{\"id\":\"1\"}"]}"#;
    let request = post(&daemon, "/TraceSegments?a=b%20c&d=%C3%B1", body)
        .header("content-type", "application/json")
        .header("user-agent", "an SDK of theirs")
        .header("connection", "keep-alive, x-secret")
        .header("x-secret", "for this hop")
        .header("x-amz-date", "20200101T000000Z");
    let request = MESH.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("x-amzn-requestid"), "{answer:?}");
    assert_eq!(answer.json::<Value>().await.unwrap()["UnprocessedTraceSegments"], json!([]));
    let [call] = &xray.calls()[..] else { panic!("{:?}", xray.calls()) };
    assert!(call.signature.is_ok(), "{:?}", call.signature);
    assert_eq!(call.target, "/TraceSegments?a=b%20c&d=%C3%B1");
    assert_eq!(call.body, body);
    assert_eq!(call.header("user-agent"), "an SDK of theirs");
    assert_eq!(call.header("x-secret"), "");
    assert!(MESH.iter().all(|(name, _)| !call.headers.contains_key(*name)), "{call:?}");

    let get = Client::new().get(format!("http://{}/Groups/x", daemon.address())).send();
    assert_eq!(get.await.unwrap().status(), 404, "X-Ray's own answer");
    assert!(xray.calls().last().unwrap().signature.is_ok());
    // A page that a browser has open still reaches nothing.
    let page = post(&daemon, "/TraceSegments", body).header("origin", "http://evil.example");
    assert_eq!(page.send().await.unwrap().status(), 403);
    assert_eq!(xray.calls().len(), 2);
}

#[tokio::test]
async fn without_credentials_nothing_leaves_and_the_reason_is_said() {
    let xray = FakeXray::start().await;
    for all in [false, true] {
        let options = DaemonOptions::without_key(&xray);
        let options = if all { options.args(["--proxy-allow-all"]) } else { options };
        let daemon = options.launch();
        let open = || async { TcpStream::connect(daemon.segments()).await.ok() };
        wait_until("an open port", SOON, open).await;
        let answer = rules(&daemon).await;
        assert_eq!(answer.status(), 503);
        let body = answer.text().await.unwrap();
        assert!(body.contains("no AWS credentials were found; give the daemon a role"), "{body}");
        let other = post(&daemon, "/TraceSummaries", "{}").send().await.unwrap();
        assert_eq!(other.status(), if all { 503 } else { 403 });
    }
    assert_eq!(xray.calls().len(), 0, "{:?}", xray.calls());
}

/// Private memory of the daemon in MB.
fn private_mb(daemon: &mut Daemon) -> f64 {
    let id = daemon.process().id().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

#[tokio::test]
async fn a_body_of_fifty_megabytes_is_refused_and_takes_no_memory() {
    let xray = FakeXray::start().await;
    let mut daemon = DaemonOptions::uploading_to(&xray).start().await;
    rules(&daemon).await;
    let before_mb = private_mb(&mut daemon);
    let body = bytes::Bytes::from(vec![b'x'; 50 << 20]);
    for path in ["/GetSamplingRules", "/SamplingTargets"] {
        let answer = post(&daemon, path, body.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 413, "{path}");
        let body = answer.text().await.unwrap();
        assert!(body.contains("it takes 262144 bytes at most"), "{body}");
    }
    let grown_mb = private_mb(&mut daemon) - before_mb;
    assert!(grown_mb < 10.0, "{grown_mb} MB more than before");
    assert_eq!(xray.calls_to("/SamplingTargets").len(), 0);
    let metrics = daemon.metrics().await;
    assert_eq!(metrics.sum("sampling_requests_total", "result=\"too_large\""), 2.0);
}

#[tokio::test]
async fn a_few_hundred_clients_that_never_finish_keep_nobody_out() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let mut slow = Vec::new();
    for _ in 0..560 {
        let mut stream = TcpStream::connect(daemon.segments()).await.unwrap();
        stream.write_all(b"POST /GetSamplingRules HTTP/1.1\r\nHost: x\r\nX-Slow").await.unwrap();
        slow.push(stream);
    }
    let answer = timeout(Duration::from_secs(10), rules(&daemon)).await;
    assert_eq!(rule_name(answer.unwrap()).await, "Default");
    // The first of them made room.
    let mut byte = [0];
    let first = timeout(SOON, slow[0].read(&mut byte)).await.unwrap();
    assert!(matches!(first, Ok(0) | Err(_)), "{first:?}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_waited_for_for_ten_seconds() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let mut stream = TcpStream::connect(daemon.segments()).await.unwrap();
    let begin = Instant::now();
    let head = b"POST /SamplingTargets HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head).await.unwrap();
    let mut answer = vec![0; 12];
    timeout(SOON, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
    assert!(begin.elapsed() >= Duration::from_secs(10), "{:?}", begin.elapsed());
    daemon.wait_for_metric("sampling_requests_total", "result=\"too_slow\"", 1.0).await;
    assert_eq!(xray.calls().len(), 0);
}
