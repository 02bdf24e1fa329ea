//! SIGHUP: the configuration is read again, and nothing is lost over it.

use std::fs;
use std::time::Duration;

use e2e::{Daemon, DaemonOptions, Numbered, Signal, wait_until};

use super::log::file_says;

const SOON: Duration = Duration::from_secs(20);

async fn log_says(daemon: &Daemon, words: &str) {
    wait_until(&format!("{words:?} in the log"), SOON, || async {
        daemon.log().contains(words).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_can_change_changes_and_what_cannot_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cfg.yaml");
    fs::write(&file, "TotalBufferSizeMB: 24\nRegion: eu-west-1\nVersion: 2\n").unwrap();
    let options = DaemonOptions::local().args(["-c", file.to_str().unwrap()]);
    let mut daemon = options.start().await;
    assert_eq!(daemon.metrics().await.sum("buffer_limit_bytes", ""), f64::from(24 << 20));
    daemon.send(Numbered::new().datagram(1));
    daemon.wait_for_metric("segments_sent_total", "", 1.0).await;
    assert!(!daemon.log().contains("[Debug]"));

    let changed = "TotalBufferSizeMB: 32\nRegion: eu-west-2\nLogging:\n  LogLevel: \
                   debug\nExtensions:\n  DrainTimeout: 5s\nVersion: 2\n";
    fs::write(&file, changed).unwrap();
    daemon.process().signal(Signal::HUP);
    log_says(&daemon, "Changes only at the next start: region eu-west-1 → eu-west-2").await;
    for line in [
        "[Info] Configuration reloaded: 3 changes",
        "[Info] Changed: buffer-memory 24 → 32",
        "[Info] Changed: log-level prod → debug",
        "[Info] Changed: drain-timeout 20s → 5s",
    ] {
        assert!(daemon.log().contains(line), "{line:?} is not in\n{}", daemon.log());
    }
    daemon.wait_for_metric("buffer_limit_bytes", "", f64::from(32 << 20)).await;
    daemon.send(Numbered::new().datagram(2));
    daemon.wait_for_metric("segments_sent_total", "", 2.0).await;
    log_says(&daemon, "[Debug]").await;
    assert_eq!(daemon.end(Signal::TERM, SOON).await.code(), Some(0));
}

#[tokio::test]
async fn a_file_that_is_not_valid_leaves_everything_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cfg.yaml");
    fs::write(&file, "TotalBufferSizeMB: 24\nVersion: 2\n").unwrap();
    let options = DaemonOptions::local().args(["-c", file.to_str().unwrap()]);
    let mut daemon = options.start().await;
    fs::write(&file, "TotalBufferSizeMB: 32\nABCDE: 1\nVersion: 2\n").unwrap();
    daemon.process().signal(Signal::HUP);
    let line =
        "[Error] Configuration is not reloaded, the old one counts on: ABCDE flag is invalid.";
    log_says(&daemon, line).await;
    assert_eq!(daemon.metrics().await.sum("buffer_limit_bytes", ""), f64::from(24 << 20));
    daemon.send(Numbered::new().datagram(1));
    daemon.wait_for_metric("segments_sent_total", "", 1.0).await;
}

#[tokio::test]
async fn a_log_file_that_was_moved_aside_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("xray.log");
    let options = DaemonOptions::local().args(["-f", path.to_str().unwrap()]);
    let mut daemon = options.start().await;
    let moved = folder.path().join("xray.log-yesterday");
    fs::rename(&path, &moved).unwrap();
    daemon.process().signal(Signal::HUP);
    let log = file_says(&path, "Configuration reloaded: 0 changes").await;
    assert!(!log.contains("Initializing"), "{log}");
    assert!(fs::read_to_string(&moved).unwrap().contains("Initializing AWS X-Ray daemon"));
}
