//! Starts the log.
//!
//! In: the settings. Out: a subscriber for the whole process. Owns nothing afterwards.

use std::io;
use std::sync::Mutex;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use xray_daemon::config::{LogFormat, LogSettings};

use super::file::LogFile;
use super::line::ReferenceLine;

/// Sends events of this process to the log that `settings` describe.
///
/// # Errors
/// When the file cannot be opened.
pub(crate) fn start(settings: &LogSettings) -> io::Result<()> {
    let writer = match &settings.path {
        None => BoxMakeWriter::new(io::stdout),
        Some(path) => BoxMakeWriter::new(Mutex::new(LogFile::open(path, settings.rotate)?)),
    };
    // Libraries below ours speak up when something is wrong, whatever the level.
    let others = settings.level.min(LevelFilter::WARN);
    let filter = Targets::new().with_default(others).with_target("xray_daemon", settings.level);
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
    let layer = match settings.format {
        LogFormat::Text => layer.event_format(ReferenceLine).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(false).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
    Ok(())
}
