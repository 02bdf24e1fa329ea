//! The log: its lines, its levels, its file.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use e2e::fake_xray::FakeXray;
use e2e::{Daemon, DaemonOptions, Numbered, Signal, wait_until};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

/// Waits until the file says `words`; returns what it says.
pub(super) async fn file_says(path: &Path, words: &str) -> String {
    wait_until(&format!("{words:?} in {path:?}"), SOON, || async {
        fs::read_to_string(path).ok().filter(|text| text.contains(words))
    })
    .await
}

#[tokio::test]
async fn lines_are_those_that_people_grep_for() {
    let xray = FakeXray::start().await;
    let options = DaemonOptions::uploading_to(&xray).args(["-m", "24"]);
    let mut daemon = options.start().await;
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, SOON).await;
    daemon.end(Signal::TERM, SOON).await;
    let log = daemon.log();
    let mut rest = log.as_str();
    for words in [
        " [Info] Initializing AWS X-Ray daemon ",
        " [Info] Using buffer memory limit of 24 MB\n",
        " [Info] Using region: eu-west-1\n",
        " [Info] HTTP Proxy server using X-Ray Endpoint : https://localhost:",
        &format!(" [Info] Starting proxy http server on {}\n", daemon.address()),
        " [Info] Successfully sent batch of 1 segments (0.",
        " [Info] Got shutdown signal: terminated\n",
    ] {
        // In this order.
        let next = rest.split_once(words);
        rest = next.unwrap_or_else(|| panic!("{words:?} is not next in\n{rest}")).1;
    }
    for line in log.lines() {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.len() == 20 && time.ends_with('Z') && time.contains('T'), "{line}");
        assert!(rest.starts_with('['), "{line}");
    }
}

#[tokio::test]
async fn a_full_buffer_spills_over() {
    let xray = FakeXray::start().await;
    xray.misbehave(e2e::fake_xray::Fault::Hang);
    let daemon = DaemonOptions::uploading_to(&xray).args(["-m", "3"]).start().await;
    let run = Numbered::new().of_size(60_000);
    for number in 0..120 {
        daemon.send(run.datagram(number));
        if number % 10 == 9 {
            daemon.wait_for_metric("segments_received_total", "", number as f64 + 1.0).await;
        }
    }
    assert!(daemon.log().contains(" [Warn] Spilling over "), "{}", daemon.log());
}

async fn says_nothing_below(level: &str, args: &[&str]) -> String {
    let mut daemon = DaemonOptions::local().args(args.iter().copied()).start().await;
    daemon.send("junk");
    daemon.wait_for_metric("segments_rejected_total", "", 1.0).await;
    daemon.send(Numbered::new().datagram(1));
    daemon.wait_for_metric("segments_sent_total", "", 1.0).await;
    daemon.end(Signal::TERM, SOON).await;
    let log = daemon.log();
    assert!(!log.contains(level), "{level} in\n{log}");
    log
}

#[tokio::test]
async fn levels_have_the_names_of_the_reference() {
    let log = says_nothing_below("[Info]", &["-l", "warn"]).await;
    assert!(log.contains("[Warn] Datagram refused"), "{log}");
    assert_eq!(says_nothing_below("[Warn]", &["-l", "error"]).await, "");
    for level in ["prod", "info"] {
        let log = says_nothing_below("[Debug]", &["-l", level]).await;
        assert!(log.contains("[Info]"), "{log}");
    }
    // A word that is no level is passed over.
    let log = says_nothing_below("[Debug]", &["-l", "strange"]).await;
    assert!(log.contains("[Info]"), "{log}");
    let log = says_nothing_below("[Trace] nothing", &["-l", "dev"]).await;
    assert!(log.contains("[Debug]"), "{log}");
}

#[tokio::test]
async fn a_word_that_is_no_level_means_everything_where_the_file_says_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cfg.yaml");
    fs::write(&file, "Logging:\n  LogLevel: strange\nVersion: 2\n").unwrap();
    let log = says_nothing_below("[Trace] nothing", &["-c", file.to_str().unwrap()]).await;
    assert!(log.contains("[Debug]"), "{log}");
}

async fn logging_to(path: &Path, args: &[&str]) -> Daemon {
    let options = DaemonOptions::local().args(["-f", path.to_str().unwrap()]);
    options.args(args.iter().copied()).start().await
}

#[tokio::test]
async fn the_log_file_is_made_with_its_folder_and_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/by/xray.log");
    for starts in 1..=2 {
        let mut daemon = logging_to(&path, &[]).await;
        daemon.end(Signal::TERM, SOON).await;
        assert_eq!(daemon.log(), "");
        let log = fs::read_to_string(&path).unwrap();
        assert_eq!(log.matches("Initializing AWS X-Ray daemon").count(), starts, "{log}");
    }
}

/// A log file of 50 MB, most of it a hole.
fn long_file(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("xray.log");
    File::create(&path).unwrap().set_len(50 << 20).unwrap();
    path
}

#[tokio::test]
async fn a_file_of_50_mb_is_moved_aside_and_one_old_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    for old in 1..=2 {
        let path = long_file(folder.path());
        let mut daemon = logging_to(&path, &[]).await;
        daemon.end(Signal::TERM, SOON).await;
        assert!(fs::read_to_string(&path).unwrap().contains("Initializing AWS X-Ray daemon"));
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["xray.log".to_owned(), format!("xray.log.{old}")]);
    }
}

#[tokio::test]
async fn without_rotation_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let path = long_file(folder.path());
    let file = folder.path().join("cfg.yaml");
    fs::write(&file, "Logging:\n  LogRotation: false\nVersion: 2\n").unwrap();
    let mut daemon = logging_to(&path, &["-c", file.to_str().unwrap()]).await;
    daemon.end(Signal::TERM, SOON).await;
    assert!(fs::metadata(&path).unwrap().len() > 50 << 20);
    assert!(!folder.path().join("xray.log.1").exists());
}

#[tokio::test]
async fn a_log_file_that_cannot_be_made_ends_with_1() {
    let ran = DaemonOptions::local().args(["-f", "/proc/none/xray.log"]).run().await;
    assert_eq!(ran.exit_code, Some(1));
    assert!(ran.stderr.contains("log file \"/proc/none/xray.log\" cannot be opened"), "{ran:?}");
}

#[tokio::test]
async fn json_is_one_object_a_line() {
    let mut daemon = DaemonOptions::local().args(["--log-format", "json"]).start().await;
    daemon.send("junk\nwith \"quotes\"");
    daemon.wait_for_metric("segments_rejected_total", "", 1.0).await;
    daemon.end(Signal::TERM, SOON).await;
    let log = daemon.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()));
    let refused = lines.iter().find(|line| line["message"] == "Datagram refused").unwrap();
    assert_eq!((&refused["level"], &refused["size_bytes"]), (&"WARN".into(), &18.into()));
}
