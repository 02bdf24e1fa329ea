//! `xray-daemon doctor`: what would keep segments from arriving, and what to do about it.
//!
//! In: arguments, environment and file of the daemon. Out: a line a check, or JSON; exit code 0
//! where nothing failed, 1 where something did, 2 for a command line that is not understood. Owns
//! nothing.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use xray_daemon::config::{Command, DaemonConfig, Environment, load};
use xray_daemon::doctor::{Finding, Report, TestSegment, examine};

use super::arguments::Arguments;
use crate::print;

const USAGE: &str = "Usage: xray-daemon doctor [options] [the daemon's own options]
\t--format\ttext or json. Default: text.
\t--no-send\tSend no test segment; else one becomes a trace named \"xray-daemon doctor\".
Looks at configuration, machine, ports and AWS as the daemon would with the same options. Exit code
0: nothing failed; 1: something did; 2: the command line is not understood.
";

#[derive(Clone, Copy)]
enum Format {
    Text,
    Json,
}

/// Looks, and tells.
pub(crate) fn doctor(arguments: Vec<String>, environment: &Environment) -> ExitCode {
    let mut own = Arguments::new(arguments);
    if own.switch("h") || own.switch("help") {
        print(io::stdout(), USAGE);
        return ExitCode::SUCCESS;
    }
    let test_segment = if own.switch("no-send") { TestSegment::Omit } else { TestSegment::Send };
    let format = match own.value("format").as_ref().map(Option::as_deref) {
        Ok(None | Some("text")) => Format::Text,
        Ok(Some("json")) => Format::Json,
        Ok(Some(other)) => {
            return refuse(&format!("--format {other:?} is not valid; it takes text or json"));
        }
        Err(refused) => return refuse(refused),
    };
    let report = match load(own.rest(), environment, Path::new(".")) {
        Ok(Command::Run(loaded)) => {
            let mut report = examined(loaded.daemon, test_segment);
            report.findings.insert(0, Finding::ok("configuration", loaded.options.summary()));
            report
        }
        Ok(_) => return refuse("the doctor answers no other question; ask the daemon itself"),
        Err(refused) if refused.usage().is_some() => return refuse(&refused.to_string()),
        Err(refused) => Report {
            findings: vec![Finding::fail(
                "configuration",
                refused.to_string(),
                "put it right; --check-config names every fault with its line",
            )],
        },
    };
    match format {
        Format::Text => print(io::stdout(), &report.text()),
        Format::Json => print(io::stdout(), &format!("{:#}\n", report.json())),
    }
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn examined(config: DaemonConfig, test_segment: TestSegment) -> Report {
    match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => {
            let report = runtime.block_on(examine(&config, test_segment));
            // A name server that does not answer must not hold up the end.
            runtime.shutdown_background();
            report
        }
        Err(refused) => Report {
            findings: vec![Finding::fail(
                "machine",
                format!("the runtime cannot be started: {refused}"),
                "raise the limit of processes",
            )],
        },
    }
}

fn refuse(reason: &str) -> ExitCode {
    print(io::stderr(), &format!("{reason}\n"));
    print(io::stdout(), USAGE);
    ExitCode::from(2)
}
