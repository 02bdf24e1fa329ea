//! Keeps the picture that the drawing shows: asks every service for its own view, once a second.
//!
//! In: `GET /topology` of the catalogue and of what it calls, and the daemon's counter. Out: a
//! [`Snapshot`], at once. These calls carry no trace: they are the page's doing, nobody's request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::sync::watch;

use crate::chaos::Faults;
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
    received: Mutex<Option<(Instant, f64)>>,
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
        let now = Instant::now();
        let mut last = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = last.and_then(|(at, before)| {
            let elapsed_s = now.duration_since(at).as_secs_f64();
            (elapsed_s > 0.2 && received >= before).then(|| (received - before) / elapsed_s)
        });
        *last = Some((now, received));
        rate.or(self.latest.borrow().segments_per_s)
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
