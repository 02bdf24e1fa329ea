//! What the pages read from: the store, the configuration, the daemon's counters.
//!
//! In: handles given once at start. Out: the same to every handler, and the rate of what comes in.
//! Owns: a short history of the counters, and the task that samples them, which ends with it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::frame::{Frame, Intake, Tab};
use super::history::History;
use super::scope::Scope;
use super::visitor::Visitor;
use crate::backend::local::sampling::Sampling;
use crate::backend::local::store::Store;
use crate::backend::local::{DaemonView, LocalConfig};

/// Time between two samples of the counters.
const SAMPLE_EVERY: Duration = Duration::from_secs(5);

/// What the pages read from. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ConsoleState {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    sampling: Sampling,
    config: Arc<LocalConfig>,
    /// None where the store is served without a daemon around it.
    daemon: Option<DaemonView>,
    /// The server stops: streams of events end.
    stop: CancellationToken,
    history: Mutex<History>,
}

impl ConsoleState {
    /// Pages over `store`; must be called within a runtime.
    pub(crate) fn new(
        store: Store,
        sampling: Sampling,
        config: Arc<LocalConfig>,
        daemon: Option<DaemonView>,
        stop: CancellationToken,
    ) -> Self {
        let history = Mutex::new(History::default());
        let shared = Arc::new(Shared { store, sampling, config, daemon, stop, history });
        tokio::spawn(sample(Arc::downgrade(&shared)));
        Self { shared }
    }

    pub(super) fn store(&self) -> &Store {
        &self.shared.store
    }

    pub(super) fn sampling(&self) -> &Sampling {
        &self.shared.sampling
    }

    /// Whether clients get their sampling rules from AWS, and not from here.
    pub(super) fn sends_to_aws(&self) -> bool {
        self.daemon().is_some_and(|daemon| daemon.counters.backend("aws").is_some())
    }

    pub(super) fn config(&self) -> &LocalConfig {
        &self.shared.config
    }

    pub(super) fn daemon(&self) -> Option<&DaemonView> {
        self.shared.daemon.as_ref()
    }

    pub(super) fn stop(&self) -> &CancellationToken {
        &self.shared.stop
    }

    /// Names of the groups, in order.
    pub(super) fn groups(&self) -> Vec<String> {
        self.shared.store.groups().names()
    }

    /// What the counters were of late.
    pub(super) fn history(&self) -> History {
        self.shared.sample();
        self.shared.history.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is coming in.
    pub(super) fn intake(&self) -> Intake {
        let received = self.shared.received();
        Intake { received, per_second: self.history().received_per_second() }
    }

    /// A frame around a page of the bar, carrying the question.
    pub(super) fn frame(
        &self,
        visitor: &Visitor,
        tab: Option<Tab>,
        title: impl Into<String>,
        scope: Option<&Scope>,
    ) -> Frame {
        let travel = scope.map(Scope::query).unwrap_or_default();
        let mut frame =
            Frame::new(visitor, tab, title).travelling(travel).with_intake(self.intake());
        frame.signed_in = self.shared.config.console_token.is_some();
        frame
    }
}

impl Shared {
    /// Datagrams received; documents stored where there is no daemon.
    fn received(&self) -> u64 {
        match &self.daemon {
            Some(daemon) => daemon.counters.intake().received(),
            None => self.store.changes().borrow().documents,
        }
    }

    fn sent(&self) -> u64 {
        let daemon = self.daemon.as_ref();
        daemon.map_or(0, |daemon| {
            daemon
                .counters
                .snapshot()
                .backends
                .iter()
                .map(|backend| backend.sent)
                .max()
                .unwrap_or(0)
        })
    }

    fn sample(&self) {
        let (received, sent) = (self.received(), self.sent());
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.add(now_s(), received, sent);
    }
}

/// Adds a sample now and then, until nobody serves pages any more.
async fn sample(shared: Weak<Shared>) {
    let mut ticks = interval(SAMPLE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        shared.sample();
    }
}

/// Epoch seconds.
pub(super) fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
