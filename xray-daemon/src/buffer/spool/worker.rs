//! What the spool's thread does, step by step.
//!
//! In: work from the handle, the time. Out: blocks on disk, segments back in the queues, losses
//! counted. Owns the logs of all backends and the bound over them. No waiting and no clock: the
//! thread passes the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tracing::{error, info, warn};

use super::folder::SpoolFolder;
use super::format;
use super::handle::{SpoolHandle, Work};
use super::log::Read;
use super::replayed;
use crate::buffer::{Batch, Queue};
use crate::counters::{BackendCounters, DropReason};
use crate::log_limit::LogLimit;

/// Shortest time between two syncs.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How soon a disk that failed is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How often old files are looked for.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);
/// How soon memory that others hold is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The time, as the thread sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// Since the thread began.
    pub(super) elapsed: Duration,
    /// Of the epoch.
    pub(super) epoch_ms: u64,
}

#[derive(Debug)]
pub(super) struct Worker {
    folder: SpoolFolder,
    /// In the order of the logs.
    queues: Vec<Arc<Queue>>,
    handle: SpoolHandle,
    held_bytes: Arc<AtomicUsize>,
    /// Of memory, above which nothing is read back.
    max_held_bytes: usize,
    synced_at: Duration,
    expired_at: Duration,
    failed_at: Option<Duration>,
    failures: LogLimit,
    drops: LogLimit,
}

impl Worker {
    pub(super) fn new(
        folder: SpoolFolder,
        queues: Vec<Arc<Queue>>,
        handle: SpoolHandle,
        held_bytes: Arc<AtomicUsize>,
        max_held_bytes: usize,
    ) -> Self {
        Self {
            folder,
            queues,
            handle,
            held_bytes,
            max_held_bytes,
            synced_at: Duration::ZERO,
            expired_at: Duration::ZERO,
            failed_at: None,
            failures: LogLimit::new(),
            drops: LogLimit::new(),
        }
    }

    /// Takes over what an earlier run has left.
    pub(super) fn take_over(&mut self) {
        for (log, queue) in self.folder.logs.iter_mut().zip(&self.queues) {
            let found = log.scan().unwrap_or_else(|error| {
                error!(folder = ?log.folder(), %error, "spool cannot be read");
                Default::default()
            });
            let counters = queue.counters();
            counters.add_replayed(found.segments);
            drop_counted(counters, found.damaged, DropReason::SpoolDamaged);
            counters.set_spooled(log.unread(), log.bytes());
            log.save();
            if found.segments > 0 {
                info!(
                    backend = counters.name(),
                    segments = found.segments,
                    damaged = found.damaged,
                    megabytes = log.bytes() >> 20,
                    "spool holds segments of an earlier run"
                );
            }
        }
    }

    /// Does `work`, and what is due.
    pub(super) fn step(&mut self, work: Work, now: Now) {
        if self.failed_at.is_some_and(|at| now.elapsed >= at + TRY_AGAIN) {
            self.failed_at = None;
            self.handle.set_failing(false);
        }
        for (log, batch) in work.spills {
            self.write(log, batch, now);
        }
        for (log, numbers) in work.settled {
            if let Some(log) = self.folder.logs.get_mut(log) {
                log.settle(numbers);
            }
        }
        if now.elapsed >= self.expired_at + EXPIRE_EVERY.min(self.folder.settings.max_age) {
            self.expired_at = now.elapsed;
            self.expire(now);
        }
        for place in 0..self.queues.len() {
            self.replay(place, now);
        }
        self.save();
        if now.elapsed >= self.synced_at + SYNC_EVERY {
            self.synced_at = now.elapsed;
            self.sync();
        }
    }

    /// How long the thread may wait for work. `None`: for ever.
    pub(super) fn idles_for(&self, now: Now) -> Option<Duration> {
        let due = |at: Duration| at.saturating_sub(now.elapsed);
        let logs = &self.folder.logs;
        let unsynced = logs.iter().any(|log| log.is_unsynced());
        let kept = logs.iter().any(|log| log.unread() > 0);
        let expire_every = EXPIRE_EVERY.min(self.folder.settings.max_age);
        let wanted = logs.iter().zip(&self.queues).any(|(log, queue)| {
            // Only memory that others hold is in the way.
            log.unread() > 0 && queue.wants_more()
        });
        [
            unsynced.then(|| due(self.synced_at + SYNC_EVERY)),
            self.failed_at.map(|at| due(at + TRY_AGAIN)),
            kept.then(|| due(self.expired_at + expire_every)),
            wanted.then_some(LOOK_AGAIN),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The last step: all is on the disk.
    pub(super) fn finish(&mut self) {
        self.save();
        self.sync();
    }

    fn write(&mut self, place: usize, batch: Batch, now: Now) {
        let bytes = batch.size_bytes() as u64;
        self.make_room(bytes);
        let (Some(log), Some(queue)) = (self.folder.logs.get_mut(place), self.queues.get(place))
        else {
            return;
        };
        match log.append(&batch.segments, now.epoch_ms) {
            Ok(()) => {
                let (unread, bytes) = (log.unread(), log.bytes());
                queue.spilled(&batch, |counters| counters.set_spooled(unread, bytes));
                self.handle.handled(&batch);
            }
            Err(error) => {
                self.handle.set_failing(true);
                self.failed_at = Some(now.elapsed);
                if let Some(batches) = self.failures.report(1) {
                    error!(
                        folder = ?log.folder(), %error, batches,
                        "spool cannot be written, segments stay in memory; free the disk or lower \
                         --spool-max-mb"
                    );
                }
                self.handle.handled(&batch);
                queue.not_spilled(batch);
            }
        }
    }

    /// Keeps all files together within the bound.
    fn make_room(&mut self, bytes: u64) {
        let max_bytes = self.folder.settings.max_bytes;
        while self.folder.logs.iter().map(|log| log.bytes()).sum::<u64>() + bytes > max_bytes {
            let logs = self.folder.logs.iter_mut().zip(&self.queues);
            let Some((log, queue)) = logs.max_by_key(|(log, _)| log.bytes()) else { return };
            let Some(dropped) = log.drop_oldest_file() else { return };
            log.save();
            drop_counted(queue.counters(), dropped, DropReason::SpoolFull);
            queue.counters().set_spooled(log.unread(), log.bytes());
            if let Some(dropped) = self.drops.report(dropped) {
                warn!(
                    backend = queue.counters().name(),
                    "Spilling over {dropped} segments: the spool is full, its oldest are dropped; \
                     --spool-max-mb"
                );
            }
        }
    }

    /// Brings segments back while their queue has room.
    fn replay(&mut self, place: usize, now: Now) {
        let oldest_ms = self.oldest_ms(now);
        let (Some(log), Some(queue)) = (self.folder.logs.get_mut(place), self.queues.get(place))
        else {
            return;
        };
        // Nobody else reads back: above half of the memory that would only drive others out.
        while log.unread() > 0
            && queue.wants_more()
            && self.held_bytes.load(Ordering::Relaxed) < self.max_held_bytes / 2
        {
            let Some(read) = log.read(oldest_ms) else { break };
            let (unread, bytes) = (log.unread(), log.bytes());
            let measure = |counters: &BackendCounters| counters.set_spooled(unread, bytes);
            match read {
                Read::Dropped(segments, reason) => {
                    drop_counted(queue.counters(), segments, reason);
                    measure(queue.counters());
                }
                Read::Block(header, payload) => {
                    let numbers = header.numbers();
                    let count = numbers.end - numbers.start;
                    let (held, spool) = (&self.held_bytes, &self.handle);
                    let payload = replayed::payload(payload, held, spool, place, numbers);
                    match format::segments(&payload, header.segments) {
                        Some(segments) => queue.replay(segments, measure),
                        None => {
                            drop_counted(queue.counters(), count, DropReason::SpoolDamaged);
                            measure(queue.counters());
                        }
                    }
                }
            }
        }
    }

    fn expire(&mut self, now: Now) {
        let oldest_ms = self.oldest_ms(now);
        for (log, queue) in self.folder.logs.iter_mut().zip(&self.queues) {
            let expired = log.expire(oldest_ms);
            drop_counted(queue.counters(), expired, DropReason::SpoolExpired);
        }
    }

    fn save(&mut self) {
        for (log, queue) in self.folder.logs.iter_mut().zip(&self.queues) {
            log.save();
            queue.counters().set_spooled(log.unread(), log.bytes());
        }
    }

    fn sync(&mut self) {
        for log in &mut self.folder.logs {
            if log.is_unsynced()
                && let Err(error) = log.sync()
                && self.failures.report(1).is_some()
            {
                warn!(folder = ?log.folder(), %error, "spool cannot be synced to disk");
            }
        }
    }

    fn oldest_ms(&self, now: Now) -> u64 {
        let max_age_ms = u64::try_from(self.folder.settings.max_age.as_millis());
        now.epoch_ms.saturating_sub(max_age_ms.unwrap_or(u64::MAX))
    }
}

fn drop_counted(counters: &BackendCounters, segments: u64, reason: DropReason) {
    counters.add_dropped(reason, usize::try_from(segments).unwrap_or(usize::MAX));
}
