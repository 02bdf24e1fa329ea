//! Puts a trace together from its documents, in whatever order and state they came.
//!
//! In: documents. Out: a [`Trace`]. Owns nothing. Rules of the service: the first completed
//! document of an id wins, an unfinished one is replaced; an independent subsegment is folded into
//! its parent, wherever that is embedded; what names a missing parent is kept and marked. Ids are
//! not trusted: a parent that leads back to itself is cut, so that the result is always a tree.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::OnceLock;

use xray_tracing::document::{Entity, Kind};
use xray_tracing::{SegmentId, TraceId};

use super::Received;
use super::tree::{Entry, EntryIndex, EntryKind, Source, Trace};

/// The last moment of the year 9999. A later time is not one, but milliseconds or nonsense.
const LATEST_S: f64 = 253_402_300_799.0;

pub(super) fn assemble(id: TraceId, mut documents: Vec<Received>) -> Trace {
    documents.sort_by_key(|document| document.seq);
    let updated_at_s = documents
        .iter()
        .filter_map(|document| sane(Some(document.received_at_s)))
        .fold(0.0, f64::max);
    let revision = documents.chunk_by(|one, next| one.seq == next.seq).count() as u64;
    let mut drafts = Drafts::default();
    for document in winners(documents) {
        drafts.add(document);
    }
    drafts.link();
    drafts.cut_rings();
    let (entries, tops, root) = drafts.in_reading_order();
    Trace {
        id,
        entries,
        tops,
        root,
        sources: drafts.sources,
        revision,
        updated_at_s,
        topology: OnceLock::new(),
    }
}

/// A segment and a subsegment of one id are two things: tracers that let both sides of a call
/// share a span send just that.
type Key = (EntryKind, SegmentId);

fn key(kind: EntryKind, entity: &Entity) -> Option<Key> {
    entity.id.map(|id| (kind, id))
}

fn document_kind(entity: &Entity) -> EntryKind {
    match entity.kind {
        Kind::Segment => EntryKind::Segment,
        Kind::Subsegment => EntryKind::Subsegment,
    }
}

fn is_complete(entity: &Entity) -> bool {
    entity.end_time_s.is_some() && !entity.in_progress
}

fn sane(time_s: Option<f64>) -> Option<f64> {
    time_s.filter(|time_s| (0.0..=LATEST_S).contains(time_s))
}

/// Of the documents of one id the one that counts, in the place of the first.
fn winners(documents: Vec<Received>) -> Vec<Received> {
    let mut kept: Vec<Received> = Vec::with_capacity(documents.len());
    let mut places: HashMap<Key, usize> = HashMap::with_capacity(documents.len());
    for document in documents {
        let Some(key) = key(document_kind(&document.entity), &document.entity) else {
            kept.push(document);
            continue;
        };
        match places.get(&key).and_then(|place| kept.get_mut(*place)) {
            None => {
                places.insert(key, kept.len());
                kept.push(document);
            }
            Some(known) if is_complete(&known.entity) => {}
            Some(known) => *known = document,
        }
    }
    kept
}

/// An entry that is not in its place yet.
#[derive(Debug)]
struct Draft {
    entity: Box<Entity>,
    kind: EntryKind,
    start_s: f64,
    end_s: Option<f64>,
    parent: Option<usize>,
    orphan: bool,
    source: usize,
}

#[derive(Debug, Default)]
struct Drafts {
    list: Vec<Draft>,
    places: HashMap<Key, usize>,
    sources: Vec<Source>,
}

impl Drafts {
    /// Takes a document apart, level by level.
    fn add(&mut self, document: Received) {
        let source = self.sources.len();
        let Received { document, entity, received_at_s, sender, .. } = document;
        self.sources.push(Source { document, received_at_s, sender });
        let mut levels = VecDeque::from([(None, vec![entity])]);
        while let Some((parent, entities)) = levels.pop_front() {
            for mut entity in entities {
                let embedded = mem::take(&mut entity.subsegments);
                if let Some(place) = self.place(entity, parent, source)
                    && !embedded.is_empty()
                {
                    levels.push_back((Some(place), embedded));
                }
            }
        }
    }

    /// Where `entity` now is; none if a complete one of its id is there, whose tree is frozen.
    fn place(&mut self, entity: Entity, parent: Option<usize>, source: usize) -> Option<usize> {
        let kind = if parent.is_none() { document_kind(&entity) } else { EntryKind::Subsegment };
        let draft = self.draft(entity, kind, parent, source);
        let Some(key) = key(kind, &draft.entity) else {
            self.list.push(draft);
            return Some(self.list.len() - 1);
        };
        let Some((place, known)) =
            self.places.get(&key).and_then(|place| Some((*place, self.list.get_mut(*place)?)))
        else {
            self.places.insert(key, self.list.len());
            self.list.push(draft);
            return Some(self.list.len() - 1);
        };
        if is_complete(&known.entity) {
            return None;
        }
        // Where the parent embedded it, it stays, whatever its own document says of a parent.
        let parent = known.parent.or(draft.parent);
        *known = Draft { parent, ..draft };
        Some(place)
    }

    fn draft(
        &self,
        entity: Entity,
        kind: EntryKind,
        parent: Option<usize>,
        source: usize,
    ) -> Draft {
        let start_s = sane(entity.start_time_s)
            .or_else(|| Some(self.list.get(parent?)?.start_s))
            .or_else(|| sane(Some(self.sources.get(source)?.received_at_s)))
            .unwrap_or(0.0);
        let end_s = is_complete(&entity)
            .then(|| sane(entity.end_time_s).map_or(start_s, |end_s| end_s.max(start_s)));
        Draft { entity: Box::new(entity), kind, start_s, end_s, parent, orphan: false, source }
    }

    /// Finds the parents that documents name.
    fn link(&mut self) {
        for place in 0..self.list.len() {
            let parent = self.parent_of(place);
            if let Some(draft) = self.list.get_mut(place) {
                let named = draft.entity.parent_id.is_some() || draft.kind == EntryKind::Subsegment;
                draft.orphan = named && parent.is_none();
                draft.parent = parent;
            }
        }
    }

    fn parent_of(&self, place: usize) -> Option<usize> {
        let draft = self.list.get(place)?;
        if draft.parent.is_some() {
            return draft.parent;
        }
        let id = draft.entity.parent_id?;
        // The caller of a segment is a subsegment, or a segment that made no subsegment for it.
        [EntryKind::Subsegment, EntryKind::Segment]
            .into_iter()
            .filter_map(|kind| self.places.get(&(kind, id)).copied())
            .find(|parent| *parent != place)
    }

    /// Cuts every ring of parents above its earliest entity, which becomes an orphan.
    fn cut_rings(&mut self) {
        const UNSEEN: usize = usize::MAX;
        // The walk in which each was seen.
        let mut seen = vec![UNSEEN; self.list.len()];
        for from in 0..self.list.len() {
            let mut at = Some(from);
            while let Some(place) = at {
                match seen.get_mut(place) {
                    Some(walk) if *walk == UNSEEN => *walk = from,
                    Some(walk) if *walk == from => {
                        self.cut_ring(place);
                        break;
                    }
                    _ => break,
                }
                at = self.list.get(place).and_then(|draft| draft.parent);
            }
        }
    }

    fn cut_ring(&mut self, member: usize) {
        let start_s = |place: usize| self.list.get(place).map_or(0.0, |draft| draft.start_s);
        let mut earliest = member;
        let mut at = self.list.get(member).and_then(|draft| draft.parent);
        while let Some(place) = at.filter(|place| *place != member) {
            if (start_s(place), place) < (start_s(earliest), earliest) {
                earliest = place;
            }
            at = self.list.get(place).and_then(|draft| draft.parent);
        }
        if let Some(draft) = self.list.get_mut(earliest) {
            draft.parent = None;
            draft.orphan = true;
        }
    }

    /// The entries, parents first and siblings by start; those without parent; and the root.
    fn in_reading_order(&mut self) -> (Vec<Entry>, Vec<EntryIndex>, Option<EntryIndex>) {
        let drafts = mem::take(&mut self.list);
        let mut children = vec![Vec::new(); drafts.len()];
        let mut tops = Vec::new();
        for (place, draft) in drafts.iter().enumerate() {
            match draft.parent.and_then(|parent| children.get_mut(parent)) {
                Some(siblings) => siblings.push(place),
                None => tops.push(place),
            }
        }
        let start_s = |place: &usize| drafts.get(*place).map_or(0.0, |draft| draft.start_s);
        let is_root = |place: &usize| {
            drafts
                .get(*place)
                .is_some_and(|draft| draft.kind == EntryKind::Segment && !draft.orphan)
        };
        for siblings in children.iter_mut().chain([&mut tops]) {
            siblings.sort_by(|one, other| start_s(one).total_cmp(&start_s(other)));
        }
        let root = tops.iter().position(is_root);
        if let Some(root) = root {
            // The root first, the others as they were.
            tops.get_mut(..=root).unwrap_or_default().rotate_right(1);
        }
        let order = reading_order(&tops, &mut children);
        let entries = entries_in(&order, drafts);
        let tops = entries.iter().enumerate().filter(|(_, entry)| entry.parent.is_none());
        let tops = tops.map(|(at, _)| EntryIndex::new(at)).collect();
        (entries, tops, root.map(|_| EntryIndex::new(0)))
    }
}

/// Places in reading order. Empties `children`.
fn reading_order(tops: &[usize], children: &mut [Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(children.len());
    let mut waiting: Vec<usize> = tops.iter().rev().copied().collect();
    while let Some(place) = waiting.pop() {
        order.push(place);
        if let Some(below) = children.get_mut(place) {
            waiting.extend(mem::take(below).into_iter().rev());
        }
    }
    order
}

fn entries_in(order: &[usize], drafts: Vec<Draft>) -> Vec<Entry> {
    let mut new_places = vec![0; drafts.len()];
    for (new_place, place) in order.iter().enumerate() {
        if let Some(slot) = new_places.get_mut(*place) {
            *slot = new_place;
        }
    }
    let mut drafts: Vec<Option<Draft>> = drafts.into_iter().map(Some).collect();
    let mut entries: Vec<Entry> = Vec::with_capacity(order.len());
    for (at, place) in order.iter().enumerate() {
        let Some(draft) = drafts.get_mut(*place).and_then(Option::take) else { continue };
        let parent = draft.parent.and_then(|parent| new_places.get(parent)).copied();
        let above = parent.and_then(|parent| entries.get_mut(parent));
        let (depth, of_parent, attached) = match above {
            Some(parent) => {
                parent.children.push(EntryIndex::new(at));
                (parent.depth + 1, parent.segment, parent.attached)
            }
            // The root comes first of all.
            None => (0, None, at == 0 && draft.kind == EntryKind::Segment && !draft.orphan),
        };
        let is_segment = draft.kind == EntryKind::Segment;
        entries.push(Entry {
            entity: draft.entity,
            kind: draft.kind,
            start_s: draft.start_s,
            end_s: draft.end_s,
            parent: parent.map(EntryIndex::new),
            children: Vec::new(),
            descendants: 0,
            depth,
            segment: if is_segment { Some(EntryIndex::new(at)) } else { of_parent },
            orphan: draft.orphan,
            attached,
            source: draft.source,
        });
    }
    count_descendants(&mut entries);
    entries
}

fn count_descendants(entries: &mut [Entry]) {
    for at in (0..entries.len()).rev() {
        let Some(entry) = entries.get(at) else { continue };
        let (parent, below) = (entry.parent, entry.descendants + 1);
        if let Some(parent) = parent.and_then(|parent| entries.get_mut(parent.at())) {
            parent.descendants += below;
        }
    }
}
