//! `--backend otlp`: what comes in as segments leaves as spans, for any collector and for X-Ray's own
//! endpoint.

use std::time::Duration;

use e2e::fake_collector::{CollectorFault, FakeCollector};
use e2e::fake_xray::{ACCESS_KEY, FakeXray, SECRET_KEY};
use e2e::{
    Daemon, DaemonOptions, HEADER, Numbered, Python, Signal, free_port, require, wait_until,
};
use serde_json::{Value, json};

/// Longest that spans may take to the collector; a batch waits for company for one second.
const SOON: Duration = Duration::from_secs(30);
const DRAINED: Duration = Duration::from_secs(30);

fn sending_to(collector: &FakeCollector) -> DaemonOptions {
    DaemonOptions::new().args(["--backend", "otlp", "--otlp-endpoint", &collector.endpoint()])
}

fn send(daemon: &Daemon, document: &Value) {
    daemon.send([HEADER, &document.to_string()].concat());
}

/// A segment of now with `more` in place of its own members; `null` takes one away.
fn segment(number: u64, more: Value) -> Value {
    let run: Value = serde_json::from_str(&Numbered::new().document(number)).unwrap();
    let mut document = json!({"id": "1f3d5b7991b3d5f7", "name": "shop"});
    for key in ["trace_id", "start_time", "end_time"] {
        document[key] = run[key].clone();
    }
    for (key, value) in more.as_object().unwrap() {
        match value {
            Value::Null => drop(document.as_object_mut().unwrap().remove(key)),
            value => document[key] = value.clone(),
        }
    }
    document
}

fn w3c(document: &Value) -> String {
    document["trace_id"].as_str().unwrap().trim_start_matches("1-").replace('-', "")
}

async fn assert_accounted(daemon: &Daemon, backend: &str, accepted: f64) {
    let labels = format!("backend=\"{backend}\"");
    for quiet in ["segments_queued", "segments_in_flight"] {
        daemon.wait_for_metric(quiet, &labels, 0.0).await;
    }
    let metrics = daemon.metrics().await;
    let known: f64 = ["segments_sent_total", "segments_refused_total", "segments_dropped_total"]
        .map(|name| metrics.sum(name, &labels))
        .iter()
        .sum();
    assert_eq!(known, accepted, "{}", metrics.0);
}

#[tokio::test]
async fn a_segment_is_spans_that_say_what_it_said() {
    let collector = FakeCollector::start().await;
    let daemon = sending_to(&collector).start().await;
    let call = json!({"id": "2222222222222222", "name": "stock", "namespace": "remote",
        "start_time": 1.0, "end_time": 2.0, "error": true, "throttle": true,
        "http": {"request": {"method": "GET", "url": "http://stock:8080/7?x=1"},
                 "response": {"status": 429}}});
    let sent = segment(
        1,
        json!({
        "fault": true, "origin": "AWS::EKS::Container", "parent_id": "00f067aa0ba902b7",
        "user": "ada", "service": {"version": "1.4"}, "annotations": {"tier": "gold", "n": 3},
        "metadata": {"cart": {"items": [1, 2]}},
        "aws": {"eks": {"cluster_name": "prod", "pod": "shop-1"}, "account_id": "123456789012"},
        "http": {"request": {"method": "POST", "url": "https://shop.example/cart"},
                 "response": {"status": 502}},
        "cause": {"exceptions": [{"id": "4444444444444444", "type": "Timeout", "message": "late",
                  "stack": [{"path": "db.go", "line": 48, "label": "get"}]}]},
        "links": [{"trace_id": "1-63ad1f00-000000000000000000000001", "id": "aaaaaaaaaaaaaaaa"}],
        "subsegments": [call]}),
    );
    send(&daemon, &sent);
    let spans = collector.wait_for_spans(2, SOON).await;
    let [server, client] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!(server["traceId"], w3c(&sent));
    assert_eq!(server["spanId"], "1f3d5b7991b3d5f7");
    assert_eq!(server["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!((&server["kind"], &server["status"]), (&json!(2), &json!(2)));
    assert_eq!(server["message"], "late");
    let resource = &server["resource"];
    for (key, value) in [
        ("service.name", "shop"),
        ("service.version", "1.4"),
        ("cloud.provider", "aws"),
        ("cloud.platform", "aws_eks"),
        ("cloud.account.id", "123456789012"),
        ("k8s.cluster.name", "prod"),
        ("k8s.pod.name", "shop-1"),
    ] {
        assert_eq!(resource[key], value, "{key}");
    }
    let said = &server["attributes"];
    assert_eq!((&said["tier"], &said["n"]), (&json!("gold"), &json!(3)));
    assert_eq!(said["aws.xray.annotations"], json!(["tier", "n"]));
    assert_eq!(said["aws.xray.metadata.cart"], r#"{"items":[1,2]}"#);
    assert_eq!(said["http.request.method"], "POST");
    assert_eq!(said["http.response.status_code"], 502);
    assert_eq!((&said["url.path"], &said["user.id"]), (&json!("/cart"), &json!("ada")));
    let exception = &server["events"][0];
    assert_eq!(exception["name"], "exception");
    assert_eq!(exception["attributes"]["exception.type"], "Timeout");
    let stack = "Timeout: late\n\tat get(db.go:48)";
    assert_eq!(exception["attributes"]["exception.stacktrace"], stack);
    assert_eq!(server["links"][0]["spanId"], "aaaaaaaaaaaaaaaa");

    assert_eq!((&client["name"], &client["kind"]), (&json!("stock"), &json!(3)));
    assert_eq!(client["parentSpanId"], server["spanId"]);
    assert_eq!(client["resource"], *resource);
    assert_eq!(client["attributes"]["peer.service"], "stock");
    assert_eq!(client["attributes"]["server.port"], 8080);
    assert_eq!(client["status"], 2);
    assert_accounted(&daemon, "otlp", 1.0).await;
}

#[tokio::test]
async fn what_a_standard_exporter_reads_from_the_environment_is_read() {
    let collector = FakeCollector::start_tls(&[]).await;
    let daemon = DaemonOptions::new()
        .args(["--backend", "otlp"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{}/base", collector.endpoint()))
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=a%20b,authorization=Bearer%20t")
        .env("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        .env("OTEL_EXPORTER_OTLP_CERTIFICATE", collector.authority_file().to_string_lossy())
        .start()
        .await;
    daemon.send(Numbered::new().datagram(1));
    let received = collector.wait_for_requests(1, SOON).await.remove(0);
    assert_eq!(received.target, "/base/v1/traces");
    assert_eq!(received.header("x-tenant"), "a b");
    assert_eq!(received.header("authorization"), "Bearer t");
    assert_eq!(received.header("content-type"), "application/x-protobuf");
    assert_eq!(received.header("content-encoding"), "");
    assert_accounted(&daemon, "otlp", 1.0).await;
    assert!(!daemon.log().contains("Bearer"), "{}", daemon.log());
}

#[tokio::test]
async fn another_protocol_is_refused_with_what_to_do() {
    let options = DaemonOptions::new().args(["--backend", "otlp", "--bind", "127.0.0.1:0"]);
    let ran = options.env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").run().await;
    assert_eq!(ran.exit_code, Some(1));
    let text = "OTEL_EXPORTER_OTLP_PROTOCOL \"grpc\" is not valid; it takes http/protobuf, which is \
                how spans leave; collectors take that on port 4318";
    assert!(ran.stderr.contains(text), "{}", ran.stderr);
}

#[tokio::test]
async fn x_rays_own_endpoint_gets_signed_requests() {
    let host = "xray.eu-west-1.amazonaws.com";
    let collector = FakeCollector::start_tls(&[host]).await;
    let daemon = DaemonOptions::new()
        .args(["--backend", "otlp", "--proxy-address", &collector.proxy()])
        .args(["--otlp-endpoint", &format!("https://{host}/v1/traces")])
        .env("SSL_CERT_FILE", collector.authority_file().to_string_lossy())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEXAMPLE")
        .start()
        .await;
    daemon.send(Numbered::new().datagram(1));
    let received = collector.wait_for_requests(1, SOON).await.remove(0);
    let signature = received.signature.clone().unwrap();
    assert_eq!(signature.region, "eu-west-1");
    assert_eq!((received.target.as_str(), received.header("host")), ("/v1/traces", host));
    assert_eq!(received.header("x-amz-security-token"), "FwoGZXIvYXdzEXAMPLE");
    assert_eq!(received.header("content-encoding"), "gzip");
    assert_accounted(&daemon, "otlp", 1.0).await;
}

#[tokio::test]
async fn an_endpoint_that_is_not_well_loses_nothing() {
    let collector = FakeCollector::start().await;
    let options = sending_to(&collector).env("OTEL_EXPORTER_OTLP_TIMEOUT", "500");
    let daemon = options.start().await;
    for status in [429, 502, 503, 504, 500, 401, 404] {
        collector.misbehave_for(1, &CollectorFault::Status { status, retry_after_s: None });
    }
    collector.misbehave_for(1, &CollectorFault::Hang);
    let run = Numbered::new();
    (0..3).for_each(|number| daemon.send(run.datagram(number)));
    let spans = collector.wait_for_spans(3, Duration::from_secs(120)).await;
    let mut traces: Vec<_> = spans.iter().map(|span| span["traceId"].to_string()).collect();
    traces.sort_unstable();
    traces.dedup();
    assert_eq!((spans.len(), traces.len()), (3, 3));
    assert!(collector.received().len() > 8);
    assert_accounted(&daemon, "otlp", 3.0).await;
    assert_eq!(daemon.metrics().await.sum("segments_sent_total", "otlp"), 3.0);
}

#[tokio::test]
async fn what_an_endpoint_asks_to_wait_is_waited() {
    let collector = FakeCollector::start().await;
    let daemon = sending_to(&collector).start().await;
    collector.misbehave_for(1, &CollectorFault::Status { status: 429, retry_after_s: Some(3) });
    daemon.send(Numbered::new().datagram(1));
    collector.wait_for_requests(1, SOON).await;
    let refused_at = std::time::Instant::now();
    collector.wait_for_spans(1, SOON).await;
    let waited = refused_at.elapsed();
    assert!(waited > Duration::from_millis(2_800), "{waited:?}");
    assert_accounted(&daemon, "otlp", 1.0).await;
}

#[tokio::test]
async fn refused_and_rejected_segments_are_counted_with_what_is_said_of_them() {
    let collector = FakeCollector::start().await;
    let daemon = sending_to(&collector).start().await;
    collector.misbehave(CollectorFault::Refuses("poison"));
    send(&daemon, &segment(1, json!({"name": "poison"})));
    send(&daemon, &segment(2, json!({"name": "good"})));
    daemon.send([HEADER, "no JSON at all"].concat());
    daemon.send([HEADER, r#"{"name":"x","start_time":1,"id":"1f3d5b7991b3d5f7"}"#].concat());
    collector.wait_for_spans(1, SOON).await;
    assert_accounted(&daemon, "otlp", 4.0).await;
    let metrics = daemon.metrics().await;
    for code in ["Status400", "ParseError", "MissingTraceId"] {
        let label = format!("code=\"{code}\"");
        assert_eq!(metrics.sum("segments_refused_total", &label), 1.0, "{}", metrics.0);
    }
    assert!(daemon.log().contains("refused for good"), "{}", daemon.log());

    collector.misbehave(CollectorFault::Rejects(1, "too old for me"));
    send(&daemon, &segment(3, json!({})));
    daemon.wait_for_metric("segments_refused_total", "code=\"PartialSuccess\"", 1.0).await;
    assert_accounted(&daemon, "otlp", 5.0).await;
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_halved() {
    let collector = FakeCollector::start().await;
    let daemon = sending_to(&collector).start().await;
    collector.misbehave(CollectorFault::Larger(3));
    let run = Numbered::new();
    (0..20).for_each(|number| daemon.send(run.datagram(number)));
    collector.wait_for_spans(20, SOON).await;
    assert_accounted(&daemon, "otlp", 20.0).await;
    assert_eq!(collector.spans().len(), 20);
}

#[tokio::test]
async fn work_in_progress_is_one_span_once_it_is_complete() {
    let collector = FakeCollector::start().await;
    let mut daemon = sending_to(&collector).start().await;
    let begun = segment(1, json!({"end_time": null, "in_progress": true}));
    send(&daemon, &begun);
    daemon.wait_for_metric("segments_received_total", "", 1.0).await;
    let mut done = segment(1, json!({"annotations": {"done": true}}));
    for key in ["trace_id", "start_time"] {
        done[key] = begun[key].clone();
    }
    send(&daemon, &done);
    let mut alone = segment(2, json!({"end_time": null, "in_progress": true, "name": "endless"}));
    alone["id"] = "2222222222222222".into();
    send(&daemon, &alone);
    let spans = collector.wait_for_spans(1, SOON).await;
    assert_eq!((spans.len(), &spans[0]["attributes"]["done"]), (1, &json!(true)));

    // At the end what was not completed leaves, marked.
    daemon.end(Signal::TERM, DRAINED).await;
    let spans = collector.spans();
    let [_, marked] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((&marked["name"], &marked["start"]), (&json!("endless"), &marked["end"]));
    assert_eq!(marked["attributes"]["aws.xray.inprogress"], true);
}

#[tokio::test]
async fn a_subsegment_on_its_own_is_of_its_senders_service() {
    let collector = FakeCollector::start().await;
    let daemon = sending_to(&collector).start().await;
    let parent = segment(1, json!({}));
    let mut child = segment(
        1,
        json!({"type": "subsegment", "name": "load",
                                      "id": "2222222222222222", "parent_id": parent["id"]}),
    );
    child["trace_id"] = parent["trace_id"].clone();
    send(&daemon, &parent);
    send(&daemon, &child);
    let spans = collector.wait_for_spans(2, SOON).await;
    let child = spans.iter().find(|span| span["name"] == "load").unwrap();
    assert_eq!(child["resource"]["service.name"], "shop");
    assert_eq!(child["parentSpanId"], "1f3d5b7991b3d5f7");
}

#[tokio::test]
async fn aws_and_otlp_get_the_same_segments_at_once() {
    let (xray, collector) = (FakeXray::start().await, FakeCollector::start().await);
    let daemon = DaemonOptions::uploading_to(&xray)
        .args(["--backend", "aws,otlp", "--otlp-endpoint", &collector.endpoint()])
        .start()
        .await;
    let run = Numbered::new();
    // One that stands still costs the other nothing.
    collector.misbehave(CollectorFault::UNAVAILABLE);
    (0..5).for_each(|number| daemon.send(run.datagram(number)));
    xray.wait_for_documents(5, SOON).await;
    collector.misbehave(CollectorFault::None);
    collector.wait_for_spans(5, SOON).await;
    for backend in ["aws", "otlp"] {
        assert_accounted(&daemon, backend, 5.0).await;
    }
    assert_eq!(collector.spans().len(), 5);
}

#[tokio::test]
async fn local_and_otlp_get_the_same_segments_at_once() {
    let collector = FakeCollector::start().await;
    let daemon = DaemonOptions::new()
        .args(["--backend", "local,otlp", "--otlp-endpoint", &collector.endpoint()])
        .start()
        .await;
    daemon.send(Numbered::new().datagram(7));
    collector.wait_for_spans(1, SOON).await;
    for backend in ["local", "otlp"] {
        assert_accounted(&daemon, backend, 1.0).await;
        let sent = format!("backend=\"{backend}\"");
        assert_eq!(daemon.metrics().await.sum("segments_sent_total", &sent), 1.0);
    }
}

#[tokio::test]
async fn segments_come_back_as_they_were_by_way_of_spans() {
    let http = format!("127.0.0.1:{}", free_port());
    let store = DaemonOptions::local().args(["--otlp-http", &http]).start().await;
    let endpoint = format!("http://{http}");
    let options = DaemonOptions::new().args(["--backend", "otlp", "--otlp-endpoint", &endpoint]);
    let daemon = options.start().await;
    let sent = segment(
        1,
        json!({
        "fault": true, "origin": "AWS::ECS::Fargate", "user": "ada",
        "annotations": {"tier": "gold", "n": 3.5}, "metadata": {"cart": {"items": [1, 2]}},
        "aws": {"ecs": {"container": "c", "task_arn": "arn:t"}, "xray": {"sdk": "X-Ray for Go"}},
        "http": {"request": {"method": "GET", "url": "https://shop.example/cart"},
                 "response": {"status": 200, "content_length": 17}},
        "cause": {"working_directory": "/app", "exceptions": [{"id": "4444444444444444",
            "type": "Timeout", "message": "late", "truncated": 3,
            "stack": [{"path": "db.go", "line": 48, "label": "get"}]}]}}),
    );
    send(&daemon, &sent);
    let found = wait_until("the trace in the store", SOON, || {
        let request = reqwest::Client::new().post(store.console_url("/Traces"));
        let request = request.body(json!({ "TraceIds": [sent["trace_id"]] }).to_string());
        async move {
            let answer = request.send().await.ok()?.text().await.ok()?;
            let answer: Value = serde_json::from_str(&answer).ok()?;
            let document = answer["Traces"][0]["Segments"][0]["Document"].as_str()?.to_owned();
            serde_json::from_str::<Value>(&document).ok()
        }
    })
    .await;
    for (key, value) in sent.as_object().unwrap() {
        assert_eq!(found[key], *value, "{key} of {found}");
    }
}

#[tokio::test]
async fn the_official_sdk_and_the_official_decoder_agree() {
    let modules = ["aws_xray_sdk", "opentelemetry.proto.collector.trace.v1.trace_service_pb2"];
    let Some(python) = require(Python::with(&modules)) else { return };
    let collector = FakeCollector::start().await;
    let daemon = sending_to(&collector).start().await;
    let address = daemon.address();
    let env = [("AWS_XRAY_DAEMON_ADDRESS", &*address)];
    let sent = python.json("send_trace.py", &[], &env).await;
    collector.wait_for_spans(3, SOON).await;
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (number, received) in collector.received().into_iter().enumerate() {
        let file = folder.path().join(format!("{number}.pb"));
        std::fs::write(&file, &received.body).unwrap();
        files.push(file.to_string_lossy().into_owned());
    }
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    let spans = python.json("decode_otlp.py", &files, &[]).await;
    let spans = spans.as_array().unwrap();
    let named = |name: &str| {
        let found = spans.iter().find(|span| span["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
    };
    let (shop, price, table) = (named("shop"), named("price"), named("dynamodb"));
    assert_eq!(shop["trace_id"], w3c(&sent));
    assert_eq!(shop["kind"], "SPAN_KIND_SERVER");
    assert_eq!(shop["resource"]["service.name"], "shop");
    assert_eq!(shop["attributes"]["http.response.status_code"], 500);
    assert_eq!(shop["attributes"]["item"], 7);
    assert_eq!(price["parent_span_id"], shop["span_id"]);
    assert_eq!(price["kind"], "SPAN_KIND_INTERNAL");
    assert_eq!(price["status"], "STATUS_CODE_ERROR");
    assert_eq!(price["events"][0]["attributes"]["exception.type"], "ZeroDivisionError");
    assert_eq!(table["kind"], "SPAN_KIND_CLIENT");
    assert_eq!(table["attributes"]["rpc.system"], "aws-api");
    assert_eq!(table["attributes"]["rpc.method"], "GetItem");
}

#[tokio::test]
async fn r13_strange_datagrams_end_no_intake_and_a_port_in_use_is_an_error() {
    let collector = FakeCollector::start().await;
    let daemon = sending_to(&collector).start().await;
    for odd in ["", "\n", "{}", "{\"format\":\"json\",\"version\":9}\n{}", "\u{0}\u{1}"] {
        daemon.send(odd);
    }
    daemon.send(Numbered::new().datagram(1));
    assert_eq!(collector.wait_for_spans(1, SOON).await.len(), 1);
    let ran = DaemonOptions::new()
        .args(["--backend", "otlp", "--bind", &daemon.address(), "--admin", "127.0.0.1:0"])
        .run()
        .await;
    assert_eq!(ran.exit_code, Some(1), "{}", ran.stdout);
}

#[tokio::test]
async fn r14_a_burst_against_a_slow_collector_loses_nothing() {
    let collector = FakeCollector::start().await;
    let daemon = sending_to(&collector).start().await;
    collector.misbehave(CollectorFault::Slow(Duration::from_millis(200)));
    let run = Numbered::new();
    (0..5_000).for_each(|number| daemon.send(run.datagram(number)));
    let spans = collector.wait_for_spans(5_000, Duration::from_secs(120)).await;
    let numbers: std::collections::HashSet<_> =
        spans.iter().map(|span| span["attributes"]["number"].to_string()).collect();
    assert_eq!((spans.len(), numbers.len()), (5_000, 5_000));
    assert_accounted(&daemon, "otlp", 5_000.0).await;
    assert_eq!(daemon.metrics().await.sum("kernel_drops_total", ""), 0.0);
}

#[tokio::test]
async fn r15_documents_that_x_ray_takes_are_never_refused() {
    let collector = FakeCollector::start().await;
    let daemon = sending_to(&collector).start().await;
    let odd = [
        json!({"namespace": "invalidNamespace"}),
        json!({"metadata": {"flat": 1}}),
        json!({"annotations": [1], "http": "odd", "Dummy": false, "cause": 7}),
        json!({"subsegments": [{"id": "2222222222222222", "name": "db", "start_time": 1,
            "end_time": 2, "sql": {"url": "no host", "database_type": "PostgreSQL"}}]}),
        json!({"fault": true}),
        json!({"type": "subsegment", "parent_id": "1111111111111111"}),
        json!({"name": "ñandú ☂ 漢字 😀"}),
    ];
    let count = odd.len();
    for (number, more) in odd.into_iter().enumerate() {
        send(&daemon, &segment(number as u64, more));
    }
    collector.wait_for_spans(count + 1, SOON).await;
    assert_accounted(&daemon, "otlp", count as f64).await;
    assert_eq!(daemon.metrics().await.sum("segments_refused_total", ""), 0.0);
}

#[tokio::test]
async fn sampling_calls_are_answered_by_rules_of_a_file() {
    let collector = FakeCollector::start().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let rules = json!({"version": 2, "default": {"fixed_target": 2, "rate": 0.5}, "rules": [
        {"description": "actions", "host": "*", "http_method": "POST", "url_path": "/products*",
         "fixed_target": 0, "rate": 1.0}]});
    std::fs::write(file.path(), rules.to_string()).unwrap();
    let options = sending_to(&collector);
    let daemon = options.args(["--sampling-rules", &*file.path().to_string_lossy()]).start().await;
    let call = async |path: &str, body: Value| -> Value {
        let url = format!("http://{}{path}", daemon.address());
        let request = reqwest::Client::new().post(url).body(body.to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    };
    let answer = call("/GetSamplingRules", json!({})).await;
    let records = answer["SamplingRuleRecords"].as_array().unwrap();
    let names: Vec<_> = records.iter().map(|it| &it["SamplingRule"]["RuleName"]).collect();
    assert_eq!(names, ["actions", "Default"]);
    let report = json!({"SamplingStatisticsDocuments": [{"RuleName": "actions",
        "ClientID": "0123456789abcdef01234567", "Timestamp": 1672290060, "RequestCount": 3,
        "SampledCount": 3, "BorrowCount": 0}]});
    let targets = call("/SamplingTargets", report).await;
    assert_eq!(targets["SamplingTargetDocuments"][0]["FixedRate"], 1.0);
}
