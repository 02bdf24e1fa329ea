//! A server of OTLP asked over real connections, HTTP/1.1 by hand and HTTP/2 by hyper.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use xray_tracing::SegmentId;
use xray_tracing::translate::SpanView;

use super::{SpanReceiver, router, serve};
use crate::buffer::{BatchLimits, Buffer, Queue};
use crate::counters::{Counters, RejectReason};
use crate::otlp::{Message, SpanContext, request, span};

struct Fixture {
    address: SocketAddr,
    counters: Arc<Counters>,
    queue: Arc<Queue>,
    stop: CancellationToken,
}

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    trailers: HeaderMap,
    body: Bytes,
}

impl Answer {
    async fn read(response: Response<hyper::body::Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        Self { status: parts.status, headers: parts.headers, trailers, body: body.to_bytes() }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Fixture {
    async fn new() -> Self {
        Self::with_buffer(16 << 20).await
    }

    async fn with_buffer(bytes: usize) -> Self {
        let counters = Arc::new(Counters::new(["local"]));
        let limits = BatchLimits { max_bytes: 1 << 20, max_wait: Duration::from_secs(3600) };
        let queue = Arc::new(Queue::new(limits, Arc::clone(&counters.backends()[0]), None));
        let held = Arc::clone(counters.held_bytes());
        let buffer = Arc::new(Buffer::new(vec![Arc::clone(&queue)], held, bytes, None));
        let receiver = SpanReceiver::new(Arc::clone(&counters), buffer);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        tokio::spawn(serve(listener, router(receiver), stop.clone()));
        Self { address, counters, queue, stop }
    }

    async fn http(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = request.header("host", "localhost").body(Full::new(body.into())).unwrap();
        Answer::read(sender.send_request(request).await.unwrap()).await
    }

    async fn post(&self, content_type: &str, body: impl Into<Bytes>) -> Answer {
        self.http(Request::post("/v1/traces").header("content-type", content_type), body).await
    }

    async fn grpc(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::post(format!("http://localhost{path}"))
            .version(Version::HTTP_2)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        Answer::read(sender.send_request(request).await.unwrap()).await
    }

    /// Received, rejected, waiting.
    fn counts(&self) -> (u64, u64, u64) {
        let snapshot = self.counters.snapshot();
        let queued = self.counters.backends()[0].snapshot().queued;
        (snapshot.intake.received, snapshot.intake.rejected_total(), queued)
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop.cancel();
        self.queue.close();
    }
}

/// A request of `count` good spans and one without an id.
fn spans(count: u64, bad: usize) -> Vec<u8> {
    let trace_id = "1-5f29ab21-d4ebf299219a65bd5c31d6da".parse().unwrap();
    let view = |id| SpanView::new(trace_id, SegmentId::from_u64(id), "work");
    let mut all: Vec<Vec<u8>> = (1..=count).map(|id| span(&view(id)).into_bytes()).collect();
    let mut no_id = Message::default();
    no_id.bytes(1, &[1; 16]);
    all.extend(vec![no_id.into_bytes(); bad]);
    let context = SpanContext::default();
    request(all.iter().map(|span| (span.as_slice(), &context)))
}

fn framed(packed: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[packed], &length[..], message].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

const PROTOBUF: &str = "application/x-protobuf";
const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

#[tokio::test]
async fn protobuf_by_http_is_taken_plain_and_packed() {
    let fixture = Fixture::new().await;
    let answer = fixture.post(PROTOBUF, spans(3, 0)).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(answer.header("content-type"), PROTOBUF);
    for (coding, body) in [("gzip", gzip(&spans(2, 0))), ("zstd", zstd(&spans(2, 0)))] {
        let call = Request::post("/v1/traces")
            .header("content-type", PROTOBUF)
            .header("content-encoding", coding);
        assert_eq!(fixture.http(call, body).await.status, StatusCode::OK, "{coding}");
    }
    assert_eq!(fixture.counts(), (7, 0, 7));
}

#[tokio::test]
async fn json_by_http_is_answered_in_json() {
    let fixture = Fixture::new().await;
    let text = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[
        {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"a"},
        {"traceId":"","spanId":"eee19b7ec3c1b174","name":"b"}]}]}]}"#;
    let answer = fixture.post("application/json; charset=utf-8", text).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.text(),
        r#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"spans without a trace id of 16 bytes and an id of 8, not zero, or with a parent id of another length"}}"#
    );
    assert_eq!(fixture.post("application/json", "{}").await.text(), "{}");
    let answer = fixture.post("application/json", "{\"resourceSpans\":1}").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.text().contains(r#""code":3"#), "{}", answer.text());
    assert!(answer.text().contains("expected a list for resourceSpans at line 1 column 18"));
    assert_eq!(fixture.counts(), (3, 2, 1));
}

#[tokio::test]
async fn grpc_answers_with_a_message_and_its_code_in_trailers() {
    let fixture = Fixture::new().await;
    let answer = fixture.grpc(EXPORT, &[], framed(0, &spans(2, 1))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/grpc");
    assert_eq!(answer.trailers["grpc-status"], "0");
    // Partial success: field 1, of it field 1 is the number of spans.
    assert_eq!(answer.body[5], 0x0a);
    assert_eq!(answer.body[7..9], [0x08, 1]);
    let packed = framed(1, &gzip(&spans(4, 0)));
    let answer = fixture.grpc(EXPORT, &[("grpc-encoding", "gzip")], packed).await;
    assert_eq!(answer.trailers["grpc-status"], "0");
    assert_eq!(answer.body, [0, 0, 0, 0, 0].as_slice());
    assert_eq!(fixture.counts(), (7, 1, 6));
}

#[tokio::test]
async fn grpc_that_cannot_be_served_says_why_in_its_code() {
    let fixture = Fixture::new().await;
    let metrics = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    let large = framed(1, &gzip(&vec![0; (8 << 20) + 1]));
    for (path, headers, body, code) in [
        (metrics, &[][..], framed(0, b""), "12"),
        (EXPORT, &[("grpc-encoding", "br")], framed(1, b"x"), "12"),
        (EXPORT, &[], framed(0, b"\xff\xff"), "3"),
        (EXPORT, &[], b"\0\0\0\0\x09x".to_vec(), "3"),
        (EXPORT, &[("grpc-encoding", "gzip")], large, "8"),
    ] {
        let answer = fixture.grpc(path, headers, body).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("grpc-status"), code, "{path} {headers:?}");
        assert!(!answer.header("grpc-message").is_empty());
        assert_eq!(answer.header("grpc-accept-encoding"), "gzip,zstd,deflate,identity");
    }
    assert_eq!(fixture.counts(), (4, 4, 0));
}

#[tokio::test]
async fn http_that_cannot_be_served_has_the_status_that_says_why() {
    let fixture = Fixture::new().await;
    let of = |name: &'static str, value: &'static str| {
        Request::post("/v1/traces").header("content-type", PROTOBUF).header(name, value)
    };
    let packed = fixture.http(of("content-encoding", "br"), "x").await;
    assert_eq!(packed.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(packed.header("accept-encoding"), "gzip,zstd,deflate,identity");
    let not_gzip = fixture.http(of("content-encoding", "gzip"), "x").await;
    assert_eq!(not_gzip.status, StatusCode::BAD_REQUEST);
    let bomb = zstd(&vec![0; 9 << 20]);
    let bomb = fixture.http(of("content-encoding", "zstd"), bomb).await;
    assert_eq!(bomb.status, StatusCode::PAYLOAD_TOO_LARGE);
    // Status: field 1 is the code of gRPC, 8 says too large.
    assert_eq!(bomb.body[..2], [0x08, 8]);
    let large = fixture.post(PROTOBUF, vec![0; (8 << 20) + 1]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(fixture.post(PROTOBUF, "\u{7f}").await.status, StatusCode::BAD_REQUEST);
    let form = fixture.post("text/plain", "x").await;
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let rejected = fixture.counters.snapshot().intake.rejected(RejectReason::OtlpRequest);
    assert_eq!(rejected, 6);
    assert_eq!(fixture.counts(), (6, 6, 0));
    // What is no attempt to send spans is not counted.
    let get = fixture.http(Request::get("/v1/traces"), "").await;
    assert_eq!((get.status, get.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    let logs = fixture.http(Request::post("/v1/logs"), "").await;
    assert_eq!(logs.status, StatusCode::NOT_FOUND);
    assert_eq!(fixture.counts(), (6, 6, 0));
}

#[tokio::test]
async fn web_pages_cannot_send_spans() {
    let fixture = Fixture::new().await;
    let call = Request::post("/v1/traces")
        .header("content-type", "application/json")
        .header("origin", "https://evil.example");
    assert_eq!(fixture.http(call, "{}").await.status, StatusCode::FORBIDDEN);
    let preflight = Request::options("/v1/traces").header("origin", "https://evil.example");
    let answer = fixture.http(preflight, "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_full_buffer_tells_senders_to_wait_and_drops_nothing() {
    let fixture = Fixture::with_buffer(100_000).await;
    let mut taken = 0;
    let refused = loop {
        let answer = fixture.post(PROTOBUF, spans(50, 0)).await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        taken += 50;
    };
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.header("retry-after"), "1");
    let refused = fixture.grpc(EXPORT, &[], framed(0, &spans(50, 0))).await;
    assert_eq!(refused.header("grpc-status"), "14");
    assert_eq!(refused.header("grpc-message"), "the buffer is full; send again later");
    assert_ne!(refused.header("grpc-status-details-bin"), "");
    assert!(taken >= 200, "{taken}");
    assert_eq!(fixture.counts(), (taken, 0, taken));
    assert_eq!(fixture.counters.backends()[0].snapshot().dropped_total(), 0);
}

#[tokio::test]
async fn told_to_stop_it_answers_what_it_has_and_closes() {
    let fixture = Fixture::new().await;
    let stream = TcpStream::connect(fixture.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let call = || {
        let call = Request::post("/v1/traces").header("content-type", PROTOBUF);
        call.header("host", "localhost").body(Full::new(Bytes::from(spans(1, 0)))).unwrap()
    };
    assert_eq!(sender.send_request(call()).await.unwrap().status(), StatusCode::OK);
    fixture.stop.cancel();
    connection.await.unwrap().unwrap();
    assert!(TcpStream::connect(fixture.address).await.is_err());
    assert_eq!(fixture.counts(), (1, 0, 1));
}
