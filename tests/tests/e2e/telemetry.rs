//! `PutTelemetryRecords`: the body of the reference daemon, with counts that are right.

use std::time::Duration;

use e2e::fake_xray::{FakeXray, Fault, REGION};
use e2e::{DaemonOptions, Numbered, Signal};
use serde_json::{Value, json};

const LONGEST: Duration = Duration::from_secs(60);

/// The bodies of the telemetry calls so far.
fn told(xray: &FakeXray) -> Vec<Value> {
    let calls = xray.calls_to("/TelemetryRecords");
    calls.iter().map(|call| serde_json::from_slice(&call.body).unwrap()).collect()
}

#[tokio::test]
async fn the_last_record_leaves_after_the_drain_and_counts_what_happened() {
    let xray = FakeXray::start().await;
    let options = DaemonOptions::uploading_to(&xray)
        .args(["-a", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"])
        .env("AWS_HOSTNAME", "node-1")
        .env("AWS_INSTANCE_ID", "i-1");
    let mut daemon = options.start().await;
    let run = Numbered::new();
    for fault in [Fault::INTERNAL, Fault::THROTTLED, Fault::Reset] {
        xray.misbehave_for(1, &fault);
    }
    let code = "InvalidId";
    let refused = Fault::Unprocessed { containing: run.document(7), code };
    xray.misbehave_for(1, &refused);
    for number in 0..20 {
        daemon.send(run.datagram(number));
    }
    for junk in ["junk", "{\"format\":\"xml\",\"version\":1}\n{}", "no newline"] {
        daemon.send(junk);
    }
    daemon.wait_for_metric("segments_received_total", "", 23.0).await;
    daemon.wait_for_metric("segments_refused_total", "", 1.0).await;
    daemon.send(run.datagram(20));
    assert_eq!(daemon.end(Signal::TERM, LONGEST).await.code(), Some(0));

    let told = told(&xray);
    let [body] = &told[..] else { panic!("{told:?}") };
    assert_eq!(body["EC2InstanceId"], "i-1");
    assert_eq!(body["Hostname"], "node-1");
    assert_eq!(body["ResourceARN"], "arn:aws:ec2:eu-west-1:111122223333:instance/i-1");
    let [record] = &body["TelemetryRecords"].as_array().unwrap()[..] else { panic!("{body}") };
    assert!(record["Timestamp"].as_f64().is_some_and(|seconds| seconds > 1.7e9), "{record}");
    let mut record = record.clone();
    record.as_object_mut().unwrap().remove("Timestamp");
    assert_eq!(
        record,
        json!({
            "SegmentsReceivedCount": 24,
            "SegmentsSentCount": 20,
            "SegmentsSpilloverCount": 0,
            "SegmentsRejectedCount": 4,
            "BackendConnectionErrors": {
                "TimeoutCount": 0, "ConnectionRefusedCount": 0, "HTTPCode4XXCount": 1,
                "HTTPCode5XXCount": 1, "UnknownHostCount": 0, "OtherCount": 1,
            },
        })
    );
    // The call is signed and dressed as an upload is.
    let call = xray.calls_to("/TelemetryRecords").pop().unwrap();
    assert_eq!(call.signature.as_ref().unwrap().region, REGION);
    assert_eq!(call.answered, Some(200));
    assert!(call.header("user-agent").contains("xray-agent/xray-daemon/"));
    assert_eq!(call.header("x-amzn-xray-timestamp").split_once('.').unwrap().1.len(), 9);
}

#[tokio::test]
async fn what_is_not_known_is_told_as_empty_text() {
    let xray = FakeXray::start().await;
    let mut daemon = DaemonOptions::uploading_to(&xray).start().await;
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, LONGEST).await;
    daemon.end(Signal::TERM, LONGEST).await;
    let told = told(&xray);
    let [body] = &told[..] else { panic!("{told:?}") };
    for name in ["EC2InstanceId", "Hostname", "ResourceARN"] {
        assert_eq!(body[name], "", "{body}");
    }
}

#[tokio::test]
async fn a_daemon_that_nobody_used_tells_nothing() {
    let xray = FakeXray::start().await;
    let mut daemon = DaemonOptions::uploading_to(&xray).start().await;
    daemon.end(Signal::TERM, LONGEST).await;
    assert_eq!(xray.calls().len(), 0, "{:?}", xray.calls());
}

#[tokio::test]
async fn nobody_listening_is_told_apart_in_the_metrics() {
    let xray = FakeXray::start().await;
    let port = e2e::free_port();
    let options = DaemonOptions::uploading_to(&xray)
        .env("AWS_ENDPOINT_URL_XRAY", format!("https://localhost:{port}"));
    let daemon = options.start().await;
    daemon.send(Numbered::new().datagram(0));
    let what = "a refused connection";
    e2e::wait_until(what, LONGEST, || async {
        let metrics = daemon.metrics().await;
        (metrics.sum("connection_errors_total", "kind=\"refused\"") > 0.0).then_some(())
    })
    .await;
}
