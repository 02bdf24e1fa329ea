//! `fmt` behind `RUST_LOG`, in a way that leaves other layers alone.
//!
//! In: everything that is enabled. Out: to `fmt`, what `RUST_LOG` asks for. Owns the filter. A
//! filter above the registry would switch spans off for our layer too; a filter per layer would
//! make every span dearer, recorded or not (0.7–0.9 µs for ten). This one looks at the level and,
//! where that passes, asks the filter.

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Interest, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::layer::span_layer::Wanted;

/// Passes on to `inner` what `RUST_LOG` asks for.
pub(crate) struct FmtGate<L> {
    filter: EnvFilter,
    /// Directives such as `[request{id=7}]` follow spans as they are entered.
    follows_spans: bool,
    /// Nothing above it is printed.
    max_printed: LevelFilter,
    inner: L,
    /// What our own layer needs to be enabled.
    recorded: Wanted,
}

impl<L> FmtGate<L> {
    /// Passes on what `RUST_LOG` says; `info` without it.
    pub(crate) fn from_environment(inner: L, recorded: Wanted) -> Self {
        let directives = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
        Self::new(&directives, inner, recorded)
    }

    fn new(directives: &str, inner: L, recorded: Wanted) -> Self {
        let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
        let filter = builder.parse_lossy(directives);
        let max_printed = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
        Self { filter, follows_spans: directives.contains('['), max_printed, inner, recorded }
    }

    fn prints<S>(&self, metadata: &Metadata<'_>, ctx: &Context<'_, S>) -> bool
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        *metadata.level() <= self.max_printed && self.filter.enabled(metadata, ctx.clone())
    }
}

impl<S, L> Layer<S> for FmtGate<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    L: Layer<S>,
{
    fn on_layer(&mut self, subscriber: &mut S) {
        self.inner.on_layer(subscriber);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let printed = Layer::<S>::register_callsite(&self.filter, metadata);
        if printed.is_never() && !self.recorded.wants(metadata) {
            Interest::never()
        } else {
            // Never "sometimes": that would ask again at every span. We ask where it matters.
            Interest::always()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.max_printed.max(self.recorded.max_level()))
    }

    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if self.follows_spans {
            self.filter.on_new_span(attrs, id, ctx.clone());
        }
        if self.prints(attrs.metadata(), &ctx) {
            self.inner.on_new_span(attrs, id, ctx);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if self.follows_spans {
            self.filter.on_record(id, values, ctx.clone());
        }
        if ctx.metadata(id).is_some_and(|metadata| self.prints(metadata, &ctx)) {
            self.inner.on_record(id, values, ctx);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        if self.prints(event.metadata(), &ctx) {
            self.inner.on_event(event, ctx);
        }
    }

    // `fmt` as `init` makes it has no use for the three below.

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        if self.follows_spans {
            self.filter.on_enter(id, ctx);
        }
    }

    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        if self.follows_spans {
            self.filter.on_exit(id, ctx);
        }
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        if self.follows_spans {
            self.filter.on_close(id, ctx);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tracing::{debug, debug_span, error, info, info_span, trace};
    use tracing_subscriber::fmt;
    use tracing_subscriber::prelude::*;

    use super::*;
    use crate::MemorySink;
    use crate::document::Entity;
    use crate::sampling::LocalRules;

    #[derive(Clone, Default)]
    struct Printed(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Printed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `work` prints under these directives, and the names of the subsegments it makes.
    fn run(directives: &str, work: impl FnOnce()) -> (Vec<String>, Vec<String>) {
        let (printed, sink) = (Printed::default(), MemorySink::new());
        let options = crate::builder("test").sampler(LocalRules::record_all()).sink(sink.clone());
        let (layer, guard) = options.without_environment().build().unwrap();
        let writer = printed.clone();
        let print = fmt::layer()
            .without_time()
            .with_target(false)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let gate = FmtGate::new(directives, print, layer.wanted());
        let subscriber = tracing_subscriber::registry().with(layer).with(gate);
        tracing::subscriber::with_default(subscriber, work);
        assert!(guard.flush(Duration::from_secs(20)));
        let text = String::from_utf8(printed.0.lock().unwrap().clone()).unwrap();
        let segments: Vec<_> =
            sink.take().iter().map(|document| Entity::parse(document).unwrap()).collect();
        let children = segments.into_iter().flat_map(|segment| segment.subsegments);
        (
            text.lines().map(|line| line.trim().to_owned()).collect(),
            children.map(|c| c.name).collect(),
        )
    }

    fn work() {
        let _root = info_span!("root", id = 7).entered();
        let _detail = debug_span!("detail", depth = 2).entered();
        let _child = info_span!("child").entered();
        error!("an error");
        info!("an info");
        debug!("a debug");
        trace!("a trace");
        debug!(target: "sqlx::query", elapsed_secs = 0.5, summary = "SELECT 1");
    }

    #[test]
    fn what_is_printed_does_not_change_what_is_recorded() {
        let inside = "root{id=7}:child:";
        let deep = "root{id=7}:detail{depth=2}:child:";
        let query = "elapsed_secs=0.5 summary=\"SELECT 1\"";
        for (directives, printed) in [
            ("off", vec![]),
            ("", vec![format!("ERROR {inside} an error"), format!("INFO {inside} an info")]),
            // Fields of spans that are not asked for are not printed.
            ("error", vec!["ERROR root:child: an error".to_owned()]),
            (
                "debug",
                vec![
                    format!("ERROR {deep} an error"),
                    format!("INFO {deep} an info"),
                    format!("DEBUG {deep} a debug"),
                    format!("DEBUG {deep} {query}"),
                ],
            ),
            ("sqlx=debug", vec![format!("DEBUG root:child: {query}")]),
        ] {
            let (lines, recorded) = run(directives, work);
            assert_eq!(lines, printed, "{directives}");
            assert_eq!(recorded, ["child"], "{directives}");
        }
    }

    #[test]
    fn directives_can_follow_spans() {
        let directives = "error,[order{id=7}]=debug";
        let (lines, recorded) = run(directives, || {
            let _root = info_span!("root").entered();
            for id in [6, 7] {
                let _order = info_span!("order", id).entered();
                debug!(id, "shipping");
            }
            debug!("done");
        });
        assert_eq!(lines, ["DEBUG root:order{id=7}: shipping id=7"]);
        assert_eq!(recorded, ["order", "order"]);
    }

    #[test]
    fn what_nobody_wants_is_switched_off_at_its_source() {
        run("info", || {
            assert!(tracing::enabled!(tracing::Level::INFO));
            assert!(!tracing::enabled!(tracing::Level::DEBUG));
            assert!(tracing::enabled!(target: "sqlx::query", tracing::Level::DEBUG));
        });
    }
}
