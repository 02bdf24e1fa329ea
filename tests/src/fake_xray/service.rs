//! The HTTPS service itself: connections in, a record of calls out.
//!
//! Owns the listener and the record. Ends with the test's runtime.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use socket2::SockRef;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::call::Call;
use super::counter::{Counted, Counter};
use super::fault::{Fault, Faults};
use super::operations::{self, Answer, Sampling};
use super::signature::Refusal;
use super::{certificate, signature};
use crate::segments::Numbered;
use crate::wait::wait_until;

/// A running service.
#[derive(Debug)]
pub struct FakeXray {
    address: SocketAddr,
    folder: TempDir,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Instead of calls and documents, under load.
    counter: Option<Counter>,
    calls: Vec<Call>,
    accepted: Vec<String>,
    faults: Faults,
    sampling: Sampling,
    connections: usize,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl FakeXray {
    /// Starts the service on a free port.
    pub async fn start() -> Self {
        Self::start_as(&[]).await
    }

    /// Starts the service with a certificate for these names too.
    pub async fn start_as(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tls = certificate::server_config(&folder.path().join("authority.pem"), names);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        tokio::spawn(accept(listener, TlsAcceptor::from(tls), shared.clone()));
        Self { address, folder, shared }
    }

    /// Starts the service for load: it keeps no call and no document, checks no signature, and
    /// only counts the documents of `run`, of which `documents` are to come.
    pub async fn start_counting(run: &Numbered, documents: u64) -> Self {
        let service = Self::start().await;
        service.shared.state().counter = Some(Counter::new(run, documents));
        service
    }

    /// What a counting service counted.
    pub fn counted(&self) -> Counted {
        self.shared.state().counter.as_ref().map(Counter::counted).unwrap_or_default()
    }

    /// Its URL, for an endpoint override.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// PEM file of the authority to trust, for `SSL_CERT_FILE`.
    pub fn authority_file(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// From now on every call meets `fault`.
    pub fn misbehave(&self, fault: Fault) {
        self.shared.state().faults.stand(fault);
    }

    /// The next `calls` calls meet `fault`, after what was ordered before.
    pub fn misbehave_for(&self, calls: usize, fault: &Fault) {
        self.shared.state().faults.order(calls, fault);
    }

    /// Sets what GetSamplingRules answers, as `SamplingRuleRecords`, changed at this epoch second.
    pub fn set_sampling_rules(&self, rule_records: Value, last_rule_modification_s: f64) {
        self.shared.state().sampling = Sampling { rule_records, last_rule_modification_s };
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.clone()
    }

    /// The calls to one path so far.
    pub fn calls_to(&self, path: &str) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.path() == path);
        calls
    }

    /// Documents accepted so far, in the order of arrival.
    pub fn documents(&self) -> Vec<String> {
        self.shared.state().accepted.clone()
    }

    /// How many documents were accepted so far.
    pub fn document_count(&self) -> usize {
        self.shared.state().accepted.len()
    }

    /// How many connections were opened so far.
    pub fn connection_count(&self) -> usize {
        self.shared.state().connections
    }

    /// Waits until `count` documents were accepted, and returns all there are.
    ///
    /// # Panics
    /// When there are fewer after `longest`.
    pub async fn wait_for_documents(&self, count: usize, longest: Duration) -> Vec<String> {
        let what = format!("{count} documents at the service");
        wait_until(&what, longest, || async {
            (self.document_count() >= count).then(|| self.documents())
        })
        .await
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let connection = {
            let mut state = shared.state();
            state.connections += 1;
            state.connections - 1
        };
        tokio::spawn(serve(stream, connection, tls.clone(), shared.clone()));
    }
}

async fn serve(stream: TcpStream, connection: usize, tls: TlsAcceptor, shared: Arc<Shared>) {
    stream.set_nodelay(true).ok();
    // A second descriptor, so that a fault can make the close a reset.
    let Ok(stream) = stream.into_std() else { return };
    let Ok(handle) = stream.try_clone().map(Arc::new) else { return };
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    // A client that does not trust us, or goes away, ends its own connection and nothing else.
    let Ok(stream) = tls.accept(stream).await else { return };
    let service = service_fn(move |request| {
        let (shared, handle) = (shared.clone(), handle.clone());
        async move {
            let counting = shared.state().counter.is_some();
            let Ok(call) = receive(request, connection, counting).await else { return Err(Reset) };
            respond(call, &shared).await.inspect_err(|_| {
                SockRef::from(&*handle).set_linger(Some(Duration::ZERO)).ok();
            })
        }
    });
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

/// Ends the connection instead of an answer.
#[derive(Debug)]
struct Reset;

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection reset on demand")
    }
}

impl std::error::Error for Reset {}

async fn receive(
    request: Request<Incoming>,
    connection: usize,
    counting: bool,
) -> hyper::Result<Call> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let received_at = SystemTime::now();
    let signature = if counting {
        Err(Refusal::Missing("not looked at".to_owned()))
    } else {
        signature::verify(&parts.method, &target, &parts.headers, &body, received_at)
    };
    let (method, headers) = (parts.method, parts.headers);
    Ok(Call { method, target, headers, body, received_at, connection, signature, answered: None })
}

async fn respond(call: Call, shared: &Shared) -> Result<Response<Full<Bytes>>, Reset> {
    let (index, fault) = {
        let mut state = shared.state();
        if state.counter.is_none() {
            state.calls.push(call.clone());
        }
        (state.calls.len().wrapping_sub(1), state.faults.meet())
    };
    let mut retry_after_s = None;
    let answer = match &fault {
        Fault::Hang => {
            Notify::new().notified().await;
            return Err(Reset);
        }
        Fault::Reset => return Err(Reset),
        Fault::Status { status, code, retry_after_s: retry } => {
            retry_after_s = *retry;
            let status = StatusCode::from_u16(*status).unwrap();
            Some(Answer::error(status, code, "asked to fail"))
        }
        Fault::Larger(bytes) if call.body.len() > *bytes => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            Some(Answer::error(status, "RequestEntityTooLargeException", "too large"))
        }
        Fault::Slow(time) => {
            sleep(*time).await;
            None
        }
        Fault::LoseAnswer => {
            act(&call, &fault, &mut shared.state());
            return Err(Reset);
        }
        Fault::None | Fault::Larger(_) | Fault::Unprocessed { .. } => None,
    };
    let mut state = shared.state();
    let answer = answer.unwrap_or_else(|| act(&call, &fault, &mut state));
    if let Some(call) = state.calls.get_mut(index) {
        call.answered = Some(answer.status.as_u16());
    }
    Ok(response(&answer, retry_after_s))
}

/// What the service does when nothing but its own rules is in the way.
fn act(call: &Call, fault: &Fault, state: &mut State) -> Answer {
    if let Some(counter) = &mut state.counter {
        if call.path() == "/TraceSegments" {
            counter.count(&call.body);
            return Answer::ok(json!({ "UnprocessedTraceSegments": [] }));
        }
        return operations::answer(call, &state.sampling, &mut state.accepted, |_| None);
    }
    if let Err(refusal) = &call.signature {
        return Answer::error(StatusCode::FORBIDDEN, refusal.code(), &format!("{refusal:?}"));
    }
    let State { sampling, accepted, .. } = state;
    operations::answer(call, sampling, accepted, |document| match fault {
        Fault::Unprocessed { containing, code } if document.contains(containing) => Some(*code),
        _ => None,
    })
}

fn response(answer: &Answer, retry_after_s: Option<u32>) -> Response<Full<Bytes>> {
    let body = Bytes::from(answer.body.to_string());
    let mut response = Response::builder().status(answer.status);
    if let Some(error_type) = answer.error_type {
        response = response.header("x-amzn-ErrorType", error_type);
    }
    if let Some(seconds) = retry_after_s {
        response = response.header(RETRY_AFTER, seconds);
    }
    let request_id = "00000000-0000-4000-8000-000000000000";
    response
        .header("x-amzn-RequestId", request_id)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .unwrap()
}
