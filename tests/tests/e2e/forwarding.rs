//! What comes by UDP goes to X-Ray: the bytes, the calls, the signature.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::fake_xray::{FakeXray, REGION};
use e2e::{DaemonOptions, HEADER, Numbered, Tally};

/// Longest that documents may take to the service; a batch waits for company for one second.
const SOON: Duration = Duration::from_secs(20);

/// Documents that any re-encoding would change.
const AWKWARD: [&str; 9] = [
    r#"{"id":"0000000000000001","name":"plain"}"#,
    r#"  { "name" : "blanks" ,	"id" : "0000000000000002" }  "#,
    r#"{"name":"order","trace_id":"z","id":"0000000000000003","a":1.0,"a":1e0}"#,
    r#"{"name":"escapes","text":"\u0041\/\"\\\b\f\n\r\t\ud83d\ude00"}"#,
    r#"{"name":"markup","text":"<b>&amp;</b> 'x' / `y`"}"#,
    "{\"name\":\"unicode\",\"text\":\"ñandú ☂ 漢字 😀 \u{2028}\u{2029}\u{7f}\"}",
    "{\"name\":\"lines\",\r\n\t\"text\":\n1}\n",
    "{\"name\":\"controls\",\"text\":\"\u{1}\u{1f}\u{0}\"}",
    "not JSON at all, which is for the service to say",
];

#[tokio::test]
async fn documents_reach_x_ray_byte_for_byte() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    for document in AWKWARD {
        daemon.send([HEADER, document].concat());
    }
    let mut received = xray.wait_for_documents(AWKWARD.len(), SOON).await;
    let mut sent = AWKWARD;
    received.sort_unstable();
    sent.sort_unstable();
    assert_eq!(received, sent);
}

#[tokio::test]
async fn a_document_of_the_largest_datagram_reaches_x_ray() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    // 65,507 bytes are the most that UDP over IPv4 carries.
    let run = Numbered::new().of_size(65_507 - HEADER.len());
    daemon.send(run.datagram(0));
    let received = xray.wait_for_documents(1, SOON).await;
    assert_eq!(received, [run.document(0)]);
}

#[tokio::test]
async fn calls_are_what_the_reference_daemon_sends() {
    let xray = FakeXray::start().await;
    let options =
        DaemonOptions::uploading_to(&xray).env("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEXAMPLE");
    let daemon = options.start().await;
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, SOON).await;

    let call = xray.calls_to("/TraceSegments").pop().unwrap();
    let signature = call.signature.clone().unwrap();
    assert_eq!((call.method.as_str(), call.answered), ("POST", Some(200)));
    assert_eq!(call.header("content-type"), "application/json");
    assert_eq!(call.header("content-encoding"), "");
    assert_eq!(call.header("x-amz-security-token"), "FwoGZXIvYXdzEXAMPLE");
    let agent = call.header("user-agent");
    assert!(agent.contains("xray-agent/xray-daemon/"), "{agent}");
    assert_eq!(signature.region, REGION);
    for name in
        ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amzn-xray-timestamp"]
    {
        assert!(
            signature.signed_headers.iter().any(|signed| signed == name),
            "{name} is not signed"
        );
    }

    let timestamp = call.header("x-amzn-xray-timestamp");
    let (seconds, decimals) = timestamp.split_once('.').unwrap();
    assert_eq!(decimals.len(), 9, "{timestamp}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now - seconds.parse::<u64>().unwrap() < 60, "{timestamp} at {now}");
}

#[tokio::test]
async fn at_most_fifty_documents_share_a_call_and_none_is_lost_or_repeated() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = Numbered::new();
    for number in 0..1_020 {
        daemon.send(run.datagram(number));
    }
    let received = xray.wait_for_documents(1_020, SOON).await;
    assert_eq!(run.tally(1_020, received.iter().map(String::as_str)), Tally::complete(1_020));
    let calls = xray.calls_to("/TraceSegments");
    let sizes: Vec<_> = calls.iter().map(|call| call.documents().unwrap().len()).collect();
    assert!(sizes.iter().all(|size| (1..=50).contains(size)), "{sizes:?}");
    assert!(sizes.len() < 40, "calls of {sizes:?} documents: batches are hardly filled");
}

#[tokio::test]
async fn a_lone_document_leaves_after_about_a_second() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    // The first one pays for the connection.
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, SOON).await;
    let sent_at = SystemTime::now();
    daemon.send(Numbered::new().datagram(1));
    xray.wait_for_documents(2, SOON).await;
    let call = xray.calls_to("/TraceSegments").pop().unwrap();
    let took = call.received_at.duration_since(sent_at).unwrap();
    assert!(took < Duration::from_millis(2_500), "{took:?}");
    assert_eq!(xray.connection_count(), 1, "the connection is used again");
}
