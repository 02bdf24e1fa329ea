//! A trace in the transaction at hand: what the store has of it, and what is added.
//!
//! In: documents, one after another. Out: rows, once, when all documents of the transaction are in.
//! Owns the trace's documents meanwhile. A trace of many documents is not read again for each
//! transaction: its documents are written, and its row is brought up to date a little later. So it is
//! with every trace that is known already while very many documents come.

use rusqlite::{Connection, OptionalExtension, params};
use xray_tracing::TraceId;

use super::documents::{self, DocumentKey, Fate, Progress};
use super::links;
use super::names::Names;
use super::row::{LIMIT_EXCEEDED, Minutes, Place, TraceRow};
use super::sums::Sums;
use super::terms;
use crate::backend::local::graph::Contribution;
use crate::backend::local::trace::{EntryIndex, Flags, Received, ServiceId, Summary, Trace};

/// From this many documents on, a trace's row follows at the next tick.
const LARGE_DOCUMENTS: u64 = 512;

/// A trace while its documents come in.
#[derive(Debug)]
pub(super) struct OpenTrace {
    key: i64,
    id: TraceId,
    /// What its row said when it was opened; none for a new trace.
    before: Option<Before>,
    /// Its documents; none of a large trace that was in the store.
    loaded: Option<Vec<Received>>,
    count: u64,
    /// Of them, new in this transaction.
    added: u64,
    bytes: u64,
    revision: u64,
    /// The call that was counted last in `revision`.
    last_call: Option<u64>,
    updated_us: i64,
    limit_exceeded: bool,
}

/// What must be taken off the indexes before the new state is put on.
#[derive(Debug)]
struct Before {
    place: Place,
    summary: Option<Summary>,
    share: Option<Contribution>,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Stored, or rightly ignored as a repetition.
    Yes,
    /// The trace has reached its size.
    TraceFull,
}

impl OpenTrace {
    /// Opens the trace of `id`, new under `new_key` if the store does not have it.
    pub(super) fn open(db: &Connection, id: TraceId, new_key: i64) -> rusqlite::Result<Self> {
        let known = db
            .prepare_cached(
                "SELECT key, documents, bytes, revision, updated_us, flags,
                        first_minute, last_minute, summary, graph
                 FROM trace WHERE id = ?",
            )?
            .query_row([id.to_bytes()], |row| {
                let flags: i64 = row.get(5)?;
                Ok(Self {
                    key: row.get(0)?,
                    id,
                    before: Some(Before {
                        place: Place::of(Minutes { first: row.get(6)?, last: row.get(7)? }, flags),
                        summary: Summary::decode(id, row.get_ref(8)?.as_blob()?),
                        share: Contribution::decode(row.get_ref(9)?.as_blob()?),
                    }),
                    loaded: None,
                    count: row.get(1)?,
                    added: 0,
                    bytes: row.get(2)?,
                    revision: row.get(3)?,
                    last_call: None,
                    updated_us: row.get(4)?,
                    limit_exceeded: flags & LIMIT_EXCEEDED != 0,
                })
            })
            .optional()?;
        match known {
            Some(mut trace) => {
                if trace.count < LARGE_DOCUMENTS {
                    trace.loaded = Some(documents::load(db, trace.key)?);
                }
                Ok(trace)
            }
            None => Ok(Self::new(id, new_key)),
        }
    }

    fn new(id: TraceId, key: i64) -> Self {
        Self {
            key,
            id,
            before: None,
            loaded: Some(Vec::new()),
            count: 0,
            added: 0,
            bytes: 0,
            revision: 0,
            last_call: None,
            updated_us: 0,
            limit_exceeded: false,
        }
    }

    pub(super) fn key(&self) -> i64 {
        self.key
    }

    pub(super) fn id(&self) -> TraceId {
        self.id
    }

    /// The same trace in another transaction.
    pub(super) fn resumed(self) -> Self {
        Self { added: 0, ..self }
    }

    /// Bytes of the documents that it keeps in memory.
    pub(super) fn held_bytes(&self) -> u64 {
        if self.loaded.is_some() { self.bytes } else { 0 }
    }

    pub(super) fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Documents that the store did not have before.
    pub(super) fn added(&self) -> u64 {
        self.added
    }

    /// Whether its row must wait, so that a trace of very many documents is not assembled again
    /// for each of them.
    pub(super) fn is_large(&self) -> bool {
        self.loaded.is_none()
    }

    /// Speaks of other traces, which should be in the store before its row is written.
    pub(super) fn has_links(&self) -> bool {
        let mut documents = self.loaded.iter().flatten();
        documents.any(|received| !received.entity.links.is_empty())
    }

    /// Writes a document, unless the trace has a complete one of its id or no room for it.
    pub(super) fn take(
        &mut self,
        db: &Connection,
        received: Received,
        received_us: i64,
        max_bytes: u64,
    ) -> rusqlite::Result<Taken> {
        let Some(key) = DocumentKey::of(&received.entity) else { return Ok(Taken::Yes) };
        let before = self.find(db, key)?;
        let fate = Fate::of(before.map(|(progress, _)| progress));
        let bytes_before = before.map_or(0, |(_, bytes)| bytes);
        let bytes = (self.bytes + received.document.len() as u64).saturating_sub(bytes_before);
        if fate != Fate::Ignored {
            if bytes > max_bytes {
                self.limit_exceeded = true;
                return Ok(Taken::TraceFull);
            }
            documents::put(db, self.key, key, received_us, &received)?;
            self.bytes = bytes;
            self.count += u64::from(fate == Fate::Added);
            self.added += u64::from(fate == Fate::Added);
        }
        if self.last_call != Some(received.seq) {
            self.last_call = Some(received.seq);
            self.revision += 1;
        }
        self.updated_us = self.updated_us.max(received_us);
        self.keep(key, fate, received);
        Ok(Taken::Yes)
    }

    fn find(&self, db: &Connection, key: DocumentKey) -> rusqlite::Result<Option<(Progress, u64)>> {
        let Some(loaded) = &self.loaded else { return documents::find(db, self.key, key) };
        let found = loaded.iter().find(|earlier| DocumentKey::of(&earlier.entity) == Some(key));
        Ok(found.map(|found| (Progress::of(&found.entity), found.document.len() as u64)))
    }

    fn keep(&mut self, key: DocumentKey, fate: Fate, received: Received) {
        let Some(loaded) = &mut self.loaded else { return };
        match fate {
            Fate::Ignored => {}
            Fate::Added => loaded.push(received),
            Fate::Replaces => {
                loaded.retain(|earlier| DocumentKey::of(&earlier.entity) != Some(key));
                loaded.push(received);
            }
        }
        if loaded.len() as u64 > LARGE_DOCUMENTS {
            self.loaded = None;
        }
    }

    /// Writes the counts alone: the rest of the row follows with [`settle`](Self::settle).
    pub(super) fn note(&self, db: &Connection) -> rusqlite::Result<()> {
        let limit_exceeded = if self.limit_exceeded { LIMIT_EXCEEDED } else { 0 };
        db.prepare_cached(
            "UPDATE trace SET documents = ?, bytes = ?, revision = ?, updated_us = ?,
               flags = flags | ?
             WHERE key = ?",
        )?
        .execute(params![
            self.count,
            self.bytes,
            self.revision,
            self.updated_us,
            limit_exceeded,
            self.key
        ])?;
        Ok(())
    }

    /// Assembles the trace and writes its row, its terms and its share of the graph.
    pub(super) fn settle(
        self,
        db: &Connection,
        names: &mut Names,
        sums: &mut Sums,
    ) -> rusqlite::Result<()> {
        let Self { key, id, before, loaded, count, bytes, revision, updated_us, .. } = self;
        let documents = match loaded {
            Some(documents) => documents,
            None => documents::load(db, key)?,
        };
        let trace = Trace::assemble(id, documents);
        let mut summary = Summary::of(&trace);
        summary.revision = revision;
        let mut row = TraceRow::of(&trace, &summary, updated_us);
        if self.limit_exceeded {
            row.flags |= LIMIT_EXCEEDED;
        }
        let share = links::share_of(db, &trace);
        if let Some(Before { place, share: Some(share), .. }) = &before {
            sums.remove(*place, share);
        }
        sums.add(row.place(), &share);
        let summary_before = before.as_ref().and_then(|before| before.summary.as_ref());
        terms::update(db, names, key, summary_before, Some(&summary))?;
        let services = names.mask(db, &summary.service_ids)?;
        let faulty_services = names.mask(db, faulty(&trace))?;
        let texts = Texts {
            url: summary.http.url.as_deref(),
            summary: summary.encode(),
            graph: share.encode(),
        };
        let counts = Counts { services, faulty_services, revision, documents: count, bytes };
        if before.is_none() {
            insert(db, key, id, &row, &counts, &texts)
        } else {
            update(db, key, &row, &counts, &texts)
        }
    }
}

/// The nodes of which something is a fault.
fn faulty(trace: &Trace) -> impl Iterator<Item = &ServiceId> {
    let is_fault = |index: &EntryIndex| {
        trace.entry(*index).is_some_and(|entry| Flags::of(&entry.entity).fault)
    };
    let nodes = trace.topology().nodes.iter();
    nodes
        .filter(move |(_, node)| node.segments.iter().chain(&node.inferred_from).any(is_fault))
        .map(|(service, _)| service)
}

struct Counts {
    services: i64,
    faulty_services: i64,
    revision: u64,
    documents: u64,
    bytes: u64,
}

struct Texts<'a> {
    url: Option<&'a str>,
    summary: Vec<u8>,
    graph: Vec<u8>,
}

fn insert(
    db: &Connection,
    key: i64,
    id: TraceId,
    row: &TraceRow,
    counts: &Counts,
    texts: &Texts<'_>,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO trace (
           start_us, first_end_us, last_end_us, root_end_us, updated_us, first_minute, last_minute,
           flags, services, faulty_services, duration_s, response_s, status, revision, documents,
           bytes, url, summary, graph, key, id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        row.start_us,
        row.first_end_us,
        row.last_end_us,
        row.root_end_us,
        row.updated_us,
        row.minutes.first,
        row.minutes.last,
        row.flags,
        counts.services,
        counts.faulty_services,
        row.duration_s,
        row.response_s,
        row.status,
        counts.revision,
        counts.documents,
        counts.bytes,
        texts.url,
        texts.summary,
        texts.graph,
        key,
        id.to_bytes(),
    ])?;
    Ok(())
}

fn update(
    db: &Connection,
    key: i64,
    row: &TraceRow,
    counts: &Counts,
    texts: &Texts<'_>,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE trace SET
           start_us = ?, first_end_us = ?, last_end_us = ?, root_end_us = ?, updated_us = ?,
           first_minute = ?, last_minute = ?, flags = ?, services = ?, faulty_services = ?,
           duration_s = ?, response_s = ?, status = ?, revision = ?, documents = ?, bytes = ?, url = ?,
           summary = ?, graph = ?
         WHERE key = ?",
    )?
    .execute(params![
        row.start_us,
        row.first_end_us,
        row.last_end_us,
        row.root_end_us,
        row.updated_us,
        row.minutes.first,
        row.minutes.last,
        row.flags,
        counts.services,
        counts.faulty_services,
        row.duration_s,
        row.response_s,
        row.status,
        counts.revision,
        counts.documents,
        counts.bytes,
        texts.url,
        texts.summary,
        texts.graph,
        key,
    ])?;
    Ok(())
}
