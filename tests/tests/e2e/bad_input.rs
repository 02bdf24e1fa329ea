//! Bad input: each has its clear outcome, is counted, and costs nothing else.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use e2e::fake_xray::{FakeXray, REGION};
use e2e::{DaemonOptions, Numbered, Tally, free_port};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn junk_is_counted_and_the_segments_between_it_arrive() {
    let xray = FakeXray::start().await;
    let daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = Numbered::new();
    let junk: [&[u8]; 9] = [
        b"\n",
        b"{\"format\":\"json\",\"version\":1}", // no line break
        b"{\"format\":\"json\",\"version\":1}\n", // no body
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        &[0_u8; 1_500],
        &[0xff; 65_507], // the largest datagram
        &[b'{'; 65_507], // a parser's stack
        &[b'\n'; 9_000],
        b"{\"format\":\"json\",\"version\":1e999999}\n{}",
    ];
    for (number, junk) in junk.iter().enumerate() {
        daemon.send(junk);
        daemon.send(run.datagram(number as u64));
    }
    // The reference does not count an empty datagram at all.
    daemon.send(b"");
    let received = xray.wait_for_documents(junk.len(), SOON).await;
    assert_eq!(run.tally(9, received.iter().map(String::as_str)), Tally::complete(9));
    daemon.wait_for_metric("segments_rejected_total", "", 9.0).await;
    daemon.wait_for_metric("segments_received_total", "", 18.0).await;
    daemon.wait_for_metric("segments_sent_total", "backend=\"aws\"", 9.0).await;
    assert_eq!(daemon.metrics().await.sum("segments_dropped_total", ""), 0.0);
}

#[tokio::test]
async fn junk_does_not_flood_the_log_nor_show_what_was_sent() {
    let daemon = DaemonOptions::local().start().await;
    for _ in 0..2_000 {
        daemon.send(b"secret-of-a-customer");
    }
    daemon.wait_for_metric("segments_rejected_total", "", 2_000.0).await;
    let log = daemon.log();
    assert!(!log.contains("secret-of-a-customer"), "{log}");
    assert!(log.lines().count() < 100, "{} lines of log", log.lines().count());
}

#[tokio::test]
async fn a_busy_udp_port_ends_with_1_and_is_named() {
    let holder = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let tcp = format!("127.0.0.1:{}", free_port());
    let ports = ["--bind", &address, "--bind-tcp", &tcp, "--admin", "127.0.0.1:0"];
    let ran = DaemonOptions::local().args(ports).args(["--console", "127.0.0.1:0"]).run().await;
    assert_eq!(ran.exit_code, Some(1), "{ran:?}");
    let text = format!("{}{}", ran.stdout, ran.stderr);
    assert!(text.contains(&address), "the address is not in {text}");
    assert!(text.to_lowercase().contains("in use"), "the reason is not in {text}");
    assert!(!text.contains("panicked"), "{text}");
}

#[tokio::test]
async fn a_busy_console_port_ends_with_1_and_is_named() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let [bind, tcp, admin] = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
    let ports = ["--bind", &bind, "--bind-tcp", &tcp, "--admin", &admin, "--console", &address];
    let ran = DaemonOptions::local().args(ports).run().await;
    assert_eq!(ran.exit_code, Some(1), "{ran:?}");
    let text = format!("{}{}", ran.stdout, ran.stderr);
    assert!(text.contains(&address) && text.to_lowercase().contains("in use"), "{text}");
}

#[tokio::test]
async fn a_missing_region_ends_with_1_and_the_words_of_the_reference() {
    let ports = ["--bind", "127.0.0.1:0", "--bind-tcp", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let ran = DaemonOptions::new().args(["--backend", "aws"]).args(ports).run().await;
    assert_eq!(ran.exit_code, Some(1), "{ran:?}");
    let text = format!("{}{}", ran.stdout, ran.stderr);
    let words = "Cannot fetch region variable from config file, environment variables, \
                 ecs metadata, or ec2 metadata";
    assert!(text.contains(words), "{text}");
}

#[tokio::test]
async fn the_region_flag_wins_over_the_environment() {
    let xray = FakeXray::start().await;
    // The fake refuses what is signed for any other region than its own.
    let daemon = DaemonOptions::uploading_to(&xray).env("AWS_REGION", "us-east-1").start().await;
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, SOON).await;
    let call = xray.calls_to("/TraceSegments").pop().unwrap();
    assert_eq!(call.signature.unwrap().region, REGION);
}
