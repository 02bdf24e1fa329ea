//! `/metrics`, read by Prometheus' own parser.

use std::time::Duration;

use e2e::fake_xray::{FakeXray, Fault};
use e2e::{Daemon, DaemonOptions, Numbered, Python, require};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

/// Families that charts, dashboards and alerts rely on: type, and labels of their samples.
const PROMISED: [(&str, &str, &[&str]); 18] = [
    ("segments_received", "counter", &[]),
    ("segments_rejected", "counter", &["reason"]),
    ("segments_sent", "counter", &["backend"]),
    ("segments_refused", "counter", &["backend", "code"]),
    ("segments_dropped", "counter", &["backend", "reason"]),
    ("segments_retried", "counter", &["backend"]),
    ("kernel_drops", "counter", &[]),
    ("segments_accepted", "counter", &["backend"]),
    ("segments_replayed", "counter", &["backend"]),
    ("segments_spooled", "gauge", &["backend"]),
    ("spool_bytes", "gauge", &["backend"]),
    ("segments_queued", "gauge", &["backend"]),
    ("segments_in_flight", "gauge", &["backend"]),
    ("queue_bytes", "gauge", &["backend"]),
    ("uploads", "counter", &["backend", "result"]),
    ("upload_duration_seconds", "histogram", &["backend"]),
    ("credentials_valid", "gauge", &["backend"]),
    ("build_info", "gauge", &["version"]),
];

async fn parsed(python: &Python, daemon: &Daemon) -> Value {
    python.json("parse_metrics.py", &[&daemon.admin_url("/metrics")], &[]).await
}

#[tokio::test]
async fn every_promised_metric_is_read_by_prometheus_parser() {
    let Some(python) = require(Python::with(&["prometheus_client"])) else { return };
    let xray = FakeXray::start().await;
    let options = DaemonOptions::uploading_to(&xray).args(["--backend", "aws,local"]);
    let daemon = options.start().await;
    let run = Numbered::new();
    xray.misbehave_for(1, &Fault::INTERNAL);
    daemon.send("junk");
    for number in 0..10 {
        daemon.send(run.datagram(number));
    }
    xray.wait_for_documents(10, SOON).await;
    daemon.wait_for_metric("segments_sent_total", "backend=\"aws\"", 10.0).await;
    daemon.wait_for_metric("segments_sent_total", "backend=\"local\"", 10.0).await;

    let families = parsed(&python, &daemon).await;
    for (name, kind, labels) in PROMISED {
        let family = &families[format!("xray_daemon_{name}")];
        assert_eq!(family["type"], kind, "{name} in {families:#}");
        assert!(!family["help"].as_str().unwrap().is_empty(), "{name}");
        for sample in family["samples"].as_array().unwrap() {
            let found = sample["labels"].as_object().unwrap();
            let mut found: Vec<_> = found.keys().map(String::as_str).collect();
            found.retain(|label| *label != "le");
            found.sort_unstable();
            assert_eq!(found, labels, "{sample}");
        }
    }
}

#[tokio::test]
async fn the_histogram_is_one() {
    let Some(python) = require(Python::with(&["prometheus_client"])) else { return };
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    daemon.send(Numbered::new().datagram(0));
    daemon.wait_for_metric("uploads_total", "result=\"ok\"", 1.0).await;
    let families = parsed(&python, &daemon).await;
    let samples = families["xray_daemon_upload_duration_seconds"]["samples"].as_array().unwrap();
    let named = |name: &str| {
        let name = format!("xray_daemon_upload_duration_seconds_{name}");
        samples.iter().filter(move |sample| sample["name"] == name.as_str())
    };
    let counts: Vec<_> = named("bucket").map(|bucket| bucket["value"].as_f64().unwrap()).collect();
    assert!(counts.is_sorted(), "{counts:?}");
    let last = named("bucket").next_back().unwrap();
    assert_eq!((&last["labels"]["le"], &last["value"]), (&"+Inf".into(), &1.into()));
    assert_eq!(named("count").next().unwrap()["value"], 1);
    let sum = named("sum").next().unwrap()["value"].as_f64().unwrap();
    assert!(sum > 0.0 && sum < 20.0, "{sum}");
}

#[tokio::test]
async fn readiness_answers_probes_and_nothing_else() {
    let daemon = DaemonOptions::local().start().await;
    let answer = reqwest::get(daemon.admin_url("/metrics")).await.unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    let post = reqwest::Client::new().post(daemon.admin_url("/readyz")).send().await.unwrap();
    assert_eq!(post.status(), 405);
}
