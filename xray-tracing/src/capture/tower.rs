//! A segment for each request that a tower service (axum, hyper, tonic) answers.
//!
//! In: requests with their `X-Amzn-Trace-Id`. Out: responses, unchanged but for the header that
//! answers `Sampled=?`; a segment with its `http` block. Owns each request's segment until the
//! response's body is finished or dropped. The decision is made here, with the request in hand; it
//! and the ids stand in a context beside the span, so that no log level can take them away.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{CONTENT_LENGTH, HOST, USER_AGENT};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Span;

pub use super::body::TracedBody;
use super::grpc::GrpcStatus;
pub use super::tower_client::{Client, ClientBody, ClientFuture, ClientLayer};
use crate::TraceHeader;
use crate::layer::current::{self, ContextGuard};
use crate::layer::handover::{self, Handed};
use crate::layer::record::{Flags, Key, Value};
use crate::layer::root::{Root, W3c};
use crate::layer::scratch::Scratch;
use crate::layer::tracer::{RootStart, Tracer};
use crate::layer::watch::Watch;
use crate::sampling::{HttpTarget, Pattern};

/// Opens a segment for every request; put it around all routes.
///
/// ```
/// use axum::{Router, routing::get};
/// use xray_tracing::tower::ServerLayer;
///
/// let app: Router = Router::new()
///     .route("/", get(|| async { "hello" }))
///     .route("/ping", get(|| async { "pong" }))
///     .layer(ServerLayer::new().exclude_path("/ping"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ServerLayer {
    settings: Arc<Settings>,
}

#[derive(Clone, Default)]
struct Settings {
    excluded_paths: Vec<String>,
    service_name: Option<Arc<str>>,
    names_by_host: Option<Pattern>,
    client_ip: Option<ClientIpFn>,
    /// Annotations, by the headers that say them.
    annotations: Vec<(String, HeaderName)>,
}

type ClientIpFn = fn(&Extensions) -> Option<IpAddr>;

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("excluded_paths", &self.excluded_paths)
            .field("service_name", &self.service_name)
            .field("names_by_host", &self.names_by_host)
            .finish_non_exhaustive()
    }
}

impl ServerLayer {
    /// A layer whose segments have the name given to `init` or `builder`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves requests to exactly this path out (health checks), with everything that they lead to.
    /// Can be repeated.
    pub fn exclude_path(mut self, path: impl Into<String>) -> Self {
        self.change().excluded_paths.push(path.into());
        self
    }

    /// Names the segments of this layer: for several services in one process.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.change().service_name = Some(name.into().into());
        self
    }

    /// Names segments after the `Host` that was asked for, where it matches `pattern` (`*` and
    /// `?`): for one process that serves several sites.
    pub fn name_by_host(mut self, pattern: impl Into<Pattern>) -> Self {
        self.change().names_by_host = Some(pattern.into());
        self
    }

    /// Finds the client's address where no `X-Forwarded-For` says it. Without this, a `SocketAddr`
    /// among the request's extensions is used.
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use axum::extract::ConnectInfo;
    /// use xray_tracing::tower::ServerLayer;
    ///
    /// // With `into_make_service_with_connect_info`.
    /// let layer = ServerLayer::new()
    ///     .client_ip(|extensions| Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip()));
    /// ```
    pub fn client_ip(mut self, find: fn(&Extensions) -> Option<IpAddr>) -> Self {
        self.change().client_ip = Some(find);
        self
    }

    /// Annotates segments with the value of a request header. Sampling rules see it as an attribute.
    ///
    /// ```
    /// use xray_tracing::tower::ServerLayer;
    /// let layer = ServerLayer::new().annotate_header("tenant", "x-tenant");
    /// ```
    pub fn annotate_header(mut self, key: impl Into<String>, header: &str) -> Self {
        // A text that is no header's name names no header.
        if let Ok(header) = HeaderName::try_from(header) {
            self.change().annotations.push((key.into(), header));
        }
        self
    }

    fn change(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = Server<S>;

    fn layer(&self, inner: S) -> Server<S> {
        Server { inner, settings: Arc::clone(&self.settings) }
    }
}

/// The service that [`ServerLayer`] makes.
#[derive(Clone, Debug)]
pub struct Server<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S, B, R> Service<Request<B>> for Server<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<TracedBody<R>>;
    type Error = S::Error;
    type Future = ServerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> ServerFuture<S::Future> {
        let trace = current::tracer().map(|tracer| begin(tracer, &request, &self.settings));
        let _running = trace.as_ref().map(RequestTrace::enter);
        let inner = self.inner.call(request);
        drop(_running);
        ServerFuture { inner, trace }
    }
}

fn begin<B>(tracer: Arc<Tracer>, request: &Request<B>, settings: &Settings) -> RequestTrace {
    let headers = request.headers();
    let path = request.uri().path();
    let host = host_of(request);
    let by_host = settings.names_by_host.as_ref().filter(|pattern| pattern.matches(host));
    let named: Option<Arc<str>> = by_host.filter(|_| !host.is_empty()).map(|_| host.into());
    let excluded: Option<Arc<str>> =
        settings.excluded_paths.iter().any(|excluded| excluded == path).then(|| "excluded".into());
    let (incoming, w3c) = propagated(headers);
    let target = HttpTarget { host, method: request.method().as_str(), path };
    let start = RootStart {
        name: named.as_ref().or(settings.service_name.as_ref()),
        incoming,
        w3c,
        http: Some(target),
        excluded_by: excluded.as_ref(),
        ..RootStart::default()
    };
    let read = |scratch: &mut Scratch| read_request(scratch, request, settings);
    let root = tracer.begin_root(start, 0, "", Flags::CAPTURED, read);
    let watch = tracer.watch(&root, target, read);
    let span = handover::with_span(
        &tracer,
        Handed::Root(Arc::clone(&root)),
        || tracing::info_span!(target: handover::TARGET, "request", method = %request.method(), path),
    );
    RequestTrace { tracer, root, span, watch, status: None, is_over: false }
}

/// What the caller says of the trace: in X-Ray's words, else in W3C's.
fn propagated(headers: &HeaderMap) -> (Option<TraceHeader>, Option<W3c>) {
    let header = text(headers, TraceHeader::NAME).map(TraceHeader::parse);
    if header.as_ref().is_some_and(|header| header.root.is_some()) {
        return (header, None);
    }
    let w3c = text(headers, TraceHeader::TRACEPARENT).and_then(TraceHeader::from_traceparent);
    match w3c {
        Some(w3c) => {
            let state = text(headers, TraceHeader::TRACESTATE).map(Into::into);
            (Some(w3c), Some(W3c { state }))
        }
        None => (header, None),
    }
}

/// What an HTTP request says about itself. Rule: X-Ray SDKs; the query string is left out.
fn read_request<B>(scratch: &mut Scratch, request: &Request<B>, settings: &Settings) {
    let headers = request.headers();
    scratch.add_text(Key::Method, request.method().as_str());
    let scheme = text(headers, "x-forwarded-proto")
        .filter(|scheme| matches!(*scheme, "http" | "https"))
        .or(request.uri().scheme_str())
        .unwrap_or("http");
    let url = format!("{scheme}://{}{}", host_of(request), request.uri().path());
    scratch.add_text(Key::Url, &url);
    for (key, header) in &settings.annotations {
        if let Some(value) = text(headers, header.as_str()) {
            let key = Key::Annotation(scratch.body.add_text(key));
            scratch.add_text(key, value);
        }
    }
    if let Some(agent) = text(headers, USER_AGENT.as_str()) {
        scratch.add_text(Key::UserAgent, agent);
    }
    let forwarded = text(headers, "x-forwarded-for").and_then(|list| list.split(',').next());
    if let Some(client) = forwarded.map(str::trim).filter(|client| !client.is_empty()) {
        scratch.add_text(Key::ClientIp, client);
        scratch.add(Key::ForwardedFor, Value::Bool(true));
    } else if let Some(ip) = peer_ip(request.extensions(), settings) {
        scratch.add_text(Key::ClientIp, &ip.to_string());
    }
}

fn peer_ip(extensions: &Extensions, settings: &Settings) -> Option<IpAddr> {
    match settings.client_ip {
        Some(find) => find(extensions),
        None => extensions.get::<SocketAddr>().map(SocketAddr::ip),
    }
}

pub(super) fn host_of<B>(request: &Request<B>) -> &str {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let host = authority.or_else(|| text(request.headers(), HOST.as_str())).unwrap_or_default();
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The segment of a request under way.
#[derive(Debug)]
pub(super) struct RequestTrace {
    tracer: Arc<Tracer>,
    root: Arc<Root>,
    span: Span,
    /// What is remembered of the request although it may not be recorded.
    watch: Option<Box<Watch>>,
    /// Status of the response, once there is one.
    status: Option<u16>,
    is_over: bool,
}

/// Says that this thread works on the request, for as long as it lives.
pub(super) struct Running<'a> {
    _span: tracing::span::Entered<'a>,
    _context: ContextGuard,
}

impl RequestTrace {
    pub(super) fn enter(&self) -> Running<'_> {
        let context = ContextGuard::enter(Arc::clone(&self.root));
        Running { _span: self.span.enter(), _context: context }
    }

    /// Adds what the response says; returns whether it says how long its body is.
    fn respond<B: Body>(&mut self, response: &mut Response<B>) -> bool {
        let status = response.status().as_u16();
        self.status = Some(status);
        if let Some(answer) = self.root.response()
            && let Ok(value) = HeaderValue::try_from(answer.to_string())
        {
            response.headers_mut().insert(HeaderName::from_static(TraceHeader::NAME), value);
        }
        let Some(place) = self.root.place() else { return true };
        let said = text(response.headers(), CONTENT_LENGTH.as_str());
        let length =
            said.and_then(|text| text.parse().ok()).or(response.body().size_hint().exact());
        Scratch::with(|scratch| {
            scratch.add(Key::Status, Value::Unsigned(status.into()));
            if let Some(length) = length {
                scratch.add(Key::ContentLength, Value::Unsigned(length));
            }
            let mut flags = Flags::of_status(status);
            // An answer of gRPC that has no body.
            if let Some(grpc) = GrpcStatus::of(response.headers()) {
                grpc.write(scratch);
                flags.set(grpc.flags());
            }
            self.tracer.enrich(place, scratch, flags);
        });
        length.is_some()
    }

    /// The response is out, after `body_bytes` if nobody knew before; gRPC says how it went.
    pub(super) fn end(mut self, flags: Flags, body_bytes: Option<u64>, grpc: Option<GrpcStatus>) {
        let flags = flags.with(grpc.map_or_else(Flags::default, GrpcStatus::flags));
        self.finish(flags, |scratch| {
            if let Some(grpc) = grpc {
                grpc.write(scratch);
            }
            if let Some(bytes) = body_bytes {
                scratch.add(Key::ContentLength, Value::Unsigned(bytes));
            }
        });
    }

    fn finish(&mut self, flags: Flags, read: impl FnOnce(&mut Scratch)) {
        self.is_over = true;
        if let Some(watch) = self.watch.take() {
            self.tracer.end_watched(*watch, &self.root, self.status, flags);
        }
        if let Some(place) = self.root.place() {
            Scratch::with(|scratch| {
                read(scratch);
                self.tracer.end(place, scratch, flags);
            });
        }
    }
}

impl Drop for RequestTrace {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let is_cancelled = self.status.is_none() && !std::thread::panicking();
        let flags = if std::thread::panicking() { Flags::FAULT } else { Flags::default() };
        self.finish(flags, |scratch| {
            if is_cancelled {
                scratch.add(Key::Field("cancelled"), Value::Bool(true));
            }
        });
    }
}

pin_project! {
    /// The future of [`Server`].
    #[derive(Debug)]
    pub struct ServerFuture<F> {
        #[pin]
        inner: F,
        trace: Option<RequestTrace>,
    }
}

impl<F, R, E> Future for ServerFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<TracedBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let running = this.trace.as_ref().map(RequestTrace::enter);
        let answer = this.inner.poll(cx);
        drop(running);
        let answer = ready!(answer);
        let trace = this.trace.take();
        match answer {
            Ok(mut response) => {
                let mut trace = trace;
                let is_measured = trace.as_mut().is_none_or(|trace| trace.respond(&mut response));
                Poll::Ready(Ok(response.map(|body| TracedBody::new(body, trace, is_measured))))
            }
            Err(error) => {
                if let Some(trace) = trace {
                    trace.end(Flags::FAULT, None, None);
                }
                Poll::Ready(Err(error))
            }
        }
    }
}
