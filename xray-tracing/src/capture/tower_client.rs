//! A remote subsegment for each call of a tower client: hyper's, tonic's channel, any other.
//!
//! In: requests. Out: the same with `X-Amzn-Trace-Id`, sampled or not; their responses; a subsegment
//! named after the host. Owns the subsegment until the head of the response is there; of a gRPC call
//! until its trailers are, which say how it went. Query strings and passwords are not recorded.

use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::grpc::{self, GrpcStatus};
use super::subsegment::Subsegment;
use super::tower::{host_of, text};
use crate::SegmentId;
use crate::layer::current;
use crate::layer::errors;
use crate::layer::record::{Flags, Key, Value};
use crate::layer::scratch::Scratch;

/// Makes a subsegment of each call.
///
/// ```
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use xray_tracing::tower::ClientLayer;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// // In place of `service_fn`: hyper_util's client, or tonic's channel.
/// let send = service_fn(|request: http::Request<String>| async move {
///     let header = request.headers().get("x-amzn-trace-id").is_some();
///     Ok::<_, std::io::Error>(http::Response::new(header.to_string()))
/// });
/// let documents = xray_tracing::testing::capture_async(|| async {
///     let client = ServiceBuilder::new().layer(ClientLayer::new()).service(send);
///     let request = http::Request::get("http://stock.example/7?key=secret").body(String::new());
///     let span = tracing::info_span!("order");
///     let call = tracing::Instrument::instrument(client.oneshot(request.unwrap()), span);
///     assert_eq!(call.await.unwrap().into_body().into_inner(), "true");
/// });
/// let call = documents.await.remove(0).subsegments.remove(0);
/// assert_eq!(call.name, "stock.example");
/// let url = call.http.unwrap().request.url.unwrap();
/// assert_eq!(url, "http://stock.example/7");
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct ClientLayer {
    name: Option<Arc<str>>,
}

impl ClientLayer {
    /// Names subsegments after the host that is called.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names all subsegments so: for a client of one service, or whose requests name no host.
    pub fn remote_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = Client<S>;

    fn layer(&self, inner: S) -> Client<S> {
        Client { inner, name: self.name.clone() }
    }
}

/// The client that [`ClientLayer`] makes.
#[derive(Clone, Debug)]
pub struct Client<S> {
    inner: S,
    name: Option<Arc<str>>,
}

impl<S, B, R> Service<Request<B>> for Client<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Display,
    R: Body,
{
    type Response = Response<ClientBody<R>>;
    type Error = S::Error;
    type Future = ClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> ClientFuture<S::Future> {
        let call = begin(&mut request, self.name.as_deref());
        let entered = call.as_ref().map(|call| call.span().enter());
        let inner = self.inner.call(request);
        drop(entered);
        ClientFuture { inner, call }
    }
}

/// Puts the headers on the request; begins a subsegment if the trace is recorded.
fn begin<B>(request: &mut Request<B>, name: Option<&str>) -> Option<Subsegment> {
    let (headers, call) = current::with_current(|tracer, root, place| {
        let call = place.and_then(|parent| {
            let host = host_of(request);
            let without_port = host.rsplit_once(':').map_or(host, |(name, _)| name);
            let name = name.unwrap_or(without_port);
            Subsegment::begin(tracer, parent, name, Flags::default(), |scratch| {
                scratch.add_text(Key::Method, request.method().as_str());
                scratch.add_text(Key::Url, &shown_url(request.uri(), host));
            })
        });
        let parent = match (&call, place) {
            (Some(call), _) => call.id(),
            (None, Some(place)) => SegmentId::from_u64(place.id),
            (None, None) => root.segment_id,
        };
        (root.outgoing_headers(tracer, parent), call)
    })??;
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    call
}

fn shown_url(uri: &Uri, host: &str) -> String {
    format!("{}://{host}{}", uri.scheme_str().unwrap_or("http"), uri.path())
}

pin_project! {
    /// The future of [`Client`].
    #[derive(Debug)]
    pub struct ClientFuture<F> {
        #[pin]
        inner: F,
        call: Option<Subsegment>,
    }
}

impl<F, R, E> Future for ClientFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Display,
    R: Body,
{
    type Output = Result<Response<ClientBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let entered = this.call.as_ref().map(|call| call.span().enter());
        let answer = this.inner.poll(cx);
        drop(entered);
        let answer = ready!(answer);
        let call = this.call.take();
        Poll::Ready(match answer {
            Ok(response) => {
                let call = call.and_then(|call| respond(call, &response));
                Ok(response.map(|inner| ClientBody { inner, call }))
            }
            Err(error) => {
                if let Some(call) = call {
                    let message = error.to_string();
                    call.end(Flags::FAULT, |scratch| errors::add_message(scratch, &message));
                }
                Err(error)
            }
        })
    }
}

/// Ends the call, unless its trailers are to come.
fn respond<R: Body>(call: Subsegment, response: &Response<R>) -> Option<Subsegment> {
    let headers = response.headers();
    let status = response.status().as_u16();
    let grpc = GrpcStatus::of(headers);
    let has_trailers = grpc.is_none() && grpc::is_grpc(headers) && !response.body().is_end_stream();
    let said = text(headers, CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok());
    let length = said.or(response.body().size_hint().exact());
    let flags = Flags::of_status(status).with(grpc.map_or_else(Flags::default, GrpcStatus::flags));
    let read = |scratch: &mut Scratch| {
        scratch.add(Key::Status, Value::Unsigned(status.into()));
        if let Some(bytes) = length {
            scratch.add(Key::ContentLength, Value::Unsigned(bytes));
        }
        if let Some(grpc) = grpc {
            grpc.write(scratch);
        }
    };
    if has_trailers {
        call.add(flags, read);
        return Some(call);
    }
    call.end(flags, read);
    None
}

pin_project! {
    /// The body of a traced call's response.
    #[derive(Debug)]
    pub struct ClientBody<B> {
        #[pin]
        inner: B,
        // A gRPC call whose trailers are to come.
        call: Option<Subsegment>,
    }
}

impl<B> ClientBody<B> {
    /// The body as it came; a gRPC call ends with it.
    pub fn into_inner(self) -> B {
        if let Some(call) = self.call {
            call.end(Flags::default(), |_| {});
        }
        self.inner
    }
}

impl<B: Body> Body for ClientBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));
        let (is_over, status, flags) = match &frame {
            Some(Ok(frame)) => match frame.trailers_ref() {
                Some(trailers) => (true, GrpcStatus::of(trailers), Flags::default()),
                None => (false, None, Flags::default()),
            },
            // The answer broke off.
            Some(Err(_)) => (true, None, Flags::FAULT),
            None => (true, None, Flags::default()),
        };
        if is_over && let Some(call) = this.call.take() {
            let flags = status.map_or(flags, GrpcStatus::flags);
            call.end(flags, |scratch| {
                if let Some(status) = status {
                    status.write(scratch);
                }
            });
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
