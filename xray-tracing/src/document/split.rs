//! Makes several documents of an entity that is too large for one.
//!
//! In: an [`Entity`] with its tree. Out: documents that all fit, parents first. Owns nothing. What
//! is tried, in order: split off the largest children as independent subsegments; and where one
//! entity alone is too large, shrink it (`shrink.rs`). No entity is ever dropped, only what it
//! says. The slow path: most documents fit as they are.

use std::mem;

use super::shrink::{Losses, MIN_BYTES, shrink};
use super::{Entity, Kind};
use crate::{SegmentId, TraceId};

/// What an independent subsegment has beyond an embedded one: trace id, parent id and type.
const INDEPENDENT_BYTES: usize = 128;

/// Levels of subsegments in one document, far below what JSON parsers allow (ours: 63).
const MAX_DEPTH: usize = 32;

/// The bytes of `"type":"subsegment",`, which embedded ones do without.
const TYPE_BYTES: usize = 20;

/// The bytes of `,"subsegments":[]`.
const LIST_BYTES: usize = 17;

/// What [`split`] made of an entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The documents, each after the one that holds its parent.
    pub documents: Vec<Vec<u8>>,
    /// What had to be left out.
    pub losses: Losses,
}

/// Writes `entity` as documents of at most `max_bytes` each (4,224 if it is less).
///
/// Every entity of the tree is in exactly one document, nested at most 32 levels deep. An entity
/// without id, whose children could not name it, gets one.
///
/// ```
/// use xray_tracing::document::{Entity, limits, split};
/// let entity = Entity { name: "cart".into(), ..Entity::default() };
/// let parts = split(entity, limits::MAX_DATAGRAM_DOCUMENT_BYTES);
/// assert_eq!(parts.documents, [br#"{"name":"cart"}"#]);
/// assert!(parts.losses.is_empty());
/// ```
pub fn split(entity: Entity, max_bytes: usize) -> Parts {
    let mut splitter = Splitter {
        max_bytes: max_bytes.max(MIN_BYTES + INDEPENDENT_BYTES),
        trace_id: entity.trace_id,
        waiting: vec![entity],
        losses: Losses::default(),
    };
    let mut documents = Vec::new();
    // Last in, first out: an entity is split off after its own descendants were.
    while let Some(mut entity) = splitter.waiting.pop() {
        splitter.fit(&mut entity, splitter.max_bytes, 0);
        let mut document = Vec::new();
        entity.encode(&mut document);
        documents.push(document);
    }
    Parts { documents, losses: splitter.losses }
}

struct Splitter {
    max_bytes: usize,
    trace_id: Option<TraceId>,
    /// Entities that become documents of their own.
    waiting: Vec<Entity>,
    losses: Losses,
}

impl Splitter {
    /// Makes `entity` fit into `max_bytes`, and says how many it has with the children that it
    /// keeps. Each of those would also fit as a document of its own.
    fn fit(&mut self, entity: &mut Entity, max_bytes: usize, depth: usize) -> usize {
        let children = mem::take(&mut entity.subsegments);
        if children.is_empty() {
            return shrink(entity, max_bytes, &mut self.losses);
        }
        let parent = *entity.id.get_or_insert_with(SegmentId::random);
        let own_bytes = shrink(entity, max_bytes, &mut self.losses);
        if depth >= MAX_DEPTH {
            children.into_iter().for_each(|child| self.split_off(child, parent));
            return own_bytes;
        }
        let mut sized = Vec::with_capacity(children.len());
        for mut child in children {
            let bytes = self.fit(&mut child, self.max_bytes - INDEPENDENT_BYTES, depth + 1);
            let of_type = if child.kind == Kind::Subsegment { TYPE_BYTES } else { 0 };
            sized.push((bytes - of_type, child));
        }
        let sizes: Vec<usize> = sized.iter().map(|(bytes, _)| *bytes).collect();
        let room = max_bytes.saturating_sub(own_bytes + LIST_BYTES);
        let kept = smallest_that_fit(&sizes, room);
        let mut bytes = own_bytes;
        for ((child_bytes, child), kept) in sized.into_iter().zip(kept) {
            if kept {
                bytes +=
                    child_bytes + 1 + if entity.subsegments.is_empty() { LIST_BYTES } else { 0 };
                entity.subsegments.push(child);
            } else {
                self.split_off(child, parent);
            }
        }
        bytes
    }

    fn split_off(&mut self, mut child: Entity, parent: SegmentId) {
        child.kind = Kind::Subsegment;
        child.trace_id = self.trace_id.or(child.trace_id);
        child.parent_id = Some(parent);
        self.waiting.push(child);
    }
}

/// Which of `sizes`, each with a comma, fit into `room` together, the smallest first: so that few
/// and large ones are split off.
fn smallest_that_fit(sizes: &[usize], room: usize) -> Vec<bool> {
    let mut by_size: Vec<usize> = (0..sizes.len()).collect();
    by_size.sort_by_key(|index| sizes[*index]);
    let mut kept = vec![false; sizes.len()];
    let mut used = 0;
    for index in by_size {
        used += sizes[index] + 1;
        if used > room {
            break;
        }
        kept[index] = true;
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::arbitrary::entity as any_entity;
    use super::*;

    const MAX_BYTES: usize = 64_000;

    fn subsegment(name: &str, id: u64, note_bytes: usize) -> Entity {
        let mut entity = Entity {
            kind: Kind::Subsegment,
            name: name.into(),
            id: Some(SegmentId::from_u64(id)),
            start_time_s: Some(1.0),
            end_time_s: Some(2.0),
            ..Entity::default()
        };
        if note_bytes > 0 {
            let note = json!({ "note": "x".repeat(note_bytes) });
            entity.metadata.insert("default".into(), note);
        }
        entity
    }

    fn segment(children: Vec<Entity>) -> Entity {
        Entity {
            kind: Kind::Segment,
            trace_id: Some("1-5f29ab21-d4ebf299219a65bd5c31d6da".parse().unwrap()),
            subsegments: children,
            ..subsegment("root", 1, 0)
        }
    }

    fn parsed(parts: &Parts) -> Vec<Entity> {
        parts.documents.iter().map(|document| Entity::parse(document).unwrap()).collect()
    }

    fn names(entity: &Entity) -> String {
        let children: Vec<String> = entity.subsegments.iter().map(names).collect();
        format!("{}({})", entity.name, children.join(" "))
    }

    #[test]
    fn what_fits_is_one_document() {
        let entity = segment(vec![subsegment("a", 2, 10), subsegment("b", 3, 0)]);
        let parts = split(entity.clone(), MAX_BYTES);
        assert_eq!(parts.documents, [entity.to_json().into_bytes()]);
        assert!(parts.losses.is_empty());
    }

    #[test]
    fn the_largest_children_leave_first_and_say_whose_they_are() {
        let root = segment(vec![
            subsegment("small", 2, 100),
            subsegment("large", 3, 40_000),
            subsegment("middle", 4, 30_000),
        ]);
        let trace_id = root.trace_id;
        let parts = split(root, MAX_BYTES);
        let documents = parsed(&parts);
        assert_eq!(
            documents.iter().map(names).collect::<Vec<_>>(),
            ["root(small() middle())", "large()"]
        );
        assert_eq!(documents[1].kind, Kind::Subsegment);
        assert_eq!(documents[1].trace_id, trace_id);
        assert_eq!(documents[1].parent_id, Some(SegmentId::from_u64(1)));
        assert!(parts.losses.is_empty());
    }

    #[test]
    fn a_large_child_takes_its_own_children_along() {
        let mut large = subsegment("large", 3, 30_000);
        large.subsegments = vec![subsegment("inner", 4, 25_000)];
        let parts = split(segment(vec![subsegment("other", 2, 30_000), large]), MAX_BYTES);
        let trees: Vec<String> = parsed(&parts).iter().map(names).collect();
        assert_eq!(trees, ["root(other())", "large(inner())"]);
    }

    #[test]
    fn a_thousand_children_stay_as_far_as_there_is_room() {
        let children = (2..1_002).map(|id| subsegment("child", id, 100)).collect();
        let parts = split(segment(children), MAX_BYTES);
        let documents = parsed(&parts);
        let kept = documents[0].subsegments.len();
        assert_eq!(documents.len(), 1 + 1_000 - kept);
        assert!(parts.documents[0].len() > MAX_BYTES - 300, "{}", parts.documents[0].len());
    }

    #[test]
    fn a_deep_tree_is_cut_every_32_levels() {
        let deep = (2..102).fold(subsegment("leaf", 200, 0), |inner, id| Entity {
            subsegments: vec![inner],
            ..subsegment("level", id, 0)
        });
        let documents = parsed(&split(segment(vec![deep]), MAX_BYTES));
        let depth = |mut entity: &Entity| {
            let mut levels = 0;
            while let Some(child) = entity.subsegments.first() {
                (entity, levels) = (child, levels + 1);
            }
            levels
        };
        assert_eq!(documents.iter().map(depth).collect::<Vec<_>>(), [32, 32, 32, 2]);
    }

    #[test]
    fn a_parent_without_id_gets_one() {
        let mut root = segment(vec![subsegment("a", 2, 40_000), subsegment("b", 3, 40_000)]);
        root.id = None;
        let documents = parsed(&split(root, MAX_BYTES));
        assert_eq!(documents.len(), 2);
        assert!(documents[0].id.is_some());
        assert_eq!(documents[1].parent_id, documents[0].id);
    }

    /// Each entity of the documents with its parent, by id; the root's parent is its own.
    fn parents(documents: &[Entity]) -> HashMap<SegmentId, Option<SegmentId>> {
        fn note(
            entity: &Entity,
            parent: Option<SegmentId>,
            found: &mut HashMap<SegmentId, Option<SegmentId>>,
        ) {
            assert_eq!(found.insert(entity.id.unwrap(), parent), None, "twice: {:?}", entity.id);
            for child in &entity.subsegments {
                note(child, entity.id, found);
            }
        }
        let mut found = HashMap::new();
        for document in documents {
            note(document, document.parent_id, &mut found);
        }
        found
    }

    /// What each entity says, apart from where it stands; by id.
    fn contents(documents: &[Entity]) -> HashMap<SegmentId, Entity> {
        let mut found = HashMap::new();
        let mut waiting: Vec<Entity> = documents.to_vec();
        while let Some(mut entity) = waiting.pop() {
            waiting.append(&mut entity.subsegments);
            (entity.kind, entity.trace_id, entity.parent_id) = (Kind::Segment, None, None);
            found.insert(entity.id.unwrap(), entity);
        }
        found
    }

    fn numbered(entity: &mut Entity, next: &mut u64) {
        entity.id = Some(SegmentId::from_u64(*next));
        *next += 1;
        for child in &mut entity.subsegments {
            child.parent_id = None;
            numbered(child, next);
        }
    }

    /// A tree of any form, with some texts that are far too long.
    fn any_large_entity() -> impl Strategy<Value = Entity> {
        let paddings = proptest::collection::vec(0usize..9_000, 1..8);
        (any_entity(), paddings, any::<bool>()).prop_map(|(mut entity, paddings, in_sql)| {
            fn pad(entity: &mut Entity, paddings: &mut impl Iterator<Item = usize>, in_sql: bool) {
                let text = "\"é".repeat(paddings.next().unwrap_or(0) / 3);
                match &mut entity.sql {
                    Some(sql) if in_sql => sql.sanitized_query = Some(text),
                    _ => drop(entity.metadata.insert("pad".into(), json!({ "text": text }))),
                }
                for child in &mut entity.subsegments {
                    pad(child, paddings, in_sql);
                }
            }
            pad(&mut entity, &mut paddings.into_iter().cycle(), in_sql);
            numbered(&mut entity, &mut 1);
            entity
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_part_fits_and_no_entity_or_parent_is_lost(
            entity in any_large_entity(),
            max_bytes in 0usize..20_000,
        ) {
            let before = parents(std::slice::from_ref(&entity));
            let said = contents(std::slice::from_ref(&entity));
            let root = (entity.id, entity.parent_id, entity.trace_id);
            let parts = split(entity, max_bytes);
            let documents = parsed(&parts);
            for document in &parts.documents {
                prop_assert!(document.len() <= max_bytes.max(4_224), "{} bytes", document.len());
            }
            prop_assert_eq!(parents(&documents), before);
            prop_assert_eq!(contents(&documents) == said, parts.losses.is_empty());
            prop_assert_eq!((documents[0].id, documents[0].parent_id, documents[0].trace_id), root);
            let mut known: Vec<SegmentId> = Vec::new();
            for (index, document) in documents.iter().enumerate() {
                let parent = document.parent_id.filter(|_| index > 0);
                prop_assert!(parent.is_none_or(|parent| known.contains(&parent)), "parent comes later");
                known.extend(parents(std::slice::from_ref(document)).keys());
            }
        }
    }
}
