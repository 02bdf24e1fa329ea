//! The configuration file: where it is looked for, what is checked, who wins.

use std::fs;
use std::path::Path;

use e2e::{DaemonOptions, Ran};

const MIGRATE: &str = "Use X-Ray Daemon Config Migration Script to update the config file. Please \
                       refer to AWS X-Ray Documentation for more information.";
const REFER: &str = "Please refer to AWS X-Ray Documentation for more information.";

/// Runs the daemon with this file, named by `-c`.
async fn with(file: &str, args: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("asked.yaml");
    fs::write(&path, file).unwrap();
    DaemonOptions::new().args(["-c", path.to_str().unwrap()]).args(args.iter().copied()).run().await
}

/// Runs the daemon where this file is found by itself.
async fn beside(file: &str, args: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cfg.yaml"), file).unwrap();
    DaemonOptions::new().args(args.iter().copied()).in_folder(folder.path()).run().await
}

/// The line of `--explain` for an option, blanks closed up.
fn explained(ran: &Ran, option: &str) -> String {
    let line = ran.stdout.lines().find(|line| {
        line.split("  ").next().is_some_and(|cell| cell == option || cell.ends_with(option))
    });
    let line = line.unwrap_or_else(|| panic!("no {option} in {}{}", ran.stdout, ran.stderr));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The machine's own file comes first; where there is one these tests say nothing.
fn machine_has_one() -> bool {
    Path::new("/etc/amazon/xray/cfg.yaml").exists()
}

#[tokio::test]
async fn both_versions_are_read_with_all_their_keys() {
    let first = "TotalBufferSizeMB: 24\nConcurrency: 4\nRegion: eu-west-3\nEndpoint: \
                 https://localhost:1\nSocket:\n  UDPAddress: 127.0.0.1:2100\nLogging:\n  \
                 LogRotation: false\n  LogLevel: warn\n  LogPath: /tmp/x.log\nLocalMode: \
                 true\nResourceARN: a\nRoleARN: b\nNoVerifySSL: true\nProxyAddress: \
                 http://p:1\nVersion: 1\n";
    let ran = with(first, &["--explain"]).await;
    assert_eq!(ran.exit_code, Some(0), "{ran:?}");
    for line in [
        "-m, --buffer-memory 24 file, line 1",
        "-n, --region eu-west-3 file, line 3",
        "-b, --bind 127.0.0.1:2100 file, line 6",
        // Absent in version 1, so the default.
        "-t, --bind-tcp 127.0.0.1:2000 default",
        "-l, --log-level warn file, line 9",
        "-f, --log-file /tmp/x.log file, line 10",
        "-o, --local-mode true file, line 11",
        "-a, --resource-arn a file, line 12",
        "-r, --role-arn b file, line 13",
        "-p, --proxy-address http://p:1 file, line 15",
        "Endpoint https://localhost:1 file, line 4",
        "NoVerifySSL true file, line 14",
        "Logging.LogRotation false file, line 8",
    ] {
        let name = line.split(' ').take_while(|word| word.ends_with(',')).count();
        let option = line.split(' ').nth(name).unwrap();
        assert_eq!(explained(&ran, option), line);
    }
    let second = "Socket:\n  UDPAddress: 0.0.0.0:2000\n  TCPAddress: 0.0.0.0:2000\nproxyserver:\n  \
                  idleconntimeout: 1\n  maxidleconnsperhost: 1\n  maxidleconns: 1\nVersion: 2\n";
    let ran = with(second, &["--explain"]).await;
    assert_eq!(explained(&ran, "--bind-tcp"), "-t, --bind-tcp 0.0.0.0:2000 file, line 3");
}

#[tokio::test]
async fn faults_end_with_1_and_the_words_of_the_reference() {
    for (file, words) in [
        ("Region: x\n", format!("Config Version is missing. {MIGRATE}")),
        ("Version: 3\n", format!("Config Version Setting is not correct. {MIGRATE}")),
        ("", format!("Config Version Setting is not correct. {MIGRATE}")),
        (
            "Version: 2\nProfile:\n  CPU: x\n",
            format!("Profile.CPU flag is not supported any more. {REFER}"),
        ),
        (
            "Version: 2\nProfile:\n  Memory: x\n",
            format!("Profile.Memory flag is not supported any more. {REFER}"),
        ),
        (
            "Version: 2\nSocket:\n  BufferSizeKB: 1\n",
            format!("Socket.BufferSizeKB flag is not supported any more. {REFER}"),
        ),
        (
            "Version: 2\nLogging:\n  LogFormat: x\n",
            format!("Logging.LogFormat flag is not supported any more. {REFER}"),
        ),
        (
            "Version: 2\nProcessor:\n  BatchProcessorQueueSize: 1\n",
            format!("Processor.BatchProcessorQueueSize flag is not supported any more. {REFER}"),
        ),
        (
            "Version: 2\nLogRotation: true\n",
            format!("LogRotation flag is not supported. {MIGRATE}"),
        ),
        (
            "Version: 2\nProcessor:\n  Region: x\n",
            format!("Processor.Region flag is not supported. {MIGRATE}"),
        ),
        (
            "Version: 2\nProcessor:\n  Endpoint: x\n",
            format!("Processor.Endpoint flag is not supported. {MIGRATE}"),
        ),
        (
            "Version: 2\nProcessor:\n  Routine: 1\n",
            format!("Processor.Routine flag is not supported. {MIGRATE}"),
        ),
        ("Version: 2\nMemoryLimit: 9\n", format!("MemoryLimit flag is not supported. {MIGRATE}")),
        ("Version: 2\nABCDE: 1\n", format!("ABCDE flag is invalid. {REFER}")),
        ("Version: 2\nregion: x\n", format!("region flag is invalid. {REFER}")),
        ("Version: [2\n", "Error occur when using config flag: ".into()),
        ("Version: 2\nTotalBufferSizeMB: many\n", "Error occur when using config flag: ".into()),
    ] {
        let ran = with(file, &[]).await;
        assert_eq!(ran.exit_code, Some(1), "{file:?}");
        // As a line of the log: time, level, text.
        let (time, line) = ran.stderr.split_once(' ').unwrap();
        assert!(time.ends_with('Z') && time.len() == 20, "{time}");
        let expected = format!("[Error] {words}");
        assert!(line.starts_with(&expected), "{file:?}: {line}");
    }
    let ran = DaemonOptions::new().args(["-c", "/nowhere/cfg.yaml"]).run().await;
    assert_eq!(ran.exit_code, Some(1));
    assert!(ran.stderr.contains("[Error] Error occur when using config flag: "), "{}", ran.stderr);
}

#[tokio::test]
async fn a_fault_is_also_told_to_the_log_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("made/xray.log");
    let ran = with("Version: 2\nABCDE: 1\n", &["-f", log.to_str().unwrap()]).await;
    assert_eq!(ran.exit_code, Some(1));
    assert_eq!(fs::read_to_string(&log).unwrap(), ran.stderr);
}

#[tokio::test]
async fn a_file_beside_the_daemon_is_found_and_its_unknown_keys_are_passed_over() {
    if machine_has_one() {
        return;
    }
    let file = "Strange: 1\nSocket:\n  X: 1\nRegion: eu-west-3\nVersion: 2\n";
    let ran = beside(file, &["--explain"]).await;
    assert_eq!(explained(&ran, "--region"), "-n, --region eu-west-3 file, line 4");
    assert_eq!(beside(file, &["-v"]).await.exit_code, Some(0));
    // What is asked for is checked.
    assert_eq!(with(file, &["-v"]).await.exit_code, Some(1));
    // A wrong version or type stops it all the same.
    assert_eq!(beside("Version: 3\n", &["-v"]).await.exit_code, Some(1));
    assert_eq!(beside("Version: 2\nLocalMode: 7\n", &["-v"]).await.exit_code, Some(1));
}

#[tokio::test]
async fn flag_wins_over_file_and_that_over_the_environment_of_aws() {
    let file = "Region: eu-west-3\nVersion: 2\n";
    let region = |args: &'static [&'static str], file: &'static str| async move {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cfg.yaml");
        fs::write(&path, file).unwrap();
        let options = DaemonOptions::new().args(["--explain", "-c", path.to_str().unwrap()]);
        let ran = options.args(args.iter().copied()).env("AWS_REGION", "us-east-1").run().await;
        explained(&ran, "--region")
    };
    let flag = "-n, --region eu-west-2 flag";
    assert_eq!(region(&["-n", "eu-west-2"], file).await, flag);
    assert_eq!(region(&[], file).await, "-n, --region eu-west-3 file, line 1");
    let environment = "-n, --region us-east-1 environment, AWS_REGION";
    assert_eq!(region(&[], "Version: 2\n").await, environment);
    // Empty means the default.
    assert_eq!(region(&[], "Region: \"\"\nVersion: 2\n").await, environment);
}
