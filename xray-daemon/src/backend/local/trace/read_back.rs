//! The segments of a trace as `BatchGetTraces` gives them back.
//!
//! In: an assembled trace. Out: one document a segment, with the subsegments that came on their own
//! folded in, and one for every callee that did not report. Owns nothing. Written from the flat
//! list, so that no depth can overflow the stack.

use xray_tracing::SegmentId;
use xray_tracing::document::{Entity, Kind};

use super::callee::{Callee, CalleeKind};
use super::{Entry, EntryIndex, Trace};

/// Deepest nesting in a document. What is deeper stands here, beside its parent: JSON readers give
/// up somewhere above (serde at 128 levels, of which a subsegment takes two).
const MAX_DEPTH: usize = 50;

/// A segment as `BatchGetTraces` answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadBack {
    /// Its id; made from the call's for an inferred one.
    pub id: SegmentId,
    /// JSON text.
    pub document: String,
}

impl Trace {
    /// Its segments in reading order, inferred ones last. What is not attached to a segment is not
    /// among them.
    pub fn read_back(&self) -> Vec<ReadBack> {
        let mut documents = Vec::new();
        for (index, entry) in self.indexed().filter(|(_, entry)| entry.is_segment()) {
            if let Some(id) = entry.entity.id {
                documents.push(ReadBack { id, document: self.document(index) });
            }
        }
        let inferred = self.indexed().filter_map(|(index, entry)| self.infer(index, entry));
        documents.extend(inferred);
        documents
    }

    /// The entity at `index` as a document of its own, with all its subsegments.
    pub fn document(&self, index: EntryIndex) -> String {
        let Some((top, below)) = self.subtree(index).split_first() else { return String::new() };
        let mut text = Vec::new();
        write_members(&top.entity, Place::Top, &mut text);
        let mut open = 0;
        // Segments below are documents of their own.
        for entry in below.iter().filter(|entry| entry.segment == top.segment) {
            let depth = (entry.depth - top.depth).min(MAX_DEPTH);
            if depth > open {
                text.extend_from_slice(b",\"subsegments\":[");
            } else {
                // Closes what ended, down to the siblings.
                for _ in depth..open {
                    text.extend_from_slice(b"}]");
                }
                text.extend_from_slice(b"},");
            }
            open = depth;
            write_members(&entry.entity, Place::Embedded, &mut text);
        }
        for _ in 0..open {
            text.extend_from_slice(b"}]");
        }
        text.push(b'}');
        // Every part of it was text before.
        String::from_utf8(text).unwrap_or_default()
    }

    /// The document for the callee of the call at `index`, if it did not report.
    fn infer(&self, index: EntryIndex, call: &Entry) -> Option<ReadBack> {
        let callee = self.inferred(index)?;
        let id = inferred_id(call.entity.id?);
        let of_call = &call.entity;
        let entity = Entity {
            id: Some(id),
            trace_id: Some(self.id()),
            parent_id: of_call.id,
            inferred: true,
            name: of_call.name.clone(),
            start_time_s: Some(call.start_s),
            end_time_s: call.end_s,
            fault: of_call.fault,
            error: of_call.error,
            throttle: of_call.throttle,
            http: of_call.http.clone(),
            aws: of_call.aws.clone(),
            origin: origin(callee),
            ..Entity::default()
        };
        let mut text = Vec::new();
        write_members(&entity, Place::Top, &mut text);
        text.push(b'}');
        Some(ReadBack { id, document: String::from_utf8(text).unwrap_or_default() })
    }
}

fn origin(callee: Callee) -> Option<String> {
    match callee.kind {
        CalleeKind::Remote => None,
        CalleeKind::Sql | CalleeKind::Aws => callee.service.service_type,
    }
}

/// Always the same for the same call, unlike the service's: so that a page may be linked.
fn inferred_id(call: SegmentId) -> SegmentId {
    // The finaliser of SplitMix64: a bijection, so two calls never share an id.
    let mut bits = call.to_u64() ^ 0x1f3d_5b79_97b5_d3f1;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    SegmentId::from_u64((bits ^ (bits >> 31)).max(1))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Top,
    Embedded,
}

/// Writes the members of `entity` and leaves its object open.
fn write_members(entity: &Entity, place: Place, text: &mut Vec<u8>) {
    let mut entity = entity.clone();
    // What stands here is written from the tree.
    entity.extra.shift_remove("subsegments");
    if let Some(http) = &mut entity.http {
        http.request.traced = false;
    }
    if place == Place::Embedded {
        entity.kind = Kind::Segment;
        entity.parent_id = None;
        entity.trace_id = None;
    }
    entity.encode(text);
    text.pop();
    if text.last() == Some(&b'{') {
        text.extend_from_slice(b"\"name\":\"\"");
    }
}
