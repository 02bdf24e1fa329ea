//! Start, health, metrics and the end: signals drain what is on its way.

use std::time::{Duration, Instant};

use e2e::fake_xray::{FakeXray, Fault};
use e2e::{DaemonOptions, Numbered, Signal, Tally, wait_until};

const LONGEST: Duration = Duration::from_secs(40);

async fn drained_by(signal: Signal) {
    let xray = FakeXray::start().await;
    let mut daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = Numbered::new();
    xray.misbehave(Fault::Slow(Duration::from_millis(200)));
    for number in 0..1_000 {
        daemon.send(run.datagram(number));
    }
    // At once: some are still in the kernel's queue.
    let status = daemon.end(signal, LONGEST).await;
    assert_eq!(status.code(), Some(0), "{}", daemon.log());
    let received = xray.documents();
    assert_eq!(run.tally(1_000, received.iter().map(String::as_str)), Tally::complete(1_000));
    assert!(daemon.log().contains("Got shutdown signal"), "{}", daemon.log());
    assert_eq!(daemon.last_account("aws").sent, 1_000);
}

#[tokio::test]
async fn sigterm_drains_and_ends_with_0() {
    drained_by(Signal::TERM).await;
}

#[tokio::test]
async fn sigint_drains_and_ends_with_0() {
    drained_by(Signal::INT).await;
}

#[tokio::test]
async fn the_drain_has_a_deadline() {
    let xray = FakeXray::start().await;
    let options = DaemonOptions::uploading_to(&xray).args(["--drain-timeout", "2s"]);
    let mut daemon = options.start().await;
    xray.misbehave(Fault::Hang);
    daemon.send(Numbered::new().datagram(0));
    daemon.wait_for_metric("segments_received_total", "", 1.0).await;
    let asked_at = Instant::now();
    daemon.end(Signal::TERM, LONGEST).await;
    let took = asked_at.elapsed();
    assert!(took >= Duration::from_millis(1_500) && took < Duration::from_secs(12), "{took:?}");
}

#[tokio::test]
async fn a_second_signal_ends_it_now() {
    let xray = FakeXray::start().await;
    let options = DaemonOptions::uploading_to(&xray).args(["--drain-timeout", "60s"]);
    let mut daemon = options.start().await;
    xray.misbehave(Fault::Hang);
    daemon.send(Numbered::new().datagram(0));
    daemon.wait_for_metric("segments_received_total", "", 1.0).await;
    daemon.process().signal(Signal::TERM);
    let heard = "Got shutdown signal";
    wait_until(heard, LONGEST, || async { daemon.log().contains(heard).then_some(()) }).await;
    let asked_at = Instant::now();
    daemon.end(Signal::TERM, LONGEST).await;
    assert!(asked_at.elapsed() < Duration::from_secs(8), "{:?}", asked_at.elapsed());
}

#[tokio::test]
async fn health_and_readiness_are_answered() {
    let daemon = DaemonOptions::local().start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = reqwest::get(daemon.admin_url(path)).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    assert_eq!(reqwest::get(daemon.admin_url("/nothing")).await.unwrap().status(), 404);
}

#[tokio::test]
async fn without_credentials_it_is_ready_after_ten_seconds_and_says_why_nothing_leaves() {
    let xray = FakeXray::start().await;
    let options = DaemonOptions::uploading_to(&xray)
        .env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "");
    let daemon = options.start().await;
    let answer = reqwest::get(daemon.admin_url("/readyz")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = answer.text().await.unwrap();
    assert!(body.to_lowercase().contains("credentials"), "{body}");
    daemon.wait_for_metric("credentials_valid", "", 0.0).await;
    assert_eq!(xray.document_count(), 0);
}

#[tokio::test]
async fn every_metric_that_is_promised_is_there_and_the_sums_agree() {
    let xray = FakeXray::start().await;
    let options = DaemonOptions::uploading_to(&xray).args(["--backend", "aws,local"]);
    let daemon = options.start().await;
    let run = Numbered::new();
    xray.misbehave_for(1, &Fault::INTERNAL);
    for number in 0..120 {
        daemon.send(run.datagram(number));
    }
    daemon.send(b"junk");
    for backend in ["backend=\"aws\"", "backend=\"local\""] {
        daemon.wait_for_metric("segments_sent_total", backend, 120.0).await;
        daemon.wait_for_metric("segments_in_flight", backend, 0.0).await;
    }
    let metrics = daemon.metrics().await;
    assert_eq!(metrics.sum("segments_received_total", ""), 121.0);
    assert_eq!(metrics.sum("segments_rejected_total", ""), 1.0);
    for name in [
        "segments_retried_total",
        "segments_queued",
        "segments_in_flight",
        "queue_bytes",
        "kernel_drops_total",
        "uploads_total",
        "upload_duration_seconds_bucket",
        "upload_duration_seconds_count",
        "credentials_valid",
        "build_info",
    ] {
        assert!(metrics.has(name), "no {name} in\n{}", metrics.0);
    }
    assert_eq!(metrics.sum("segments_queued", ""), 0.0);
    assert_eq!(metrics.sum("credentials_valid", ""), 1.0);
    assert_eq!(metrics.sum("kernel_drops_total", ""), 0.0);
}

#[tokio::test]
async fn the_lines_that_people_grep_for_are_in_the_log() {
    let xray = FakeXray::start().await;
    let mut daemon = DaemonOptions::uploading_to(&xray).start().await;
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, LONGEST).await;
    daemon.end(Signal::TERM, LONGEST).await;
    let log = daemon.log();
    for line in [
        "Initializing AWS X-Ray daemon",
        "Using region: eu-west-1",
        "Successfully sent batch of 1 segments",
    ] {
        assert!(log.contains(line), "{line:?} is not in\n{log}");
    }
}
