//! `MOVING.md`: what it tells people to type is understood, and does what it says.

use std::fs;
use std::path::Path;
use std::time::Duration;

use e2e::{Daemon, DaemonOptions, Ran, run};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

/// The blocks of that language.
fn blocks(language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../xray-daemon/MOVING.md");
    let text = fs::read_to_string(path).unwrap();
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// The lines that start our program, without its name.
fn our_lines() -> Vec<Vec<String>> {
    let lines = blocks("sh").concat();
    let lines = lines.lines().filter_map(|line| line.strip_prefix("xray-daemon "));
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

async fn typed(line: &[String], daemon: &Daemon, file: &str) -> Ran {
    let admin = daemon.admin_url("").trim_start_matches("http://").to_owned();
    let own = ["--bind", &daemon.address(), "--bind-tcp", &daemon.address(), "--admin", &admin]
        .map(str::to_owned);
    let line = line.iter().map(|word| match word.as_str() {
        "/etc/amazon/xray/cfg.yaml" => file.to_owned(),
        word => word.replace("127.0.0.1:2001", &admin),
    });
    // Ports of the test's, as variables and flags that the page leaves to the defaults.
    let url_asked = |line: &[String]| line.iter().any(|word| word.starts_with("http://"));
    let line: Vec<_> = line.collect();
    let own = if url_asked(&line) { Vec::new() } else { own.to_vec() };
    let console = daemon.console_url("").trim_start_matches("http://").to_owned();
    let options = DaemonOptions::new().args(line).args(own);
    options.env("XRAY_BACKEND", "local").env("XRAY_CONSOLE", console).run().await
}

#[tokio::test]
async fn what_is_typed_before_and_after_works() {
    let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("../xray-daemon/packaging/cfg.yaml");
    let file = packaged.to_string_lossy().into_owned();
    let daemon = DaemonOptions::local().start().await;
    let lines = our_lines();
    let words: Vec<_> = lines.iter().map(|line| line[0].as_str()).collect();
    let expected =
        ["--check-config", "--explain", "doctor", "healthcheck", "doctor", "healthcheck"];
    assert_eq!(words, expected);
    for line in &lines {
        let ran = typed(line, &daemon, &file).await;
        assert_eq!(ran.exit_code, Some(0), "{line:?}: {ran:?}");
        let says = match line[0].as_str() {
            "--check-config" => ": valid\n",
            "--explain" => "REFERENCE DAEMON\n",
            "doctor" if line.len() > 1 => "skip  test segment",
            "doctor" => "ok    test segment",
            _ if line.len() > 1 => "xray_daemon_segments_dropped_total{",
            _ => "ready\n",
        };
        assert!(ran.stdout.contains(says), "{line:?}: no {says:?} in {}", ran.stdout);
    }
}

#[tokio::test]
async fn every_block_for_a_shell_is_one_that_a_shell_reads() {
    let blocks = blocks("sh");
    assert!(blocks.len() >= 8, "{} blocks", blocks.len());
    for block in blocks {
        let ran = run("bash", SOON, |bash| {
            bash.args(["-n", "-c", &block]);
        });
        assert_eq!(ran.await.exit_code, Some(0), "{block}");
        for line in block.lines() {
            let program = line.trim_start_matches("sudo ").split(' ').next().unwrap();
            let known = ["xray-daemon", "kubectl", "cp", "systemctl", "install", "useradd", "rm"];
            assert!(known.contains(&program), "{line}");
        }
    }
}

#[tokio::test]
async fn files_that_are_installed_are_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../xray-daemon");
    let lines = blocks("sh").concat();
    let named: Vec<_> =
        lines.split_whitespace().filter(|word| word.starts_with("packaging/")).collect();
    assert_eq!(named, ["packaging/xray.service", "packaging/cfg.yaml"]);
    for path in named {
        assert!(folder.join(path).is_file(), "{path}");
    }
}

#[test]
fn the_json_blocks_ask_the_health_check_that_exists() {
    let blocks: Vec<Value> =
        blocks("json").iter().map(|block| serde_json::from_str(block).unwrap()).collect();
    let [patch, container] = &blocks[..] else { panic!("{blocks:#?}") };
    let probed = &patch["spec"]["template"]["spec"]["containers"][0];
    let command = |probe: &str| probed[probe]["exec"]["command"].clone();
    assert_eq!(command("readinessProbe"), serde_json::json!(["/xray", "healthcheck"]));
    assert_eq!(command("livenessProbe"), serde_json::json!(["/xray", "healthcheck", "--live"]));
    let command = &container["healthCheck"]["command"];
    assert_eq!(*command, serde_json::json!(["CMD", "/xray", "healthcheck"]));
}

#[tokio::test]
async fn the_way_back_is_as_it_says() {
    // Our settings stand under a key of their own, so that they can be left out as one.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cfg.yaml");
    let line = |file: &Path| {
        DaemonOptions::new().args(["--check-config", "-c", file.to_str().unwrap()]).run()
    };
    fs::write(&file, "Version: 2\nExtensions:\n  DrainLinger: \"3s\"\n").unwrap();
    assert_eq!(line(&file).await.exit_code, Some(0));
    fs::write(&file, "Version: 2\nDrainLinger: \"3s\"\n").unwrap();
    let ran = line(&file).await;
    assert!(ran.stdout.contains("DrainLinger flag is invalid."), "{}", ran.stdout);
}
