//! One line of the log: `2026-11-24T02:17:17Z [Info] text key=value`.
//!
//! In: an event. Out: its line. Owns nothing. Line breaks in values would let a stranger forge
//! lines; they are escaped.

use std::fmt::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes lines as the reference daemon does.
#[derive(Debug)]
pub(super) struct ReferenceLine;

impl<S, N> FormatEvent<S, N> for ReferenceLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = Text::default();
        event.record(&mut text);
        let level = level(*event.metadata().level());
        let time = rfc_3339(SystemTime::now());
        writeln!(writer, "{time} [{level}] {}{}", text.message, text.fields)
    }
}

/// An error outside of any subscriber.
pub(super) fn error_line(text: &str) -> String {
    let mut line = format!("{} [Error] ", rfc_3339(SystemTime::now()));
    push_escaped(&mut line, text);
    line.push('\n');
    line
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            push_escaped(&mut self.message, value);
        } else if value.chars().all(|letter| letter.is_alphanumeric() || "-_.:/".contains(letter)) {
            self.push_field(field.name(), value);
        } else {
            self.push_field(field.name(), &format!("{value:?}"));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            push_escaped(&mut self.message, &text);
        } else {
            self.push_field(field.name(), &text);
        }
    }
}

impl Text {
    fn push_field(&mut self, name: &str, value: &str) {
        // Writing to a string cannot fail.
        write!(self.fields, " {name}=").ok();
        push_escaped(&mut self.fields, value);
    }
}

fn push_escaped(line: &mut String, text: &str) {
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "Error",
        Level::WARN => "Warn",
        Level::INFO => "Info",
        Level::DEBUG => "Debug",
        Level::TRACE => "Trace",
    }
}

/// `2026-11-24T02:17:17Z`.
fn rfc_3339(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a number of days since 1970, in the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years start in March here, so that the leap day is the last; 400 years have 146,097 days.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tracing::{error, info};
    use tracing_subscriber::fmt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The line without its time.
    fn line(log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let written = lines.clone();
        let subscriber =
            fmt().event_format(ReferenceLine).with_writer(move || written.clone()).finish();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = lines.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.ends_with('\n'));
        text.split_once(' ').unwrap().1.trim_end().to_owned()
    }

    #[test]
    fn lines_are_those_of_the_reference_with_fields_behind() {
        assert_eq!(line(|| info!("Using region: {}", "x")), "[Info] Using region: x");
        assert_eq!(
            line(|| error!(documents = 3, code = "Bad Name", path = "/a-b", "refused")),
            "[Error] refused documents=3 code=\"Bad Name\" path=/a-b"
        );
    }

    #[test]
    fn nobody_can_forge_a_line() {
        let hostile = "x\n2026-01-01T00:00:00Z [Info] forged\u{1b}[2J";
        let escaped = "x\\n2026-01-01T00:00:00Z [Info] forged\\u{1b}[2J";
        assert_eq!(line(|| info!("{hostile}")), format!("[Info] {escaped}"));
        let field = line(|| info!(reason = hostile, "text"));
        assert_eq!(field, format!("[Info] text reason=\"{escaped}\""));
        let shown = line(|| info!(reason = %hostile, "text"));
        assert_eq!(shown, format!("[Info] text reason={escaped}"));
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_795_486_637, "2026-11-24T02:17:17Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc_3339(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
