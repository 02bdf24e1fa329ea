//! The face of the store: one method a question.
//!
//! In: documents and questions. Out: answers. Owns the way to the writer and the readers; a clone is
//! the same store.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::{Semaphore, oneshot, watch};
use xray_tracing::TraceId;

use super::error::StoreError;
use super::groups::GroupFilters;
use super::intake::{self, Incoming, Refused};
use super::location::{Location, bytes_on_disk};
use super::query::{
    Page, RefusedDocument, SeriesPoint, SeriesQuery, StoreStats, Survey, SurveyQuery, TraceQuery,
    Unstored, Window,
};
use super::readers::{Deadline, Readers};
use super::retention::Retention;
use super::row::{LIMIT_EXCEEDED, seconds};
use super::settings::Settings;
use super::writer::{self, Changes, Command, Commands};
use super::{completions, documents, graph, list, schema, series, survey};
use crate::backend::local::filter::Filter;
use crate::backend::local::graph::ServiceGraph;
use crate::backend::local::trace::{ServiceId, Summary, Trace};
use crate::backend::local::{LocalConfig, LocalError};

/// Most traces read at once.
const MAX_BATCH: usize = 100;
/// Most KiB of documents on their way to the writer; further calls wait.
const MAX_WAITING_KIB: u32 = 16 * 1024;

/// Traces in one SQLite file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    commands: Commands,
    readers: Arc<Readers>,
    changes: watch::Receiver<Changes>,
    refused: Refused,
    groups: ArcSwap<GroupFilters>,
    database: PathBuf,
    max_bytes: u64,
    max_trace_bytes: u64,
    /// One permit for each KiB of documents on their way to the writer.
    room_kib: Semaphore,
    /// Taken by whoever waits for the end.
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// A trace with what the store knows of it besides.
#[derive(Clone, Debug)]
pub struct FoundTrace {
    /// The trace.
    pub trace: Trace,
    /// Documents were refused because it is too large.
    pub limit_exceeded: bool,
}

impl Store {
    /// Opens the store of `config`, or makes it.
    ///
    /// # Errors
    /// The directory cannot be used, is in use, or holds something else.
    pub async fn open(config: &LocalConfig) -> Result<Self, LocalError> {
        let config = config.clone();
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&config)).await;
        let store = opened.map_err(|err| LocalError::Thread(err.into()))??;
        store.tick();
        Ok(store)
    }

    fn open_blocking(config: &LocalConfig) -> Result<Self, LocalError> {
        let location = Location::claim(config.data_dir.as_deref())?;
        let database = location.database();
        let connection = schema::open_writer(&location)?;
        let groups = GroupFilters::load(&Settings::new(&connection))?;
        let readers = Arc::new(Readers::open(&database)?);
        let retention = Retention { max_age: config.retention, max_bytes: config.max_store_bytes };
        let (commands, changes, thread) =
            writer::start(connection, location, retention, config.max_trace_bytes)?;
        Ok(Self {
            shared: Arc::new(Shared {
                commands,
                readers,
                changes,
                refused: Refused::default(),
                groups: ArcSwap::from_pointee(groups),
                database,
                max_bytes: config.max_store_bytes,
                max_trace_bytes: config.max_trace_bytes,
                room_kib: Semaphore::new(MAX_WAITING_KIB as usize),
                writer: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Wakes the writer now and then; ends with it.
    fn tick(&self) {
        let commands = self.shared.commands.downgrade();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(writer::TICK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(commands) = commands.upgrade() else { return };
                if commands.send(Command::Tick).await.is_err() {
                    return;
                }
            }
        });
    }

    /// Writes what waits, closes the file, and removes it if it is a private one.
    pub async fn close(&self) {
        let sent = self.shared.commands.send(Command::Close).await;
        let writer = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(writer) = writer else { return };
        let ended = tokio::task::spawn_blocking(|| writer.join()).await;
        if sent.is_err() || !matches!(ended, Ok(Ok(()))) {
            tracing::error!("the store's thread ended early; the last documents may be missing");
        }
    }

    /// Stores the documents of one call; returns those it did not take. When it returns, questions
    /// see them.
    ///
    /// # Errors
    /// None of the call was stored; it can be sent again.
    pub async fn put(&self, documents: &[Incoming]) -> Result<Vec<Unstored>, StoreError> {
        // Read documents take several times their bytes: so many at a time.
        let bytes: usize = documents.iter().map(|incoming| incoming.document.len()).sum();
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX).min(MAX_WAITING_KIB);
        let room = self.shared.room_kib.acquire_many(kib).await;
        let _room = room.map_err(|_| StoreError::Closed)?;
        let mut checked = intake::check(documents, &self.shared.refused);
        if checked.accepted.is_empty() {
            return Ok(checked.unstored);
        }
        let full = self.command(|done| Command::Put { documents: checked.accepted, done }).await?;
        for place in full {
            let Some((index, incoming)) =
                checked.places.get(place).and_then(|index| Some((*index, documents.get(*index)?)))
            else {
                continue;
            };
            let unstored = intake::trace_full(index, incoming, self.shared.max_trace_bytes);
            self.shared.refused.add(&incoming.document, &unstored);
            checked.unstored.push(unstored);
        }
        checked.unstored.sort_by_key(|unstored| unstored.index);
        Ok(checked.unstored)
    }

    /// One page of traces, newest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn traces(&self, query: TraceQuery) -> Result<Page<Summary>, StoreError> {
        let groups = self.groups();
        self.ask(move |db, deadline| list::traces(db, deadline, &query, &*groups)).await
    }

    /// Numbers over all traces that start in a window.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn survey(&self, query: SurveyQuery) -> Result<Survey, StoreError> {
        let groups = self.groups();
        self.ask(move |db, deadline| survey::survey(db, deadline, &query, &*groups)).await
    }

    /// One trace; none if the store does not have it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, StoreError> {
        self.ask(move |db, _| Ok(documents::load_trace(db, id)?)).await
    }

    /// The traces of these ids that the store has, in the order of the ids; of the first 100 ids.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn batch(&self, ids: &[TraceId]) -> Result<Vec<FoundTrace>, StoreError> {
        let ids: Vec<_> = ids.iter().copied().take(MAX_BATCH).collect();
        self.ask(move |db, deadline| {
            let mut found = Vec::new();
            for id in ids {
                if deadline.passed() {
                    return Err(StoreError::TimedOut(super::readers::MAX_QUESTION));
                }
                found.extend(find_trace(db, id)?);
            }
            Ok(found)
        })
        .await
    }

    /// The service graph of the traces that were received in `window`, or whose root ended in it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn graph(&self, window: Window, filter: Filter) -> Result<ServiceGraph, StoreError> {
        let groups = self.groups();
        self.ask(move |db, deadline| graph::of_window(db, deadline, window, &filter, &*groups))
            .await
    }

    /// The graph of these traces alone.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn trace_graph(&self, ids: &[TraceId]) -> Result<ServiceGraph, StoreError> {
        let traces: Vec<_> = self.batch(ids).await?.into_iter().map(|found| found.trace).collect();
        let graph = tokio::task::spawn_blocking(move || graph::of_traces(&traces)).await;
        graph.map_err(|_| StoreError::Damaged("trace"))
    }

    /// The numbers of a part of the graph in the course of time, newest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn series(&self, query: SeriesQuery) -> Result<Vec<SeriesPoint>, StoreError> {
        let groups = self.groups();
        self.ask(move |db, deadline| series::series(db, deadline, &query, &*groups)).await
    }

    /// Keys of annotations, in order.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn annotation_keys(&self) -> Result<Vec<String>, StoreError> {
        self.ask(|db, _| Ok(completions::annotation_keys(db)?)).await
    }

    /// Some values of an annotation, as a filter expression writes them, most frequent first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn annotation_values(&self, key: &str) -> Result<Vec<String>, StoreError> {
        let key = key.to_owned();
        self.ask(move |db, _| Ok(completions::annotation_values(db, &key)?)).await
    }

    /// The nodes of the service graph, clients left out, by name.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn services(&self) -> Result<Vec<ServiceId>, StoreError> {
        self.ask(|db, _| Ok(completions::services(db)?)).await
    }

    /// Moves with each commit: for live views.
    pub fn changes(&self) -> watch::Receiver<Changes> {
        self.shared.changes.clone()
    }

    /// What the store holds.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn stats(&self) -> Result<StoreStats, StoreError> {
        let database = self.shared.database.clone();
        let held = *self.shared.changes.borrow();
        let mut stats = self
            .ask(move |db, _| {
                let oldest_us: Option<i64> =
                    db.query_row("SELECT min(start_us) FROM trace", [], |row| row.get(0))?;
                let bytes = bytes_on_disk(&database).unwrap_or(0);
                Ok(StoreStats { oldest_s: oldest_us.map(seconds), bytes, ..StoreStats::default() })
            })
            .await?;
        (stats.traces, stats.segments, stats.expired) = (held.traces, held.segments, held.expired);
        stats.max_bytes = self.shared.max_bytes;
        stats.refused = self.shared.refused.count();
        Ok(stats)
    }

    /// The documents refused last, newest first.
    pub fn refused(&self) -> Vec<RefusedDocument> {
        self.shared.refused.newest()
    }

    /// Removes all traces. Sampling rules, groups and other settings stay.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn clear(&self) -> Result<(), StoreError> {
        self.command(|done| Command::Clear { done }).await?;
        self.shared.refused.forget();
        Ok(())
    }

    /// The filters of the groups as they are now.
    pub(in crate::backend::local) fn groups(&self) -> Arc<GroupFilters> {
        self.shared.groups.load_full()
    }

    /// Reads settings.
    pub(in crate::backend::local) fn read_settings<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Settings<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> {
        self.ask(move |db, _| question(&Settings::new(db)))
    }

    /// Changes settings, on the writer's thread, in one transaction.
    pub(in crate::backend::local) async fn change_settings<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Settings<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.change(move |db| change(&Settings::new(db))).await
    }

    /// Changes groups, and what filters know of them.
    pub(in crate::backend::local) async fn change_groups<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Settings<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        self.change(move |db| {
            let settings = Settings::new(db);
            let changed = change(&settings)?;
            shared.groups.store(Arc::new(GroupFilters::load(&settings)?));
            Ok(changed)
        })
        .await
    }

    /// Answers a question on one of the readers.
    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection, &Deadline) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> {
        let readers = Arc::clone(&self.shared.readers);
        async move { readers.ask(question).await }
    }

    /// Makes a change on the writer's thread, in one transaction.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.command(|done: oneshot::Sender<Result<T, StoreError>>| {
            Command::Change(Box::new(move |connection| {
                let changed =
                    connection.transaction().map_err(StoreError::from).and_then(|transaction| {
                        let changed = change(&transaction)?;
                        transaction.commit()?;
                        Ok(changed)
                    });
                // The asker may have gone away.
                drop(done.send(changed));
            }))
        })
        .await
    }

    async fn command<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Result<T, StoreError> {
        let (done, answer) = oneshot::channel();
        let sent = self.shared.commands.send(command(done)).await;
        sent.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

fn find_trace(db: &Connection, id: TraceId) -> Result<Option<FoundTrace>, StoreError> {
    let row: Option<(i64, i64)> = db
        .prepare_cached("SELECT key, flags FROM trace WHERE id = ?")?
        .query_row([id.to_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((key, flags)) = row else { return Ok(None) };
    let trace = Trace::assemble(id, documents::load(db, key)?);
    Ok(Some(FoundTrace { trace, limit_exceeded: flags & LIMIT_EXCEEDED != 0 }))
}
