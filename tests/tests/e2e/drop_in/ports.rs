//! The ports: what happens when somebody else holds one.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use e2e::{DaemonOptions, Numbered, free_port, wait_until};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn without_its_tcp_port_the_daemon_goes_on_and_says_so() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = holder.local_addr().unwrap().to_string();
    // The last of two flags counts.
    let daemon = DaemonOptions::local().args(["--bind-tcp", &tcp]).start().await;
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains("proxy http server failed to listen: "));
    assert!(line.is_some_and(|line| line.contains("[Error]") && line.contains(&tcp)), "{log}");
    daemon.send(Numbered::new().datagram(1));
    daemon.wait_for_metric("segments_received_total", "", 1.0).await;
}

#[tokio::test]
async fn without_the_admin_port_that_the_reference_does_not_have_it_goes_on_as_well() {
    // 2001 may be held by anybody on a machine where only the reference ran so far; it is not
    // asked for here, so the daemon must not end for it.
    let udp = format!("127.0.0.1:{}", free_port());
    let console = format!("127.0.0.1:{}", free_port());
    let default_admin = TcpListener::bind("127.0.0.1:2001");
    let mut process = e2e::Process::start(&e2e::binaries().xray_daemon, |command| {
        command.args(["--backend", "local", "-b", &udp, "-t", &udp, "--console", &console]);
    });
    wait_until("a daemon that goes on", SOON, || {
        assert_eq!(process.ended(), None, "{}", process.log());
        let log = process.log();
        async move { log.contains("Starting proxy http server on").then_some(()) }
    })
    .await;
    if default_admin.is_ok() {
        assert!(process.log().contains("health and metrics"), "{}", process.log());
    }
}

#[tokio::test]
async fn without_its_udp_port_it_ends_with_1() {
    let holder = UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp = holder.local_addr().unwrap().to_string();
    let ran = DaemonOptions::local().args(["--bind", &udp, "--admin", "127.0.0.1:0"]).run().await;
    assert_eq!(ran.exit_code, Some(1));
    assert!(ran.stdout.contains(&udp) && ran.stdout.contains("in use"), "{ran:?}");
}
