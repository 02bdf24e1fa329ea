//! A delivery against a backend with faults: every segment is accounted for, and times are kept.
//!
//! In: a script of faults. Out: what arrived, what was counted. Time is paused: waits take none.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Delivery, DeliveryLimits};
use crate::backend::{Backend, BackendError, BoxFuture, Delivered, Retry, Unprocessed};
use crate::buffer::{BatchLimits, Queue};
use crate::counters::{BackendCounters, BackendSnapshot, DropReason, UploadResult};
use crate::segment::Segment;

const WAIT: Duration = Duration::from_secs(1);

/// What the backend does with a call.
#[derive(Clone, Debug)]
enum Fault {
    None,
    Fails,
    AsksToWait(Duration),
    Refuses,
    /// Takes all but the documents of this size.
    Unprocessed(usize, Retry),
    /// Takes none of the documents for now.
    ThrottlesAll,
    Panics,
    Hangs,
}

/// Takes documents, with the faults of a script; after its end there are none.
#[derive(Debug, Default)]
struct Faulty {
    script: Mutex<VecDeque<Fault>>,
    latency: Duration,
    /// Larger batches are refused as too large.
    max_bytes: Option<usize>,
    taken: Mutex<Vec<usize>>,
    calls: Mutex<Vec<(Instant, usize)>>,
    running: Mutex<(usize, usize)>,
}

impl Faulty {
    async fn answer(&self, batch: &[Segment]) -> Result<Delivered, BackendError> {
        self.calls.lock().unwrap().push((Instant::now(), batch.len()));
        let fault = self.script.lock().unwrap().pop_front().unwrap_or(Fault::None);
        sleep(self.latency).await;
        let backend = "faulty";
        let again = |after| BackendError::Again {
            backend,
            status: "status 503".into(),
            after,
            source: None,
        };
        let bytes: usize = batch.iter().map(Segment::size_bytes).sum();
        if self.max_bytes.is_some_and(|most| bytes > most) {
            return Err(BackendError::TooLarge { backend });
        }
        match fault {
            Fault::Fails => return Err(again(None)),
            Fault::AsksToWait(wait) => return Err(again(Some(wait))),
            Fault::Refuses => {
                let (code, message) = ("InvalidRequest".into(), "no".into());
                return Err(BackendError::Refused { backend, code, message });
            }
            Fault::Panics => panic!("as the script says"),
            Fault::Hangs => std::future::pending().await,
            Fault::None | Fault::ThrottlesAll | Fault::Unprocessed(..) => {}
        }
        Ok(self.take(batch, &fault))
    }

    fn take(&self, batch: &[Segment], fault: &Fault) -> Delivered {
        let mut delivered = Delivered::default();
        for (index, segment) in batch.iter().enumerate() {
            let retry = match fault {
                Fault::Unprocessed(size, retry) if *size == segment.size_bytes() => Some(*retry),
                Fault::ThrottlesAll => Some(Retry::Yes),
                _ => None,
            };
            match retry {
                Some(retry) => {
                    let (code, message) = ("ThrottledException".into(), "slowly".into());
                    delivered.unprocessed.push(Unprocessed { index, code, message, retry });
                }
                None => self.taken.lock().unwrap().push(segment.size_bytes()),
            }
        }
        delivered
    }
}

impl Backend for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn put<'a>(&'a self, batch: &'a [Segment]) -> BoxFuture<'a, Result<Delivered, BackendError>> {
        Box::pin(async move {
            {
                let mut running = self.running.lock().unwrap();
                running.0 += 1;
                running.1 = running.1.max(running.0);
            }
            let answer = self.answer(batch).await;
            self.running.lock().unwrap().0 -= 1;
            answer
        })
    }
}

struct Fixture {
    backend: Arc<Faulty>,
    queue: Arc<Queue>,
    counters: Arc<BackendCounters>,
    start: Instant,
}

impl Fixture {
    fn new(script: &[Fault]) -> Self {
        Self::slow(script, Duration::ZERO)
    }

    fn slow(script: &[Fault], latency: Duration) -> Self {
        let script = Mutex::new(script.iter().cloned().collect());
        let counters = Arc::new(BackendCounters::new("faulty"));
        let limits = BatchLimits { max_bytes: 1 << 20, max_wait: WAIT };
        Self {
            backend: Arc::new(Faulty { script, latency, ..Faulty::default() }),
            queue: Arc::new(Queue::new(limits, Arc::clone(&counters), None)),
            counters,
            start: Instant::now(),
        }
    }

    /// Queues documents of 1, 2, … bytes.
    fn push(&self, documents: usize) {
        let documents = (0..documents).map(|number| Segment::of_size(number + 1));
        self.queue.push(documents, Instant::now());
    }

    /// Delivers all that is queued.
    async fn deliver(&self) -> BackendSnapshot {
        self.queue.close();
        self.delivery().run(CancellationToken::new()).await;
        let now = self.counters.snapshot();
        assert_eq!((now.unaccounted(), now.queued, now.in_flight), (0, 0, 0));
        now
    }

    fn delivery(&self) -> Delivery {
        let limits = DeliveryLimits { max_uploads: 256, max_in_flight_bytes: 1 << 20 };
        let (queue, counters) = (Arc::clone(&self.queue), Arc::clone(&self.counters));
        Delivery::new(Arc::clone(&self.backend) as _, queue, counters, limits, None)
    }

    fn taken(&self) -> Vec<usize> {
        let mut taken = self.backend.taken.lock().unwrap().clone();
        taken.sort_unstable();
        taken
    }

    fn calls(&self) -> Vec<usize> {
        self.backend.calls.lock().unwrap().iter().map(|(_, documents)| *documents).collect()
    }
}

fn all(documents: usize) -> Vec<usize> {
    (1..=documents).collect()
}

#[tokio::test(start_paused = true)]
async fn everything_arrives_once_in_batches_of_fifty() {
    let fixture = Fixture::new(&[]);
    fixture.push(120);
    let stats = fixture.deliver().await;
    assert_eq!(fixture.taken(), all(120));
    assert_eq!(fixture.calls(), [50, 50, 20]);
    assert_eq!((stats.sent, stats.retried), (120, 0));
}

#[tokio::test(start_paused = true)]
async fn an_outage_loses_nothing() {
    let mut script = vec![Fault::Fails; 40];
    script.push(Fault::Panics);
    let fixture = Fixture::new(&script);
    fixture.push(1000);
    let stats = fixture.deliver().await;
    assert_eq!(fixture.taken(), all(1000));
    assert_eq!((stats.sent, stats.dropped_total()), (1000, 0));
    assert_eq!(stats.uploads(UploadResult::Retry), 41);
    assert_eq!(stats.retried, 41 * 50);
    // Few attempts over a long time: the pause doubles up to half a minute.
    assert!(fixture.start.elapsed() > Duration::from_secs(60), "{:?}", fixture.start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn during_an_outage_one_upload_at_a_time_is_tried() {
    let fixture = Fixture::slow(&vec![Fault::Fails; 12], Duration::from_millis(10));
    fixture.push(1000);
    fixture.deliver().await;
    let calls = fixture.backend.calls.lock().unwrap().clone();
    // The first eight start together; each later one waits for the answer to the one before.
    for pair in calls[8..12].windows(2) {
        assert!(pair[1].0 - pair[0].0 >= Duration::from_millis(10));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_service_asks_to_wait_is_waited() {
    let wait = Duration::from_secs(7);
    let fixture = Fixture::new(&[Fault::AsksToWait(wait)]);
    fixture.push(1);
    fixture.deliver().await;
    let waited = fixture.start.elapsed();
    assert!(waited >= wait && waited <= wait + Duration::from_millis(500), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_too_large_is_halved_until_it_fits() {
    let mut fixture = Fixture::new(&[]);
    let max_bytes = Some(40);
    fixture.backend = Arc::new(Faulty { max_bytes, ..Faulty::default() });
    fixture.push(50);
    let stats = fixture.deliver().await;
    // Documents of 41 to 50 bytes are too large even alone.
    assert_eq!(fixture.taken().len(), 40);
    assert_eq!(stats.refused[0].code, "RequestEntityTooLarge");
    assert_eq!((stats.sent, stats.refused_total()), (40, 10));
}

#[tokio::test(start_paused = true)]
async fn one_refused_document_does_not_take_the_others_along() {
    // The whole batch, its first half, and the first quarter of two documents are refused.
    let fixture = Fixture::new(&[Fault::Refuses]);
    fixture.push(4);
    let stats = fixture.deliver().await;
    assert_eq!(fixture.calls(), [4, 2, 2]);
    assert_eq!((stats.sent, stats.refused_total()), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn throttled_documents_alone_are_sent_again() {
    let fixture = Fixture::new(&[Fault::Unprocessed(3, Retry::Yes)]);
    fixture.push(10);
    let stats = fixture.deliver().await;
    assert_eq!(fixture.calls(), [10, 1]);
    assert_eq!(fixture.taken(), all(10));
    assert_eq!((stats.sent, stats.retried), (10, 1));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_throttles_most_documents_gets_them_more_slowly() {
    let fixture = Fixture::new(&vec![Fault::ThrottlesAll; 16]);
    fixture.queue.push((0..2000).map(|_| Segment::of_size(9)), Instant::now());
    let stats = fixture.deliver().await;
    assert_eq!((stats.sent, stats.refused_total()), (2000, 0));
    // The first eight at once, then one at a time with a pause that grows.
    let calls = fixture.backend.calls.lock().unwrap().clone();
    assert!(calls[15].0 - calls[0].0 > Duration::from_millis(500), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn documents_at_fault_are_refused_once() {
    let fixture = Fixture::new(&[Fault::Unprocessed(3, Retry::No)]);
    fixture.push(10);
    let stats = fixture.deliver().await;
    assert_eq!(fixture.calls(), [10]);
    assert_eq!((stats.sent, stats.refused_total(), stats.retried), (9, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_slow_backend_gets_many_uploads_at_once() {
    let fixture = Fixture::slow(&[], Duration::from_millis(200));
    fixture.queue.push((0..20_000).map(|_| Segment::of_size(9)), Instant::now());
    // 400 batches: eight at a time would take ten seconds.
    fixture.deliver().await;
    assert!(fixture.start.elapsed() <= Duration::from_secs(2), "{:?}", fixture.start.elapsed());
    assert!(fixture.backend.running.lock().unwrap().1 > 64);
}

#[tokio::test(start_paused = true)]
async fn large_documents_are_not_all_in_flight_at_once() {
    let fixture = Fixture::slow(&[], Duration::from_millis(200));
    let documents = (0..1000).map(|_| Segment::of_size(60_000));
    fixture.queue.push(documents, Instant::now());
    fixture.deliver().await;
    // 17 documents a batch; the second starts below 1 MiB, the third does not.
    assert_eq!(fixture.backend.running.lock().unwrap().1, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_when_time_is_over_is_dropped_and_counted() {
    let fixture = Fixture::new(&vec![Fault::Hangs; 8]);
    fixture.push(1000);
    fixture.queue.close();
    let give_up = CancellationToken::new();
    let delivery = fixture.delivery().run(give_up.clone());
    let end = async {
        sleep(Duration::from_secs(20)).await;
        give_up.cancel();
    };
    tokio::join!(delivery, end);
    let stats = fixture.counters.snapshot();
    assert_eq!(fixture.start.elapsed(), Duration::from_secs(20));
    assert_eq!(stats.dropped(DropReason::DrainTimeout), 1000);
    assert_eq!((stats.unaccounted(), stats.queued, stats.in_flight), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_idle_delivery_does_nothing_and_a_lonely_segment_leaves_after_the_wait() {
    let fixture = Fixture::new(&[]);
    let delivery = fixture.delivery().run(CancellationToken::new());
    let feed = async {
        sleep(Duration::from_secs(3600)).await;
        fixture.push(1);
        sleep(2 * WAIT).await;
        fixture.queue.close();
    };
    tokio::join!(delivery, feed);
    let calls = fixture.backend.calls.lock().unwrap().clone();
    assert_eq!(calls, [(fixture.start + Duration::from_secs(3600) + WAIT, 1)]);
}
