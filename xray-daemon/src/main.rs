//! The daemon binary: flags → configuration → daemon → exit code.
//!
//! In: arguments and environment. Out: exit code 0 after an orderly stop, 1 when it cannot start or
//! is told twice to stop, 2 for a command line that is not understood. The first argument may be
//! the name of a subcommand instead.

mod command;
mod logging;
mod run;
mod signals;
mod systemd;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use xray_daemon::config::{self, Command, ConfigError, Environment, load};

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    let arguments: Vec<_> =
        arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let environment = Environment::of_this_process();
    if let Some((name, behind)) = arguments.split_first() {
        match name.as_str() {
            "healthcheck" => return command::healthcheck(behind.to_vec(), &environment),
            "doctor" => return command::doctor(behind.to_vec(), &environment),
            _ => {}
        }
    }
    match load(arguments.clone(), &environment, Path::new(".")) {
        Ok(Command::Run(loaded)) => run::run(*loaded, arguments, environment),
        Ok(Command::Print(text)) => {
            print(io::stdout(), &text);
            ExitCode::SUCCESS
        }
        Ok(Command::Fail(text)) => {
            print(io::stdout(), &text);
            ExitCode::FAILURE
        }
        Ok(_) => ExitCode::FAILURE,
        Err(refused) => refuse(&refused, arguments),
    }
}

fn refuse(refused: &ConfigError, arguments: Vec<String>) -> ExitCode {
    if let Some(usage) = refused.usage() {
        print(io::stderr(), &format!("{refused}\n"));
        print(io::stdout(), &usage);
        return ExitCode::from(2);
    }
    logging::refuse(&refused.to_string(), config::log_file(arguments).as_deref());
    ExitCode::FAILURE
}

/// A reader that has gone away is no reason to fail.
fn print(mut writer: impl Write, text: &str) {
    writer.write_all(text.as_bytes()).and_then(|()| writer.flush()).ok();
}
