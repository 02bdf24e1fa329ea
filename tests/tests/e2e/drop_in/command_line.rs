//! The command line: Go's syntax, exit codes, usage and version.

use e2e::{DaemonOptions, Ran};
use std::fs;

/// Flags of the reference that take a value: short, long, one that is valid.
const VALUES: [(&str, &str, &str); 9] = [
    ("a", "resource-arn", "arn:aws:ec2:eu-west-1:1:instance/i-1"),
    ("m", "buffer-memory", "24"),
    ("n", "region", "eu-west-3"),
    ("b", "bind", "127.0.0.1:2100"),
    ("t", "bind-tcp", "127.0.0.1:2101"),
    ("r", "role-arn", "arn:aws:iam::1:role/x"),
    ("f", "log-file", "/tmp/xray.log"),
    ("l", "log-level", "warn"),
    ("p", "proxy-address", "http://127.0.0.1:3128"),
];

async fn run(args: &[&str]) -> Ran {
    DaemonOptions::new().args(args.iter().copied()).run().await
}

/// The value that `--explain` shows for the option, by its long name.
fn explained(ran: &Ran, long: &str) -> String {
    let line = ran.stdout.lines().find(|line| {
        line.split("  ").next().is_some_and(|cell| cell.ends_with(&format!("--{long}")))
    });
    let line = line.unwrap_or_else(|| panic!("no --{long} in {}{}", ran.stdout, ran.stderr));
    let mut cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
    cells.nth(1).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_flag_is_taken_by_both_names_in_all_four_forms() {
    for (short, long, value) in VALUES {
        for name in [short, long] {
            for form in [
                vec![format!("-{name}"), value.to_owned()],
                vec![format!("-{name}={value}")],
                vec![format!("--{name}"), value.to_owned()],
                vec![format!("--{name}={value}")],
            ] {
                let form = form.iter().map(String::as_str);
                let args: Vec<_> = ["--explain"].into_iter().chain(form).collect();
                let ran = run(&args).await;
                assert_eq!((ran.exit_code, explained(&ran, long)), (Some(0), value.to_owned()));
            }
        }
    }
}

#[tokio::test]
async fn the_switch_takes_its_value_behind_an_equals_sign_only() {
    for (args, value) in [
        (&["-o"][..], "true"),
        (&["--local-mode"], "true"),
        (&["-o=false"], "false"),
        (&["-local-mode=T"], "true"),
        // `false` is an argument that is no flag: what follows is not read.
        (&["-o", "false", "-bogus"], "true"),
    ] {
        let ran = run(&[&["--explain"], args].concat()).await;
        assert_eq!((ran.exit_code, explained(&ran, "local-mode")), (Some(0), value.into()));
    }
}

#[tokio::test]
async fn what_follows_the_first_argument_that_is_no_flag_is_ignored() {
    for stop in ["word", "-", "--"] {
        let ran = run(&["--explain", "-n", "eu-west-3", stop, "-n", "us-east-1", "-bogus"]).await;
        assert_eq!((ran.exit_code, explained(&ran, "region")), (Some(0), "eu-west-3".into()));
    }
}

#[tokio::test]
async fn mistakes_end_with_2_a_line_of_go_and_the_usage() {
    for (args, line) in [
        (&["-bogus"][..], "flag provided but not defined: -bogus"),
        (&["--bogus=1"], "flag provided but not defined: -bogus"),
        // No bundling.
        (&["-ov"], "flag provided but not defined: -ov"),
        (&["-n"], "flag needs an argument: -n"),
        (&["-m", "many"], "invalid value \"many\" for flag -m: parse error"),
        (&["-o=maybe"], "invalid boolean value \"maybe\" for -o: parse error"),
        (&["---n", "x"], "bad flag syntax: ---n"),
    ] {
        let ran = run(args).await;
        assert_eq!(ran.exit_code, Some(2), "{args:?}");
        assert_eq!(ran.stderr, format!("{line}\n"), "{args:?}");
        assert!(ran.stdout.starts_with("Usage: X-Ray [options]\n"), "{}", ran.stdout);
    }
}

#[tokio::test]
async fn the_usage_has_the_layout_of_the_reference() {
    for flag in ["-h", "--help", "-help"] {
        let ran = run(&[flag]).await;
        assert_eq!((ran.exit_code, ran.stderr.as_str()), (Some(0), ""), "{flag}");
        let mut lines = ran.stdout.lines();
        assert_eq!(lines.next(), Some("Usage: X-Ray [options]"));
        for (start, line) in [
            "\t-a\t--resource-arn\t",
            "\t-o\t--local-mode\t",
            "\t-m\t--buffer-memory\t",
            "\t-n\t--region\t",
            "\t-b\t--bind\t\t",
            "\t-t\t--bind-tcp\t",
            "\t-r\t--role-arn\t",
            "\t-c\t--config\t",
            "\t-f\t--log-file\t",
            "\t-l\t--log-level\t",
            "\t-p\t--proxy-address\t",
            "\t-v\t--version\t",
            "\t-h\t--help\t\t",
        ]
        .into_iter()
        .zip(lines)
        {
            assert!(line.starts_with(start), "{line:?} does not start with {start:?}");
        }
    }
    // As soon as it is read, and not before.
    assert_eq!(run(&["-h", "-bogus"]).await.exit_code, Some(0));
    assert_eq!(run(&["-bogus", "-h"]).await.exit_code, Some(2));
}

#[tokio::test]
async fn the_version_is_printed_once_the_file_is_found_good() {
    for flag in ["-v", "--version"] {
        let ran = run(&[flag]).await;
        assert_eq!(ran.exit_code, Some(0));
        let version = ran.stdout.strip_prefix("AWS X-Ray daemon version: ").unwrap();
        assert_eq!(version.trim_end().split('.').count(), 3, "{version}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cfg.yaml"), "Version: 9\n").unwrap();
    let ran = DaemonOptions::new().args(["-v"]).in_folder(folder.path()).run().await;
    assert_eq!((ran.exit_code, ran.stdout.as_str()), (Some(1), ""));
}

#[tokio::test]
async fn too_little_memory_ends_with_1_and_none_means_the_default() {
    let ran = run(&["-m", "2"]).await;
    assert_eq!(ran.exit_code, Some(1));
    assert!(ran.stderr.contains("Min Buffers Memory required: 3 MB."), "{}", ran.stderr);
    let default = explained(&run(&["--explain"]).await, "buffer-memory");
    for value in ["0", "-5"] {
        let ran = run(&["--explain", "-m", value]).await;
        assert_eq!((ran.exit_code, explained(&ran, "buffer-memory")), (Some(0), default.clone()));
    }
}
