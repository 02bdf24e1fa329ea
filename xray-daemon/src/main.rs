//! The daemon binary: flags → configuration → daemon → exit code.
//!
//! In: arguments and environment. Out: exit code 0 after an orderly stop, 1 when it cannot start or
//! is told twice to stop, 2 for a command line that is not understood.

mod logging;

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};
use xray_daemon::Daemon;
use xray_daemon::config::{Command, DaemonConfig, LogSettings, load};

/// Threads of the runtime; intake and the local store have their own. Uploads are short, so even a
/// machine with many processors needs few.
const MAX_WORKERS: usize = 4;

/// Longest that blocking work may hold up the end of the process.
const LAST_WAIT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into());
    match load(arguments, |name| std::env::var(name).ok(), Path::new(".")) {
        Ok(Command::Run(config, log)) => run(*config, &log),
        Ok(Command::Print(text)) => {
            print(io::stdout(), &text);
            ExitCode::SUCCESS
        }
        Ok(_) => ExitCode::FAILURE,
        Err(refused) => {
            print(io::stderr(), &format!("{refused}\n"));
            match refused.usage() {
                Some(usage) => {
                    print(io::stdout(), &usage);
                    ExitCode::from(2)
                }
                None => ExitCode::FAILURE,
            }
        }
    }
}

fn run(config: DaemonConfig, log: &LogSettings) -> ExitCode {
    if let Err(refused) = logging::start(log) {
        let path = log.path.as_deref().unwrap_or(Path::new("standard output"));
        let text = format!("log file {path:?} cannot be opened; --log-file: {refused}\n");
        print(io::stderr(), &text);
        return ExitCode::FAILURE;
    }
    info!("Initializing AWS X-Ray daemon {}", env!("CARGO_PKG_VERSION"));
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("xray-worker")
        .enable_all()
        .build()
        .context("the runtime cannot be started; raise the limit of processes");
    let ended = runtime.and_then(|runtime| {
        let ended = runtime.block_on(daemon(config));
        // A second signal waits for nobody, a query of the local store included.
        runtime.shutdown_timeout(LAST_WAIT);
        ended
    });
    ended.unwrap_or_else(|refused| {
        error!("{}", with_causes(refused.as_ref()));
        ExitCode::FAILURE
    })
}

/// Runs the daemon until a signal, and drains it.
async fn daemon(config: DaemonConfig) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new().context("signals cannot be waited for")?;
    let deadline = config.drain_timeout;
    let daemon = tokio::select! {
        started = Daemon::builder().config(config).start() => started?,
        name = signals.next() => {
            info!("Got shutdown signal: {name}, while starting");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let name = signals.next().await;
    info!("Got shutdown signal: {name}");
    tokio::select! {
        _ = daemon.stop(deadline) => Ok(ExitCode::SUCCESS),
        name = signals.next() => {
            warn!("Got shutdown signal again: {name}, segments that are left are lost");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The signals that end the daemon.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one; returns its name.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "terminated",
            _ = self.interrupt.recv() => "interrupt",
            _ = self.hang_up.recv() => "hangup",
        }
    }
}

fn with_causes(refused: &(dyn Error + 'static)) -> String {
    let mut text = refused.to_string();
    let mut cause = refused.source();
    while let Some(source) = cause {
        text.push_str(&format!(": {source}"));
        cause = source.source();
    }
    text
}

/// A reader that has gone away is no reason to fail.
fn print(mut writer: impl Write, text: &str) {
    writer.write_all(text.as_bytes()).and_then(|()| writer.flush()).ok();
}
