//! A service that misbehaves: what can be kept is kept, and arrives once.

use std::time::Duration;

use e2e::fake_xray::{FakeXray, Fault};
use e2e::{Account, Daemon, DaemonOptions, Numbered, Tally, wait_until};

/// Longest that the documents may take after the trouble: back-offs of several rounds.
const RECOVERED: Duration = Duration::from_secs(60);

/// Sends `count` documents at a rate that no kernel buffer minds.
async fn send(daemon: &Daemon, run: &Numbered, count: u64) {
    for number in 0..count {
        daemon.send(run.datagram(number));
        if number % 50 == 49 {
            let received = number as f64 + 1.0;
            daemon.wait_for_metric("segments_received_total", "", received).await;
        }
    }
}

/// Everything is accounted for, and `sent` segments were taken.
async fn settled(daemon: &Daemon, sent: u64) -> Account {
    daemon.wait_for_metric("segments_sent_total", "backend=\"aws\"", sent as f64).await;
    daemon.wait_for_metric("segments_in_flight", "backend=\"aws\"", 0.0).await;
    let account = daemon.account("aws").await;
    assert_eq!((account.sent, account.queued, account.spooled), (sent, 0, 0), "{account:?}");
    account
}

async fn all_arrive_once(xray: &FakeXray, run: &Numbered, count: u64) {
    let received = xray.wait_for_documents(count as usize, RECOVERED).await;
    assert_eq!(run.tally(count, received.iter().map(String::as_str)), Tally::complete(count));
}

#[tokio::test]
async fn an_outage_of_the_service_loses_nothing() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = Numbered::new();
    for fault in [Fault::INTERNAL, Fault::Reset, Fault::THROTTLED] {
        xray.misbehave_for(3, &fault);
    }
    send(&daemon, &run, 500).await;
    all_arrive_once(&xray, &run, 500).await;
    let metrics = daemon.metrics().await;
    assert!(metrics.sum("segments_retried_total", "") > 0.0, "{}", metrics.0);
    assert_eq!(metrics.sum("segments_dropped_total", ""), 0.0, "{}", metrics.0);
    settled(&daemon, 500).await;
}

#[tokio::test]
async fn a_service_that_hangs_for_a_while_loses_nothing() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = Numbered::new();
    xray.misbehave(Fault::Hang);
    send(&daemon, &run, 300).await;
    let hanging = || async { (xray.calls_to("/TraceSegments").len() >= 2).then_some(()) };
    wait_until("calls that hang", RECOVERED, hanging).await;
    assert_eq!(daemon.account("aws").await.sent, 0);
    xray.misbehave(Fault::None);
    all_arrive_once(&xray, &run, 300).await;
    assert_eq!(settled(&daemon, 300).await.dropped, 0);
    // Who hangs may have taken them.
    assert!(daemon.metrics().await.sum("segments_possibly_repeated_total", "") >= 100.0);
}

#[tokio::test]
async fn a_body_too_large_is_sent_in_halves() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = Numbered::new().of_size(2_000);
    xray.misbehave(Fault::Larger(30_000));
    send(&daemon, &run, 100).await;
    all_arrive_once(&xray, &run, 100).await;
    let calls = xray.calls_to("/TraceSegments");
    assert!(calls.iter().any(|call| call.answered == Some(413)));
    assert_eq!(settled(&daemon, 100).await.refused, 0);
    assert_eq!(daemon.metrics().await.sum("segments_possibly_repeated_total", ""), 0.0);
}

#[tokio::test]
async fn a_document_too_large_for_the_service_costs_only_itself() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = Numbered::new();
    xray.misbehave(Fault::Larger(20_000));
    daemon.send(run.clone().of_size(40_000).datagram(5));
    for number in 0..5 {
        daemon.send(run.datagram(number));
    }
    all_arrive_once(&xray, &run, 5).await;
    let gone = || async {
        let metrics = daemon.metrics().await;
        let gone =
            metrics.sum("segments_refused_total", "") + metrics.sum("segments_dropped_total", "");
        (gone == 1.0).then_some(())
    };
    wait_until("the large one to be counted", RECOVERED, gone).await;
    assert_eq!(settled(&daemon, 5).await.refused, 1);
}

#[tokio::test]
async fn throttled_documents_of_a_call_are_sent_again_and_invalid_ones_are_not() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = Numbered::new();
    let throttled = Fault::Unprocessed {
        containing: "\"number\":\"000000000000001".to_owned(), // 16 to 19
        code: "ThrottledException",
    };
    xray.misbehave_for(1, &throttled);
    send(&daemon, &run, 20).await;
    all_arrive_once(&xray, &run, 20).await;

    let invalid = Fault::Unprocessed { containing: "number".to_owned(), code: "InvalidId" };
    xray.misbehave(invalid);
    daemon.send(run.datagram(20));
    daemon.wait_for_metric("segments_refused_total", "code=\"InvalidId\"", 1.0).await;
    daemon.wait_for_metric("segments_queued", "", 0.0).await;
    daemon.wait_for_metric("segments_in_flight", "", 0.0).await;
    assert_eq!(xray.document_count(), 20);
    assert_eq!(settled(&daemon, 20).await.refused, 1);
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let retry_after_s = Some(3);
    let fault = Fault::Status { status: 429, code: "ThrottledException", retry_after_s };
    xray.misbehave_for(1, &fault);
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, RECOVERED).await;
    let calls = xray.calls_to("/TraceSegments");
    let [refused, accepted] = &calls[..] else { panic!("{} calls", calls.len()) };
    let waited = accepted.received_at.duration_since(refused.received_at).unwrap();
    assert!(waited >= Duration::from_millis(2_990), "{waited:?}");
    settled(&daemon, 1).await;
    // Who throttles has taken nothing.
    assert_eq!(daemon.metrics().await.sum("segments_possibly_repeated_total", ""), 0.0);
}

#[tokio::test]
async fn a_slow_service_is_met_with_more_calls_at_once() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = Numbered::new();
    xray.misbehave(Fault::Slow(Duration::from_millis(200)));
    send(&daemon, &run, 5_000).await;
    all_arrive_once(&xray, &run, 5_000).await;
    assert_eq!(settled(&daemon, 5_000).await.dropped, 0);
}

#[tokio::test]
async fn with_two_backends_a_dead_service_does_not_hold_up_the_console() {
    let xray = FakeXray::start().await;
    xray.misbehave(Fault::Hang);
    let options = DaemonOptions::uploading_to(&xray).args(["--backend", "aws,local"]);
    let daemon = options.start().await;
    let run = Numbered::new();
    send(&daemon, &run, 200).await;
    daemon.wait_for_metric("segments_sent_total", "backend=\"local\"", 200.0).await;
    assert_eq!(daemon.account("aws").await.sent, 0);
    assert_eq!(daemon.account("local").await.queued, 0);
}

#[tokio::test]
async fn only_what_the_service_may_have_taken_comes_twice_and_is_counted() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = Numbered::new();
    xray.misbehave_for(1, &Fault::THROTTLED);
    xray.misbehave_for(1, &Fault::LoseAnswer);
    send(&daemon, &run, 40).await;
    settled(&daemon, 40).await;
    let received = xray.documents();
    let tally = run.tally(40, received.iter().map(String::as_str));
    assert_eq!((tally.missing.len(), tally.strangers), (0, 0));
    assert!(!tally.repeated.is_empty());
    let counted = daemon.metrics().await.sum("segments_possibly_repeated_total", "");
    assert_eq!(counted, tally.repeated.len() as f64);
}

#[tokio::test]
async fn concurrency_is_the_most_calls_at_once() {
    let xray = FakeXray::start().await;
    let options = DaemonOptions::uploading_to(&xray).args(["--concurrency", "2"]);
    let daemon = options.start().await;
    let run = Numbered::new();
    xray.misbehave(Fault::Slow(Duration::from_millis(100)));
    send(&daemon, &run, 1_000).await;
    all_arrive_once(&xray, &run, 1_000).await;
    assert_eq!(daemon.metrics().await.sum("uploads_limit", ""), 2.0);
    assert!(xray.connection_count() <= 2, "{} connections", xray.connection_count());
    settled(&daemon, 1_000).await;
}

#[tokio::test]
async fn what_does_not_fit_in_the_memory_asked_for_is_dropped_and_counted() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).args(["-m", "3"]).start().await;
    let run = Numbered::new().of_size(1_000);
    xray.misbehave(Fault::INTERNAL);
    send(&daemon, &run, 5_000).await;
    let metrics = daemon.metrics().await;
    assert_eq!(metrics.sum("buffer_limit_bytes", ""), f64::from(3 << 20));
    assert!(metrics.sum("buffer_held_bytes", "") <= f64::from(3 << 20), "{}", metrics.0);
    let dropped = metrics.sum("segments_dropped_total", "reason=\"buffer_full\"") as u64;
    assert!(dropped > 1_900 && dropped < 3_500, "{dropped}");
    xray.misbehave(Fault::None);
    assert_eq!(settled(&daemon, 5_000 - dropped).await.dropped, dropped);
}
