//! `--check-config` and `--explain`: asked before the daemon is started.

use std::fs;

use e2e::DaemonOptions;

#[tokio::test]
async fn every_fault_is_named_with_file_and_line_and_the_exit_code_says_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cfg.yaml");
    let path = file.to_str().unwrap();
    let text = "TotalBufferSizeMB: 2\nSocket:\n  UDPAdress: 0.0.0.0:2000\nLocalMode: \
                7\nVersion: 2\n";
    fs::write(&file, text).unwrap();
    let options = DaemonOptions::new().args(["--check-config", "-c", path]);
    let ran = options.env("XRAY_DRAIN_TIMEOUT", "soon").run().await;
    assert_eq!(ran.exit_code, Some(1));
    let lines: Vec<_> = ran.stdout.lines().collect();
    let expected = [
        format!("error: {path}:3: Socket.UDPAdress flag is invalid."),
        format!("error: {path}:4: LocalMode: takes true or false"),
        format!("error: {path}:1: TotalBufferSizeMB \"2\" is not valid;"),
        "error: XRAY_DRAIN_TIMEOUT \"soon\" is not valid;".to_owned(),
        format!("{path}: not valid, 4 errors"),
    ];
    assert_eq!(lines.len(), expected.len(), "{}", ran.stdout);
    for (line, start) in lines.iter().zip(&expected) {
        assert!(line.starts_with(start), "{line:?} does not start with {start:?}");
    }
}

#[tokio::test]
async fn a_valid_one_ends_with_0_and_starts_nothing() {
    let ran = DaemonOptions::new().args(["--check-config", "-n", "eu-west-1"]).run().await;
    assert_eq!((ran.exit_code, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.ends_with("valid\n"), "{}", ran.stdout);
    let ran = DaemonOptions::new().args(["--check-config", "-bogus"]).run().await;
    assert_eq!(ran.exit_code, Some(2));
}

#[tokio::test]
async fn each_value_is_explained_and_secrets_are_hidden() {
    let options = DaemonOptions::new()
        .args(["--explain", "--console-token", "s3cr3t", "--spool-typo-is-none"])
        .env("AWS_SECRET_ACCESS_KEY", "s3cr3t");
    assert_eq!(options.run().await.exit_code, Some(2));
    let options = DaemonOptions::new()
        .args(["--explain", "--console-token", "s3cr3t"])
        .env("AWS_SECRET_ACCESS_KEY", "s3cr3t")
        .env("XRAY_ADMIN", "0.0.0.0:2001");
    let ran = options.run().await;
    assert_eq!(ran.exit_code, Some(0));
    assert!(!ran.stdout.contains("s3cr3t"), "{}", ran.stdout);
    let rows: Vec<Vec<_>> =
        ran.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let row = |option: &str| rows.iter().find(|row| row.contains(&option)).unwrap().join(" ");
    assert_eq!(row("--admin"), "--admin 0.0.0.0:2001 environment, XRAY_ADMIN has no such option");
    assert_eq!(row("--console-token"), "--console-token (hidden) flag has no such option");
    assert_eq!(row("AWS_SECRET_ACCESS_KEY=(hidden)"), "AWS_SECRET_ACCESS_KEY=(hidden)");
}
