//! The `tracing_subscriber` layer: turns spans and events into records.
//!
//! In: the registry's callbacks. Out: calls of the [`Tracer`]. Owns nothing but the way to it. A
//! span without recorded ancestor begins a local root, marked by an extension; all other spans are
//! found by way of the thread's cells, or up the registry to that mark.
//! Hot path: an unsampled request of 10 spans costs 0.3 µs more than the bare registry, a sampled
//! one 3.5 µs in all (`benches/layer.rs`).

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Subscriber};
use tracing_core::span::{Attributes, Id, Record as Values};
use tracing_core::{Event, Level, Metadata};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::cells::{self, Known};
use super::clock;
use super::current::{self, Climb, ClimbFn};
use super::errors;
use super::handover::{self, Handed};
use super::open_trace::Place;
use super::record::{Flags, Name, Record};
use super::root::Root;
use super::scratch::Scratch;
use super::tracer::{RootStart, Tracer};
use super::{libraries, sql_event, stack};
use crate::SegmentId;

/// Records spans as X-Ray segments; made by [`builder`](crate::builder).
///
/// It needs no per-layer filter: which spans it records it decides itself, and a filter would cost
/// more than the layer does.
pub struct XrayLayer {
    tracer: Arc<Tracer>,
    is_enabled: bool,
    /// Its subscriber is not the process's: tasks must take it along.
    is_capture: bool,
    /// Known once the layer stands in a subscriber.
    climb: Option<ClimbFn>,
}

impl fmt::Debug for XrayLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayLayer").field("is_enabled", &self.is_enabled).finish_non_exhaustive()
    }
}

/// What a subscriber must enable for the layer's sake; the rest can stay off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    is_enabled: bool,
    max_span_level: Level,
}

impl Wanted {
    pub(crate) fn wants(self, metadata: &Metadata<'_>) -> bool {
        self.is_enabled
            && if metadata.is_span() {
                *metadata.level() <= self.max_span_level
            } else {
                *metadata.level() == Level::ERROR || sql_event::is_query(metadata)
            }
    }

    pub(crate) fn max_level(self) -> LevelFilter {
        let queries = if cfg!(feature = "sqlx") { LevelFilter::DEBUG } else { LevelFilter::ERROR };
        if self.is_enabled { queries.max(self.max_span_level.into()) } else { LevelFilter::OFF }
    }
}

/// Stands in the extensions of the span where a local root begins, and of spans that were put
/// under one by the context alone.
struct Mark(Arc<Root>);

/// Where a span stands.
enum Spot {
    /// Below no local root.
    Outside,
    Unsampled,
    Recorded(Place),
}

impl XrayLayer {
    pub(crate) fn new(tracer: Arc<Tracer>, is_enabled: bool) -> Self {
        Self { tracer, is_enabled, is_capture: false, climb: None }
    }

    /// For a subscriber that only a part of the process uses.
    pub(crate) fn for_capture(mut self) -> Self {
        self.is_capture = true;
        self
    }

    pub(crate) fn is_capture(&self) -> bool {
        self.is_capture
    }

    pub(crate) fn tracer(&self) -> &Arc<Tracer> {
        &self.tracer
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// What must be enabled for the layer's sake.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted { is_enabled: self.is_enabled, max_span_level: self.tracer.settings.max_level }
    }

    /// Where the current span is recorded, if it is; the outer `None` says that it is in no trace.
    pub(crate) fn current_place(&self, dispatch: &Dispatch) -> Option<Option<Place>> {
        let id = Id::from_non_zero_u64(NonZeroU64::new(stack::current(self.tracer.id)?)?);
        match self.spot(id.into_u64(), || self.climb?(dispatch, &id)) {
            Spot::Outside => None,
            Spot::Unsampled => Some(None),
            Spot::Recorded(place) => Some(Some(place)),
        }
    }

    /// The way from the current span to its root.
    pub(crate) fn climb_from_current(&self, dispatch: &Dispatch) -> Option<Climb> {
        let id = NonZeroU64::new(stack::current(self.tracer.id)?)?;
        self.climb?(dispatch, &Id::from_non_zero_u64(id))
    }

    fn records(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.tracer.settings.max_level
    }

    /// Where span `id` stands; `climb` is the long way to find out.
    #[inline]
    fn spot(&self, id: u64, climb: impl FnOnce() -> Option<Climb>) -> Spot {
        match cells::get(self.tracer.id, id) {
            Known::Unsampled => Spot::Unsampled,
            Known::Recorded(place) => Spot::Recorded(place),
            Known::RecordedElsewhere(place) if self.tracer.is_open(place) => Spot::Recorded(place),
            _ => self.climb_to_spot(id, climb),
        }
    }

    /// The same, where a stale "unsampled" does no harm.
    #[inline]
    fn spot_for_time(&self, id: u64, climb: impl FnOnce() -> Option<Climb>) -> Spot {
        match cells::get(self.tracer.id, id) {
            Known::Unsampled | Known::UnsampledElsewhere => Spot::Unsampled,
            // If not of this thread, it is checked when the time is noted.
            Known::Recorded(place) | Known::RecordedElsewhere(place) => Spot::Recorded(place),
            Known::Nothing => self.climb_to_spot(id, climb),
        }
    }

    #[cold]
    fn climb_to_spot(&self, id: u64, climb: impl FnOnce() -> Option<Climb>) -> Spot {
        let Some(climb) = climb() else { return Spot::Outside };
        let Some(place) = self.tracer.place(&climb.root, climb.path()) else {
            cells::set(self.tracer.id, id, Known::UnsampledElsewhere);
            return Spot::Unsampled;
        };
        // Only a span's own record: the place of an ancestor must not be closed with it.
        if self.tracer.is_record_of(place, id) {
            cells::set(self.tracer.id, id, Known::RecordedElsewhere(place));
        }
        Spot::Recorded(place)
    }

    /// Where something stands that has this parent, or happens in the current span.
    #[inline]
    fn spot_of_parent<S>(
        &self,
        parent: Option<&Id>,
        is_contextual: bool,
        ctx: &Context<'_, S>,
    ) -> Spot
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        match parent {
            Some(parent) if ctx.exists(parent) => {
                self.spot(parent.into_u64(), || climb_context(ctx, parent.into_u64()))
            }
            None if is_contextual => match stack::current(self.tracer.id) {
                Some(current) => self.spot(current, || climb_context(ctx, current)),
                None => Spot::Outside,
            },
            // A root by its own wish, or below a span that a filter hides.
            _ => Spot::Outside,
        }
    }

    /// A span below a record becomes one, if it is important enough.
    fn add_child(&self, attrs: &Attributes<'_>, span: u64, parent: Place) {
        let mut known = Known::Nothing;
        if self.records(attrs.metadata()) {
            let name = Name::Static(attrs.metadata().name());
            let mut record = Record::new(fastrand::u64(1..), name, clock::now_ns());
            record.span = span;
            let place = Scratch::with(|scratch| {
                attrs.record(scratch);
                self.tracer.add(parent, record, scratch)
            });
            known = place.map_or(Known::Nothing, Known::Recorded);
        }
        // Also where it is not recorded: the id may have been another span's.
        cells::set(self.tracer.id, span, known);
    }

    /// A span below nothing begins a local root, or joins the request that the thread works on.
    fn add_top<S>(&self, attrs: &Attributes<'_>, id: &Id, span: u64, ctx: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if !attrs.is_root()
            && let Some(root) = current::context_of(&self.tracer)
        {
            match root.place() {
                Some(parent) => self.add_child(attrs, span, parent),
                None => cells::set(self.tracer.id, span, Known::Unsampled),
            }
            return mark(ctx, id, root);
        }
        if !self.records(attrs.metadata()) || libraries::contain(attrs.metadata().target()) {
            self.tracer.counters.roots_ignored.add(1);
            return cells::set(self.tracer.id, span, Known::Nothing);
        }
        let (start, name) = (RootStart::default(), attrs.metadata().name());
        let read = |scratch: &mut Scratch| attrs.record(scratch);
        let root = self.tracer.begin_root(start, span, name, Flags::default(), read);
        self.know_root(span, &root);
        mark(ctx, id, root);
    }

    /// A capture layer has made the record already; this is the span for it.
    fn adopt<S>(&self, handed: Handed, id: &Id, span: u64, ctx: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        match handed {
            Handed::Root(root) => {
                self.tracer.set_root_span(&root, span);
                self.know_root(span, &root);
                mark(ctx, id, root);
            }
            Handed::Subsegment(place) => {
                self.tracer.set_span(place, span);
                cells::set(self.tracer.id, span, Known::Recorded(place));
            }
        }
    }

    fn know_root(&self, span: u64, root: &Root) {
        cells::set(self.tracer.id, span, root.place().map_or(Known::Unsampled, Known::Recorded));
    }

    /// Another trace led to this span.
    fn link(&self, place: Place, climb: Option<Climb>) {
        let Some(climb) = climb else { return };
        let other = self.tracer.place(&climb.root, climb.path());
        let id = other.map_or(climb.root.segment_id, |other| SegmentId::from_u64(other.id));
        Scratch::with(|scratch| {
            scratch.add_link(&climb.root.outgoing(id));
            self.tracer.enrich(place, scratch, Flags::default());
        });
    }

    fn on_error(&self, event: &Event<'_>, place: Place) {
        Scratch::with(|scratch| {
            if errors::read_event(event, scratch) {
                self.tracer.enrich(place, scratch, Flags::FAULT);
            }
        });
    }
}

impl<S> Layer<S> for XrayLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_layer(&mut self, _: &mut S) {
        self.climb = Some(climb_dispatch::<S>);
    }

    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        current::register(self.tracer.id, dispatch);
    }

    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if !self.is_enabled {
            return;
        }
        let span = id.into_u64();
        if attrs.metadata().target() == handover::TARGET
            && let Some(handed) = handover::take(&self.tracer)
        {
            return self.adopt(handed, id, span, &ctx);
        }
        match self.spot_of_parent(attrs.parent(), attrs.is_contextual(), &ctx) {
            Spot::Unsampled => cells::set(self.tracer.id, span, Known::Unsampled),
            Spot::Recorded(parent) => self.add_child(attrs, span, parent),
            Spot::Outside => self.add_top(attrs, id, span, &ctx),
        }
    }

    fn on_record(&self, id: &Id, values: &Values<'_>, ctx: Context<'_, S>) {
        if !self.is_enabled {
            return;
        }
        let span = id.into_u64();
        if let Spot::Recorded(place) = self.spot(span, || climb_context(&ctx, span))
            && self.tracer.is_record_of(place, span)
        {
            Scratch::with(|scratch| {
                values.record(scratch);
                self.tracer.enrich(place, scratch, Flags::default());
            });
        }
    }

    fn on_follows_from(&self, id: &Id, before: &Id, ctx: Context<'_, S>) {
        if !self.is_enabled {
            return;
        }
        let span = id.into_u64();
        let Spot::Recorded(place) = self.spot(span, || climb_context(&ctx, span)) else { return };
        if !self.tracer.is_record_of(place, span) {
            return;
        }
        let span = before.into_u64();
        match self.spot(span, || climb_context(&ctx, span)) {
            Spot::Recorded(before) if before.slot == place.slot => {
                self.tracer.follow(place, before)
            }
            _ => self.link(place, climb_context(&ctx, span)),
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let metadata = event.metadata();
        let is_query = sql_event::is_query(metadata);
        if !self.is_enabled || !(is_query || *metadata.level() == Level::ERROR) {
            return;
        }
        let place = match self.spot_of_parent(event.parent(), event.is_contextual(), &ctx) {
            Spot::Recorded(place) => Some(place),
            Spot::Unsampled => None,
            Spot::Outside => current::context_of(&self.tracer).and_then(|root| root.place()),
        };
        match place {
            Some(place) if is_query => sql_event::record(&self.tracer, event, place),
            Some(place) => self.on_error(event, place),
            None => {}
        }
    }

    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        if self.is_enabled {
            stack::enter(self.tracer.id, id.into_u64());
        }
    }

    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        if !self.is_enabled {
            return;
        }
        let span = id.into_u64();
        stack::exit(self.tracer.id, span);
        if let Spot::Recorded(place) = self.spot_for_time(span, || climb_context(&ctx, span)) {
            self.tracer.exit(place, span);
        }
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        if !self.is_enabled {
            return;
        }
        let span = id.into_u64();
        if let Spot::Recorded(place) = self.spot(span, || climb_context(&ctx, span)) {
            self.tracer.close_span(place, span);
        }
    }
}

fn mark<S>(ctx: &Context<'_, S>, id: &Id, root: Arc<Root>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if let Some(span) = ctx.span(id) {
        span.extensions_mut().replace(Mark(root));
    }
}

fn climb_context<S>(ctx: &Context<'_, S>, span: u64) -> Option<Climb>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let id = Id::from_non_zero_u64(NonZeroU64::new(span)?);
    Climb::along(steps(ctx.span_scope(&id)?))
}

fn climb_dispatch<S>(dispatch: &Dispatch, id: &Id) -> Option<Climb>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Climb::along(steps(dispatch.downcast_ref::<S>()?.span(id)?.scope()))
}

/// Each span on the way up, with the root that begins there.
fn steps<'a, S>(scope: Scope<'a, S>) -> impl Iterator<Item = (u64, Option<Arc<Root>>)>
where
    S: LookupSpan<'a>,
{
    scope.map(|span| {
        let root = span.extensions().get::<Mark>().map(|mark| Arc::clone(&mark.0));
        (span.id().into_u64(), root)
    })
}
