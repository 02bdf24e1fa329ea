//! Log lines and the tracing layer of a service, in text or as JSON with the trace's id.

use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use xray_tracing::Guard;

use super::clock;
use super::sampling;
use crate::cli::LogFormat;

/// Starts tracing and logging for the service called `name`.
///
/// # Errors
/// When the daemon's address cannot be read, or a subscriber is installed already.
pub(crate) fn start(name: &str, format: LogFormat) -> Result<Guard, Box<dyn Error + Send + Sync>> {
    let builder = xray_tracing::builder(name)
        .service_version(env!("CARGO_PKG_VERSION"))
        .local_rules(sampling::local_rules()?);
    match format {
        LogFormat::Text => Ok(builder.init()?),
        LogFormat::Json => {
            let (layer, guard) = builder.build()?;
            let json = tracing_subscriber::fmt::layer()
                .event_format(JsonLine)
                .with_writer(std::io::stderr)
                .with_filter(filter("info"));
            tracing_subscriber::registry().with(layer).with(json).try_init()?;
            Ok(guard)
        }
    }
}

/// Starts logging alone, for a service that is traced by OpenTelemetry.
///
/// # Errors
/// When a subscriber is installed already.
pub(crate) fn start_untraced(format: LogFormat) -> Result<(), Box<dyn Error + Send + Sync>> {
    let registry = tracing_subscriber::registry();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    match format {
        LogFormat::Text => registry.with(lines.with_filter(filter("info"))).try_init()?,
        LogFormat::Json => {
            registry.with(lines.event_format(JsonLine).with_filter(filter("info"))).try_init()?;
        }
    }
    Ok(())
}

/// Starts plain logging, for the process that traces nothing itself: warnings, unless `RUST_LOG`
/// says otherwise.
///
/// # Errors
/// When a subscriber is installed already.
pub(crate) fn start_plain() -> Result<(), Box<dyn Error + Send + Sync>> {
    let text = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let text = text.with_filter(filter("warn"));
    Ok(tracing_subscriber::registry().with(text).try_init()?)
}

fn filter(otherwise: &str) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(otherwise))
}

/// One JSON object a line: `time`, `level`, `target`, `message`, `trace_id`, and the event's fields.
struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        line.insert("time".to_owned(), clock::rfc3339(clock::epoch_s()).into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        if let Some(trace) = super::trace::of_request() {
            line.insert("trace_id".to_owned(), trace.id.into());
            line.insert("sampled".to_owned(), trace.sampled.into());
        }
        event.record(&mut Fields(&mut line));
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Puts an event's fields into a JSON object.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
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
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        self.put(field, text);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

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

    #[tokio::test]
    async fn a_json_line_has_the_events_fields_and_the_trace() {
        use axum::body::Body;
        use axum::http::Request;
        use axum::middleware::from_fn;
        use axum::routing::get;
        use tower::ServiceExt;

        let written = Buffer::default();
        let writer = written.clone();
        let json = tracing_subscriber::fmt::layer()
            .event_format(JsonLine)
            .with_writer(move || writer.clone());
        let (layer, _guard) = xray_tracing::builder("Frontend")
            .sampler(xray_tracing::sampling::LocalRules::record_all())
            .sink(xray_tracing::MemorySink::new())
            .build()
            .unwrap();
        let subscriber = tracing_subscriber::registry().with(layer).with(json);
        let _default = tracing::subscriber::set_default(subscriber);
        let work = async || tracing::warn!(tries = 2_u64, name = "a \"b\"", "asked again");
        let router = axum::Router::new()
            .route("/", get(work))
            .layer(from_fn(crate::service::trace::show_in_response))
            .layer(xray_tracing::tower::ServerLayer::new());
        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await;
        let header = response.unwrap().headers()["x-amzn-trace-id"].to_str().unwrap().to_owned();

        let bytes = written.0.lock().unwrap().clone();
        let line: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(line["message"], "asked again");
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["tries"], 2);
        assert_eq!(line["name"], "a \"b\"");
        let root = format!("Root={};Sampled=1", line["trace_id"].as_str().unwrap());
        assert_eq!(header, root);
    }
}
