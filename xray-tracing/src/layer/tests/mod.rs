//! The layer as its users meet it: spans in, documents out, on every kind of executor.
//!
//! In: code under test. Out: documents, parsed. One file a theme: `spans` what is recorded,
//! `causality` what led to what, `errors` what fails, `threads` and `tasks` where it runs, `lifetimes` when it ends, `losses` what
//! is lost and how that is counted.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that cannot go on fails, helpers included"
)]

mod causality;
mod errors;
mod lifetimes;
mod losses;
mod spans;
mod tasks;
mod threads;

use crate::document::Entity;

/// The tree of names: `a(b(c),d)`.
fn tree(entity: &Entity) -> String {
    if entity.subsegments.is_empty() {
        return entity.name.clone();
    }
    let children: Vec<_> = entity.subsegments.iter().map(tree).collect();
    format!("{}({})", entity.name, children.join(","))
}

fn trees(documents: &[Entity]) -> Vec<String> {
    documents.iter().map(tree).collect()
}

/// The only document.
#[track_caller]
fn only(mut documents: Vec<Entity>) -> Entity {
    assert_eq!(documents.len(), 1, "{:?}", trees(&documents));
    documents.remove(0)
}

/// The entity of that name, wherever it stands.
fn find<'a>(entities: &'a [Entity], name: &str) -> Option<&'a Entity> {
    entities.iter().find_map(|entity| {
        if entity.name == name { Some(entity) } else { find(&entity.subsegments, name) }
    })
}
