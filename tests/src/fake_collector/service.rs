//! The collector itself: connections in, a record of requests out.
//!
//! Owns the listener and the record. Ends with the test's runtime.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::fault::CollectorFault;
use super::{spans, tunnel};
use crate::fake_xray::{Refusal, Signature, server_config, verify};
use crate::wait::wait_until;

/// A request as it was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// Path and query.
    pub target: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, uncompressed.
    pub body: Bytes,
    /// The spans in it, as JSON.
    pub spans: Vec<Value>,
    /// Who signed it, or why the signature does not hold.
    pub signature: Result<Signature, Refusal>,
    /// Whether it was answered as it should be.
    pub taken: bool,
}

impl Received {
    /// A header's value, empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A running collector.
#[derive(Debug)]
pub struct FakeCollector {
    address: SocketAddr,
    proxy: SocketAddr,
    folder: TempDir,
    is_tls: bool,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    received: Vec<Received>,
    next: VecDeque<CollectorFault>,
    standing: CollectorFault,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl FakeCollector {
    /// Starts it on a free port, without TLS.
    pub async fn start() -> Self {
        Self::serve(None).await
    }

    /// Starts it with TLS, under these names besides `localhost`.
    pub async fn start_tls(names: &[&str]) -> Self {
        Self::serve(Some(names)).await
    }

    async fn serve(names: Option<&[&str]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = folder.path().join("authority.pem");
        let tls = names.map(|names| TlsAcceptor::from(server_config(&authority, names)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        tokio::spawn(accept(listener, tls, shared.clone()));
        let proxy = tunnel::start(address).await;
        Self { address, proxy, folder, is_tls: names.is_some(), shared }
    }

    /// Its URL, without a path.
    pub fn endpoint(&self) -> String {
        let port = self.address.port();
        if self.is_tls {
            format!("https://localhost:{port}")
        } else {
            format!("http://127.0.0.1:{port}")
        }
    }

    /// URL of a proxy that leads every name here.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.proxy)
    }

    /// PEM file of the authority to trust.
    pub fn authority_file(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// From now on every request meets `fault`.
    pub fn misbehave(&self, fault: CollectorFault) {
        let mut state = self.shared.state();
        state.next.clear();
        state.standing = fault;
    }

    /// The next `requests` meet `fault`, after what was ordered before.
    pub fn misbehave_for(&self, requests: usize, fault: &CollectorFault) {
        self.shared.state().next.extend(std::iter::repeat_n(fault.clone(), requests));
    }

    /// Every request so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// The spans taken so far, in the order of arrival.
    pub fn spans(&self) -> Vec<Value> {
        let received = self.received();
        received.into_iter().filter(|it| it.taken).flat_map(|it| it.spans).collect()
    }

    /// Waits until `count` spans were taken, and returns all there are.
    ///
    /// # Panics
    /// When there are fewer after `longest`.
    pub async fn wait_for_spans(&self, count: usize, longest: Duration) -> Vec<Value> {
        let what = format!("{count} spans at the collector");
        wait_until(&what, longest, || async {
            let spans = self.spans();
            (spans.len() >= count).then_some(spans)
        })
        .await
    }

    /// Waits until `count` requests came, taken or not, and returns all there are.
    ///
    /// # Panics
    /// When there are fewer after `longest`.
    pub async fn wait_for_requests(&self, count: usize, longest: Duration) -> Vec<Received> {
        let what = format!("{count} requests at the collector");
        wait_until(&what, longest, || async {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
        .await
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, shared) = (tls.clone(), shared.clone());
        tokio::spawn(async move {
            let Some(tls) = tls else { return connection(stream, shared).await };
            // A client that does not trust us ends its own connection and nothing else.
            if let Ok(stream) = tls.accept(stream).await {
                connection(stream, shared).await;
            }
        });
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    shared: Arc<Shared>,
) {
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(respond(request, &shared).await) }
    });
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn respond(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return answer(400, None, Vec::new()) };
    let body = body.to_bytes();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let signature = verify(&head.method, &target, &head.headers, &body, SystemTime::now());
    let body = plain(&head.headers, body);
    let spans = spans::spans(&body);
    let (place, fault) = {
        let mut state = shared.state();
        let headers = head.headers;
        state.received.push(Received { target, headers, body, spans, signature, taken: false });
        let fault = state.next.pop_front().unwrap_or_else(|| state.standing.clone());
        (state.received.len() - 1, fault)
    };
    let refused = {
        let state = shared.state();
        let spans = &state.received[place].spans;
        match &fault {
            CollectorFault::Status { status, retry_after_s } => Some((*status, *retry_after_s)),
            CollectorFault::Refuses(name) if spans.iter().any(|it| it["name"] == *name) => {
                Some((400, None))
            }
            CollectorFault::Larger(most) if spans.len() > *most => Some((413, None)),
            _ => None,
        }
    };
    if let Some((status, retry_after_s)) = refused {
        return answer(status, retry_after_s, status_message("asked to fail"));
    }
    match fault {
        CollectorFault::Hang => Notify::new().notified().await,
        CollectorFault::Slow(time) => sleep(time).await,
        _ => {}
    }
    shared.state().received[place].taken = true;
    let body = match fault {
        CollectorFault::Rejects(spans, message) => partial(spans, message),
        _ => Vec::new(),
    };
    answer(200, None, body)
}

fn plain(headers: &HeaderMap, body: Bytes) -> Bytes {
    if headers.get(CONTENT_ENCODING).is_none_or(|encoding| encoding != "gzip") {
        return body;
    }
    let mut plain = Vec::new();
    GzDecoder::new(&*body).read_to_end(&mut plain).unwrap();
    plain.into()
}

/// `ExportTraceServiceResponse { partial_success { rejected_spans, error_message } }`; short ones.
fn partial(spans: u64, message: &str) -> Vec<u8> {
    let mut inner =
        vec![0x08, u8::try_from(spans).unwrap(), 0x12, u8::try_from(message.len()).unwrap()];
    inner.extend_from_slice(message.as_bytes());
    let mut outer = vec![0x0a, u8::try_from(inner.len()).unwrap()];
    outer.append(&mut inner);
    outer
}

/// `google.rpc.Status { message }`.
fn status_message(message: &str) -> Vec<u8> {
    let mut status = vec![0x12, u8::try_from(message.len()).unwrap()];
    status.extend_from_slice(message.as_bytes());
    status
}

fn answer(status: u16, retry_after_s: Option<u32>, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(status);
    if let Some(seconds) = retry_after_s {
        response = response.header(RETRY_AFTER, seconds);
    }
    response.header(CONTENT_TYPE, "application/x-protobuf").body(Full::new(body.into())).unwrap()
}
