//! The documents of a trace in the store.
//!
//! In: a trace's key. Out: its documents in order of arrival, read again; rows written. Rules of
//! what replaces what: see [`Fate`].

use std::net::SocketAddr;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use xray_tracing::TraceId;
use xray_tracing::document::{Entity, Kind};

use super::row::seconds;
use crate::backend::local::trace::{Received, Trace};

/// What a document is known by in its trace. Tracers that let both sides of a call share a span
/// send a segment and a subsegment of one id: these are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DocumentKey {
    id: i64,
    kind: u8,
}

impl DocumentKey {
    /// None without an id, which no accepted document is.
    pub(super) fn of(entity: &Entity) -> Option<Self> {
        let kind = match entity.kind {
            Kind::Segment => 0,
            Kind::Subsegment => 1,
        };
        entity.id.map(|id| Self { id: id.to_u64().cast_signed(), kind })
    }
}

/// What becomes of a document whose key the trace has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A new key: added.
    Added,
    /// The earlier one was in progress: replaced.
    Replaces,
    /// The earlier one was complete: the first completion wins.
    Ignored,
}

impl Fate {
    /// `before`: how the earlier document of that key stood, if there is one.
    pub(super) fn of(before: Option<Progress>) -> Self {
        match before {
            None => Self::Added,
            Some(Progress::Running) => Self::Replaces,
            Some(Progress::Complete) => Self::Ignored,
        }
    }
}

/// Whether the work that a document speaks of had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Running,
    Complete,
}

impl Progress {
    pub(super) fn of(entity: &Entity) -> Self {
        if entity.in_progress { Self::Running } else { Self::Complete }
    }
}

/// The key of a trace, if the store has it.
pub(super) fn find_key(db: &Connection, trace: TraceId) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT key FROM trace WHERE id = ?")?
        .query_row([trace.to_bytes()], |row| row.get(0))
        .optional()
}

/// All documents of a trace, in order of arrival.
pub(super) fn load(db: &Connection, key: i64) -> rusqlite::Result<Vec<Received>> {
    let mut statement = db.prepare_cached(
        "SELECT arrival, received_us, sender, document FROM segment WHERE trace = ?",
    )?;
    let mut rows = statement.query([key])?;
    let mut documents = Vec::new();
    while let Some(row) = rows.next()? {
        let document = Bytes::copy_from_slice(row.get_ref(3)?.as_blob()?);
        // It was read when it came; a later version of the reader may be stricter.
        let Ok(entity) = Entity::parse(&document) else { continue };
        let sender: Option<String> = row.get(2)?;
        documents.push(Received {
            document,
            entity,
            received_at_s: seconds(row.get(1)?),
            seq: row.get(0)?,
            sender: sender.and_then(|sender| sender.parse::<SocketAddr>().ok()),
        });
    }
    documents.sort_by_key(|document| document.seq);
    Ok(documents)
}

/// The assembled trace, if the store has it.
pub(super) fn load_trace(db: &Connection, id: TraceId) -> rusqlite::Result<Option<Trace>> {
    let Some(key) = find_key(db, id)? else { return Ok(None) };
    Ok(Some(Trace::assemble(id, load(db, key)?)))
}

/// How the trace's document of this key stands, and its bytes; none if there is none.
pub(super) fn find(
    db: &Connection,
    trace: i64,
    DocumentKey { id, kind }: DocumentKey,
) -> rusqlite::Result<Option<(Progress, u64)>> {
    db.prepare_cached(
        "SELECT in_progress, length(document) FROM segment
         WHERE trace = ? AND id = ? AND kind = ?",
    )?
    .query_row(params![trace, id, kind], |row| {
        let progress = if row.get(0)? { Progress::Running } else { Progress::Complete };
        Ok((progress, row.get(1)?))
    })
    .optional()
}

/// Writes a document, over the one of its key if there is one.
pub(super) fn put(
    db: &Connection,
    trace: i64,
    DocumentKey { id, kind }: DocumentKey,
    received_us: i64,
    received: &Received,
) -> rusqlite::Result<()> {
    let Received { document, entity, received_at_s: _, seq, sender } = received;
    db.prepare_cached(
        "INSERT OR REPLACE INTO segment
         (trace, id, kind, arrival, received_us, in_progress, sender, document)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        trace,
        id,
        kind,
        seq,
        received_us,
        entity.in_progress,
        sender.map(|sender| sender.to_string()),
        &document[..],
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_completion_wins() {
        assert_eq!(Fate::of(None), Fate::Added);
        assert_eq!(Fate::of(Some(Progress::Running)), Fate::Replaces);
        assert_eq!(Fate::of(Some(Progress::Complete)), Fate::Ignored);
    }
}
