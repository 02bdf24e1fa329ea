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
