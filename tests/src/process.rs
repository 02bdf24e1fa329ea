//! One program under test: its environment, its log, its end.
//!
//! In: a command. Out: a running process whose output goes to a file, that gets signals, and
//! whose end is waited for. Owns the process: it is killed on drop. A test that fails shows the
//! log's last lines.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

pub use rustix::process::Signal;

/// How much of a log a failed test shows.
const SHOWN_LINES: usize = 60;

/// A program that runs.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// Working and home directory: empty, so that no file of the machine's is found by chance.
    folder: TempDir,
}

impl Process {
    /// Starts `program` in an empty folder, with nothing of the caller's AWS, X-Ray or proxy
    /// settings. `configure` adds arguments and environment.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn start(program: impl AsRef<OsStr>, configure: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let log = folder.path().join("output.log");
        let output = File::create(&log).expect("a file in a fresh folder can be made");
        let errors = output.try_clone().expect("a descriptor is left");
        let mut command = clean_command(program.as_ref(), folder.path());
        command.stdin(Stdio::null()).stdout(output).stderr(errors).kill_on_drop(true);
        configure(&mut command);
        let name = Path::new(program.as_ref()).file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let child = command.spawn().unwrap_or_else(|err| panic!("{name} does not start: {err}"));
        Self { name, child, log, folder }
    }

    /// What the program printed so far, both streams.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The folder it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends a signal. A process that has ended gets none.
    pub fn signal(&self, signal: Signal) {
        let id = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(id) = id {
            kill_process(id, signal).unwrap_or_else(|err| panic!("{}: {err}", self.name));
        }
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When it still runs after `longest`.
    pub async fn wait(&mut self, longest: Duration) -> ExitStatus {
        match timeout(longest, self.child.wait()).await {
            Ok(status) => status.expect("a child can be waited for"),
            Err(_) => panic!("{} still runs after {longest:?}", self.name),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let shown = lines.get(lines.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default();
            let text = format!("--- last output of {} ---\n{}\n---\n", self.name, shown.join("\n"));
            io::stderr().write_all(text.as_bytes()).ok();
        }
    }
}

/// What a program that ran to its end left.
#[derive(Debug)]
pub struct Ran {
    /// `None`: ended by a signal.
    pub exit_code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs `program` to its end, in the same clean surroundings as [`Process::start`].
///
/// # Panics
/// When it does not start, or still runs after `longest`.
pub async fn run(
    program: impl AsRef<OsStr>,
    longest: Duration,
    configure: impl FnOnce(&mut Command),
) -> Ran {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut command = clean_command(program.as_ref(), folder.path());
    command.stdin(Stdio::null()).kill_on_drop(true);
    configure(&mut command);
    let output = match timeout(longest, command.output()).await {
        Ok(output) => output.unwrap_or_else(|err| panic!("{command:?} does not start: {err}")),
        Err(_) => panic!("{command:?} still runs after {longest:?}"),
    };
    Ran {
        exit_code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A command without the settings that would change what the programs under test do.
fn clean_command(program: &OsStr, folder: &Path) -> Command {
    const SETTINGS: [&str; 5] = ["AWS_", "XRAY_", "OTEL_", "ECS_", "SSL_CERT"];
    const PROXIES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "RUST_LOG"];
    let mut command = Command::new(program);
    command.current_dir(folder).env("HOME", folder);
    for (name, _) in env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        if SETTINGS.iter().any(|prefix| upper.starts_with(prefix)) || PROXIES.contains(&&*upper) {
            command.env_remove(name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn output_of_both_streams_is_in_the_log() {
        let mut process = Process::start("sh", |sh| {
            sh.args(["-c", "echo out; echo err >&2; exit 3"]);
        });
        assert_eq!(process.wait(LONGEST).await.code(), Some(3));
        assert_eq!(process.log(), "out\nerr\n");
    }

    #[tokio::test]
    async fn a_signal_reaches_the_process() {
        let mut process = Process::start("sleep", |sleep| {
            sleep.arg("60");
        });
        process.signal(Signal::TERM);
        assert_eq!(process.wait(LONGEST).await.code(), None);
    }

    #[tokio::test]
    async fn a_program_runs_in_an_empty_folder_that_is_its_home() {
        let ran = run("sh", LONGEST, |sh| {
            sh.args(["-c", "ls; test \"$HOME\" = \"$PWD\" && echo home"]);
        });
        assert_eq!(ran.await.stdout, "home\n");
    }
}
