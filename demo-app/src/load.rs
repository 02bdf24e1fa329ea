//! Visits the shop like a few people would: some rate, some mix, with rests.
//!
//! In: where, how often, what. Out: what it met. At most 16 visits run at once; what does not fit is
//! left out and counted, so a shop that hangs is not buried. Carries no trace header: the shop
//! decides what is sampled.

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

const MAX_IN_FLIGHT: usize = 16;
const TIMEOUT: Duration = Duration::from_secs(15);
const USER_AGENT: &str = concat!("demo-app-load/", env!("CARGO_PKG_VERSION"));
/// Ids of the products that an empty catalogue starts with.
const KNOWN_IDS: std::ops::RangeInclusive<u32> = 1..=6;
/// Ids that are added and deleted again; people do not type these.
const OWN_IDS: std::ops::Range<u32> = 900_000_000..900_100_000;

/// How to visit.
#[derive(Clone, Debug)]
pub(crate) struct LoadOptions {
    pub(crate) shop: Url,
    pub(crate) rate_per_s: f64,
    pub(crate) mix: Mix,
    /// How long it visits before it rests.
    pub(crate) busy: Duration,
    /// How long it rests; zero never.
    pub(crate) pause: Duration,
    pub(crate) longest: Option<Duration>,
    pub(crate) visits: Option<u64>,
}

impl LoadOptions {
    /// Three visits a second that only read, and a rest of 10 s every minute.
    pub(crate) fn gentle(shop: Url) -> Self {
        Self {
            shop,
            rate_per_s: 3.0,
            mix: Mix { browse: 8, product: 2, add: 0, missing: 0 },
            busy: Duration::from_secs(50),
            pause: Duration::from_secs(10),
            longest: None,
            visits: None,
        }
    }
}

/// Kinds of visit and their weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mix {
    browse: u32,
    product: u32,
    add: u32,
    missing: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visit {
    Browse,
    Product,
    Add,
    Missing,
}

impl Mix {
    fn total(self) -> u32 {
        self.browse + self.product + self.add + self.missing
    }

    /// The visit at `point`, which is below the total.
    fn pick(self, point: u32) -> Visit {
        let [browse, product, add] = [self.browse, self.product, self.add];
        match point {
            _ if point < browse => Visit::Browse,
            _ if point < browse + product => Visit::Product,
            _ if point < browse + product + add => Visit::Add,
            _ => Visit::Missing,
        }
    }
}

impl FromStr for Mix {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        const MAX_WEIGHT: u32 = 1_000;
        let mut mix = Self { browse: 0, product: 0, add: 0, missing: 0 };
        for part in text.split(',') {
            let (kind, weight) = part.trim().split_once(':').ok_or(())?;
            let weight: u32 = weight.parse().map_err(|_| ())?;
            let slot = match kind {
                "browse" => &mut mix.browse,
                "product" => &mut mix.product,
                "add" => &mut mix.add,
                "missing" => &mut mix.missing,
                _ => return Err(()),
            };
            *slot = weight.min(MAX_WEIGHT);
        }
        if mix.total() == 0 { Err(()) } else { Ok(mix) }
    }
}

/// What the visits met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoadReport {
    pub(crate) visits: u64,
    pub(crate) fine: u64,
    /// Answered 4xx.
    pub(crate) refused: u64,
    /// Answered 5xx.
    pub(crate) failed: u64,
    pub(crate) unanswered: u64,
    /// Left out because too many were running.
    pub(crate) left_out: u64,
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { visits, fine, refused, failed, unanswered, left_out } = self;
        write!(
            f,
            "{visits} visits: {fine} answers fine, {refused} refused (4xx), {failed} failed (5xx), \
             {unanswered} without an answer; {left_out} visits left out"
        )
    }
}

#[derive(Debug, Default)]
struct Counts {
    fine: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    unanswered: AtomicU64,
}

/// Visits until `stop` completes or the options say enough, and waits for the last visits.
///
/// # Errors
/// When no HTTP client can be made.
pub(crate) async fn run(
    options: LoadOptions,
    stop: impl Future<Output = ()>,
) -> Result<LoadReport, reqwest::Error> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(USER_AGENT)
        .timeout(TIMEOUT)
        .build()?;
    let counts = Arc::new(Counts::default());
    let visits = TaskTracker::new();
    let mut report = LoadReport::default();
    tokio::select! {
        () = visit_on(&options, &client, &counts, &visits, &mut report) => {}
        () = stop => {}
    }
    visits.close();
    visits.wait().await;
    let total = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Ok(LoadReport {
        fine: total(&counts.fine),
        refused: total(&counts.refused),
        failed: total(&counts.failed),
        unanswered: total(&counts.unanswered),
        ..report
    })
}

async fn visit_on(
    options: &LoadOptions,
    client: &reqwest::Client,
    counts: &Arc<Counts>,
    visits: &TaskTracker,
    report: &mut LoadReport,
) {
    let seats = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    let began = Instant::now();
    let mut busy_since = began;
    while options.visits.is_none_or(|most| report.visits < most)
        && options.longest.is_none_or(|longest| began.elapsed() < longest)
    {
        match Arc::clone(&seats).try_acquire_owned() {
            Ok(seat) => {
                report.visits += 1;
                let (client, shop, counts) =
                    (client.clone(), options.shop.clone(), Arc::clone(counts));
                let kind = options.mix.pick(fastrand::u32(..options.mix.total()));
                visits.spawn(async move {
                    visit(&client, &shop, kind, &counts).await;
                    drop(seat);
                });
            }
            Err(_) => report.left_out += 1,
        }
        // People do not come at the beat of a clock: half to one and a half of the mean.
        let wait_s = (0.5 + fastrand::f64()) / options.rate_per_s;
        tokio::time::sleep(Duration::from_secs_f64(wait_s)).await;
        if !options.pause.is_zero() && busy_since.elapsed() >= options.busy {
            tokio::time::sleep(options.pause).await;
            busy_since = Instant::now();
        }
    }
}

async fn visit(client: &reqwest::Client, shop: &Url, kind: Visit, counts: &Counts) {
    let at = |path: &str, query: Option<&str>| {
        let mut url = shop.clone();
        url.set_path(path);
        url.set_query(query);
        url
    };
    let known = format!("product={}", fastrand::u32(KNOWN_IDS));
    match kind {
        Visit::Browse => count(client.get(at("/", None)), counts).await,
        Visit::Product => count(client.get(at("/", Some(&known))), counts).await,
        Visit::Missing => count(client.get(at("/", Some("product=999999999"))), counts).await,
        Visit::Add => {
            let id = fastrand::u32(OWN_IDS);
            let form = |body: String| ("application/x-www-form-urlencoded", body);
            for (path, (content_type, body)) in [
                ("/products".to_owned(), form(format!("id={id}&name=Loan+chair"))),
                (format!("/products/{id}/delete"), form("page=1".to_owned())),
            ] {
                let request = client.post(at(&path, None)).header("content-type", content_type);
                count(request.body(body), counts).await;
            }
        }
    }
}

async fn count(request: reqwest::RequestBuilder, counts: &Counts) {
    let slot = match request.send().await {
        Ok(response) if response.status().is_server_error() => &counts.failed,
        Ok(response) if response.status().is_client_error() => &counts.refused,
        Ok(_) => &counts.fine,
        Err(_) => &counts.unanswered,
    };
    slot.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;

    use super::*;

    async fn shop(answer: StatusCode) -> Url {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().route("/", get(async move || answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    #[tokio::test]
    async fn it_makes_as_many_visits_as_asked_and_counts_the_answers() {
        for (answer, fine, refused, failed) in [
            (StatusCode::OK, 5, 0, 0),
            (StatusCode::NOT_FOUND, 0, 5, 0),
            (StatusCode::BAD_GATEWAY, 0, 0, 5),
        ] {
            let mut options = LoadOptions::gentle(shop(answer).await);
            options.rate_per_s = 200.0;
            options.visits = Some(5);
            let report = run(options, std::future::pending()).await.unwrap();
            assert_eq!((report.visits, report.fine), (5, fine), "{answer}");
            assert_eq!((report.refused, report.failed), (refused, failed), "{answer}");
        }
    }

    #[test]
    fn a_mix_is_drawn_by_weight() {
        let mix: Mix = "browse:2, add:1".parse().unwrap();
        let drawn: Vec<Visit> = (0..mix.total()).map(|point| mix.pick(point)).collect();
        assert_eq!(drawn, [Visit::Browse, Visit::Browse, Visit::Add]);
        for bad in ["", "browse", "browse:x", "buy:1", "browse:0"] {
            assert_eq!(bad.parse::<Mix>(), Err(()), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn nobody_there_is_counted_not_fatal() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gone: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        drop(listener);
        let mut options = LoadOptions::gentle(gone);
        options.visits = Some(1);
        let report = run(options, std::future::pending()).await.unwrap();
        assert_eq!((report.visits, report.unanswered), (1, 1));
    }
}
