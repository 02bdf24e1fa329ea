//! The connections that answer questions, on blocking threads.
//!
//! In: a question as a closure. Out: its answer. Owns [`READERS`] connections. Each question sees
//! one state of the store, and ends when its time is up or the asker is gone; when too many wait,
//! further ones are refused.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::StoreError;
use super::schema::open_reader;
use crate::backend::local::LocalError;

/// Connections, and so questions at a time.
const READERS: usize = 3;
/// Longest that a question may take.
pub(super) const MAX_QUESTION: Duration = Duration::from_secs(10);
/// Longest that a question waits for a connection.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// Virtual-machine steps of SQLite between two looks at the clock: some 0.1 ms.
const STEPS_BETWEEN_LOOKS: i32 = 20_000;

#[derive(Debug)]
pub(super) struct Readers {
    idle: Mutex<Vec<Connection>>,
    /// One permit for each connection.
    permits: Arc<Semaphore>,
}

/// Until when a question may run; loops in Rust ask it, SQLite does so by itself.
#[derive(Clone, Debug)]
pub(super) struct Deadline {
    at: Instant,
    abandoned: Arc<AtomicBool>,
}

impl Deadline {
    /// Time is up, or nobody waits for the answer any more.
    pub(super) fn passed(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed) || Instant::now() >= self.at
    }

    /// The same, but not later than `limit` from now: for answers that may be partial.
    pub(super) fn within(&self, limit: Duration) -> Self {
        Self { at: self.at.min(Instant::now() + limit), abandoned: self.abandoned.clone() }
    }
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, LocalError> {
        let idle: Result<Vec<_>, _> = (0..READERS).map(|_| open_reader(path)).collect();
        Ok(Self { idle: Mutex::new(idle?), permits: Arc::new(Semaphore::new(READERS)) })
    }

    /// Answers `question` on a blocking thread, from one state of the store.
    pub(super) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Connection, &Deadline) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = tokio::time::timeout(MAX_WAIT, self.permits.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| StoreError::Overloaded)?.map_err(|_| StoreError::Closed)?;
        let lease = Lease::take(self, permit)?;
        let abandoned = AbandonOnDrop(Arc::new(AtomicBool::new(false)));
        let deadline =
            Deadline { at: Instant::now() + MAX_QUESTION, abandoned: abandoned.0.clone() };
        let answer = tokio::task::spawn_blocking(move || lease.answer(question, &deadline)).await;
        answer.map_err(|_| StoreError::Damaged("answer"))?
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // The list is whole whatever a panicking holder did.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the question that its asker went away.
struct AbandonOnDrop(Arc<AtomicBool>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection on loan: goes back however the question ends.
struct Lease {
    connection: Option<Connection>,
    home: Arc<Readers>,
    /// Given back after the connection, also when nobody waits for the answer any more.
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    fn take(home: &Arc<Readers>, permit: OwnedSemaphorePermit) -> Result<Self, StoreError> {
        let connection = home.idle().pop().ok_or(StoreError::Closed)?;
        Ok(Self { connection: Some(connection), home: Arc::clone(home), _permit: permit })
    }

    fn answer<T>(
        &self,
        question: impl FnOnce(&Connection, &Deadline) -> Result<T, StoreError>,
        deadline: &Deadline,
    ) -> Result<T, StoreError> {
        let connection = self.connection.as_ref().ok_or(StoreError::Closed)?;
        let watched = deadline.clone();
        connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || watched.passed()))?;
        let snapshot = connection.unchecked_transaction()?;
        let answer = question(&snapshot, deadline);
        match answer {
            Err(StoreError::Failed(err))
                if err.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) =>
            {
                Err(StoreError::TimedOut(MAX_QUESTION))
            }
            answer => answer,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let unwatched = connection.progress_handler(0, None::<fn() -> bool>);
            debug_assert!(unwatched.is_ok());
            self.home.idle().push(connection);
        }
    }
}
