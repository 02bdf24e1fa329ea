//! Starts the log, and changes it while the program runs.
//!
//! In: the settings. Out: a subscriber for the whole process. Owns the way back to its level and
//! its file.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};
use xray_daemon::config::{LogFormat, LogSettings};

use super::line::ReferenceLine;
use super::output::Output;

/// The log of this process.
#[derive(Debug)]
pub(crate) struct Log {
    output: Output,
    filter: Handle<Targets, Registry>,
}

impl Log {
    /// Sends events of this process to the log that `settings` describe.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn start(settings: &LogSettings) -> io::Result<Self> {
        let output = Output::open(settings)?;
        let writer = output.clone();
        let (filter, handle) = reload::Layer::new(filter(settings.level));
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            // There is no place left to complain to when the log cannot be written.
            .log_internal_errors(false)
            .with_writer(move || writer.clone());
        let layer = match settings.format {
            LogFormat::Text => layer.event_format(ReferenceLine).boxed(),
            LogFormat::Json => layer.json().flatten_event(true).with_current_span(false).boxed(),
        };
        tracing_subscriber::registry().with(layer.with_filter(filter)).init();
        Ok(Self { output, filter: handle })
    }

    /// Takes over level and file of `settings`, and opens the file again.
    ///
    /// # Errors
    /// When the file cannot be opened; the log goes on as it was.
    pub(crate) fn reload(&self, settings: &LogSettings) -> io::Result<()> {
        self.output.reopen(settings)?;
        self.filter.reload(filter(settings.level)).map_err(io::Error::other)
    }
}

fn filter(level: LevelFilter) -> Targets {
    // Libraries below ours speak up when something is wrong, whatever the level.
    let others = level.min(LevelFilter::WARN);
    Targets::new().with_default(others).with_target("xray_daemon", level)
}
