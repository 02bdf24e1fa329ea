//! Captures documents in a test.
//!
//! In: code to run. Out: the segments and independent subsegments that it made, parsed. Owns a
//! subscriber of its own for as long as that runs: tests can do it in parallel. What goes wrong fails
//! the test.
#![expect(clippy::panic, reason = "only tests run this, and a panic is how they fail")]

use std::time::Duration;

use tracing::Dispatch;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::prelude::*;

use crate::document::Entity;
use crate::emitter::MemorySink;
use crate::guard::Guard;
use crate::sampling::LocalRules;
use crate::{Builder, Stats, builder};

/// Name of the segments in captures.
const SERVICE_NAME: &str = "test";
/// Longest that a capture waits for its documents.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `work` with every request sampled, and returns the documents it made.
///
/// Only this thread is captured, and what it hands on with [`spawn`](crate::spawn) or
/// [`keep_trace`](crate::keep_trace).
///
/// ```
/// let documents = xray_tracing::testing::capture(|| {
///     tracing::info_span!("checkout").in_scope(|| {
///         tracing::info_span!("charge").in_scope(|| {});
///     });
/// });
/// assert_eq!(documents[0].name, "test");
/// assert_eq!(documents[0].subsegments[0].name, "charge");
/// ```
pub fn capture(work: impl FnOnce()) -> Vec<Entity> {
    let capture = Capture::new();
    tracing::dispatcher::with_default(&capture.subscriber, work);
    capture.finish()
}

/// Runs `work` to its end with every request sampled, and returns the documents it made.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// #[tracing::instrument]
/// async fn checkout() {}
///
/// let documents = xray_tracing::testing::capture_async(|| checkout()).await;
/// assert_eq!(documents.len(), 1);
/// # });
/// ```
pub async fn capture_async<F: Future>(work: impl FnOnce() -> F) -> Vec<Entity> {
    let capture = Capture::new();
    // A span that `work` makes before it is polled belongs to the capture as well.
    let work = tracing::dispatcher::with_default(&capture.subscriber, work);
    work.with_subscriber(capture.subscriber.clone()).await;
    capture.finish()
}

/// A capture that goes on until it is asked for its documents.
#[derive(Debug)]
pub struct Capture {
    sink: MemorySink,
    guard: Guard,
    subscriber: Dispatch,
}

impl Default for Capture {
    fn default() -> Self {
        Self::new()
    }
}

impl Capture {
    /// Samples every request of a service called `test`.
    pub fn new() -> Self {
        Self::with(builder(SERVICE_NAME).sampler(LocalRules::record_all()))
    }

    /// With other options; their sink is replaced.
    pub fn with(options: Builder) -> Self {
        let sink = MemorySink::new();
        let built = options.without_environment().sink(sink.clone()).build();
        let (layer, guard) = match built {
            Ok(built) => built,
            Err(error) => panic!("the capture cannot start: {error}"),
        };
        let subscriber = Dispatch::new(tracing_subscriber::registry().with(layer.for_capture()));
        Self { sink, guard, subscriber }
    }

    /// The subscriber to run code with: `tracing::dispatcher::with_default`, or
    /// `WithSubscriber::with_subscriber` for futures.
    pub fn subscriber(&self) -> &Dispatch {
        &self.subscriber
    }

    /// What was counted so far.
    pub fn stats(&self) -> Stats {
        self.guard.stats()
    }

    /// Takes out the documents made since the last call. Segments that are still open stand among
    /// them once, as in progress.
    pub fn documents(&self) -> Vec<Entity> {
        assert!(self.guard.flush(PATIENCE), "the sender takes more than {PATIENCE:?}");
        self.sink.take().iter().map(|document| parsed(document)).collect()
    }

    fn finish(self) -> Vec<Entity> {
        self.documents()
    }
}

fn parsed(document: &[u8]) -> Entity {
    match Entity::parse(document) {
        Ok(entity) => entity,
        Err(error) => panic!("{error}: {}", String::from_utf8_lossy(document)),
    }
}
