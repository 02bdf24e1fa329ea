//! Runs the daemon until a signal, reads the configuration again at another.
//!
//! In: a valid configuration, and where it came from. Out: the exit code. Owns log, daemon and
//! signals. What cannot change while the daemon runs is named in the log.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tracing::{error, info, warn};
use xray_daemon::config::{Command, Environment, Loaded, load};
use xray_daemon::{Daemon, DaemonHandle};

use crate::logging::{self, Log};
use crate::signals::{Signals, Wanted};
use crate::systemd::Systemd;

/// Threads of the runtime; intake and the local store have their own. Uploads are short, so even a
/// machine with many processors needs few.
const MAX_WORKERS: usize = 4;

/// Longest that blocking work may hold up the end of the process.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// Runs the daemon to its end.
pub(crate) fn run(loaded: Loaded, arguments: Vec<String>, environment: Environment) -> ExitCode {
    let log = match Log::start(&loaded.log) {
        Ok(log) => log,
        Err(refused) => {
            let path = loaded.log.path.as_deref().unwrap_or(Path::new("standard output"));
            let reason = format!("log file {path:?} cannot be opened; --log-file: {refused}");
            logging::refuse(&reason, None);
            return ExitCode::FAILURE;
        }
    };
    info!("Initializing AWS X-Ray daemon {}", env!("CARGO_PKG_VERSION"));
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("xray-worker")
        .enable_all()
        .build()
        .context("the runtime cannot be started; raise the limit of processes");
    let ended = runtime.and_then(|runtime| {
        let service = Service { loaded, arguments, environment, log };
        let ended = runtime.block_on(service.run());
        // A second signal waits for nobody, a query of the local store included.
        runtime.shutdown_timeout(LAST_WAIT);
        ended
    });
    ended.unwrap_or_else(|refused| {
        error!("{}", with_causes(refused.as_ref()));
        ExitCode::FAILURE
    })
}

/// What stays the same from start to end, and what a reload replaces.
struct Service {
    loaded: Loaded,
    arguments: Vec<String>,
    environment: Environment,
    log: Log,
}

impl Service {
    /// Runs the daemon until a signal, and drains it.
    async fn run(mut self) -> anyhow::Result<ExitCode> {
        let mut signals = Signals::new().context("signals cannot be waited for")?;
        let mut systemd = Systemd::new();
        let mut daemon = tokio::select! {
            started = Daemon::builder().config(self.loaded.daemon.clone()).start() => started?,
            name = signals.stop() => {
                info!("Got shutdown signal: {name}, while starting");
                return Ok(ExitCode::SUCCESS);
            }
        };
        systemd.ready(&daemon);
        let name = loop {
            tokio::select! {
                wanted = signals.next() => match wanted {
                    Wanted::Stop(name) => break name,
                    Wanted::Reload => {
                        systemd.reloading();
                        self.reload(&mut daemon);
                        systemd.ready(&daemon);
                    }
                },
                () = systemd.due() => systemd.report(&daemon),
            }
        };
        info!("Got shutdown signal: {name}");
        systemd.stopping();
        let fate = match self.loaded.daemon.spool {
            Some(_) => "go to the spool",
            None => "are lost",
        };
        let mut code = ExitCode::SUCCESS;
        let again = async {
            let name = signals.stop().await;
            warn!("Got shutdown signal again: {name}, segments that are left {fate}");
            code = ExitCode::FAILURE;
        };
        daemon.stop_or(self.loaded.daemon.drain_timeout, again).await;
        Ok(code)
    }

    /// Reads everything again and takes over what can change; says what cannot.
    fn reload(&mut self, daemon: &mut DaemonHandle) {
        let loaded = match load(self.arguments.clone(), &self.environment, Path::new(".")) {
            Ok(Command::Run(loaded)) => *loaded,
            Ok(_) => return,
            Err(refused) => {
                error!("Configuration is not reloaded, the old one counts on: {refused}");
                return;
            }
        };
        let changes = self.loaded.options.changes(&loaded.options);
        if let Err(refused) = self.log.reload(&loaded.log) {
            error!("Log file cannot be opened again, the log goes on as it was: {refused}");
        }
        daemon.reconfigure(&loaded.daemon);
        info!("Configuration reloaded: {} changes", changes.now.len());
        changes.now.iter().for_each(|change| info!("Changed: {change}"));
        for change in &changes.at_next_start {
            warn!("Changes only at the next start: {change}");
        }
        self.loaded = loaded;
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
