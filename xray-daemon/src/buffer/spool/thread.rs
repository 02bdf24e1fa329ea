//! The spool's thread: starts it, and ends it when everything is written.
//!
//! In: an opened folder, the queues. Out: a running spool. Owns the thread: a disk may stand still
//! for seconds, and then only the spool does.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::error;

use super::error::SpoolError;
use super::folder::SpoolFolder;
use super::handle::SpoolHandle;
use super::worker::{Now, Worker};
use crate::buffer::Queue;

/// The running spool. Its thread ends when this and all its keepers are gone.
#[derive(Debug)]
pub(crate) struct Spool {
    keeper: Arc<SpoolKeeper>,
    /// Closed when the thread has ended.
    ended: oneshot::Receiver<()>,
}

/// Keeps the thread running: who may still spill has one.
#[derive(Debug)]
pub(crate) struct SpoolKeeper {
    handle: SpoolHandle,
}

impl Drop for SpoolKeeper {
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl Spool {
    /// Starts the thread. `queues` are those of the folder's backends, in their order; at most
    /// `max_held_bytes` of `held_bytes` are for segments in memory.
    pub(crate) fn start(
        folder: SpoolFolder,
        handle: SpoolHandle,
        queues: Vec<Arc<Queue>>,
        held_bytes: Arc<AtomicUsize>,
        max_held_bytes: usize,
    ) -> Result<Self, SpoolError> {
        let worker = Worker::new(folder, queues, handle.clone(), held_bytes, max_held_bytes);
        let (alive, ended) = oneshot::channel();
        let inbox = handle.clone();
        let run = move || {
            run(worker, &inbox);
            drop(alive);
        };
        thread::Builder::new().name("xray-spool".into()).spawn(run).map_err(SpoolError::Thread)?;
        Ok(Self { keeper: Arc::new(SpoolKeeper { handle }), ended })
    }

    /// For whoever may spill later.
    pub(crate) fn keeper(&self) -> Arc<SpoolKeeper> {
        Arc::clone(&self.keeper)
    }

    /// Waits until everything is written, for `longest` at most.
    pub(crate) async fn close(self, longest: Duration) {
        drop(self.keeper);
        // An error is the end of the thread, which is waited for.
        if timeout(longest, self.ended).await.is_err() {
            error!(
                waited_s = longest.as_secs_f64(),
                "the disk does not take what is left, it is lost; --spool"
            );
        }
    }
}

fn run(mut worker: Worker, inbox: &SpoolHandle) {
    let start = Instant::now();
    let now = || {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let epoch_ms = u64::try_from(epoch.as_millis()).unwrap_or(u64::MAX);
        Now { elapsed: start.elapsed(), epoch_ms }
    };
    worker.take_over();
    worker.step(Default::default(), now());
    loop {
        let work = inbox.wait(worker.idles_for(now()));
        let last = work.closing && work.spills.is_empty() && work.settled.is_empty();
        worker.step(work, now());
        if last {
            return worker.finish();
        }
    }
}
