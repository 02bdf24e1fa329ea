//! Failed and slow requests that were not sampled: counted, and recorded if that is asked for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use http::Request;
use tower::ServiceExt;
use tracing::instrument::WithSubscriber;

use crate::builder;
use crate::sampling::{
    AnomalyCondition, Decision, Ended, LocalRules, Sampler, SamplingRequest, Usage,
};
use crate::testing::Capture;
use crate::tower::ServerLayer;

/// Sends requests to `/ok` and `/broken/7`, each `times` times.
async fn requests(capture: &Capture, times: usize) {
    let app = Router::new()
        .route("/ok", get(|| async { "fine" }))
        .route("/broken/7", get(|| async { StatusCode::BAD_GATEWAY }))
        .route("/ping", get(|| async { StatusCode::BAD_GATEWAY }))
        .layer(ServerLayer::new().exclude_path("/ping"));
    for _ in 0..times {
        for path in ["/ok", "/broken/7", "/ping"] {
            let request = Request::get(path).header("host", "shop").header("user-agent", "me");
            let request = request.body(Body::empty()).unwrap();
            let answer = app.clone().oneshot(request);
            let answer = answer.with_subscriber(capture.subscriber().clone()).await.unwrap();
            axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_failed_request_is_recorded_after_all_so_many_a_second() {
    let options = builder("orders").sampler(LocalRules::record_none()).capture_anomalies(2);
    let capture = Capture::with(options);
    requests(&capture, 100).await;
    let documents = capture.documents();
    // Two a second; the hundred take much less than three.
    assert!((2..=6).contains(&documents.len()), "{}", documents.len());
    assert_eq!(capture.stats().anomalies_captured, documents.len() as u64);
    let segment = &documents[0];
    assert_eq!((&*segment.name, segment.fault), ("orders", true));
    let http = segment.http.as_ref().unwrap();
    assert_eq!(http.request.url.as_deref(), Some("http://shop/broken/7"));
    assert_eq!(http.request.user_agent.as_deref(), Some("me"));
    assert_eq!(http.response.status, Some(502));
    assert_eq!(segment.metadata["default"]["captured"], "anomaly");
    assert!(segment.end_time_s.unwrap() >= segment.start_time_s.unwrap());
}

#[tokio::test]
async fn what_is_an_anomaly_can_be_said() {
    let slow = AnomalyCondition::new().operation("GET /ok").slower_than(Duration::ZERO);
    let counted = AnomalyCondition::new().status(500..=599).usage(Usage::SamplingBoost);
    let options = builder("orders").sampler(LocalRules::record_none());
    let capture = Capture::with(options.anomaly(slow).anomaly(counted).capture_anomalies(1_000));
    requests(&capture, 1).await;
    let documents = capture.documents();
    let urls: Vec<_> =
        documents.iter().map(|d| d.http.as_ref().unwrap().request.url.clone().unwrap()).collect();
    assert_eq!(urls, ["http://shop/ok"]);
}

#[tokio::test]
async fn without_the_option_nothing_is_recorded() {
    let capture = Capture::with(builder("orders").sampler(LocalRules::record_none()));
    requests(&capture, 3).await;
    assert_eq!(capture.documents(), []);
}

/// Path, status, whether it is a fault.
type End = (String, Option<u16>, bool);

/// Writes down how roots end.
#[derive(Clone, Debug, Default)]
struct Listener(Arc<Mutex<Vec<End>>>);

impl Sampler for Listener {
    fn decide(&self, _: &SamplingRequest<'_>, _: u64) -> Decision {
        Decision { rule: Some("r".into()), ..Decision::default() }
    }

    fn wants_ended(&self) -> bool {
        true
    }

    fn ended(&self, ended: &Ended<'_>) {
        let path = ended.operation.unwrap().path.to_owned();
        self.0.lock().unwrap().push((path, ended.status, ended.is_fault));
    }
}

#[tokio::test]
async fn the_sampler_learns_how_unsampled_requests_end() {
    let listener = Listener::default();
    let capture = Capture::with(builder("orders").sampler(listener.clone()));
    requests(&capture, 1).await;
    let ended = listener.0.lock().unwrap().clone();
    let expected = [("/ok", 200, false), ("/broken/7", 502, true), ("/ping", 502, true)]
        .map(|(p, s, f)| (p.to_owned(), Some(s), f));
    assert_eq!(ended, expected);
}

#[tokio::test]
async fn a_header_can_be_an_annotation_and_decide() {
    let rule = crate::sampling::Rule::named("acme").priority(1).attribute("tenant", "ac*");
    let rule = rule.reservoir_per_s(0).fixed_rate(1.0).build().unwrap();
    let rules = LocalRules::builder().rule(rule).fallback(0, 0.0).unwrap().build();
    let capture = Capture::with(builder("orders").sampler(rules));
    let layer = ServerLayer::new().annotate_header("tenant", "x-tenant");
    let app = Router::new().route("/", get(|| async { "fine" })).layer(layer);
    for tenant in ["acme", "other"] {
        let request = Request::get("/").header("x-tenant", tenant).body(Body::empty()).unwrap();
        let answer = app.clone().oneshot(request);
        answer.with_subscriber(capture.subscriber().clone()).await.unwrap();
    }
    let documents = capture.documents();
    assert_eq!(documents.len(), 1);
    let expected = crate::document::AnnotationValue::String("acme".into());
    assert_eq!(documents[0].annotations, [("tenant".to_owned(), expected)]);
}
