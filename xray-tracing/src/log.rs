//! Log lines that name the trace: text, or JSON.
//!
//! In: events, where `fmt` prints them. Out: the line that `fmt` would print with
//! `AWS-XRAY-TRACE-ID: 1-…@segment` at its end, or one JSON object. Owns nothing. CloudWatch Logs
//! finds the lines of a trace by that text, in X-Ray's console and by a search for the id. `init`
//! uses it; whoever composes a subscriber gives [`text`] or [`json`] to `fmt`:
//!
//! ```
//! use tracing_subscriber::prelude::*;
//!
//! let lines = tracing_subscriber::fmt::layer().event_format(xray_tracing::log::json());
//! let (layer, _guard) =
//!     xray_tracing::builder("orders").sink(xray_tracing::MemorySink::new()).build()?;
//! let subscriber = tracing_subscriber::registry().with(layer).with(lines);
//! # drop(subscriber);
//! # Ok::<(), xray_tracing::InitError>(())
//! ```

use std::error::Error;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use tracing::Subscriber;
use tracing_core::field::Visit;
use tracing_core::{Event, Field};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::builder::LogFormat;
use crate::context::current_trace;
use crate::document::cut_bytes;

/// Name of the trace in a line. Rule: X-Ray SDK for Java.
pub const TRACE_KEY: &str = "AWS-XRAY-TRACE-ID";

/// Longest text of a field in a JSON line; the sources of errors are chained up to it.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Lines as `fmt` prints them, with the trace at their end.
pub fn text() -> Lines {
    Lines::new(LogFormat::Text)
}

/// One JSON object a line: `timestamp`, `level`, `target`, `message`, `fields`, `span` and
/// `AWS-XRAY-TRACE-ID`.
pub fn json() -> Lines {
    Lines::new(LogFormat::Json)
}

/// An event format for `fmt`; made by [`text`] and [`json`].
#[derive(Clone, Debug)]
pub struct Lines {
    format: LogFormat,
    plain: Format,
    coloured: Format,
}

impl Lines {
    pub(crate) fn new(format: LogFormat) -> Self {
        let lines = Format::default();
        Self { format, plain: lines.clone().with_ansi(false), coloured: lines.with_ansi(true) }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match self.format {
            LogFormat::Text => self.write_text(ctx, writer, event),
            LogFormat::Json => write_json(ctx, writer, event),
        }
    }
}

impl Lines {
    fn write_text<S, N>(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        N: for<'a> FormatFields<'a> + 'static,
    {
        let format = if writer.has_ansi_escapes() { &self.coloured } else { &self.plain };
        let Some(trace) = current_trace() else { return format.format_event(ctx, writer, event) };
        let mut line = String::new();
        format.format_event(ctx, Writer::new(&mut line), event)?;
        writeln!(writer, "{} {TRACE_KEY}: {}", line.trim_end_matches('\n'), trace.log_id())
    }
}

fn write_json<S, N>(
    ctx: &FmtContext<'_, S, N>,
    mut writer: Writer<'_>,
    event: &Event<'_>,
) -> fmt::Result
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let mut fields = JsonFields::default();
    event.record(&mut fields);
    let mut line = Map::new();
    line.insert("timestamp".to_owned(), rfc3339(SystemTime::now()).into());
    line.insert("level".to_owned(), event.metadata().level().as_str().into());
    line.insert("target".to_owned(), event.metadata().target().into());
    if let Some(message) = fields.0.remove("message") {
        line.insert("message".to_owned(), message);
    }
    if !fields.0.is_empty() {
        line.insert("fields".to_owned(), Value::Object(fields.0));
    }
    if let Some(span) = ctx.lookup_current() {
        line.insert("span".to_owned(), span.name().into());
    }
    if let Some(trace) = current_trace() {
        line.insert(TRACE_KEY.to_owned(), trace.log_id().into());
    }
    writeln!(writer, "{}", Value::Object(line))
}

/// The fields of an event, as JSON.
#[derive(Default)]
struct JsonFields(Map<String, Value>);

impl JsonFields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        self.0.insert(name.strip_prefix("r#").unwrap_or(name).to_owned(), value.into());
    }
}

impl Visit for JsonFields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        self.put(field, cut_bytes(&text, MAX_TEXT_BYTES));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, cut_bytes(value, MAX_TEXT_BYTES));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause.filter(|_| text.len() < MAX_TEXT_BYTES) {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.put(field, cut_bytes(&text, MAX_TEXT_BYTES));
    }
}

/// `2023-11-14T22:13:20.000000Z`.
fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Days since 1 March of the year 0, in eras of 400 years, so that leap days come last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!(
        "{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{:02}.{:06}Z",
        second % 60,
        since.subsec_micros()
    )
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tracing_subscriber::prelude::*;

    use super::*;
    use crate::sampling::LocalRules;
    use crate::{MemorySink, builder};

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is printed by `work`, line by line.
    fn printed(lines: Lines, work: impl FnOnce()) -> Vec<String> {
        let written = Buffer::default();
        let writer = written.clone();
        let fmt = tracing_subscriber::fmt::layer()
            .event_format(lines)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let options = builder("orders").without_environment();
        let options = options.sampler(LocalRules::record_none()).sink(MemorySink::new());
        let (layer, _guard) = options.build().unwrap();
        let subscriber = tracing_subscriber::registry().with(layer).with(fmt);
        tracing::subscriber::with_default(subscriber, work);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_names_the_trace_sampled_or_not() {
        let mut expected = String::new();
        let lines = printed(text(), || {
            tracing::info!("outside");
            tracing::info_span!("job", id = 7).in_scope(|| {
                expected = format!(" AWS-XRAY-TRACE-ID: {}", current_trace().unwrap().log_id());
                tracing::warn!(tries = 2, "asked again");
            });
        });
        assert!(lines[0].ends_with(": outside"), "{lines:?}");
        let end = format!("log::tests: asked again tries=2{expected}");
        assert!(lines[1].contains("WARN job{id=7}: ") && lines[1].ends_with(&end), "{lines:?}");
        let trace = expected.rsplit_once(' ').unwrap().1;
        let (id, segment) = trace.split_once('@').unwrap();
        assert!(
            crate::TraceId::parse_bytes(id.as_bytes()).is_some() && segment.len() == 16,
            "{trace}"
        );
    }

    #[test]
    fn a_json_line_has_the_fields_and_the_trace() {
        let mut expected = String::new();
        let lines = printed(json(), || {
            tracing::info_span!("job").in_scope(|| {
                expected = current_trace().unwrap().log_id();
                let error = io::Error::other("a \"b\"");
                tracing::warn!(tries = 2_u64, error = &error as &dyn Error, "asked again");
            });
            tracing::info!("outside");
        });
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["AWS-XRAY-TRACE-ID"], expected);
        assert_eq!((&line["level"], &line["span"]), (&"WARN".into(), &"job".into()));
        assert_eq!(line["message"], "asked again");
        assert_eq!(line["fields"], serde_json::json!({ "tries": 2, "error": "a \"b\"" }));
        let line: Value = serde_json::from_str(&lines[1]).unwrap();
        assert_eq!((line.get("AWS-XRAY-TRACE-ID"), line.get("fields")), (None, None));
    }

    #[test]
    fn times_are_written_as_people_read_them() {
        for (second, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (1_700_000_000, "2023-11-14T22:13:20.000000Z"),
            (4_102_444_799, "2099-12-31T23:59:59.000000Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(second)), expected);
        }
        assert!(rfc3339(UNIX_EPOCH + Duration::from_micros(1_000_007)).ends_with("01.000007Z"));
    }
}
