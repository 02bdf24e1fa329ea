//! Keeps the picture that the drawing shows: asks every service for its own view, once a second.
//!
//! In: `GET /topology` of the catalogue and of what it calls, and the daemon's counter. Out: a
//! [`Snapshot`], at once. These calls carry no trace: they are the page's doing, nobody's request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::sync::watch;

use crate::chaos::Faults;
use crate::service::hops::WINDOW;
use crate::service::http;
use crate::service::topology::{Target, Topology};

const INTERVAL: Duration = Duration::from_secs(1);
/// A service that does not answer within this is shown as it was last seen.
const TIMEOUT: Duration = Duration::from_millis(500);
const RECEIVED: &str = "xray_daemon_segments_received_total";

/// What the services said when they were last asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) catalog: Option<Topology>,
    /// The services that the catalogue calls, with their base URLs.
    pub(crate) details: Vec<(String, Topology)>,
    /// Segments a second that the daemon took in, if its address is known and it answers.
    pub(crate) segments_per_s: Option<f64>,
}

impl Snapshot {
    /// What is broken on purpose in the service called `name`.
    pub(crate) fn faults_of(&self, name: &str) -> Option<&Faults> {
        self.services().find(|topology| topology.service == name).map(|topology| &topology.faults)
    }

    fn services(&self) -> impl Iterator<Item = &Topology> {
        self.catalog.iter().chain(self.details.iter().map(|(_, topology)| topology))
    }
}

/// Asks, and keeps the answer.
#[derive(Debug)]
pub(crate) struct Live {
    client: reqwest::Client,
    catalog_origin: String,
    /// The daemon's metrics page.
    daemon_metrics: Option<Url>,
    received: Mutex<Readings>,
    latest: watch::Sender<Arc<Snapshot>>,
}

impl Live {
    pub(crate) fn new(
        client: reqwest::Client,
        catalog_origin: String,
        daemon_metrics: Option<Url>,
    ) -> Self {
        let latest = watch::Sender::new(Arc::default());
        Self { client, catalog_origin, daemon_metrics, received: Mutex::default(), latest }
    }

    /// Asks once a second, for as long as it is polled.
    pub(crate) async fn run(&self) {
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.refresh().await;
        }
    }

    /// The latest picture.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.latest.borrow())
    }

    /// Asks now; for a page that follows a change.
    pub(crate) async fn refresh(&self) -> Arc<Snapshot> {
        let before = self.snapshot();
        let (catalog, segments_per_s) =
            tokio::join!(self.topology(&self.catalog_origin), self.segments_per_s());
        let catalog = catalog.or_else(|| before.catalog.clone());
        let urls: Vec<String> = catalog.iter().flat_map(service_urls).collect();
        let mut details = Vec::with_capacity(urls.len());
        for url in urls {
            let seen_before = || before.details.iter().find(|(known, _)| *known == url).cloned();
            let asked = self.topology(&url).await.map(|topology| (url.clone(), topology));
            details.extend(asked.or_else(seen_before));
        }
        let snapshot = Arc::new(Snapshot { catalog, details, segments_per_s });
        self.latest.send_replace(Arc::clone(&snapshot));
        snapshot
    }

    async fn topology(&self, origin: &str) -> Option<Topology> {
        let url = format!("{origin}/topology");
        let response = self.client.get(url).timeout(TIMEOUT).send().await.ok()?;
        http::json(response).await.ok()
    }

    async fn segments_per_s(&self) -> Option<f64> {
        let url = self.daemon_metrics.clone()?;
        let response = self.client.get(url).timeout(TIMEOUT).send().await.ok()?;
        let text = String::from_utf8(http::bytes(response).await.ok()?).ok()?;
        let received = metric(&text, RECEIVED)?;
        let mut readings = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        readings.add(Instant::now(), received);
        readings.per_s()
    }
}

/// What a counter said, over the time that the drawing looks back.
#[derive(Debug, Default)]
struct Readings(VecDeque<(Instant, f64)>);

impl Readings {
    fn add(&mut self, now: Instant, count: f64) {
        // A counter that went back belongs to a daemon that started anew.
        if self.0.back().is_some_and(|(_, before)| *before > count) {
            self.0.clear();
        }
        self.0.push_back((now, count));
        while self.0.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.0.pop_front();
        }
    }

    /// The mean rate; `None` until two readings lie a second apart.
    fn per_s(&self) -> Option<f64> {
        let ((from, first), (to, last)) = (self.0.front()?, self.0.back()?);
        let elapsed_s = to.duration_since(*from).as_secs_f64();
        (elapsed_s > 0.9).then(|| (last - first) / elapsed_s)
    }
}

/// The base URLs of the services that `topology` calls.
fn service_urls(topology: &Topology) -> impl Iterator<Item = String> {
    topology.hops.iter().filter_map(|hop| match &hop.target {
        Target::Service(url) => Some(url.clone()),
        Target::Database(_) => None,
    })
}

/// The sum of all series called `name` in Prometheus' text format.
fn metric(text: &str, name: &str) -> Option<f64> {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = match rest.strip_prefix('{') {
            Some(labelled) => labelled.rsplit_once('}')?.1,
            None => rest.strip_prefix(' ')?,
        };
        value.split_whitespace().next()?.parse::<f64>().ok()
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_mean_of_thirty_seconds() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut readings = Readings::default();
        readings.add(start, 100.0);
        assert_eq!(readings.per_s(), None);
        readings.add(start + 10 * second, 124.0);
        assert_eq!(readings.per_s(), Some(2.4));
        readings.add(start + 35 * second, 149.0);
        assert_eq!(readings.per_s(), Some(1.0), "the first reading is too old");
        readings.add(start + 36 * second, 3.0);
        assert_eq!(readings.per_s(), None, "another daemon");
    }

    #[test]
    fn a_metric_is_summed_over_its_series_and_no_other() {
        let text = "# TYPE xray_daemon_segments_received_total counter\n\
                    xray_daemon_segments_received_total 214\n\
                    xray_daemon_segments_received_total_more 9\n\
                    a{backend=\"local\"} 2\na{backend=\"aws\"} 3 1700000000\n";
        assert_eq!(metric(text, RECEIVED), Some(214.0));
        assert_eq!(metric(text, "a"), Some(5.0));
        assert_eq!(metric(text, "b"), None);
    }
}
