//! Inserts many products, one request each, so that each becomes a trace of its own.
//!
//! In: how many. Out: progress, for a page that asks. Owns: the one job that runs. It posts to the
//! shop's own address like any visitor, 12 times a second, and ends when it is done, is stopped, or
//! the shop ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::product::ProductId;

/// Most products of one job.
pub(crate) const MAX_COUNT: usize = 500;
const INTERVAL: Duration = Duration::from_millis(83);
const TIMEOUT: Duration = Duration::from_secs(10);

const KINDS: [&str; 12] = [
    "lamp", "stool", "vase", "mirror", "rug", "clock", "shelf", "basket", "tray", "frame",
    "planter", "bench",
];
const LOOKS: [&str; 10] =
    ["Oak", "Steel", "Glass", "Linen", "Walnut", "Brass", "Cork", "Marble", "Wool", "Rattan"];

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    pub(crate) asked: usize,
    pub(crate) inserted: usize,
    pub(crate) failed: usize,
    pub(crate) running: bool,
    /// Products a second, over the whole job.
    pub(crate) per_s: f64,
}

#[derive(Debug)]
struct Job {
    progress: Progress,
    began: Instant,
    stop: CancellationToken,
}

/// The job that runs, or ran last.
#[derive(Debug)]
pub(crate) struct Bulk {
    client: reqwest::Client,
    /// The shop's own `POST /products`.
    url: String,
    job: Mutex<Option<Job>>,
}

impl Bulk {
    /// `shop` is the shop's own base URL; `client` must not follow redirects.
    pub(crate) fn new(client: reqwest::Client, shop: &str) -> Self {
        Self { client, url: format!("{shop}/products"), job: Mutex::default() }
    }

    /// How the last job stands, if there was one.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.lock().as_ref().map(|job| job.progress)
    }

    /// Ends the job after the request that runs.
    pub(crate) fn stop(&self) {
        if let Some(job) = self.lock().as_ref() {
            job.stop.cancel();
        }
    }

    /// Starts a job of `count` products with ids from `first` on; false if one runs already.
    pub(crate) fn start(self: &Arc<Self>, count: usize, first: ProductId) -> bool {
        let stop = CancellationToken::new();
        {
            let mut job = self.lock();
            if job.as_ref().is_some_and(|job| job.progress.running) {
                return false;
            }
            let progress =
                Progress { asked: count, inserted: 0, failed: 0, running: true, per_s: 0.0 };
            *job = Some(Job { progress, began: Instant::now(), stop: stop.clone() });
        }
        let bulk = Arc::clone(self);
        tokio::spawn(async move {
            bulk.insert(count, first, &stop).await;
            bulk.update(|progress| progress.running = false);
        });
        true
    }

    async fn insert(&self, count: usize, first: ProductId, stop: &CancellationToken) {
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut id = first;
        for number in 0..count {
            tick.tick().await;
            if stop.is_cancelled() {
                return;
            }
            let inserted = self.insert_one(id, number).await;
            self.update(|progress| {
                progress.inserted += usize::from(inserted);
                progress.failed += usize::from(!inserted);
            });
            let Some(next) = id.next() else { return };
            id = next;
        }
    }

    /// True if the shop took it: it answers 303 then.
    async fn insert_one(&self, id: ProductId, number: usize) -> bool {
        let form = [("id", id.to_string()), ("name", name(number))];
        let body: String = form
            .iter()
            .map(|(key, value)| format!("{key}={}", value.replace(' ', "+")))
            .collect::<Vec<_>>()
            .join("&");
        let sent = self
            .client
            .post(&self.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .timeout(TIMEOUT)
            .body(body)
            .send()
            .await;
        sent.is_ok_and(|response| response.status() == StatusCode::SEE_OTHER)
    }

    fn update(&self, change: impl FnOnce(&mut Progress)) {
        if let Some(job) = self.lock().as_mut() {
            change(&mut job.progress);
            let done = job.progress.inserted + job.progress.failed;
            job.progress.per_s = done as f64 / job.began.elapsed().as_secs_f64().max(0.001);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Job>> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name that a furniture shop could have, plain ASCII.
fn name(number: usize) -> String {
    let look = LOOKS[fastrand::usize(..LOOKS.len())];
    format!("{look} {}", KINDS[number % KINDS.len()])
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::response::Redirect;
    use axum::routing::post;

    use super::*;

    async fn shop(refuse_every_second: bool) -> String {
        let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let answer = move || {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            async move {
                if refuse_every_second && number % 2 == 1 {
                    Err(StatusCode::BAD_GATEWAY)
                } else {
                    Ok(Redirect::to("/"))
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/products", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn ended(bulk: &Bulk) -> Progress {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(progress) = bulk.progress().filter(|progress| !progress.running) {
                return progress;
            }
            assert!(Instant::now() < deadline, "the job did not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn client() -> reqwest::Client {
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
    }

    #[tokio::test]
    async fn a_job_counts_what_was_taken_and_what_failed() {
        let bulk = Arc::new(Bulk::new(client(), &shop(true).await));
        assert!(bulk.start(4, "10".parse().unwrap()));
        assert!(!bulk.start(4, "10".parse().unwrap()), "one at a time");
        let progress = ended(&bulk).await;
        assert_eq!((progress.asked, progress.inserted, progress.failed), (4, 2, 2));
        assert!(progress.per_s > 0.0);
    }

    #[tokio::test]
    async fn a_job_stops_when_it_is_told_to() {
        let bulk = Arc::new(Bulk::new(client(), &shop(false).await));
        assert!(bulk.start(MAX_COUNT, "10".parse().unwrap()));
        bulk.stop();
        assert!(ended(&bulk).await.inserted < MAX_COUNT);
    }
}
