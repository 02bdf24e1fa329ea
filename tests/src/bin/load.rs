//! Puts a daemon under load and prints what it cost and lost, as Markdown tables.
//!
//! ```sh
//! cargo run --release -p e2e --bin load                       # everything, ours: 20 minutes
//! cargo run --release -p e2e --bin load -- sampling           # the cost of a sampling call
//! cargo run --release -p e2e --bin load -- 5k burst --seconds 20 --runs 3 --reference /usr/bin/xray
//! ```

#![expect(clippy::print_stdout, reason = "a program that prints a table")]

use std::env;
use std::process::exit;
use std::time::Duration;

use e2e::load::{
    Lengths, Program, Row, Scenario, machine, measure, measure_rest, measure_sampling, rest_table,
    sampling_table, scenarios, table,
};

const USAGE: &str = "\
usage: load [SCENARIO...] [options]

  --list             names of the scenarios
  --seconds N        length of a run at a steady rate (10)
  --outage N         seconds of the short outages (10)
  --long-outage N    seconds of the outage for the spool (600)
  --runs N           each scenario so often (1)
  --reference PATH   the reference daemon's binary, measured beside ours";

/// Name of what is measured apart: start, and doing nothing.
const REST: &str = "rest";
/// Starts of which the median is shown.
const STARTS: usize = 20;
/// How long a daemon is watched doing nothing.
const IDLE: Duration = Duration::from_secs(10);

/// Name of what is measured apart too: sampling calls.
const SAMPLING: &str = "sampling";
/// Calls of each kind, for each second that a run shall last.
const CALLS_PER_SECOND: u64 = 2_000;

#[derive(Debug)]
struct Options {
    scenarios: Vec<Scenario>,
    rest: bool,
    /// Sampling calls of each kind; `None`: not asked for.
    sampling: Option<u64>,
    runs: u32,
    programs: Vec<Program>,
}

#[tokio::main]
async fn main() {
    let options = parse(env::args().skip(1)).unwrap_or_else(|problem| {
        println!("{problem}\n{USAGE}");
        exit(2)
    });
    println!("{}\n", machine());
    if options.rest {
        let mut rows = Vec::new();
        for program in &options.programs {
            rows.push(measure_rest(program, STARTS, IDLE).await);
        }
        println!("{}", rest_table(&rows));
    }
    if let Some(requests) = options.sampling {
        let mut rows = Vec::new();
        for program in &options.programs {
            rows.extend(measure_sampling(requests, program).await);
        }
        println!("{}", sampling_table(&rows));
    }
    let mut rows: Vec<Row> = Vec::new();
    for scenario in &options.scenarios {
        for _ in 0..options.runs {
            for program in &options.programs {
                let row = measure(scenario, program).await;
                // A line a run, so that a long table grows while one waits.
                let lines = table(std::slice::from_ref(&row));
                let skipped = if rows.is_empty() { 0 } else { 2 };
                lines.lines().skip(skipped).for_each(|line| println!("{line}"));
                rows.push(row);
            }
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let (mut names, mut lengths, mut runs) = (Vec::new(), Lengths::default(), 1);
    let mut programs = vec![Program::Ours];
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        let mut number = || {
            let number = value()?.parse::<u64>().ok().filter(|number| *number > 0);
            number.ok_or_else(|| format!("{arg} needs a whole number, 1 or more"))
        };
        match arg.as_str() {
            "--seconds" => lengths.steady_s = number()?,
            "--outage" => lengths.outage_s = number()?,
            "--long-outage" => lengths.long_outage_s = number()?,
            "--runs" => runs = u32::try_from(number()?).unwrap_or(u32::MAX),
            "--reference" => programs.push(Program::Reference(value()?.into())),
            "--list" => return Err(known(&scenarios(lengths))),
            option if option.starts_with('-') => return Err(format!("no option {option}")),
            _ => names.push(arg),
        }
    }
    let all = scenarios(lengths);
    let is_apart = |name: &String| name == REST || name == SAMPLING;
    let is_known =
        |name: &String| is_apart(name) || all.iter().any(|scenario| scenario.name == name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        return Err(format!("no scenario {unknown}; {}", known(&all)));
    }
    let wanted = |asked: &str| names.is_empty() || names.iter().any(|name| name == asked);
    let rest = wanted(REST);
    let sampling = wanted(SAMPLING).then_some(lengths.steady_s * CALLS_PER_SECOND);
    let scenarios = all.into_iter().filter(|scenario| wanted(scenario.name)).collect();
    Ok(Options { scenarios, rest, sampling, runs, programs })
}

fn known(all: &[Scenario]) -> String {
    let names: Vec<_> = all.iter().map(|scenario| scenario.name).chain([REST, SAMPLING]).collect();
    format!("scenarios: {}", names.join(", "))
}
