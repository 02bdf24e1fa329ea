//! Keeps the store within its age and size, and its file tidy.
//!
//! In: a tick, twice a second, on the writer's thread. Out: the oldest traces removed, in small
//! transactions, so that documents never wait long. Owns the limits. A trace's age counts from its
//! last document.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::names::{MAX_NAMES, Names};
use super::row::{Minutes, Place};
use super::sums::Sums;
use super::terms;
use crate::backend::local::graph::Contribution;
use crate::backend::local::trace::Summary;
use xray_tracing::TraceId;

/// Most traces removed in one transaction.
const TRACES_AT_ONCE: usize = 200;
/// Longest that removing may keep documents waiting.
const MAX_SWEEP: Duration = Duration::from_millis(150);
/// Free pages given back to the system in one go: 8 MiB.
const PAGES_AT_ONCE: i64 = 1024;

/// How much the store may hold, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retention {
    pub(super) max_age: Duration,
    pub(super) max_bytes: u64,
}

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Swept {
    pub(super) traces: u64,
    pub(super) documents: u64,
}

impl Retention {
    /// Removes what is too old or too much. `quiet`: no documents wait, so there is time to tidy up.
    pub(super) fn sweep(
        &self,
        db: &mut Connection,
        names: &mut Names,
        now_us: i64,
        quiet: bool,
    ) -> rusqlite::Result<Swept> {
        let started = Instant::now();
        let mut swept = Swept::default();
        let oldest_us = now_us - i64::try_from(self.max_age.as_micros()).unwrap_or(i64::MAX);
        while started.elapsed() < MAX_SWEEP {
            let excess_bytes = self.excess_bytes(db)?;
            let removed = remove_oldest(db, names, oldest_us, excess_bytes)?;
            swept.traces += removed.traces;
            swept.documents += removed.documents;
            if removed.traces == 0 {
                break;
            }
        }
        if quiet {
            tidy(db, names)?;
        }
        Ok(swept)
    }

    /// Bytes that must go.
    fn excess_bytes(&self, db: &Connection) -> rusqlite::Result<u64> {
        // Room for the log beside the file.
        Ok(used_bytes(db)?.saturating_sub(self.max_bytes / 20 * 19))
    }
}

/// Bytes of the pages that hold something.
fn used_bytes(db: &Connection) -> rusqlite::Result<u64> {
    let used: i64 = pragma(db, "page_count")? - pragma(db, "freelist_count")?;
    Ok(used.max(0).unsigned_abs() * pragma(db, "page_size")?.unsigned_abs())
}

fn pragma(db: &Connection, name: &str) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, name, |row| row.get(0))
}

/// Removes some of the traces that were silent for longest: those that were since before
/// `before_us`, and younger ones as long as documents of `excess_bytes` have not gone.
fn remove_oldest(
    db: &mut Connection,
    names: &mut Names,
    before_us: i64,
    excess_bytes: u64,
) -> rusqlite::Result<Swept> {
    let transaction = db.transaction()?;
    let mut sums = Sums::default();
    let mut removed = Swept::default();
    {
        let mut oldest = transaction.prepare_cached(
            "SELECT key, first_minute, last_minute, summary, graph, id, updated_us, bytes,
                    flags
             FROM trace ORDER BY updated_us LIMIT ?",
        )?;
        let mut rows = oldest.query([TRACES_AT_ONCE])?;
        let mut keys = Vec::with_capacity(TRACES_AT_ONCE);
        let mut gone_bytes = 0;
        while let Some(row) = rows.next()? {
            let (key, updated_us): (i64, i64) = (row.get(0)?, row.get(6)?);
            if updated_us >= before_us && gone_bytes >= excess_bytes {
                break;
            }
            gone_bytes += row.get::<_, u64>(7)?;
            if let Some(share) = Contribution::decode(row.get_ref(4)?.as_blob()?) {
                let minutes = Minutes { first: row.get(1)?, last: row.get(2)? };
                sums.remove(Place::of(minutes, row.get(8)?), &share);
            }
            let id = TraceId::from_bytes(row.get(5)?);
            let summary = Summary::decode(id, row.get_ref(3)?.as_blob()?);
            terms::update(&transaction, names, key, summary.as_ref(), None)?;
            keys.push(key);
        }
        for key in keys {
            let delete = |sql| transaction.prepare_cached(sql)?.execute([key]);
            removed.documents += delete("DELETE FROM segment WHERE trace = ?")? as u64;
            removed.traces += delete("DELETE FROM trace WHERE key = ?")? as u64;
        }
    }
    sums.write(&transaction, names)?;
    transaction.commit()?;
    Ok(removed)
}

/// What is better done when nobody waits.
fn tidy(db: &Connection, names: &mut Names) -> rusqlite::Result<()> {
    let free = pragma(db, "freelist_count")?;
    // A little room is kept: it will be needed again.
    if free > PAGES_AT_ONCE && free > pragma(db, "page_count")? / 10 {
        give_back(db, PAGES_AT_ONCE)?;
    }
    let nodes: i64 = db.prepare_cached("SELECT count(*) FROM node")?.query_row([], |r| r.get(0))?;
    if nodes > MAX_NAMES {
        db.execute_batch(
            "DELETE FROM node WHERE id NOT IN (SELECT node FROM node_minute)
               AND id NOT IN (SELECT source FROM edge_minute)
               AND id NOT IN (SELECT target FROM edge_minute)",
        )?;
        names.forget();
    }
    // Moves the log into the file while no question is open on old pages; never waits.
    db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Gives free pages back to the system.
fn give_back(db: &Connection, pages: i64) -> rusqlite::Result<()> {
    let mut vacuum = db.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut freed = vacuum.query([])?;
    while freed.next()?.is_some() {}
    Ok(())
}

/// Removes everything but settings.
pub(super) fn clear(db: &mut Connection) -> rusqlite::Result<()> {
    let transaction = db.transaction()?;
    transaction.execute_batch(
        "DELETE FROM trace; DELETE FROM segment; DELETE FROM term; DELETE FROM term_key;
         DELETE FROM service; DELETE FROM node; DELETE FROM node_minute; DELETE FROM edge_minute;",
    )?;
    transaction.commit()?;
    give_back(db, i64::from(i32::MAX))?;
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
