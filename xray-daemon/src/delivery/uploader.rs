//! Runs the uploads of one backend: takes batches, starts uploads, settles what they bring.
//!
//! In: batches of the queue. Out: calls of [`Backend::put`]. Owns the uploads that run; each keeps
//! its batch outside the task too, so that even a panic in a backend loses no segment. Told to give
//! up, it leaves what it has to the spool, or drops it, counted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::backoff;
use super::budget::RetryBudget;
use super::pacer::Pacer;
use super::settle::{Load, Rest, Settler};
use crate::backend::{Backend, BackendError, Delivered};
use crate::buffer::{Batch, Queue, Retries, SpoolHandle, SpoolKeeper};
use crate::counters::{BackendCounters, DropReason};

/// How much may be on its way at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryLimits {
    /// Most uploads at once.
    pub(crate) max_uploads: usize,
    /// Bytes of documents from which on no further upload starts.
    pub(crate) max_in_flight_bytes: usize,
}

/// The delivery of one backend.
#[derive(Debug)]
pub(crate) struct Delivery {
    backend: Arc<dyn Backend>,
    queue: Arc<Queue>,
    counters: Arc<BackendCounters>,
    settler: Settler,
    pacer: Pacer,
    budget: RetryBudget,
    limits: DeliveryLimits,
    /// The spool takes what is left at the end.
    _spool: Option<Arc<SpoolKeeper>>,
    uploads: JoinSet<Ended>,
    in_flight: HashMap<Id, Arc<Batch>>,
    in_flight_bytes: usize,
}

/// What an upload brought, and how long it took.
type Ended = (Result<Delivered, BackendError>, Duration);

impl Delivery {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        queue: Arc<Queue>,
        counters: Arc<BackendCounters>,
        limits: DeliveryLimits,
        spool: Option<Arc<SpoolKeeper>>,
    ) -> Self {
        Self {
            backend,
            queue,
            settler: Settler::new(Arc::clone(&counters)),
            counters,
            pacer: Pacer::new(limits.max_uploads),
            budget: RetryBudget::new(Instant::now()),
            limits,
            _spool: spool,
            uploads: JoinSet::new(),
            in_flight: HashMap::new(),
            in_flight_bytes: 0,
        }
    }

    /// Delivers until the queue is closed and everything is settled, or until `give_up`.
    pub(crate) async fn run(mut self, give_up: CancellationToken) {
        let queue = Arc::clone(&self.queue);
        let torn_down = TearDown::new(&queue);
        // The queue is closed and empty; only an upload that fails can change that.
        let mut exhausted = false;
        while !(exhausted && self.uploads.is_empty()) {
            let now = Instant::now();
            let pause = self.pacer.pause(now);
            let may_start = !exhausted && pause.is_none() && self.has_room();
            let held_until = self.budget.waits_until(now);
            let retries = if held_until.is_some() { Retries::Held } else { Retries::Allowed };
            let wake = pause.or(held_until.filter(|_| may_start));
            tokio::select! {
                biased;
                () = give_up.cancelled() => {
                    self.abandon().await;
                    break;
                }
                Some(ended) = self.uploads.join_next_with_id() => {
                    self.end(ended);
                    exhausted = false;
                }
                batch = queue.next(retries), if may_start => match batch {
                    Some(batch) => self.start(batch),
                    None => exhausted = true,
                },
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            }
        }
        torn_down.not();
    }

    fn has_room(&self) -> bool {
        let few = self.uploads.len() < self.pacer.limit();
        // The first is always let through, however large it is.
        few && (self.uploads.is_empty() || self.in_flight_bytes < self.limits.max_in_flight_bytes)
    }

    fn start(&mut self, batch: Batch) {
        if self.queue.is_closed() {
            self.backend.hold_nothing();
        }
        if batch.attempts > 0 {
            self.budget.spend();
        }
        let batch = Arc::new(batch);
        let (backend, uploaded) = (Arc::clone(&self.backend), Arc::clone(&batch));
        let upload = self.uploads.spawn(async move {
            let start = Instant::now();
            let answer = backend.put(&uploaded.segments).await;
            (answer, start.elapsed())
        });
        self.in_flight_bytes += batch.size_bytes();
        self.in_flight.insert(upload.id(), batch);
        self.pacer.started(self.uploads.len());
        self.counters.set_uploads(self.uploads.len(), self.pacer.limit());
    }

    fn end(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let (id, answer, took) = match ended {
            Ok((id, (answer, took))) => (id, answer, took),
            Err(panic) => {
                error!(backend = self.counters.name(), "an upload panicked, its batch goes back");
                (panic.id(), Err(self.panicked(panic)), Duration::ZERO)
            }
        };
        // The task is gone, so the batch is ours alone; else it is copied, by reference.
        let Some(batch) = self.in_flight.remove(&id).map(Arc::unwrap_or_clone) else { return };
        self.in_flight_bytes -= batch.size_bytes();
        let rest = self.settler.settle(batch, answer, took);
        self.finish(rest);
        self.queue.set_failing(self.pacer.is_failing());
        self.counters.set_uploads(self.uploads.len(), self.pacer.limit());
    }

    fn finish(&mut self, rest: Rest) {
        let now = Instant::now();
        if !matches!(rest, Rest::AllAgain(..) | Rest::Halves(..)) {
            self.budget.succeeded();
        }
        match rest {
            Rest::Nothing => self.pacer.succeeded(),
            Rest::SomeAgain(batch, load) => {
                match load {
                    Load::Bearable => self.pacer.succeeded(),
                    Load::TooMuch => drop(self.pacer.failed(now, None, fastrand::f64())),
                }
                let wait = backoff::wait(batch.attempts, None, fastrand::f64());
                self.give_back(batch, now + wait);
            }
            Rest::Held(batch, time, rest) => {
                self.queue.hold(batch, now + time);
                self.finish(*rest);
            }
            Rest::AllAgain(batch, asked) => {
                let pause = self.pacer.failed(now, asked, fastrand::f64());
                // A batch that fails while others succeed comes ever more rarely.
                let own = backoff::wait(batch.attempts, asked, fastrand::f64());
                self.give_back(batch, now + pause.max(own));
            }
            Rest::Halves(first, second) => {
                self.give_back(first, now);
                self.give_back(second, now);
            }
        }
    }

    fn give_back(&self, batch: Batch, not_before: Instant) {
        self.counters.add_retried(batch.segments.len());
        self.queue.give_back(batch, not_before);
    }

    fn panicked(&self, panic: JoinError) -> BackendError {
        BackendError::Unsure {
            backend: self.counters.name(),
            status: "the upload panicked".into(),
            after: None,
            source: Some(Box::new(panic)),
        }
    }

    /// Leaves what is left to the spool; without one it is dropped, counted.
    async fn abandon(&mut self) {
        // What has just been taken is not left.
        while let Some(ended) = self.uploads.try_join_next_with_id() {
            self.end(ended);
        }
        // Waits for the end of the tasks: what they hold of a block on disk would still be there.
        self.uploads.shutdown().await;
        for (_, batch) in self.in_flight.drain() {
            let documents = batch.segments.len();
            match self.queue.spill(Arc::unwrap_or_clone(batch)) {
                Ok(()) => self.counters.add_possibly_repeated(documents),
                Err(_) => {
                    self.counters.end_flight(documents);
                    self.counters.add_dropped(DropReason::DrainTimeout, documents);
                }
            }
        }
        while self.queue.spill_oldest() {}
        while self.queue.drop_oldest(DropReason::DrainTimeout) {}
        self.counters.set_uploads(0, self.pacer.limit());
    }
}

/// Tells the spool when a delivery ends by its runtime's end, with segments that were not sent.
struct TearDown {
    spool: Option<SpoolHandle>,
}

impl TearDown {
    fn new(queue: &Queue) -> Self {
        Self { spool: queue.spool().map(|spool| spool.handle().clone()) }
    }

    fn not(mut self) {
        self.spool = None;
    }
}

impl Drop for TearDown {
    fn drop(&mut self) {
        if let Some(spool) = &self.spool {
            spool.tear_down();
        }
    }
}
