//! Reads spans, resources and scopes as the translator's views.
//!
//! In: the bytes of a message, which may be hostile. Out: its view, the texts borrowed. Owns
//! nothing. How much is read of a span and how deep is bounded; what is beyond is counted in the
//! span's own `dropped` counts, or leaves a mark. Text that is not UTF-8 is repaired, since others
//! wrote it.

use std::borrow::Cow;

use xray_tracing::translate::{
    Attribute, Dropped, Event, ParentPlace, Scope, SpanKind, SpanLink, SpanView, Status, Value,
};
use xray_tracing::{SegmentId, TraceId};

use super::split::SpanIds;
use super::wire::{Field, Fields, Malformed};

/// Levels of lists and maps in a value that are read. A document nests no deeper than JSON readers
/// allow.
const MAX_DEPTH: usize = 32;
/// Attributes, values, events and links that are read of a span. SDKs stop at 128 of each; in
/// memory one takes about 60 bytes, on the wire as few as two.
const MAX_VALUES: usize = 8 * 1024;
/// Bytes of a resource's attributes that are read: more would fit into no document.
const MAX_RESOURCE_BYTES: usize = 64 * 1024;
/// What stands for a value that is nested too deep.
const TOO_DEEP: &str = "... (nested deeper than 32 levels)";
/// Says on a resource how many of its attributes were left out.
const DROPPED: &str = "dropped_attributes_count";

/// Bits of a span's flags: whether they say where the parent is, and that it is elsewhere.
pub(super) const HAS_IS_REMOTE: u32 = 1 << 8;
pub(super) const IS_REMOTE: u32 = 1 << 9;

/// Reads a `Span` with its scope, which is a message of its own.
pub(super) fn span<'a>(message: &'a [u8], scope: &'a [u8]) -> Result<SpanView<'a>, Malformed> {
    let ids = SpanIds::read(message)?.ok_or(Malformed)?;
    let mut reader = Reader::new();
    let mut span = SpanView::new(ids.trace_id, ids.id, "");
    span.kind = SpanKind::Unspecified;
    for field in Fields::of(message) {
        match field? {
            (3, Field::Bytes(bytes)) => span.trace_state = text(bytes),
            (4, Field::Bytes(bytes)) => span.parent_id = segment_id(bytes),
            (5, Field::Bytes(bytes)) => span.name = text(bytes),
            (6, Field::Varint(kind)) => span.kind = span_kind(kind),
            (7, Field::Fixed64(time)) => span.start_ns = time,
            (8, Field::Fixed64(time)) => span.end_ns = time,
            (9, Field::Bytes(bytes)) => reader.attribute(bytes, &mut span.attributes)?,
            (10, Field::Varint(count)) => span.dropped.attributes = saturated(count),
            (11, Field::Bytes(bytes)) => match reader.takes_one() {
                true => span.events.push(reader.event(bytes)?),
                false => reader.dropped.events += 1,
            },
            (12, Field::Varint(count)) => span.dropped.events = saturated(count),
            (13, Field::Bytes(bytes)) => match reader.takes_one() {
                true => span.links.extend(reader.link(bytes)?),
                false => reader.dropped.links += 1,
            },
            (14, Field::Varint(count)) => span.dropped.links = saturated(count),
            (15, Field::Bytes(bytes)) => span.status = status(bytes)?,
            (16, Field::Fixed32(flags)) => span.parent = parent_place(flags),
            _ => {}
        }
    }
    span.scope = reader.scope(scope)?;
    let (said, more) = (&mut span.dropped, reader.dropped);
    said.attributes = said.attributes.saturating_add(more.attributes);
    said.events = said.events.saturating_add(more.events);
    said.links = said.links.saturating_add(more.links);
    Ok(span)
}

/// Reads the attributes of a `Resource`.
pub(super) fn resource(message: &[u8]) -> Result<Vec<Attribute<'_>>, Malformed> {
    let (mut reader, mut attributes) = (Reader::new(), Vec::new());
    let (mut bytes_read, mut dropped) = (0, 0);
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(bytes)) if bytes_read + bytes.len() > MAX_RESOURCE_BYTES => {
                dropped += 1;
            }
            (1, Field::Bytes(bytes)) => {
                bytes_read += bytes.len();
                reader.attribute(bytes, &mut attributes)?;
            }
            _ => {}
        }
    }
    dropped += i64::from(reader.dropped.attributes);
    if dropped > 0 {
        attributes.push(Attribute::new(DROPPED, dropped));
    }
    Ok(attributes)
}

/// Reads the attributes of one span: what may still be read of it, and what was left out.
struct Reader {
    values_left: usize,
    dropped: Dropped,
}

impl Reader {
    fn new() -> Self {
        Self { values_left: MAX_VALUES, dropped: Dropped::default() }
    }

    fn takes_one(&mut self) -> bool {
        let takes = self.values_left > 0;
        self.values_left = self.values_left.saturating_sub(1);
        takes
    }

    /// Adds an attribute, or counts it.
    fn attribute<'a>(
        &mut self,
        message: &'a [u8],
        attributes: &mut Vec<Attribute<'a>>,
    ) -> Result<(), Malformed> {
        self.member(message, attributes, 0)
    }

    fn event<'a>(&mut self, message: &'a [u8]) -> Result<Event<'a>, Malformed> {
        let mut event = Event { name: Cow::Borrowed(""), time_ns: 0, attributes: Vec::new() };
        for field in Fields::of(message) {
            match field? {
                (1, Field::Fixed64(time)) => event.time_ns = time,
                (2, Field::Bytes(bytes)) => event.name = text(bytes),
                (3, Field::Bytes(bytes)) => self.attribute(bytes, &mut event.attributes)?,
                _ => {}
            }
        }
        Ok(event)
    }

    /// A link; `None`, counted, if its ids are none.
    fn link<'a>(&mut self, message: &'a [u8]) -> Result<Option<SpanLink<'a>>, Malformed> {
        let (mut trace, mut span, mut trace_state) = (None, None, Cow::Borrowed(""));
        let mut attributes = Vec::new();
        for field in Fields::of(message) {
            match field? {
                (1, Field::Bytes(bytes)) => trace = trace_id(bytes),
                (2, Field::Bytes(bytes)) => span = segment_id(bytes),
                (3, Field::Bytes(bytes)) => trace_state = text(bytes),
                (4, Field::Bytes(bytes)) => self.attribute(bytes, &mut attributes)?,
                _ => {}
            }
        }
        let (Some(trace_id), Some(id)) = (trace, span) else {
            self.dropped.links += 1;
            return Ok(None);
        };
        Ok(Some(SpanLink { trace_id, id, trace_state, attributes }))
    }

    fn scope<'a>(&mut self, message: &'a [u8]) -> Result<Scope<'a>, Malformed> {
        let mut scope = Scope::default();
        for field in Fields::of(message) {
            match field? {
                (1, Field::Bytes(bytes)) => scope.name = text(bytes),
                (2, Field::Bytes(bytes)) => scope.version = text(bytes),
                (3, Field::Bytes(bytes)) => self.attribute(bytes, &mut scope.attributes)?,
                _ => {}
            }
        }
        Ok(scope)
    }

    fn member<'a>(
        &mut self,
        message: &'a [u8],
        members: &mut Vec<Attribute<'a>>,
        depth: usize,
    ) -> Result<(), Malformed> {
        if !self.takes_one() {
            self.dropped.attributes = self.dropped.attributes.saturating_add(1);
            return Ok(());
        }
        let mut attribute = Attribute { key: Cow::Borrowed(""), value: Value::Empty };
        for field in Fields::of(message) {
            match field? {
                (1, Field::Bytes(bytes)) => attribute.key = text(bytes),
                (2, Field::Bytes(bytes)) => attribute.value = self.value(bytes, depth)?,
                _ => {}
            }
        }
        members.push(attribute);
        Ok(())
    }

    fn value<'a>(&mut self, message: &'a [u8], depth: usize) -> Result<Value<'a>, Malformed> {
        let mut value = Value::Empty;
        for field in Fields::of(message) {
            value = match field? {
                (1, Field::Bytes(bytes)) => Value::Text(text(bytes)),
                (2, Field::Varint(bits)) => Value::Bool(bits != 0),
                (3, Field::Varint(bits)) => Value::Int(bits as i64),
                (4, Field::Fixed64(bits)) => Value::Double(f64::from_bits(bits)),
                (5 | 6, Field::Bytes(_)) if depth >= MAX_DEPTH => Value::from(TOO_DEEP),
                (5, Field::Bytes(bytes)) => Value::List(self.list(bytes, depth + 1)?),
                (6, Field::Bytes(bytes)) => Value::Map(self.map(bytes, depth + 1)?),
                (7, Field::Bytes(bytes)) => Value::Bytes(Cow::Borrowed(bytes)),
                _ => value,
            };
        }
        Ok(value)
    }

    fn list<'a>(&mut self, message: &'a [u8], depth: usize) -> Result<Vec<Value<'a>>, Malformed> {
        let mut values = Vec::new();
        for field in Fields::of(message) {
            if let (1, Field::Bytes(bytes)) = field? {
                match self.takes_one() {
                    true => values.push(self.value(bytes, depth)?),
                    false => {
                        self.dropped.attributes = self.dropped.attributes.saturating_add(1);
                    }
                }
            }
        }
        Ok(values)
    }

    fn map<'a>(
        &mut self,
        message: &'a [u8],
        depth: usize,
    ) -> Result<Vec<Attribute<'a>>, Malformed> {
        let mut members = Vec::new();
        for field in Fields::of(message) {
            if let (1, Field::Bytes(bytes)) = field? {
                self.member(bytes, &mut members, depth)?;
            }
        }
        Ok(members)
    }
}

fn status(message: &[u8]) -> Result<Status<'_>, Malformed> {
    let (mut code, mut text) = (0, Cow::Borrowed(""));
    for field in Fields::of(message) {
        match field? {
            (2, Field::Bytes(bytes)) => text = self::text(bytes),
            (3, Field::Varint(value)) => code = value,
            _ => {}
        }
    }
    Ok(match code {
        1 => Status::Ok,
        2 => Status::Error(text),
        _ => Status::Unset,
    })
}

fn span_kind(kind: u64) -> SpanKind {
    match kind {
        1 => SpanKind::Internal,
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

fn parent_place(flags: u32) -> ParentPlace {
    match (flags & HAS_IS_REMOTE != 0, flags & IS_REMOTE != 0) {
        (true, true) => ParentPlace::Remote,
        (true, false) => ParentPlace::Local,
        (false, _) => ParentPlace::Unknown,
    }
}

fn saturated(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// A trace id; zero is none.
pub(super) fn trace_id(bytes: &[u8]) -> Option<TraceId> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    (bytes != [0; 16]).then(|| TraceId::from_bytes(bytes))
}

/// A span's id; zero is none.
pub(super) fn segment_id(bytes: &[u8]) -> Option<SegmentId> {
    let bits = u64::from_be_bytes(bytes.try_into().ok()?);
    (bits != 0).then(|| SegmentId::from_u64(bits))
}
