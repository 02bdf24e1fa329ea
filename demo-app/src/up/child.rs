//! A service as a child process: started, heard, watched, ended.
//!
//! In: a subcommand of this same binary. Out: its address, once it listens; its log lines, each with
//! its name in front. Owns the process. Its standard input is a pipe that closes when we end in
//! whatever way, and the child ends with it (`service::stop`).

use std::io;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;

/// How a service's line begins that says where it listens.
pub(crate) const LISTENING: &str = "listening on";

/// Longest that a service may take until it listens; a busy machine is slow.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Longest that a service may take to end: its own grace, and some.
const END_WITHIN: Duration = Duration::from_secs(5);
/// Longest log line that is passed on.
const MAX_LINE_CHARS: usize = 4_000;

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ChildError {
    #[error("{name} cannot be started")]
    Spawn { name: &'static str, source: io::Error },
    #[error("{name} ended while it was to start ({status}); its last lines are above")]
    Ended { name: &'static str, status: ExitStatus },
    #[error("{name} did not listen within 30 s; RUST_LOG=info shows what it does")]
    Slow { name: &'static str },
}

/// A running service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    child: Child,
    /// Closing it ends the child.
    lifeline: Option<ChildStdin>,
}

impl Service {
    /// Starts this program with `args` and `env`, and waits until it listens.
    pub(super) async fn start(
        name: &'static str,
        args: &[String],
        env: &[(&str, String)],
    ) -> Result<Self, ChildError> {
        let spawn_failed = |source| ChildError::Spawn { name, source };
        let program = std::env::current_exe().map_err(spawn_failed)?;
        let mut command = Command::new(program);
        command
            .args(args)
            .arg("--end-with-stdin")
            .envs(env.iter().map(|(key, value)| (key, value)))
            .env("NO_COLOR", "1")
            // One name for all of them would make one node of the whole map.
            .env_remove("AWS_XRAY_TRACING_NAME")
            // Who is traced by OpenTelemetry is told so, in `env`.
            .env_remove("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if std::env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "warn");
        }
        // A group of its own: Ctrl-C reaches us alone, and we end the services in order.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(spawn_failed)?;
        let lifeline = child.stdin.take();
        let (heard, address) = oneshot::channel();
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(pass_on(name, stdout, Some(heard)));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(pass_on(name, stderr, None));
        }
        let address = tokio::select! {
            Ok(address) = address => address,
            ended = child.wait() => {
                return Err(match ended {
                    Ok(status) => ChildError::Ended { name, status },
                    Err(source) => ChildError::Spawn { name, source },
                });
            }
            () = tokio::time::sleep(READY_WITHIN) => return Err(ChildError::Slow { name }),
        };
        Ok(Self { name, address, child, lifeline })
    }

    /// Completes when the service ends by itself.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        // `Child::wait` closes standard input, which is the lifeline; it was taken out before.
        self.child.wait().await
    }

    /// Ends the service: politely, and after a while for good.
    pub(super) async fn end(mut self) {
        drop(self.lifeline.take());
        if tokio::time::timeout(END_WITHIN, self.child.wait()).await.is_err() {
            // It may have ended in this very moment, which is as well.
            self.child.kill().await.ok();
        }
    }
}

/// Passes lines on to standard error with the service's name in front; the one that says where it
/// listens goes to `heard`.
async fn pass_on(
    name: &'static str,
    stream: impl AsyncRead + Unpin,
    mut heard: Option<oneshot::Sender<SocketAddr>>,
) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match (address(&line), heard.take()) {
            (Some(address), Some(heard)) => {
                // Nobody waits any more if it took too long.
                heard.send(address).ok();
            }
            (_, waiting) => {
                heard = waiting;
                let line: String = line.chars().take(MAX_LINE_CHARS).collect();
                eprint_line(&format!("{name} | {line}"));
            }
        }
    }
}

fn eprint_line(line: &str) {
    use std::io::Write;
    // A closed terminal must not end the demo.
    writeln!(io::stderr(), "{line}").ok();
}

/// The address in `listening on http://127.0.0.1:5000`.
fn address(line: &str) -> Option<SocketAddr> {
    line.strip_prefix(LISTENING)?.trim().strip_prefix("http://")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_line_that_says_where_it_listens_is_heard() {
        let (heard, address) = oneshot::channel();
        let lines: &[u8] = b"some log line\nlistening on http://127.0.0.1:5000\nanother\n";
        pass_on("Frontend", lines, Some(heard)).await;
        assert_eq!(address.await.unwrap().to_string(), "127.0.0.1:5000");
    }
}
