//! Hands a record that a capture layer made to the span that will stand for it.
//!
//! In: what was recorded, just before its span is created on the same thread. Out: the same, to the
//! layer's `on_new_span`. Owns it in between. The record comes first, so that it exists even where
//! a log level switches the span off; the span comes too, so that others find it as their parent.

use std::cell::Cell;
use std::sync::Arc;

use tracing::Span;

use super::open_trace::Place;
use super::root::Root;
use super::tracer::Tracer;

/// Target of spans that stand for a record.
pub(crate) const TARGET: &str = "xray_tracing::capture";

/// A record, made already.
#[derive(Debug)]
pub(crate) enum Handed {
    Root(Arc<Root>),
    Subsegment(Place),
}

thread_local! {
    static HANDED: Cell<Option<(u32, Handed)>> = const { Cell::new(None) };
}

/// Creates a span by `create` for the record.
pub(crate) fn with_span(tracer: &Tracer, handed: Handed, create: impl FnOnce() -> Span) -> Span {
    if HANDED.try_with(|cell| cell.set(Some((tracer.id, handed)))).is_err() {
        return Span::none();
    }
    let span = create();
    // Nobody took it if the span is switched off.
    drop(HANDED.try_with(Cell::take));
    span
}

pub(crate) fn take(tracer: &Tracer) -> Option<Handed> {
    let (of, handed) = HANDED.try_with(Cell::take).ok().flatten()?;
    (of == tracer.id).then_some(handed)
}
