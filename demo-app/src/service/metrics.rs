//! Requests by route and status, as Prometheus reads them from `/metrics`.
//!
//! In: one record per answered request. Out: the text format. Owns: one series per method, route
//! and status; routes are those of the router, so a scanner cannot grow it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::clock::epoch_s;

/// Upper bounds of the histogram, in seconds: Prometheus' usual ones.
const BOUNDS_S: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Labels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Default)]
struct Series {
    count: u64,
    total: Duration,
    /// Requests up to each bound, not cumulated.
    within: [u64; BOUNDS_S.len()],
}

/// The requests that one service answered.
#[derive(Debug)]
pub(crate) struct Metrics {
    service: &'static str,
    started_s: u64,
    series: Mutex<BTreeMap<Labels, Series>>,
}

impl Metrics {
    pub(crate) fn new(service: &'static str) -> Self {
        Self { service, started_s: epoch_s(), series: Mutex::default() }
    }

    fn record(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let labels =
            Labels { method: known(method), route: route.to_owned(), status: status.as_u16() };
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let series = all.entry(labels).or_default();
        series.count += 1;
        series.total += took;
        let took_s = took.as_secs_f64();
        if let Some(slot) = BOUNDS_S.iter().position(|bound| took_s <= *bound) {
            series.within[slot] += 1;
        }
    }

    /// The text that `/metrics` answers with.
    pub(crate) fn render(&self) -> String {
        let all = self.series.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = String::new();
        // Writing to a String cannot fail.
        self.write(&all, &mut text).ok();
        text
    }

    fn write(&self, all: &BTreeMap<Labels, Series>, out: &mut String) -> std::fmt::Result {
        let service = self.service;
        writeln!(out, "# HELP process_start_time_seconds Start of the service, since 1970.")?;
        writeln!(out, "# TYPE process_start_time_seconds gauge")?;
        writeln!(out, "process_start_time_seconds{{service=\"{service}\"}} {}", self.started_s)?;
        writeln!(out, "# HELP http_requests_total Requests answered.")?;
        writeln!(out, "# TYPE http_requests_total counter")?;
        for (labels, series) in all {
            let labels = labels.text(service);
            writeln!(out, "http_requests_total{{{labels}}} {}", series.count)?;
        }
        writeln!(out, "# HELP http_request_duration_seconds Time from request to answer.")?;
        writeln!(out, "# TYPE http_request_duration_seconds histogram")?;
        for (labels, series) in all {
            let labels = labels.text(service);
            let name = "http_request_duration_seconds";
            let mut cumulated = 0;
            for (bound, within) in BOUNDS_S.iter().zip(series.within) {
                cumulated += within;
                writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {cumulated}")?;
            }
            writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", series.count)?;
            writeln!(out, "{name}_sum{{{labels}}} {}", series.total.as_secs_f64())?;
            writeln!(out, "{name}_count{{{labels}}} {}", series.count)?;
        }
        Ok(())
    }
}

impl Labels {
    fn text(&self, service: &str) -> String {
        let Self { method, route, status } = self;
        format!("service=\"{service}\",method=\"{method}\",route=\"{route}\",status=\"{status}\"")
    }
}

/// The method's name, if it is one of HTTP's own; strangers may send any.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// Middleware: counts each request under its route.
pub(crate) async fn apply(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let began = Instant::now();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    metrics.record(&method, route, response.status(), began.elapsed());
    response
}

/// `GET /metrics`.
pub(crate) async fn show(State(metrics): State<Arc<Metrics>>) -> Response {
    let format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (format, metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_as_a_count_and_in_the_histogram() {
        let metrics = Metrics::new("Product-Detail");
        let took = Duration::from_millis(20);
        metrics.record(&Method::GET, "/catalogDetail", StatusCode::OK, took);
        metrics.record(&Method::GET, "/catalogDetail", StatusCode::OK, took * 1_000);
        let text = metrics.render();
        let labels = r#"service="Product-Detail",method="GET",route="/catalogDetail",status="200""#;
        for line in [
            format!("http_requests_total{{{labels}}} 2"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"0.01\"}} 0"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"0.025\"}} 1"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"10\"}} 1"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} 2"),
            format!("http_request_duration_seconds_sum{{{labels}}} 20.02"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nnot in\n{text}");
        }
    }

    #[test]
    fn a_made_up_method_opens_no_series_of_its_own() {
        let metrics = Metrics::new("Frontend");
        for method in ["BREW", "POUR"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            metrics.record(&method, "none", StatusCode::NOT_FOUND, Duration::ZERO);
        }
        assert_eq!(metrics.series.lock().unwrap().len(), 1);
    }
}
