//! Texts that stand for themselves as small numbers: services, nodes of the map, annotation keys.
//!
//! In: texts, from the writer. Out: their numbers, made when new. Owns a cache for the writer.
//! Strangers choose these texts: beyond [`MAX_NAMES`] of a kind new ones get no number, and whoever
//! reads must then look at the traces themselves.

use std::collections::HashMap;
use std::hash::Hash;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::backend::local::trace::ServiceId;

/// Most names of a kind.
pub(super) const MAX_NAMES: i64 = 10_000;
/// The bit of `trace.services` that all services share which came after the first 63.
const SHARED_BIT: u32 = 63;

/// Key of the terms that say which user sent a request.
pub(super) const USER_KEY: &str = "user";

/// Key of the terms of an annotation.
pub(super) fn annotation_key(key: &str) -> String {
    format!("annotation.{key}")
}

/// The writer's memory of names.
#[derive(Debug, Default)]
pub(super) struct Names {
    services: HashMap<String, Option<i64>>,
    terms: HashMap<String, Option<i64>>,
    nodes: HashMap<ServiceId, i64>,
}

impl Names {
    /// Forgets what a transaction that failed may have made.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The mask of the services named by `services`.
    pub(super) fn mask<'a>(
        &mut self,
        db: &Connection,
        services: impl IntoIterator<Item = &'a ServiceId>,
    ) -> rusqlite::Result<i64> {
        let mut mask = 0_u64;
        for service in services.into_iter().filter(|service| !service.is_client()) {
            let id = remembered(&mut self.services, &service.name, |name| {
                find_or_add(db, "service", name)
            })?;
            mask |= 1 << bit(id);
        }
        Ok(mask.cast_signed())
    }

    /// The number of a term's key.
    pub(super) fn term_key(&mut self, db: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
        remembered(&mut self.terms, key, |key| find_or_add(db, "term_key", key))
    }

    /// The number of a node.
    pub(super) fn node(&mut self, db: &Connection, service: &ServiceId) -> rusqlite::Result<i64> {
        if let Some(id) = self.nodes.get(service) {
            return Ok(*id);
        }
        let ServiceId { name, service_type, account_id } = service;
        let identity = params![
            name,
            service_type.as_deref().unwrap_or_default(),
            account_id.as_deref().unwrap_or_default()
        ];
        let id = db
            .prepare_cached("SELECT id FROM node WHERE name = ? AND type = ? AND account = ?")?
            .query_row(identity, |row| row.get(0))
            .optional()?;
        let id = match id {
            Some(id) => id,
            None => {
                db.prepare_cached("INSERT INTO node (name, type, account) VALUES (?, ?, ?)")?
                    .execute(identity)?;
                db.last_insert_rowid()
            }
        };
        make_room(&mut self.nodes);
        self.nodes.insert(service.clone(), id);
        Ok(id)
    }
}

/// The node that three columns, from `first` on, speak of.
pub(super) fn read_node(row: &Row<'_>, first: usize) -> rusqlite::Result<ServiceId> {
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(ServiceId {
        name: row.get(first)?,
        service_type: said(row.get(first + 1)?),
        account_id: said(row.get(first + 2)?),
    })
}

fn bit(id: Option<i64>) -> u32 {
    id.and_then(|id| u32::try_from(id - 1).ok()).map_or(SHARED_BIT, |place| place.min(SHARED_BIT))
}

fn remembered(
    cache: &mut HashMap<String, Option<i64>>,
    name: &str,
    find: impl FnOnce(&str) -> rusqlite::Result<Option<i64>>,
) -> rusqlite::Result<Option<i64>> {
    if let Some(id) = cache.get(name) {
        return Ok(*id);
    }
    let id = find(name)?;
    make_room(cache);
    cache.insert(name.to_owned(), id);
    Ok(id)
}

/// A cache that is full starts anew: simple, and strangers cannot fill the memory.
fn make_room<K: Eq + Hash, V>(cache: &mut HashMap<K, V>) {
    if cache.len() >= usize::try_from(MAX_NAMES).unwrap_or(usize::MAX) {
        cache.clear();
    }
}

fn find_or_add(db: &Connection, table: &str, name: &str) -> rusqlite::Result<Option<i64>> {
    if let Some(id) = find(db, table, name)? {
        return Ok(Some(id));
    }
    if count(db, table)? >= MAX_NAMES {
        return Ok(None);
    }
    db.prepare_cached(&format!("INSERT INTO {table} (name) VALUES (?)"))?.execute([name])?;
    Ok(Some(db.last_insert_rowid()))
}

fn find(db: &Connection, table: &str, name: &str) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached(&format!("SELECT id FROM {table} WHERE name = ?"))?
        .query_row(params![name], |row| row.get(0))
        .optional()
}

fn count(db: &Connection, table: &str) -> rusqlite::Result<i64> {
    db.prepare_cached(&format!("SELECT count(*) FROM {table}"))?.query_row([], |row| row.get(0))
}

/// What a reader can say of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It has this number.
    As(i64),
    /// No trace has it.
    Nowhere,
    /// It came when there were too many: some trace may have it.
    Perhaps,
}

fn look_up(db: &Connection, table: &str, name: &str) -> rusqlite::Result<Known> {
    Ok(match find(db, table, name)? {
        Some(id) => Known::As(id),
        None if count(db, table)? < MAX_NAMES => Known::Nowhere,
        None => Known::Perhaps,
    })
}

/// The number of a term's key.
pub(super) fn look_up_term_key(db: &Connection, key: &str) -> rusqlite::Result<Known> {
    look_up(db, "term_key", key)
}

/// The mask that all traces with this service have; none if no trace has it.
pub(super) fn look_up_service_mask(db: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    Ok(match look_up(db, "service", name)? {
        Known::As(id) => Some((1_u64 << bit(Some(id))).cast_signed()),
        Known::Perhaps => Some((1_u64 << SHARED_BIT).cast_signed()),
        Known::Nowhere => None,
    })
}

/// Whether the mask of this service is its own, so that having it means having the service.
pub(super) fn mask_is_exact(mask: i64) -> bool {
    mask.cast_unsigned() != 1 << SHARED_BIT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE service (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
             CREATE TABLE term_key (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
             CREATE TABLE node (id INTEGER PRIMARY KEY, name TEXT, type TEXT, account TEXT);",
        )
        .unwrap();
        db
    }

    #[test]
    fn the_first_services_have_a_bit_each_and_later_ones_share_the_last() {
        let (db, mut names) = (tables(), Names::default());
        let mut mask = |name: String| names.mask(&db, &[ServiceId::new(name, None)]).unwrap();
        assert_eq!(mask("a".into()), 1);
        assert_eq!(mask("b".into()), 2);
        assert_eq!(mask("a".into()), 1);
        for number in 2..63 {
            mask(format!("s{number}"));
        }
        assert_eq!(mask("late".into()), i64::MIN);
        assert_eq!(mask("later".into()), i64::MIN);
        assert_eq!(look_up_service_mask(&db, "b").unwrap(), Some(2));
        assert_eq!(look_up_service_mask(&db, "later").unwrap(), Some(i64::MIN));
        assert!(mask_is_exact(2) && !mask_is_exact(i64::MIN));
        assert_eq!(look_up_service_mask(&db, "never").unwrap(), None);
    }

    #[test]
    fn the_client_is_no_service() {
        let (db, mut names) = (tables(), Names::default());
        let client = ServiceId::new("front", Some("client"));
        assert_eq!(names.mask(&db, &[client]).unwrap(), 0);
    }

    #[test]
    fn nodes_of_one_name_and_two_types_differ() {
        let (db, mut names) = (tables(), Names::default());
        let plain = names.node(&db, &ServiceId::new("x", None)).unwrap();
        let typed = names.node(&db, &ServiceId::new("x", Some("remote"))).unwrap();
        assert_ne!(plain, typed);
        names.forget();
        assert_eq!(names.node(&db, &ServiceId::new("x", None)).unwrap(), plain);
    }

    #[test]
    fn too_many_keys_get_no_number_and_readers_know() {
        let (db, mut names) = (tables(), Names::default());
        db.execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
             INSERT INTO term_key (name) SELECT 'annotation.k' || i FROM n",
        )
        .unwrap();
        assert_eq!(names.term_key(&db, "annotation.new").unwrap(), None);
        assert_eq!(look_up_term_key(&db, "annotation.new").unwrap(), Known::Perhaps);
        assert_eq!(look_up_term_key(&db, "annotation.k1").unwrap(), Known::As(1));
    }
}
