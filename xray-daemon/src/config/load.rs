//! From arguments and environment to what the program shall do.
//!
//! In: arguments, environment, the folder where the program runs. Out: a [`Command`]. Owns the
//! order: flags, then the file that they name, then flags over the file.

use std::path::Path;

use super::error::ConfigError;
use super::file::FileConfig;
use super::logging::LogSettings;
use super::resolve::{Sources, resolve};
use super::settings::DaemonConfig;
use super::{flags, table};

/// What the program shall do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Run the daemon.
    Run(Box<DaemonConfig>, LogSettings),
    /// Print this text and end well.
    Print(String),
}

/// Reads `arguments` (without the program's name) and the variables that `variable` knows.
///
/// # Errors
/// When something is not valid; a [`ConfigError::Usage`] is for the command line.
pub fn load(
    arguments: impl IntoIterator<Item = String>,
    variable: impl Fn(&str) -> Option<String>,
    folder: &Path,
) -> Result<Command, ConfigError> {
    let flags = flags::parse(arguments)?;
    if flags.get("help").is_some_and(|help| help == "true") {
        return Ok(Command::Print(table::usage()));
    }
    let asked = flags.get("config").filter(|path| !path.is_empty());
    let file = FileConfig::load(asked.map(Path::new), folder)?;
    if flags.get("version").is_some_and(|version| version == "true") {
        // After the file, as in the reference.
        let version = env!("CARGO_PKG_VERSION");
        return Ok(Command::Print(format!("AWS X-Ray daemon version: {version}\n")));
    }
    let (config, log) = resolve(&Sources { flags: &flags, variable: &variable, file: &file })?;
    Ok(Command::Run(Box::new(config), log))
}

impl ConfigError {
    /// What belongs on standard output beside the error: the usage, for a command line that is not
    /// understood.
    pub fn usage(&self) -> Option<String> {
        matches!(self, Self::Usage(_)).then(table::usage)
    }
}
