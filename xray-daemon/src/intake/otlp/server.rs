//! Serves OTLP on a listener, HTTP/1.1 and HTTP/2 alike.
//!
//! In: connections. Out: answers. Owns the connections. Told to stop, it lets requests that are
//! being answered finish, for a moment. Either port answers both ways of sending: whoever mixes up
//! 4317 and 4318 is served all the same.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Extension, Router, middleware};
use http::StatusCode;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::{debug, warn};

use super::answer::Refusal;
use super::body::discard;
use super::receiver::{NotTaken, SpanReceiver};
use super::room::Room;
use super::{grpc, http as over_http};
use crate::http::refuse_browsers;
use crate::log_limit::LogLimit;

/// Most connections at once; more wait in the kernel. Each process of a node keeps one or two.
const MAX_CONNECTIONS: usize = 512;
/// Most requests of one connection at once.
const MAX_STREAMS: u32 = 32;
/// Bytes that a connection of HTTP/2 may send before they are read.
const WINDOW_BYTES: u32 = 256 * 1024;
/// Most bytes of request line and headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Longest that headers may take, and that a connection of HTTP/1.1 may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a connection of HTTP/2 is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(60);
/// Longest that answers may take to finish at shutdown.
const FINISH_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause after an error of `accept`, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What handlers share.
#[derive(Debug)]
struct Shared {
    receiver: SpanReceiver,
    room: Room,
}

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
struct Sender(SocketAddr);

/// The routes of both ports.
pub(crate) fn router(receiver: SpanReceiver) -> Router {
    let shared = Arc::new(Shared { receiver, room: Room::new() });
    Router::new()
        .route(grpc::EXPORT, post(by_grpc))
        .route(over_http::TRACES, post(by_http))
        .fallback(any(unknown))
        .layer(middleware::from_fn(refuse_browsers))
        .with_state(shared)
}

async fn by_grpc(
    State(shared): State<Arc<Shared>>,
    Extension(Sender(sender)): Extension<Sender>,
    mut request: Request,
) -> Response {
    if !grpc::is_grpc(request.headers()) {
        let text = "this path is for gRPC: application/grpc over HTTP/2\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response();
    }
    let mut share = shared.room.share();
    let taken = match shared.receiver.has_room() {
        true => grpc::export(&shared.receiver, sender, &mut request, &mut share).await,
        false => Err(NotTaken::Full.into()),
    };
    match taken {
        Ok(response) => response,
        Err(refusal) => {
            drop(share);
            shared.note(&refusal, sender);
            discard(request.into_body()).await;
            grpc::refused(&refusal)
        }
    }
}

async fn by_http(
    State(shared): State<Arc<Shared>>,
    Extension(Sender(sender)): Extension<Sender>,
    mut request: Request,
) -> Response {
    let Some(form) = over_http::Form::of(request.headers()) else {
        shared.receiver.refuse_request(sender, "a content type that is not taken");
        discard(request.into_body()).await;
        return over_http::unknown_form();
    };
    let mut share = shared.room.share();
    let taken = match shared.receiver.has_room() {
        true => over_http::export(&shared.receiver, sender, &mut request, form, &mut share).await,
        false => Err(NotTaken::Full.into()),
    };
    match taken {
        Ok(response) => response,
        Err(refusal) => {
            drop(share);
            shared.note(&refusal, sender);
            discard(request.into_body()).await;
            over_http::refused(&refusal, form)
        }
    }
}

impl Shared {
    /// Counts a request that will not come again.
    fn note(&self, refusal: &Refusal, sender: SocketAddr) {
        match refusal.reason.is_passing() {
            true => self.receiver.log_turned_away(sender, &refusal.message),
            false => self.receiver.refuse_request(sender, &refusal.message),
        }
    }
}

async fn unknown(request: Request) -> Response {
    if grpc::is_grpc(request.headers()) {
        return grpc::unknown();
    }
    let text = "only traces are taken here: POST /v1/traces, or gRPC TraceService/Export\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

/// Answers with `router` until `stop`.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let errors = LogLimit::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        match accepted {
            Ok((stream, sender, permit)) => {
                let router = router.clone().layer(Extension(Sender(sender)));
                let (spawner, stop) = (tasks.clone(), stop.clone());
                tasks.spawn(async move {
                    answer(stream, router, spawner, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                if errors.report(1).is_some() {
                    warn!(%error, "an OTLP connection cannot be accepted");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    if timeout(2 * FINISH_TIMEOUT, tasks.wait()).await.is_err() {
        debug!("OTLP connections are closed before their answers were read");
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, sender) = listener.accept().await?;
    Ok((stream, sender, permit))
}

/// Runs what HTTP/2 does beside a connection as tasks that the server waits for.
#[derive(Clone, Debug)]
struct Tracked(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

async fn answer(stream: TcpStream, router: Router, tasks: TaskTracker, stop: CancellationToken) {
    // Answers are small and awaited.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = router
        .map_request(|request: http::Request<Incoming>| request.map(Body::new))
        .map_err(|never: Infallible| never);
    let mut builder = Builder::new(Tracked(tasks));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_header_list_size(MAX_HEADER_BYTES as u32)
        .keep_alive_interval(PING_EVERY);
    let service = TowerToHyperService::new(service);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let finished = tokio::select! {
        finished = connection.as_mut() => finished,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(FINISH_TIMEOUT, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = finished {
        debug!(%error, "an OTLP connection ended early");
    }
}
