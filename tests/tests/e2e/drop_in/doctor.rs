//! `xray-daemon doctor`: what is wrong is found, and what to do is said.

use std::net::UdpSocket;

use e2e::fake_xray::{FakeXray, Fault};
use e2e::{DaemonOptions, Ran, free_port};
use serde_json::Value;

/// What the doctor says with these options, on free ports.
async fn examined(options: DaemonOptions, args: &[&str]) -> (Ran, Value) {
    let ports = ["--bind", "--bind-tcp", "--admin", "--console"]
        .map(|flag| [flag.to_owned(), format!("127.0.0.1:{}", free_port())]);
    let ran = options.args(ports.into_iter().flatten()).args(args.iter().copied()).run().await;
    let json = serde_json::from_str(&ran.stdout).unwrap_or_default();
    (ran, json)
}

/// The doctor's options: the subcommand comes first.
fn doctor() -> DaemonOptions {
    DaemonOptions::new().args(["doctor", "--format", "json"])
}

fn with_keys(xray: &FakeXray) -> DaemonOptions {
    doctor()
        .args(["--region", "eu-west-1"])
        .env("AWS_ENDPOINT_URL_XRAY", xray.endpoint())
        .env("SSL_CERT_FILE", xray.authority_file().to_string_lossy())
        .env("AWS_ACCESS_KEY_ID", e2e::fake_xray::ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", e2e::fake_xray::SECRET_KEY)
}

fn finding<'a>(report: &'a Value, check: &str) -> &'a Value {
    let mut found = report["checks"].as_array().unwrap().iter();
    found
        .find(|found| found["check"] == check)
        .unwrap_or_else(|| panic!("no {check} in {report:#}"))
}

#[tokio::test]
async fn where_all_is_well_a_segment_arrives() {
    let xray = FakeXray::start().await;
    let (ran, report) = examined(with_keys(&xray), &[]).await;
    assert_eq!((ran.exit_code, &report["ok"]), (Some(0), &true.into()), "{ran:?}");
    for check in [
        "configuration",
        "udp port",
        "tcp port",
        "region",
        "connection",
        "credentials",
        "signed call",
    ] {
        assert_eq!(finding(&report, check)["verdict"], "ok", "{report:#}");
    }
    assert_eq!(finding(&report, "region")["detail"], "eu-west-1");
    let segment = finding(&report, "test segment");
    assert_eq!(segment["verdict"], "ok", "{report:#}");
    let document: Value = serde_json::from_str(&xray.documents()[0]).unwrap();
    assert_eq!(document["name"], "xray-daemon doctor");
    let detail = segment["detail"].as_str().unwrap();
    assert!(detail.ends_with(document["trace_id"].as_str().unwrap()), "{detail}");
}

#[tokio::test]
async fn without_asking_for_it_nothing_is_sent() {
    let xray = FakeXray::start().await;
    let (ran, report) = examined(with_keys(&xray), &["--no-send"]).await;
    assert_eq!(ran.exit_code, Some(0), "{ran:?}");
    assert_eq!(finding(&report, "test segment")["verdict"], "skip");
    assert_eq!(xray.document_count(), 0);
}

#[tokio::test]
async fn a_running_daemon_is_looked_at_instead() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let admin = daemon.admin_url("").trim_start_matches("http://").to_owned();
    let own = ["--bind", &daemon.address(), "--bind-tcp", &daemon.address(), "--admin", &admin];
    let ran = with_keys(&xray).args(own).run().await;
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(ran.exit_code, Some(0), "{report:#}");
    let detail = finding(&report, "daemon")["detail"].as_str().unwrap();
    assert!(detail.starts_with("runs and is ready"), "{detail}");
    assert_eq!(finding(&report, "udp port")["detail"], format!("{} is open", daemon.address()));
    assert_eq!(finding(&report, "test segment")["verdict"], "ok", "{report:#}");
    daemon.wait_for_metric("segments_sent_total", "", 1.0).await;
}

#[tokio::test]
async fn a_port_of_somebody_else_is_found() {
    let holder = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let options = doctor().args(["--backend", "local"]);
    let (ran, report) = examined(options, &["--bind", &address]).await;
    assert_eq!(ran.exit_code, Some(1));
    let port = finding(&report, "udp port");
    assert_eq!(port["verdict"], "fail");
    assert_eq!(port["detail"], format!("{address} is in use by another process"));
    assert!(port["advice"].as_str().unwrap().contains("--bind"));
}

#[tokio::test]
async fn keys_that_aws_does_not_know_are_found() {
    let xray = FakeXray::start().await;
    let options = with_keys(&xray).env("AWS_SECRET_ACCESS_KEY", "another");
    let (ran, report) = examined(options, &["--no-send"]).await;
    assert_eq!(ran.exit_code, Some(1), "{report:#}");
    let call = finding(&report, "signed call");
    assert_eq!(call["verdict"], "fail");
    assert!(call["detail"].as_str().unwrap().contains("refused with 403"), "{call}");
}

#[tokio::test]
async fn missing_keys_are_found_and_no_segment_is_tried() {
    let xray = FakeXray::start().await;
    let options = with_keys(&xray).env("AWS_ACCESS_KEY_ID", "").env("AWS_SECRET_ACCESS_KEY", "");
    let (ran, report) = examined(options, &[]).await;
    assert_eq!(ran.exit_code, Some(1));
    assert_eq!(finding(&report, "credentials")["verdict"], "fail");
    assert!(finding(&report, "credentials")["advice"].as_str().unwrap().contains("Pod Identity"));
    assert_eq!(finding(&report, "test segment")["verdict"], "skip");
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_found() {
    let xray = FakeXray::start().await;
    let other = FakeXray::start().await;
    let options = with_keys(&xray).env("SSL_CERT_FILE", other.authority_file().to_string_lossy());
    let (ran, report) = examined(options, &["--no-send"]).await;
    assert_eq!(ran.exit_code, Some(1), "{report:#}");
    let advice = finding(&report, "signed call")["advice"].as_str().unwrap();
    assert!(advice.contains("certificate"), "{report:#}");
}

#[tokio::test]
async fn a_service_that_refuses_the_segment_is_found() {
    let xray = FakeXray::start().await;
    xray.misbehave(Fault::Unprocessed { containing: "doctor".into(), code: "InvalidSegment" });
    let (ran, report) = examined(with_keys(&xray), &[]).await;
    assert_eq!(ran.exit_code, Some(1), "{report:#}");
    let segment = finding(&report, "test segment");
    assert!(segment["detail"].as_str().unwrap().contains("InvalidSegment"), "{segment}");
}

#[tokio::test]
async fn a_region_that_nobody_names_and_a_file_that_is_not_valid_are_found() {
    let (ran, report) = examined(doctor().args(["-o"]), &["--no-send"]).await;
    assert_eq!(ran.exit_code, Some(1));
    assert!(finding(&report, "region")["advice"].as_str().unwrap().contains("--region"));
    let (ran, report) = examined(doctor().args(["-c", "/nowhere.yaml"]), &[]).await;
    assert_eq!(ran.exit_code, Some(1));
    assert_eq!(finding(&report, "configuration")["verdict"], "fail");
}

#[tokio::test]
async fn a_person_reads_lines() {
    let options = DaemonOptions::new().args(["doctor", "--backend", "local"]);
    let (ran, _) = examined(options, &[]).await;
    assert_eq!(ran.exit_code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.lines().any(|line| line.starts_with("ok    test segment")),
        "{}",
        ran.stdout
    );
    let ran = DaemonOptions::new().args(["doctor", "--format", "xml"]).run().await;
    assert_eq!(ran.exit_code, Some(2));
}
