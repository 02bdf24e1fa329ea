//! The service graph summed up a minute, corrected when a trace changes.
//!
//! In: what a trace added before and what it adds now. Out: rows of `node_minute` and
//! `edge_minute`, written once a transaction; health checks have rows of their own, so that a map
//! without them costs no more than one with them. Owns what the transaction has gathered so far.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::names::Names;
use super::row::{Place, Sort};
use crate::backend::local::graph::{Contribution, EdgeKey, EdgeKind, EdgeStats, NodeStats};
use crate::backend::local::trace::ServiceId;

/// Changes to the sums, by where they count.
#[derive(Debug, Default)]
pub(super) struct Sums {
    changes: BTreeMap<Place, Change>,
}

#[derive(Debug, Default)]
struct Change {
    added: Contribution,
    removed: Contribution,
}

impl Sums {
    pub(super) fn add(&mut self, place: Place, share: &Contribution) {
        self.changes.entry(place).or_default().added.merge(share);
    }

    pub(super) fn remove(&mut self, place: Place, share: &Contribution) {
        self.changes.entry(place).or_default().removed.merge(share);
    }

    /// Writes the rows that changed.
    pub(super) fn write(self, db: &Connection, names: &mut Names) -> rusqlite::Result<()> {
        for (place, Change { added, removed }) in self.changes {
            let mut sum = Contribution::default();
            let nodes = touched(&added.nodes, &removed.nodes);
            let edges = touched(&added.edges, &removed.edges);
            let mut rows = Rows { db, names: &mut *names, place };
            for service in &nodes {
                if let Some(stats) = rows.node(service)? {
                    sum.nodes.insert((*service).clone(), stats);
                }
            }
            for edge in &edges {
                if let Some(stats) = rows.edge(edge)? {
                    sum.edges.insert((*edge).clone(), stats);
                }
            }
            sum.merge(&added);
            sum.subtract(&removed);
            for service in &nodes {
                rows.put_node(service, sum.nodes.get(*service))?;
            }
            for edge in &edges {
                rows.put_edge(edge, sum.edges.get(*edge))?;
            }
        }
        Ok(())
    }
}

/// The keys of both.
fn touched<'a, K: Ord, V>(added: &'a BTreeMap<K, V>, removed: &'a BTreeMap<K, V>) -> Vec<&'a K> {
    let mut keys: Vec<_> = added.keys().chain(removed.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The rows of one minute and sort.
struct Rows<'a> {
    db: &'a Connection,
    names: &'a mut Names,
    place: Place,
}

impl Rows<'_> {
    fn node(&mut self, service: &ServiceId) -> rusqlite::Result<Option<NodeStats>> {
        let (first, last, sort) = self.place.key();
        let node = self.names.node(self.db, service)?;
        let stats: Option<Vec<u8>> = self
            .db
            .prepare_cached(
                "SELECT stats FROM node_minute
                 WHERE first_minute = ? AND last_minute = ? AND node = ? AND sort = ?",
            )?
            .query_row([first, last, node, sort], |row| row.get(0))
            .optional()?;
        Ok(stats.and_then(|bytes| NodeStats::decode(&bytes)))
    }

    fn put_node(&mut self, service: &ServiceId, stats: Option<&NodeStats>) -> rusqlite::Result<()> {
        let (first, last, sort) = self.place.key();
        let node = self.names.node(self.db, service)?;
        let Some(stats) = stats else {
            self.db
                .prepare_cached(
                    "DELETE FROM node_minute
                     WHERE first_minute = ? AND last_minute = ? AND node = ? AND sort = ?",
                )?
                .execute([first, last, node, sort])?;
            return Ok(());
        };
        let mut bytes = Vec::new();
        stats.encode(&mut bytes);
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO node_minute (first_minute, last_minute, node, sort, stats)
                 VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![first, last, node, sort, bytes])?;
        Ok(())
    }

    fn edge_key(&mut self, edge: &EdgeKey) -> rusqlite::Result<(i64, i64, u64)> {
        let EdgeKey { from, to, kind } = edge;
        let source = self.names.node(self.db, from)?;
        Ok((source, self.names.node(self.db, to)?, kind_to_number(*kind)))
    }

    fn edge(&mut self, edge: &EdgeKey) -> rusqlite::Result<Option<EdgeStats>> {
        let (first, last, sort) = self.place.key();
        let (source, target, kind) = self.edge_key(edge)?;
        let stats: Option<Vec<u8>> = self
            .db
            .prepare_cached(
                "SELECT stats FROM edge_minute WHERE first_minute = ? AND last_minute = ?
                 AND source = ? AND target = ? AND kind = ? AND sort = ?",
            )?
            .query_row(params![first, last, source, target, kind, sort], |row| row.get(0))
            .optional()?;
        Ok(stats.and_then(|bytes| EdgeStats::decode(&bytes)))
    }

    fn put_edge(&mut self, edge: &EdgeKey, stats: Option<&EdgeStats>) -> rusqlite::Result<()> {
        let (first, last, sort) = self.place.key();
        let (source, target, kind) = self.edge_key(edge)?;
        let Some(stats) = stats else {
            self.db
                .prepare_cached(
                    "DELETE FROM edge_minute WHERE first_minute = ? AND last_minute = ?
                     AND source = ? AND target = ? AND kind = ? AND sort = ?",
                )?
                .execute(params![first, last, source, target, kind, sort])?;
            return Ok(());
        };
        let mut bytes = Vec::new();
        stats.encode(&mut bytes);
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO edge_minute
                 (first_minute, last_minute, source, target, kind, sort, stats)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![first, last, source, target, kind, sort, bytes])?;
        Ok(())
    }
}

/// What a row of a sort holds.
pub(super) fn sort_to_number(sort: Sort) -> i64 {
    match sort {
        Sort::Request => 0,
        Sort::HealthCheck => 1,
    }
}

impl Place {
    fn key(self) -> (i64, i64, i64) {
        (self.minutes.first, self.minutes.last, sort_to_number(self.sort))
    }
}

fn kind_to_number(kind: EdgeKind) -> u64 {
    match kind {
        EdgeKind::Call => 0,
        EdgeKind::Link => 1,
    }
}

/// The kind of an edge, as a row holds it.
pub(super) fn kind_from_number(number: u64) -> Option<EdgeKind> {
    match number {
        0 => Some(EdgeKind::Call),
        1 => Some(EdgeKind::Link),
        _ => None,
    }
}
