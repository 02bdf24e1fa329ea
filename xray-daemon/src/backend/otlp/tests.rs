//! Batches through the whole backend, to an endpoint that records and misbehaves.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use super::backend::OtlpBackend;
use crate::backend::{Backend, BackendError, Delivered, Retry};
use crate::config::{DaemonConfig, OtlpSettings};
use crate::counters::BackendCounters;
use crate::otlp::{Message, split};
use crate::segment::Segment;

/// What the endpoint answers: status, headers, body.
type Answer = (u16, Vec<(&'static str, &'static str)>, Vec<u8>);

/// An endpoint that answers from a script, then takes everything.
#[derive(Clone, Default)]
struct Endpoint {
    requests: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

impl Endpoint {
    async fn start(answers: Vec<Answer>) -> (Self, SocketAddr) {
        let endpoint = Self { answers: Arc::new(Mutex::new(answers)), ..Self::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/v1/traces", axum::routing::post(Self::answer))
            .with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (endpoint, address)
    }

    async fn answer(State(endpoint): State<Self>, headers: HeaderMap, body: Bytes) -> Response {
        endpoint.requests.lock().unwrap().push((headers, body));
        let mut answers = endpoint.answers.lock().unwrap();
        if answers.is_empty() {
            return StatusCode::OK.into_response();
        }
        let (status, headers, body) = answers.remove(0);
        let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }

    /// Spans in each request so far.
    fn spans(&self) -> Vec<usize> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|(_, body)| split(&plain(body), None).unwrap().segments.len()).collect()
    }
}

fn plain(body: &Bytes) -> Bytes {
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&**body), &mut plain).unwrap();
    plain.into()
}

async fn backend(address: SocketAddr) -> OtlpBackend {
    let mut otlp = OtlpSettings::to(&format!("http://{address}")).unwrap();
    otlp.headers.insert("x-tenant", "7".parse().unwrap());
    otlp.timeout = Duration::from_secs(20);
    let config = DaemonConfig { otlp, ..DaemonConfig::default() };
    let counters = Arc::new(BackendCounters::new("otlp"));
    OtlpBackend::open(&config, &counters, 1 << 20).await.unwrap()
}

fn segment(id: u64) -> Segment {
    let document = format!(
        r#"{{"id":"{id:016x}","trace_id":"1-63ad1f0c-9b2f0a8d3c4e5f6071829304","name":"shop",
            "start_time":1672290060.25,"end_time":1672290060.5}}"#
    );
    Segment::new(document.into(), None)
}

async fn put(
    answers: Vec<Answer>,
    batch: &[Segment],
) -> (Result<Delivered, BackendError>, Endpoint) {
    let (endpoint, address) = Endpoint::start(answers).await;
    (backend(address).await.put(batch).await, endpoint)
}

fn partial(rejected: u64, message: &str) -> Answer {
    let mut partial = Message::default();
    partial.varint(1, rejected);
    partial.bytes(2, message.as_bytes());
    let mut answer = Message::default();
    answer.message(1, &partial);
    (200, vec![("content-type", "application/x-protobuf")], answer.into_bytes())
}

#[tokio::test]
async fn a_batch_is_one_compressed_request_with_the_headers_asked_for() {
    let (delivered, endpoint) = put(Vec::new(), &[segment(1), segment(2)]).await;
    assert_eq!(delivered.unwrap(), Delivered::default());
    assert_eq!(endpoint.spans(), [2]);
    let (headers, _) = endpoint.requests.lock().unwrap().remove(0);
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(headers["x-tenant"], "7");
    assert!(headers["user-agent"].to_str().unwrap().starts_with("xray-daemon/"));
    assert!(!headers.contains_key("authorization"));
}

#[tokio::test]
async fn what_the_endpoint_asks_for_is_handed_on_to_delivery() {
    let answer = |status, headers| (status, headers, Vec::new());
    for (status, headers, expected) in [
        (429, vec![("retry-after", "7")], "again status 429 Some(7s)"),
        (502, vec![], "again status 502 None"),
        (503, vec![], "again status 503 None"),
        (504, vec![], "unsure status 504 None"),
        (413, vec![], "too large"),
        (400, vec![], "refused Status400"),
    ] {
        let (delivered, _) = put(vec![answer(status, headers)], &[segment(1), segment(2)]).await;
        let outcome = match delivered.unwrap_err() {
            BackendError::Again { status, after, .. } => format!("again {status} {after:?}"),
            BackendError::Unsure { status, after, .. } => format!("unsure {status} {after:?}"),
            BackendError::TooLarge { .. } => "too large".to_owned(),
            BackendError::Refused { code, .. } => format!("refused {code}"),
        };
        assert_eq!(outcome, expected);
    }
}

#[tokio::test]
async fn rejected_spans_are_counted_as_segments_with_what_is_said_of_them() {
    let batch: Vec<_> = (1..=4).map(segment).collect();
    let (delivered, endpoint) = put(vec![partial(3, "too old")], &batch).await;
    let unprocessed = delivered.unwrap().unprocessed;
    let found: Vec<_> =
        unprocessed.iter().map(|it| (it.index, it.code.as_str(), it.retry)).collect();
    assert_eq!(found, [0, 1, 2].map(|index| (index, "PartialSuccess", Retry::No)));
    assert_eq!(
        unprocessed[0].message,
        "the endpoint rejected 3 of 4 spans in 4 segments, and does not say which: too old"
    );
    assert_eq!(endpoint.spans(), [4], "nothing is sent again");
    let (delivered, _) = put(vec![partial(0, "an old client")], &batch).await;
    assert_eq!(delivered.unwrap(), Delivered::default());
}

#[tokio::test]
async fn a_document_that_cannot_be_read_does_not_hold_up_the_others() {
    let batch = [Segment::new("no JSON".into(), None), segment(1)];
    let (delivered, endpoint) = put(Vec::new(), &batch).await;
    let unprocessed = delivered.unwrap().unprocessed;
    assert_eq!((unprocessed.len(), unprocessed[0].index), (1, 0));
    assert_eq!((unprocessed[0].code.as_str(), unprocessed[0].retry), ("ParseError", Retry::No));
    assert_eq!(endpoint.spans(), [1]);
}

#[tokio::test]
async fn what_is_held_is_no_request_and_leaves_when_nothing_is_to_be_held() {
    let (endpoint, address) = Endpoint::start(vec![(503, vec![], Vec::new())]).await;
    let backend = backend(address).await;
    let begun = Segment::new(
        r#"{"id":"0000000000000001","trace_id":"1-63ad1f0c-9b2f0a8d3c4e5f6071829304",
            "name":"shop","start_time":1672290060.25,"in_progress":true}"#
            .into(),
        None,
    );
    let batch = [begun];
    let held = backend.put(&batch).await.unwrap().unprocessed;
    assert_eq!(held[0].retry, Retry::Hold(Duration::from_secs(1)));
    assert!(endpoint.spans().is_empty());
    backend.hold_nothing();
    assert!(backend.put(&batch).await.is_err());
    assert_eq!(backend.put(&batch).await.unwrap(), Delivered::default());
    assert_eq!(endpoint.spans(), [1, 1]);
}

#[tokio::test]
async fn large_batches_are_several_requests_and_only_what_failed_is_sent_again() {
    let large = |id: u64| {
        let document = format!(
            r#"{{"id":"{id:016x}","trace_id":"1-63ad1f0c-9b2f0a8d3c4e5f6071829304","name":"shop",
                "start_time":1,"end_time":2,"metadata":{{"default":{{"x":"{}"}}}}}}"#,
            "x".repeat(2_000_000)
        );
        Segment::new(document.into(), None)
    };
    let batch: Vec<_> = (1..=5).map(large).collect();
    let answers = vec![(200, vec![], Vec::new()), (503, vec![], Vec::new())];
    let (delivered, endpoint) = put(answers, &batch).await;
    let unprocessed = delivered.unwrap().unprocessed;
    let found: Vec<_> = unprocessed.iter().map(|it| (it.index, it.retry)).collect();
    assert_eq!(found, [2, 3, 4].map(|index| (index, Retry::Yes)));
    assert_eq!(endpoint.spans(), [2, 2]);
    // Too large is only what the endpoint says it is of.
    let (delivered, endpoint) = put(vec![(413, vec![], Vec::new())], &batch).await;
    let unprocessed = delivered.unwrap().unprocessed;
    let found: Vec<_> = unprocessed.iter().map(|it| (it.index, it.retry)).collect();
    assert_eq!(found, [0, 1].map(|index| (index, Retry::Yes)));
    assert_eq!(endpoint.spans(), [2, 2, 1]);
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_tried_again() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = backend(address).await.put(&[segment(1)]).await.unwrap_err();
    let BackendError::Again { status, .. } = error else { panic!("{error}") };
    assert_eq!(status, "unreachable");
}

#[cfg(feature = "aws")]
#[tokio::test]
async fn x_rays_own_endpoint_is_signed_for() {
    let otlp = OtlpSettings::to("https://xray.eu-west-1.amazonaws.com").unwrap();
    let config = DaemonConfig { otlp, ..DaemonConfig::default() };
    let counters = Arc::new(BackendCounters::new("otlp"));
    let backend = OtlpBackend::open(&config, &counters, 0).await.unwrap();
    assert!(format!("{backend:?}").contains("region: \"eu-west-1\""));
}
