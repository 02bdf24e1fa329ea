//! `xray-daemon healthcheck`, for images without a shell.

use std::net::TcpListener;
use std::time::Duration;

use e2e::fake_xray::FakeXray;
use e2e::{Daemon, DaemonOptions, Ran, wait_until};

/// The address of the daemon's admin port.
fn admin(daemon: &Daemon) -> String {
    daemon.admin_url("").trim_start_matches("http://").to_owned()
}

async fn asked(args: &[&str], env: &[(&str, &str)]) -> Ran {
    let options = DaemonOptions::new().args(["healthcheck"]).args(args.iter().copied());
    env.iter().fold(options, |options, (name, value)| options.env(*name, *value)).run().await
}

#[tokio::test]
async fn a_ready_daemon_is_well_by_flag_variable_and_url() {
    let daemon = DaemonOptions::local().start().await;
    let (admin, url) = (admin(&daemon), daemon.admin_url("/readyz"));
    let port = admin.rsplit(':').next().unwrap();
    for ran in [
        asked(&["--admin", &admin], &[]).await,
        asked(&["-o", "-n", "eu-west-1", "-b", "0.0.0.0:2000", "--admin", &admin], &[]).await,
        asked(&[], &[("XRAY_ADMIN", &format!("0.0.0.0:{port}"))]).await,
        asked(&[&url], &[]).await,
    ] {
        assert_eq!((ran.exit_code, ran.stdout.as_str()), (Some(0), "ready\n"), "{ran:?}");
    }
    let ran = asked(&["--live", "--admin", &admin], &[]).await;
    assert_eq!((ran.exit_code, ran.stdout.as_str()), (Some(0), "ok\n"));
    let ran = asked(&[&daemon.admin_url("/metrics")], &[]).await;
    assert!(ran.stdout.contains("xray_daemon_build_info{"), "{ran:?}");
}

#[tokio::test]
async fn one_that_is_not_ready_says_why() {
    let xray = FakeXray::start().await;
    let options = DaemonOptions::uploading_to(&xray)
        .args(["--ready-requires-credentials"])
        .env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "");
    let daemon = options.launch();
    let url = daemon.admin_url("/readyz");
    let ran = wait_until("an answer", Duration::from_secs(20), || async {
        let ran = asked(&[&url], &[]).await;
        ran.stderr.contains("credentials").then_some(ran)
    })
    .await;
    assert_eq!(ran.exit_code, Some(1));
    assert!(ran.stderr.starts_with("not ready: "), "{}", ran.stderr);
    // It lives all the same.
    assert_eq!(asked(&["--live", "--admin", &admin(&daemon)], &[]).await.exit_code, Some(0));
}

#[tokio::test]
async fn nobody_and_a_stranger_are_not_well() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let ran = asked(&["--timeout", "100ms", "--admin", &address], &[]).await;
    assert_eq!(ran.exit_code, Some(1));
    assert!(ran.stderr.contains("does not answer within 0.1 s"), "{}", ran.stderr);
    drop(silent);
    let ran = asked(&["--admin", &address], &[]).await;
    assert_eq!(ran.exit_code, Some(1));
    assert!(ran.stderr.contains("is the daemon running"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_command_line_that_is_not_understood_ends_with_2() {
    for args in [&["-bogus"][..], &["--timeout", "soon"], &["--timeout"]] {
        let ran = asked(args, &[]).await;
        assert_eq!(ran.exit_code, Some(2), "{args:?}");
        assert!(ran.stdout.starts_with("Usage: xray-daemon healthcheck "), "{}", ran.stdout);
    }
    assert_eq!(asked(&["--help"], &[]).await.exit_code, Some(0));
}
