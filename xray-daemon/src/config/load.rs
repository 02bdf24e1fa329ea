//! From arguments and environment to what the program shall do.
//!
//! In: arguments, environment, the folder where the program runs. Out: a [`Command`]. Owns the
//! order: flags, then the file that they name, then flags over the file.

use std::path::{Path, PathBuf};

use super::check::Report;
use super::environment::Environment;
use super::error::ConfigError;
use super::explain::Options;
use super::file::FileConfig;
use super::flags::{self, Flags};
use super::logging::LogSettings;
use super::resolve::{Sources, resolve};
use super::settings::DaemonConfig;
use super::table;

/// What the program shall do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Run the daemon.
    Run(Box<Loaded>),
    /// Print this text and end well.
    Print(String),
    /// Print this text and end with exit code 1.
    Fail(String),
}

/// A valid configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// For the daemon.
    pub daemon: DaemonConfig,
    /// For the log of the program.
    pub log: LogSettings,
    /// The values as they were given, to tell what a later reading changes.
    pub options: Options,
}

/// Reads `arguments` (without the program's name), `environment` and the file.
///
/// # Errors
/// When something is not valid; a [`ConfigError::Usage`] is for the command line.
pub fn load(
    arguments: impl IntoIterator<Item = String>,
    environment: &Environment,
    folder: &Path,
) -> Result<Command, ConfigError> {
    let flags = flags::parse(arguments)?;
    let asks_for = |flag: &str| flags.get(flag).is_some_and(|value| value == "true");
    if asks_for("help") {
        return Ok(Command::Print(table::usage()));
    }
    if asks_for("check-config") || asks_for("explain") {
        return Ok(examine(&flags, environment, folder, asks_for("explain")));
    }
    let asked = flags.get("config").filter(|path| !path.is_empty());
    let file = FileConfig::load(asked.map(Path::new), folder)?;
    if asks_for("version") {
        // After the file, as in the reference.
        let version = env!("CARGO_PKG_VERSION");
        return Ok(Command::Print(format!("AWS X-Ray daemon version: {version}\n")));
    }
    let variable = |name: &str| environment.get(name).map(str::to_owned);
    let sources = Sources::new(&flags, &variable, &file);
    let (daemon, log) = resolve(&sources)?;
    Ok(Command::Run(Box::new(Loaded { daemon, log, options: Options::read(&sources) })))
}

/// The log file that the command line names, for what is said before there is a configuration.
pub fn log_file(arguments: impl IntoIterator<Item = String>) -> Option<PathBuf> {
    let flags = flags::parse(arguments).ok()?;
    flags.get("log-file").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The questions: is this valid, and what does it come to?
fn examine(flags: &Flags, environment: &Environment, folder: &Path, explain: bool) -> Command {
    let report = Report::of(flags, environment, folder);
    let text = if explain { explanation(flags, environment, folder) } else { String::new() };
    match (report.is_good(), explain) {
        (true, true) => Command::Print(text),
        (true, false) => Command::Print(report.text()),
        (false, true) => Command::Fail(format!("{text}\n{}", report.text())),
        (false, false) => Command::Fail(report.text()),
    }
}

fn explanation(flags: &Flags, environment: &Environment, folder: &Path) -> String {
    let asked = flags.get("config").filter(|path| !path.is_empty());
    let file = FileConfig::examine(asked.map(Path::new), folder);
    let file = file.map(|(file, _)| file).unwrap_or_default();
    let variable = |name: &str| environment.get(name).map(str::to_owned);
    Options::read(&Sources::new(flags, &variable, &file)).table(environment)
}

impl ConfigError {
    /// What belongs on standard output beside the error: the usage, for a command line that is not
    /// understood.
    pub fn usage(&self) -> Option<String> {
        matches!(self, Self::Usage(_)).then(table::usage)
    }
}
