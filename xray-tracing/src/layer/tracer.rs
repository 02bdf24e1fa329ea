//! The recorder behind the layer, the capture layers and the free functions.
//!
//! In: local roots with what is known of their request; spans, values and errors with their place.
//! Out: parts of traces, to the emitter's queue. Owns the sampler and the open traces. Every call
//! is short: one lock of one trace, no I/O.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use tracing_core::Level;

use super::body::Body;
use super::clock;
use super::errors;
use super::open_trace::{Gather, Part, Place};
use super::record::{Flags, Key, Name, Record, Value};
use super::root::{Root, RootKind, W3c};
use super::scratch::{Attributes, Scratch};
use super::slots::{Locked, SlotKey, Slots};
use super::watch::AnomalyCapture;
use crate::emitter::{Counters, DaemonAddress, Queue, Refused};
use crate::resource::Resource;
use crate::sampling::central::Polling;
use crate::sampling::{CentralRules, Decision, HttpTarget, Sampler, SamplingRequest};
use crate::{SegmentId, TraceHeader};

/// Options of a tracer, all checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) service_name: Arc<str>,
    /// Spans less important than this are not recorded.
    pub(crate) max_level: Level,
    pub(crate) sampler: Box<dyn Sampler>,
    /// The sampler, if it is the one that asks the daemon.
    pub(crate) central: Option<Arc<CentralRules>>,
    pub(crate) capture: Option<AnomalyCapture>,
    /// Calls carry W3C `traceparent` as well.
    pub(crate) sends_traceparent: bool,
    /// Segments that are open for longer are told of as in progress; after 30 s if not said.
    pub(crate) announces_after_ns: Option<u64>,
    /// The text of queries is recorded, without literals.
    pub(crate) collects_sql: bool,
    /// Where the daemon is said to listen.
    pub(crate) daemon: DaemonAddress,
    pub(crate) context_missing: ContextMissing,
}

/// What to do about annotations outside any segment (`AWS_XRAY_CONTEXT_MISSING`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ContextMissing {
    #[default]
    Log,
    Ignore,
}

#[derive(Debug)]
pub(crate) struct Tracer {
    /// Tells it from other tracers of the process.
    pub(crate) id: u32,
    pub(crate) settings: Settings,
    pub(crate) counters: Arc<Counters>,
    pub(crate) queue: Arc<Queue<Part>>,
    /// Where the process runs, once that is known.
    pub(crate) resource: Arc<OnceLock<Resource>>,
    /// Ends the poller with the tracer.
    pub(crate) polling: Option<Polling>,
    pub(super) slots: Slots,
}

/// How a local root begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct RootStart<'a> {
    /// Another name than the service's.
    pub(crate) name: Option<&'a Arc<str>>,
    pub(crate) incoming: Option<TraceHeader>,
    pub(crate) w3c: Option<W3c>,
    pub(crate) http: Option<HttpTarget<'a>>,
    /// Not to be recorded, for this reason, whatever the sampler says.
    pub(crate) excluded_by: Option<&'a Arc<str>>,
    pub(crate) kind: RootKind,
}

impl Tracer {
    pub(crate) fn new(
        settings: Settings,
        queue: Arc<Queue<Part>>,
        counters: Arc<Counters>,
    ) -> Self {
        static NEXT_ID: AtomicU32 = AtomicU32::new(1);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let (resource, slots) = (Arc::default(), Slots::default());
        Self { id, settings, counters, queue, resource, polling: None, slots }
    }

    /// Decides on a local root; if it is sampled, records its first moment and what `read` says.
    /// `span` is the registry's id of its span, 0 without one; `name` is the span's.
    pub(crate) fn begin_root(
        &self,
        start: RootStart<'_>,
        span: u64,
        name: &'static str,
        flags: Flags,
        read: impl FnOnce(&mut Scratch),
    ) -> Arc<Root> {
        if self.settings.sampler.wants_attributes() {
            return Scratch::with(|scratch| {
                read(scratch);
                let root = self.decided_root(start, &scratch.attributes());
                self.record_root(root, span, name, flags, scratch)
            });
        }
        let root = self.decided_root(start, &Attributes::default());
        if !root.sampled {
            return Arc::new(root);
        }
        Scratch::with(|scratch| {
            read(scratch);
            self.record_root(root, span, name, flags, scratch)
        })
    }

    /// Records the first moment of a root, and what `scratch` says of it, if it is sampled.
    fn record_root(
        &self,
        mut root: Root,
        span: u64,
        name: &'static str,
        flags: Flags,
        scratch: &Scratch,
    ) -> Arc<Root> {
        if !root.sampled {
            return Arc::new(root);
        }
        let now_ns = clock::now_ns();
        let mut record = Record::new(root.segment_id.to_u64(), Name::Static(name), now_ns);
        record.span = span;
        record.flags = Flags::ROOT.with(flags);
        let Some((slot, mut trace)) = self.slots.claim() else {
            self.counters.dropped_too_many_open.add(1);
            return Arc::new(root);
        };
        root.slot = Some(slot);
        let root = Arc::new(root);
        trace.begin(Arc::clone(&root), record, clock::zero_epoch_ns(now_ns));
        if let Some(after_ns) = self.settings.announces_after_ns {
            trace.announce_after(after_ns);
        }
        self.pour(&mut trace, 0, scratch);
        root
    }

    /// A root with its decision; counted.
    fn decided_root(&self, start: RootStart<'_>, said: &Attributes) -> Root {
        let service = start.name.unwrap_or(&self.settings.service_name);
        let decision = self.decide(&start, service, said);
        let counters = &self.counters;
        let counter =
            if decision.sampled { &counters.roots_sampled } else { &counters.roots_unsampled };
        counter.add(1);
        let is_excluded = start.excluded_by.is_some();
        let name = Arc::clone(service);
        let incoming = start.incoming.filter(|header| *header != TraceHeader::default());
        let trace_id = incoming.as_ref().and_then(|header| header.root);
        Root {
            tracer: self.id,
            name,
            trace_id: trace_id.map_or_else(OnceLock::new, OnceLock::from),
            segment_id: SegmentId::random(),
            incoming: incoming.map(Box::new),
            sampled: decision.sampled,
            rule: decision.rule,
            rule_source: decision.source,
            is_excluded,
            kind: start.kind,
            w3c: start.w3c,
            slot: None,
        }
    }

    fn decide(
        &self,
        start: &RootStart<'_>,
        service_name: &Arc<str>,
        said: &Attributes,
    ) -> Decision {
        if start.kind == RootKind::PassThrough {
            return Decision::default();
        }
        if let Some(reason) = start.excluded_by {
            return Decision { rule: Some(Arc::clone(reason)), ..Decision::default() };
        }
        if let Some(sampled) = start.incoming.as_ref().and_then(|header| header.sampled.decision())
        {
            return Decision { sampled, ..Decision::default() };
        }
        let resource = self.resource.get();
        let attributes = said.pairs();
        let request = SamplingRequest {
            service_name,
            service_type: resource.and_then(Resource::origin),
            resource_arn: resource.and_then(Resource::arn),
            http: start.http,
            attributes: &attributes,
        };
        self.settings.sampler.decide(&request, clock::epoch_s())
    }

    /// Adds a subsegment below `parent`, with what `scratch` says about it (its name too, if that is
    /// text). `None` if the trace is over or full.
    pub(crate) fn add(
        &self,
        parent: Place,
        mut record: Record,
        scratch: &Scratch,
    ) -> Option<Place> {
        let mut trace = self.slots.lock(parent.slot)?;
        if !trace.has_room() {
            trace = self.make_room(parent.slot, trace)?;
        }
        let id = record.id;
        record.name = trace.body.copy_name(&scratch.body, record.name);
        let index = trace.add(parent, record);
        self.pour(&mut trace, index, scratch);
        Some(Place { slot: parent.slot, id, index })
    }

    /// The span of the record at `place` waited for what `before` stands for.
    pub(crate) fn follow(&self, place: Place, before: Place) {
        let value = Value::Unsigned(before.id);
        Scratch::with(|scratch| {
            scratch.add(Key::Precursor, value);
            self.enrich(place, scratch, Flags::default());
        });
    }

    /// Gives the root's record its span, made after it began.
    pub(crate) fn set_root_span(&self, root: &Root, span: u64) {
        if let Some(mut trace) = root.slot.and_then(|slot| self.slots.lock(slot)) {
            trace.set_root_span(span);
        }
    }

    /// Gives a record that a capture layer made the span that stands for it.
    pub(crate) fn set_span(&self, place: Place, span: u64) {
        self.with_record(place, |trace, index| {
            if let Some(record) = trace.body.records.get_mut(index as usize) {
                record.span = span;
            }
        });
    }

    /// Adds what `scratch` says to the record at `place`.
    pub(crate) fn enrich(&self, place: Place, scratch: &Scratch, flags: Flags) {
        let Some(mut trace) = self.slots.lock(place.slot) else { return };
        if !trace.has_room() {
            match self.make_room(place.slot, trace) {
                Some(room) => trace = room,
                None => return,
            }
        }
        let Some(index) = trace.locate(place) else { return };
        self.pour(&mut trace, index, scratch);
        if let Some(record) = trace.body.records.get_mut(index as usize) {
            record.flags.set(flags);
        }
    }

    /// A span was left: it may have been for the last time.
    pub(crate) fn exit(&self, place: Place, span: u64) {
        let now_ns = clock::now_ns();
        let panics = std::thread::panicking();
        self.with_record(place, |trace, index| {
            let record = trace.body.records.get_mut(index as usize);
            // The place may be an ancestor's, if the span itself is not recorded.
            let Some(record) = record.filter(|record| record.span == span) else { return };
            if !record.flags.has(Flags::CAPTURED) {
                record.end_ns = now_ns;
            }
            if panics {
                note_unwinding(trace, index);
            }
        });
    }

    /// The registry gave a span up.
    pub(crate) fn close_span(&self, place: Place, span: u64) {
        let Some(mut trace) = self.slots.lock(place.slot) else { return };
        trace.root_span_closed(span);
        if let Some(index) = trace.locate(place) {
            match trace.body.records.get_mut(index as usize) {
                // The place is an ancestor's: the span itself is not recorded.
                Some(record) if record.span != span => return,
                // Its capture layer will end it.
                Some(record) if record.flags.has(Flags::CAPTURED) => record.span = 0,
                Some(record) if record.end_ns != 0 => trace.close(index, 0),
                _ => trace.close(index, clock::now_ns()),
            }
        }
        self.settle(place.slot, trace);
    }

    /// A capture layer says that this is over, now.
    pub(crate) fn end(&self, place: Place, scratch: &Scratch, flags: Flags) {
        let now_ns = clock::now_ns();
        let Some(mut trace) = self.slots.lock(place.slot) else { return };
        if let Some(index) = trace.locate(place) {
            self.pour(&mut trace, index, scratch);
            if let Some(record) = trace.body.records.get_mut(index as usize) {
                record.end_ns = now_ns;
                record.flags.set(flags);
            }
            trace.close(index, now_ns);
        }
        self.settle(place.slot, trace);
    }

    /// Adds a subsegment that is over already.
    pub(crate) fn add_ended(&self, parent: Place, record: Record, scratch: &Scratch) {
        let Some(place) = self.add(parent, record, scratch) else { return };
        let Some(mut trace) = self.slots.lock(place.slot) else { return };
        if let Some(index) = trace.locate(place) {
            trace.close(index, record.end_ns);
        }
        self.settle(place.slot, trace);
    }

    /// The open record of the first of `spans` that has one; else the root, even if it has ended.
    pub(crate) fn place(&self, root: &Root, spans: &[u64]) -> Option<Place> {
        let of_root = root.place()?;
        if spans.is_empty() {
            return Some(of_root);
        }
        let trace = self.slots.lock(of_root.slot)?;
        Some(trace.find(of_root.slot, spans).unwrap_or(of_root))
    }

    /// Whether the record is still open; false also when its place was taken by another.
    pub(crate) fn is_open(&self, place: Place) -> bool {
        self.slots.lock(place.slot).is_some_and(|trace| trace.locate(place).is_some())
    }

    /// Whether `place` is that of `span` itself, not of an ancestor.
    pub(crate) fn is_record_of(&self, place: Place, span: u64) -> bool {
        self.record(place, |record| record.span == span)
    }

    pub(crate) fn has_flag(&self, place: Place, flag: Flags) -> bool {
        self.record(place, |record| record.flags.has(flag))
    }

    fn record(&self, place: Place, is: impl FnOnce(&Record) -> bool) -> bool {
        let Some(trace) = self.slots.lock(place.slot) else { return false };
        let record = trace.locate(place).and_then(|index| trace.body.records.get(index as usize));
        record.is_some_and(is)
    }

    /// Queues what has waited for long, or everything that can leave.
    pub(crate) fn sweep(&self, all: bool) {
        let now_ns = clock::now_ns();
        let why = if all { Gather::All } else { Gather::Old(now_ns) };
        self.slots.for_each(|slot, mut trace| {
            let abandoned = trace.abandon(now_ns);
            self.counters.dropped_never_closed.add(abandoned as u64);
            let part = trace.gather(why, || self.slots.take_body());
            if trace.is_finished() {
                self.slots.release(slot, trace);
            } else {
                drop(trace);
            }
            self.send(part);
        });
        self.slots.trim();
    }

    /// Bodies whose documents are written can be used again.
    pub(crate) fn recycle(&self, bodies: impl Iterator<Item = Body>) {
        self.slots.give_bodies(bodies);
    }

    fn pour(&self, trace: &mut Locked<'_>, index: u32, scratch: &Scratch) {
        // A user belongs to the segment, wherever it was said.
        if let Some(user) = scratch.user {
            let of = trace.root_index().unwrap_or(index);
            trace.body.copy_field(&scratch.body, of, Key::User, user);
        }
        if scratch.has_rare
            && let Some(record) = trace.body.records.get_mut(index as usize)
        {
            record.flags.set(Flags::RARE);
        }
        if scratch.body.is_silent() || self.is_told_again(trace, index, scratch) {
            return;
        }
        trace.body.absorb(&scratch.body, index);
    }

    /// An error that a span handed up to this one, told of there already: this one refers to it.
    fn is_told_again(&self, trace: &mut Locked<'_>, index: u32, scratch: &Scratch) -> bool {
        let Some(id) = trace.body.same_exception_below(index, &scratch.body) else { return false };
        let Some(record) = trace.body.records.get_mut(index as usize) else { return false };
        record.flags.set(Flags::FAULT);
        if record.cause_id == 0 {
            record.cause_id = id;
        }
        true
    }

    /// Lets closed records leave a trace that is full; `None` if it stays full.
    fn make_room<'a>(&'a self, slot: SlotKey, mut trace: Locked<'a>) -> Option<Locked<'a>> {
        let part = trace.gather(Gather::Closed, || self.slots.take_body());
        let has_room = trace.has_room();
        drop(trace);
        self.send(part);
        if !has_room {
            self.counters.dropped_arena_full.add(1);
            return None;
        }
        self.slots.lock(slot)
    }

    fn with_record(&self, place: Place, change: impl FnOnce(&mut Locked<'_>, u32)) {
        if let Some(mut trace) = self.slots.lock(place.slot)
            && let Some(index) = trace.locate(place)
        {
            change(&mut trace, index);
        }
    }

    /// Sends what is due after something closed, and frees the slot of a trace that is over.
    fn settle(&self, slot: SlotKey, mut trace: Locked<'_>) {
        if !trace.may_leave() {
            return;
        }
        let part = trace.gather(Gather::Due, || self.slots.take_body());
        if trace.is_finished() {
            self.slots.release(slot, trace);
        } else {
            drop(trace);
        }
        self.send(part);
    }

    fn send(&self, part: Option<Part>) {
        let Some(part) = part else { return };
        let bytes = part.body.estimated_bytes();
        match self.queue.push(part, bytes) {
            Ok(()) => {}
            Err(Refused::Full(part)) => {
                self.counters.dropped_queue_full.add(1);
                self.give_up(part);
            }
            Err(Refused::Closed(part)) => {
                self.counters.dropped_after_end.add(1);
                self.give_up(part);
            }
        }
    }

    fn give_up(&self, mut part: Part) {
        part.body.clear();
        self.recycle(std::iter::once(part.body));
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // Nobody can record any more: the sender's thread sends what is queued, and ends.
        self.queue.close();
    }
}

/// A panic unwinds through the record: the innermost one tells of it, the others refer to that.
fn note_unwinding(trace: &mut Locked<'_>, index: u32) {
    let number = errors::panic_number();
    let (noted, told_by) = trace.panic;
    let Some(record) = trace.body.records.get_mut(index as usize) else { return };
    record.flags.set(Flags::FAULT);
    if told_by != 0 && noted == number {
        if record.cause_id == 0 {
            record.cause_id = told_by;
        }
        return;
    }
    Scratch::with(|scratch| {
        let id = errors::read_panic(scratch);
        trace.panic = (number, id);
        trace.body.absorb(&scratch.body, index);
    });
}
