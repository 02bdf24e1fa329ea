//! Writes the documents of a part of a trace: one for the segment with its subsegments inside, one
//! for each subsegment whose parent is not there.
//!
//! In: a [`Part`]. Out: documents of at most one datagram. Owns its buffers. Runs on the sender's
//! thread. Hot path: 0.2 µs a record (`benches/layer.rs`), straight from records to bytes.

use std::mem;
use std::sync::{Arc, OnceLock};

use super::open_trace::Part;
use super::record::{ExceptionRecord, Flags, Key, NONE, Record};
use super::root::RootKind;
use super::values::{self, Annotated, HttpValues, Said, SqlValues};
use crate::SegmentId;
use crate::document::json::Writer;
use crate::document::limits::{MAX_DATAGRAM_DOCUMENT_BYTES, MAX_TEXT_CHARS};
use crate::document::{Entity, cut_chars, sanitize_name, split};
use crate::emitter::Counters;
use crate::resource::Resource;
use crate::sampling::RuleSource;

/// Subsegments inside subsegments; what lies deeper goes on its own. (Parsers of JSON stop at
/// depths of a hundred or so.)
const MAX_DEPTH: usize = 30;

/// What every segment of the service says about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) service_version: Option<String>,
    /// Where the process was started.
    pub(crate) working_directory: Option<String>,
    /// Where the process runs, once that is known.
    pub(crate) resource: Arc<OnceLock<Resource>>,
}

#[derive(Debug)]
pub(crate) struct Assembler {
    identity: Identity,
    document: Vec<u8>,
    /// Of each record: its first child, its last child, its next sibling.
    links: Vec<Links>,
    /// Records that begin a document.
    tops: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    first_child: u32,
    last_child: u32,
    next: u32,
}

const NO_LINKS: Links = Links { first_child: NONE, last_child: NONE, next: NONE };

/// Where a record is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Segment,
    /// A segment that is still open, without its subsegments.
    InProgress,
    Independent,
    Embedded,
}

impl Assembler {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity, document: Vec::new(), links: Vec::new(), tops: Vec::new() }
    }

    /// Calls `emit` for each document of `part`.
    pub(crate) fn write(&mut self, part: &Part, counters: &Counters, emit: &mut dyn FnMut(&[u8])) {
        self.link(part);
        if part.announces_root && part.root.kind == RootKind::Segment {
            self.write_document(part, 0, Standing::InProgress, counters, emit);
        }
        let mut at = 0;
        // Grows when a tree is too deep.
        while let Some(top) = self.tops.get(at).copied() {
            let is_root = part.body.records.get(top as usize).is_some_and(is_root);
            let is_segment = is_root && part.root.kind == RootKind::Segment;
            let standing = if is_segment { Standing::Segment } else { Standing::Independent };
            self.write_document(part, top, standing, counters, emit);
            at += 1;
        }
    }

    /// Finds out which records begin a document, and who is whose child.
    fn link(&mut self, part: &Part) {
        let records = &part.body.records;
        self.tops.clear();
        self.links.clear();
        self.links.resize(records.len(), NO_LINKS);
        for (index, record) in records.iter().enumerate() {
            if record.flags.has(Flags::STAYS) {
                continue;
            }
            let parent = records.get(record.parent as usize);
            let leaves_too = parent.is_some_and(|parent| !parent.flags.has(Flags::STAYS));
            if leaves_too {
                self.add_child(record.parent, index as u32);
            } else {
                self.tops.push(index as u32);
            }
        }
    }

    fn add_child(&mut self, parent: u32, child: u32) {
        let Some(links) = self.links.get_mut(parent as usize) else { return };
        let last = mem::replace(&mut links.last_child, child);
        if last == NONE {
            links.first_child = child;
        } else if let Some(last) = self.links.get_mut(last as usize) {
            last.next = child;
        }
    }

    fn write_document(
        &mut self,
        part: &Part,
        index: u32,
        standing: Standing,
        counters: &Counters,
        emit: &mut dyn FnMut(&[u8]),
    ) {
        let mut document = mem::take(&mut self.document);
        document.clear();
        let mut json = Writer::new(&mut document);
        self.write_record(&mut json, part, index, standing, 0);
        if document.len() <= MAX_DATAGRAM_DOCUMENT_BYTES {
            emit(&document);
        } else {
            split_document(&document, counters, emit);
        }
        self.document = document;
    }

    fn write_record(
        &mut self,
        json: &mut Writer<'_>,
        part: &Part,
        index: u32,
        standing: Standing,
        depth: usize,
    ) {
        let Some(record) = part.body.records.get(index as usize) else { return };
        json.open_object();
        write_identity(json, part, record, standing);
        write_flags(json, record.flags);
        self.write_cause(json, part, index, record);
        let fields = part.body.fields(record);
        if record.flags.has(Flags::CAPTURED.with(Flags::SQL)) {
            HttpValues::of(&part.body, fields.clone()).write(json);
            SqlValues::of(&part.body, fields.clone()).write(json);
        }
        if record.flags.has(Flags::AWS) {
            values::write_aws(json, &part.body, fields.clone());
        }
        if record.flags.has(Flags::RARE) {
            values::write_links(json, &part.body, fields.clone());
            values::write_precursors(json, fields.clone());
        }
        let is_segment = is_root(record) && part.root.kind == RootKind::Segment;
        if is_segment {
            self.write_service(json, part);
            if let Some(user) = fields.clone().filter(|field| field.key == Key::User).last() {
                json.literal_key("\"user\":");
                let user = part.body.value_text(user.value);
                json.text(cut_chars(&user, MAX_TEXT_CHARS));
            }
        }
        let said = Said {
            body: &part.body,
            fields,
            is_segment,
            repeats: record.flags.has(Flags::SAID_MORE),
            has_rare: record.flags.has(Flags::RARE),
        };
        let span_name = if is_segment { part.body.name(record.name) } else { "" };
        if said.write_metadata(json, span_name) == Annotated::Yes {
            said.write_annotations(json);
        }
        if standing != Standing::InProgress {
            self.write_children(json, part, index, depth);
        }
        if record.flags.has(Flags::AWS) {
            json.literal_key("\"namespace\":");
            json.text("aws");
        } else if record.flags.has(Flags::REMOTE) {
            json.literal_key("\"namespace\":");
            json.text("remote");
        }
        json.close_object();
    }

    fn write_children(&mut self, json: &mut Writer<'_>, part: &Part, index: u32, depth: usize) {
        let links = |of: &Self, index: u32| of.links.get(index as usize).copied();
        let Some(mut child) = links(self, index).map(|links| links.first_child) else { return };
        if child == NONE {
            return;
        }
        let is_too_deep = depth >= MAX_DEPTH;
        if !is_too_deep {
            json.literal_key("\"subsegments\":");
            json.open_array();
        }
        while let Some(links) = links(self, child) {
            if is_too_deep {
                self.tops.push(child);
            } else {
                self.write_record(json, part, child, Standing::Embedded, depth + 1);
            }
            child = links.next;
        }
        if !is_too_deep {
            json.close_array();
        }
    }

    fn write_cause(&self, json: &mut Writer<'_>, part: &Part, index: u32, record: &Record) {
        let exceptions = || part.body.exceptions.iter().filter(move |e| e.record == index);
        let Some(first) = exceptions().next() else {
            if record.cause_id != 0 {
                json.literal_key("\"cause\":");
                json.segment_id(SegmentId::from_u64(record.cause_id));
            }
            return;
        };
        json.literal_key("\"cause\":");
        json.open_object();
        if let Some(directory) = &self.identity.working_directory {
            json.literal_key("\"working_directory\":");
            json.text(directory);
        }
        let comment = part.body.text(first.comment);
        if !comment.is_empty() {
            json.literal_key("\"message\":");
            json.text(comment);
        }
        json.literal_key("\"exceptions\":");
        json.open_array();
        for (exception, next) in exceptions().zip(exceptions().skip(1).map(Some).chain([None])) {
            write_exception(json, part, exception, next);
        }
        json.close_array();
        json.close_object();
    }

    fn write_service(&self, json: &mut Writer<'_>, part: &Part) {
        let resource = self.identity.resource.get();
        if let Some(origin) = resource.and_then(Resource::origin) {
            json.literal_key("\"origin\":");
            json.text(origin);
        }
        json.literal_key("\"aws\":");
        json.open_object();
        if let Some(resource) = resource {
            resource.write(json);
        }
        json.literal_key("\"xray\":");
        json.open_object();
        json.literal_key("\"sdk\":");
        json.text("xray-tracing for Rust");
        json.literal_key("\"sdk_version\":");
        json.text(env!("CARGO_PKG_VERSION"));
        if let Some(rule) = &part.root.rule
            && part.root.rule_source == RuleSource::Central
        {
            json.literal_key("\"sampling_rule_name\":");
            json.text(rule);
        }
        json.close_object();
        json.close_object();
        json.literal_key("\"service\":");
        json.open_object();
        if let Some(version) = &self.identity.service_version {
            json.literal_key("\"version\":");
            json.text(cut_chars(version, MAX_TEXT_CHARS));
        }
        json.literal_key("\"runtime\":");
        json.text("Rust");
        json.close_object();
    }
}

fn is_root(record: &Record) -> bool {
    record.flags.has(Flags::ROOT)
}

fn write_identity(json: &mut Writer<'_>, part: &Part, record: &Record, standing: Standing) {
    let body = &part.body;
    json.literal_key("\"id\":");
    json.segment_id(SegmentId::from_u64(record.id));
    json.literal_key("\"name\":");
    if is_root(record) {
        json.text(&sanitize_name(&part.root.name));
    } else {
        let renamed = body.fields(record).filter(|field| field.key == Key::Field("otel.name"));
        match renamed.last() {
            Some(field) => json.text(&sanitize_name(&body.value_text(field.value))),
            None => json.text(&sanitize_name(body.name(record.name))),
        }
    }
    json.literal_key("\"start_time\":");
    json.epoch_ns(part.zero_epoch_ns + record.start_ns);
    if standing != Standing::Embedded {
        json.literal_key("\"trace_id\":");
        json.trace_id(part.root.trace_id());
    }
    if standing == Standing::InProgress {
        json.literal_key("\"in_progress\":");
        json.bool(true);
    } else {
        json.literal_key("\"end_time\":");
        json.epoch_ns(part.zero_epoch_ns + record.end_ns.max(record.start_ns));
    }
    let parent_id = match standing {
        Standing::Segment | Standing::InProgress => part.root.parent_id(),
        Standing::Independent if is_root(record) => part.root.parent_id(),
        Standing::Independent => {
            let parent = body.records.get(record.parent as usize);
            Some(SegmentId::from_u64(parent.map_or(record.parent_id, |parent| parent.id)))
        }
        Standing::Embedded => None,
    };
    if let Some(parent_id) = parent_id {
        json.literal_key("\"parent_id\":");
        json.segment_id(parent_id);
    }
    if standing == Standing::Independent {
        json.literal_key("\"type\":");
        json.text("subsegment");
    }
}

fn write_flags(json: &mut Writer<'_>, flags: Flags) {
    let names = [(Flags::FAULT, "fault"), (Flags::ERROR, "error"), (Flags::THROTTLE, "throttle")];
    for (flag, name) in names {
        if flags.has(flag) {
            json.key(name);
            json.bool(true);
        }
    }
}

fn write_exception(
    json: &mut Writer<'_>,
    part: &Part,
    exception: &ExceptionRecord,
    next: Option<&ExceptionRecord>,
) {
    json.open_object();
    json.literal_key("\"id\":");
    json.segment_id(SegmentId::from_u64(exception.id));
    json.literal_key("\"message\":");
    json.text(part.body.text(exception.message));
    json.literal_key("\"type\":");
    json.text(part.body.text(exception.kind));
    if exception.is_remote {
        json.literal_key("\"remote\":");
        json.bool(true);
    }
    if let Some(next) = next.filter(|_| exception.has_cause) {
        json.literal_key("\"cause\":");
        json.segment_id(SegmentId::from_u64(next.id));
    }
    if let Some(file) = exception.file {
        json.literal_key("\"stack\":");
        json.open_array();
        json.open_object();
        json.literal_key("\"path\":");
        json.text(part.body.name(file));
        json.literal_key("\"line\":");
        json.unsigned(exception.line.into());
        if let Some(label) = exception.label {
            json.literal_key("\"label\":");
            json.text(part.body.name(label));
        }
        json.close_object();
        json.close_array();
    }
    json.close_object();
}

/// Makes several documents of one that is too large.
fn split_document(document: &[u8], counters: &Counters, emit: &mut dyn FnMut(&[u8])) {
    let Ok(entity) = Entity::parse(document) else {
        counters.dropped_too_large.add(1);
        return;
    };
    let parts = split(entity, MAX_DATAGRAM_DOCUMENT_BYTES);
    counters.documents_split.add(parts.documents.len().saturating_sub(1) as u64);
    for document in &parts.documents {
        emit(document);
    }
}
