//! What is said when the daemon does not start at all, before there is a log.
//!
//! In: why. Out: a line as in the log, on standard error, and in the file that `-f` names. Owns
//! nothing. Rule: the reference daemon 3.6.6 writes to both.

use std::io::{self, Write};
use std::path::Path;

use super::file::LogFile;
use super::line::error_line;

/// Tells `reason` to whoever looks at standard error or into the log file.
pub(crate) fn refuse(reason: &str, log_file: Option<&Path>) {
    let line = error_line(reason);
    // Where neither can be written, the exit code has to say it.
    io::stderr().write_all(line.as_bytes()).ok();
    if let Some(path) = log_file {
        LogFile::open(path, false).and_then(|mut file| file.write_all(line.as_bytes())).ok();
    }
}
