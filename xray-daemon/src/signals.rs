//! What the process is told from outside.
//!
//! In: SIGTERM, SIGINT, SIGHUP. Out: what is wanted. Owns the handlers. SIGXFSZ is caught and means
//! nothing: a file that may not grow is an error of the write, not the end of the process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// An end, asked for by the signal of this name.
    Stop(&'static str),
    /// A new reading of the configuration.
    Reload,
}

/// The signals that the daemon listens to.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    _file_size: Signal,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            _file_size: signal(SignalKind::from_raw(libc::SIGXFSZ))?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Wanted {
        tokio::select! {
            _ = self.terminate.recv() => Wanted::Stop("terminated"),
            _ = self.interrupt.recv() => Wanted::Stop("interrupt"),
            _ = self.hang_up.recv() => Wanted::Reload,
        }
    }

    /// Waits for the next one that asks for an end; returns its name.
    pub(crate) async fn stop(&mut self) -> &'static str {
        loop {
            if let Wanted::Stop(name) = self.next().await {
                return name;
            }
        }
    }
}
