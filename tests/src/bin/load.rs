//! Puts a daemon under load and prints what it cost and lost, as a table.
//!
//! ```sh
//! cargo run --release -p e2e --bin load                       # all scenarios, ours
//! cargo run --release -p e2e --bin load -- 5k burst --seconds 20 --reference /usr/bin/xray
//! ```

#![expect(clippy::print_stdout, reason = "a program that prints a table")]

use std::env;
use std::process::exit;

use e2e::load::{Program, Scenario, measure, scenarios, table};

const USAGE: &str = "usage: load [SCENARIO...] [--seconds N] [--reference PATH]";

#[derive(Debug)]
struct Options {
    scenarios: Vec<Scenario>,
    programs: Vec<Program>,
}

#[tokio::main]
async fn main() {
    let options = parse(env::args().skip(1)).unwrap_or_else(|problem| {
        println!("{problem}\n{USAGE}");
        exit(2)
    });
    let mut rows = Vec::new();
    for scenario in &options.scenarios {
        for program in &options.programs {
            rows.push(measure(scenario, program).await);
            // One line a run, so that a long table grows while one waits.
            println!("{}", table(&rows[rows.len() - 1..]).lines().last().unwrap_or_default());
        }
    }
    println!("\n{}", table(&rows));
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let (mut names, mut seconds) = (Vec::new(), 10);
    let mut programs = vec![Program::Ours];
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--seconds" => {
                seconds = value()?.parse().map_err(|_| "--seconds needs a whole number")?;
            }
            "--reference" => programs.push(Program::Reference(value()?.into())),
            _ => names.push(arg),
        }
    }
    let all = scenarios(seconds);
    let known = |name: &String| all.iter().any(|scenario| scenario.name == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let known: Vec<_> = all.iter().map(|scenario| scenario.name).collect();
        return Err(format!("no scenario {unknown}; there are {}", known.join(", ")));
    }
    let wanted =
        |scenario: &Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name);
    let scenarios = all.into_iter().filter(wanted).collect();
    Ok(Options { scenarios, programs })
}
