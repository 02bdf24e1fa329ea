//! The one thread that writes.
//!
//! In: calls with documents, and changes of other kinds. Out: transactions of up to
//! [`MAX_DOCUMENTS`] documents; each call is answered once its transaction is committed. Owns the
//! connection that writes. Calls wait in a bounded channel: when the disk is slow, whoever calls
//! waits, and the daemon's buffer fills instead of this one. When very many documents come, rows of
//! traces that are known already follow half a second later, once for all that came meanwhile. The
//! thread ends when it is told to, or when all senders are gone, with everything written.

use std::collections::{HashMap, HashSet};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};
use xray_tracing::TraceId;

use super::error::StoreError;
use super::location::Location;
use super::names::Names;
use super::open_trace::{OpenTrace, Taken};
use super::retention::{Retention, Swept};
use super::row::{microseconds, seconds};
use super::sums::Sums;
use crate::backend::local::LocalError;
use crate::backend::local::trace::Received;

/// Most documents in a transaction. Measured: larger ones bring nothing, smaller ones cost.
const MAX_DOCUMENTS: usize = 1_000;
/// Calls that wait for the writer.
const MAX_WAITING: usize = 64;
/// Time between two rounds of [`Retention`], and of rows that are late.
pub(super) const TICK: Duration = Duration::from_millis(500);
/// Documents within a tick from which on rows may be late. A person never sends as many.
const BUSY_DOCUMENTS: usize = 5_000;
/// Bytes of documents of traces whose rows are late, over which these are written at once.
const MAX_LATE_BYTES: u64 = 16 << 20;

/// What the writer is asked to do.
pub(super) enum Command {
    /// Store the documents of one call.
    Put {
        documents: Vec<Received>,
        /// Gets the places of those for which their trace had no room.
        done: oneshot::Sender<Result<Vec<usize>, StoreError>>,
    },
    /// Anything else; the closure answers by itself.
    Change(Box<dyn FnOnce(&mut Connection) + Send>),
    /// Remove everything but settings.
    Clear { done: oneshot::Sender<Result<(), StoreError>> },
    /// Time went by.
    Tick,
    /// Finish what waits, then end.
    Close,
}

/// A way to the writer.
pub(super) type Commands = mpsc::Sender<Command>;

/// What one commit brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Commits since the start.
    pub commits: u64,
    /// Documents stored since the start.
    pub documents: u64,
    /// Traces removed since the start to keep age and size.
    pub expired: u64,
    /// Traces in the store now.
    pub traces: u64,
    /// Documents in the store now.
    pub segments: u64,
}

/// Starts the thread.
pub(super) fn start(
    connection: Connection,
    location: Location,
    retention: Retention,
    max_trace_bytes: u64,
) -> Result<(Commands, watch::Receiver<Changes>, JoinHandle<()>), LocalError> {
    let (commands, inbox) = mpsc::channel(MAX_WAITING);
    let (next_key, held) = look_around(&connection)
        .map_err(|source| LocalError::Open { path: location.database(), source })?;
    let (changes, seen) = watch::channel(held);
    let writer = Writer {
        connection,
        location,
        retention,
        max_trace_bytes,
        names: Names::default(),
        next_key,
        // Larger than in any run before, unless the clock went back.
        next_call: now_us().cast_unsigned(),
        late: HashMap::new(),
        unsure: HashSet::new(),
        pace: Pace::default(),
        changes,
    };
    let thread = std::thread::Builder::new()
        .name("xray-store".to_owned())
        .spawn(move || writer.run(inbox))
        .map_err(LocalError::Thread)?;
    Ok((commands, seen, thread))
}

/// The next key, and what the store holds already.
fn look_around(db: &Connection) -> rusqlite::Result<(i64, Changes)> {
    let next_key =
        db.query_row("SELECT coalesce(max(key), 0) + 1 FROM trace", [], |row| row.get(0))?;
    // Covered by the index: some milliseconds for a full store.
    let (traces, segments) = db.query_row(
        "SELECT count(*), coalesce(sum(documents), 0) FROM trace INDEXED BY trace_updated",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok((next_key, Changes { traces, segments, ..Changes::default() }))
}

struct Writer {
    connection: Connection,
    /// Outlives the connection: fields are dropped in order, and a private file goes with this.
    location: Location,
    retention: Retention,
    max_trace_bytes: u64,
    names: Names,
    next_key: i64,
    next_call: u64,
    /// Traces whose rows are behind their documents.
    late: HashMap<TraceId, OpenTrace>,
    /// Those of which that is all we know, after a transaction that failed.
    unsure: HashSet<TraceId>,
    pace: Pace,
    changes: watch::Sender<Changes>,
}

/// How many documents come.
#[derive(Debug, Default)]
struct Pace {
    since_tick: usize,
    before: usize,
}

impl Pace {
    fn is_busy(&self) -> bool {
        self.since_tick.max(self.before) > BUSY_DOCUMENTS
    }

    fn tick(&mut self) {
        self.before = std::mem::take(&mut self.since_tick);
    }
}

/// What a transaction brought about.
#[derive(Debug, Default)]
struct Stored {
    /// For each call the places of documents for which their trace had no room.
    full: Vec<Vec<usize>>,
    new_traces: u64,
    new_documents: u64,
}

type Call = (Vec<Received>, oneshot::Sender<Result<Vec<usize>, StoreError>>);

impl Writer {
    fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut next = None;
        while let Some(command) = next.take().or_else(|| inbox.blocking_recv()) {
            match command {
                Command::Put { documents, done } => {
                    let mut calls: Vec<Call> = vec![(documents, done)];
                    next = gather(&mut inbox, &mut calls);
                    self.put(calls);
                }
                Command::Change(change) => change(&mut self.connection),
                Command::Clear { done } => answer(done, self.clear()),
                Command::Tick => self.tick(inbox.is_empty()),
                Command::Close => inbox.close(),
            }
        }
        self.settle_late();
        let optimized = self.connection.execute_batch("PRAGMA optimize");
        tracing::debug!(?optimized, file = %self.location.database().display(), "store closed");
    }

    fn put(&mut self, calls: Vec<Call>) {
        let started = Instant::now();
        let count: usize = calls.iter().map(|(documents, _)| documents.len()).sum();
        self.pace.since_tick += count;
        if self.late.values().map(OpenTrace::held_bytes).sum::<u64>() > MAX_LATE_BYTES {
            self.settle_late();
        }
        let (documents, waiting): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        match self.store(documents) {
            Ok(stored) => {
                self.changes.send_modify(|changes| {
                    changes.commits += 1;
                    changes.documents += count as u64;
                    changes.traces += stored.new_traces;
                    changes.segments += stored.new_documents;
                });
                for (done, full) in waiting.into_iter().zip(stored.full) {
                    answer(done, Ok(full));
                }
                tracing::debug!(documents = count, took = ?started.elapsed(), "stored");
            }
            Err(err) => {
                self.names.forget();
                tracing::error!(
                    error = &err as &dyn std::error::Error,
                    documents = count,
                    "documents could not be stored, they go back"
                );
                for done in waiting {
                    answer(done, Err(again(&err)));
                }
            }
        }
    }

    /// Stores the documents of several calls in one transaction.
    fn store(&mut self, calls: Vec<Vec<Received>>) -> Result<Stored, StoreError> {
        let received_us = now_us();
        let (mut next_key, mut next_call) = (self.next_key, self.next_call);
        let (max_bytes, is_busy) = (self.max_trace_bytes, self.pace.is_busy());
        let transaction = self.connection.transaction()?;
        let mut open: HashMap<TraceId, OpenTrace> = HashMap::new();
        // In order of arrival.
        let mut order = Vec::new();
        let mut stored = Stored::default();
        for documents in calls {
            let mut full_here = Vec::new();
            for (place, mut received) in documents.into_iter().enumerate() {
                let Some(id) = received.entity.trace_id else { continue };
                received.seq = next_call;
                received.received_at_s = seconds(received_us);
                let trace = match open.entry(id) {
                    std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                    std::collections::hash_map::Entry::Vacant(place) => {
                        let trace = match self.late.remove(&id) {
                            Some(late) => {
                                self.unsure.insert(id);
                                late.resumed()
                            }
                            None => OpenTrace::open(&transaction, id, next_key)?,
                        };
                        next_key = next_key.max(trace.key() + 1);
                        order.push(id);
                        place.insert(trace)
                    }
                };
                if trace.take(&transaction, received, received_us, max_bytes)? == Taken::TraceFull {
                    full_here.push(place);
                }
            }
            next_call += 1;
            stored.full.push(full_here);
        }
        let mut sums = Sums::default();
        let mut late = Vec::new();
        // Stable: traces that speak of others come after those.
        order.sort_by_key(|id| open.get(id).is_some_and(OpenTrace::has_links));
        for (id, trace) in order.iter().filter_map(|id| Some((*id, open.remove(id)?))) {
            stored.new_traces += u64::from(trace.is_new());
            stored.new_documents += trace.added();
            if (trace.is_large() || is_busy) && !trace.is_new() {
                trace.note(&transaction)?;
                late.push((id, trace));
            } else {
                trace.settle(&transaction, &mut self.names, &mut sums)?;
            }
        }
        sums.write(&transaction, &mut self.names)?;
        transaction.commit()?;
        (self.next_key, self.next_call) = (next_key, next_call);
        for id in &order {
            self.unsure.remove(id);
        }
        self.late.extend(late);
        Ok(stored)
    }

    /// Brings the rows that are late up to date.
    fn settle_late(&mut self) {
        if self.late.is_empty() && self.unsure.is_empty() {
            return;
        }
        let late: Vec<_> = self.late.drain().collect();
        let mut ids: HashSet<_> = late.iter().map(|(id, _)| *id).collect();
        ids.extend(self.unsure.drain());
        let late: Vec<_> = late.into_iter().map(|(_, trace)| trace).collect();
        if let Err(err) = settle_all(&mut self.connection, &mut self.names, late, &ids) {
            self.names.forget();
            tracing::error!(
                error = &err as &dyn std::error::Error,
                traces = ids.len(),
                "summaries are behind their documents, to be written with the next tick"
            );
            self.unsure = ids;
        }
    }

    fn tick(&mut self, quiet: bool) {
        self.pace.tick();
        self.settle_late();
        match self.retention.sweep(&mut self.connection, &mut self.names, now_us(), quiet) {
            Ok(Swept { traces: 0, .. }) => {}
            Ok(Swept { traces, documents }) => {
                self.changes.send_modify(|changes| {
                    changes.commits += 1;
                    changes.expired += traces;
                    changes.traces = changes.traces.saturating_sub(traces);
                    changes.segments = changes.segments.saturating_sub(documents);
                });
                tracing::debug!(traces, "old traces removed");
            }
            Err(err) => {
                self.names.forget();
                tracing::error!(
                    error = &err as &dyn std::error::Error,
                    "old traces could not be removed; the store may grow over its limit"
                );
            }
        }
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.late.clear();
        self.unsure.clear();
        self.names.forget();
        super::retention::clear(&mut self.connection)?;
        self.changes.send_modify(|changes| {
            changes.commits += 1;
            (changes.traces, changes.segments) = (0, 0);
        });
        Ok(())
    }
}

/// Writes the rows of `ids`: of `traces`, and of the others as the store has them.
fn settle_all(
    connection: &mut Connection,
    names: &mut Names,
    traces: Vec<OpenTrace>,
    ids: &HashSet<TraceId>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let mut sums = Sums::default();
    let mut left = ids.clone();
    for trace in traces {
        left.remove(&trace.id());
        trace.settle(&transaction, names, &mut sums)?;
    }
    for id in left {
        let trace = OpenTrace::open(&transaction, id, 0)?;
        if !trace.is_new() {
            trace.settle(&transaction, names, &mut sums)?;
        }
    }
    sums.write(&transaction, names)?;
    transaction.commit()
}

/// Adds calls that wait already, up to the size of a transaction; returns another command that came
/// between.
fn gather(inbox: &mut mpsc::Receiver<Command>, calls: &mut Vec<Call>) -> Option<Command> {
    let mut count: usize = calls.iter().map(|(documents, _)| documents.len()).sum();
    while count < MAX_DOCUMENTS {
        // Each answers for itself: a transaction holds whole calls.
        match inbox.try_recv() {
            Ok(Command::Put { documents, done }) => {
                count += documents.len();
                calls.push((documents, done));
            }
            Ok(other) => return Some(other),
            Err(_) => return None,
        }
    }
    None
}

/// The asker may have gone away.
fn answer<T>(done: oneshot::Sender<T>, value: T) {
    drop(done.send(value));
}

/// The same error for one more caller; the cause stands in the log once.
fn again(err: &StoreError) -> StoreError {
    match err {
        StoreError::Full => StoreError::Full,
        _ => StoreError::Damaged("transaction, see the log"),
    }
}

/// Epoch microseconds now.
pub(super) fn now_us() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    microseconds(now.as_secs_f64())
}
