//! Serves a router on a listener, within bounds.
//!
//! In: connections. Out: the router's answers. Owns the connections: slow ones are cut off, and
//! where all places are taken the one that has waited longest for its peer makes room. Told to
//! stop, it lets those that are being answered finish, for a moment.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::{debug, warn};

use super::patience::Patient;
use super::waiting::{Connections, Place};
use crate::log_limit::LogLimit;

/// Most connections at once; for more, those that wait longest are closed.
const MAX_CONNECTIONS: usize = 512;
/// Longest that a request line and headers may take, and that a connection may be idle. SDKs poll
/// sampling targets every 10 s.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest that a peer may take none of its answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of request line and headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Longest that answers may take to finish at shutdown.
const FINISH_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause after an error of `accept`, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers with `router` until `stop`.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let connections = Connections::default();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let errors = LogLimit::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &permits, &connections) => accepted,
        };
        match accepted {
            Ok((stream, permit)) => {
                let (router, stop) = (router.clone(), stop.clone());
                let place = connections.open();
                tasks.spawn(async move {
                    answer(stream, router, place, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                if errors.report(1).is_some() {
                    warn!(%error, "a connection cannot be accepted");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    if timeout(FINISH_TIMEOUT, tasks.wait()).await.is_err() {
        debug!("connections are closed before their answers were read");
    }
}

/// Waits for a connection, and then for a place; makes one where all are taken.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    connections: &Connections,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let (stream, _) = listener.accept().await?;
    if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        return Ok((stream, permit));
    }
    if connections.close_longest_waiting() {
        debug!("all connections are taken, the one that waited longest is closed");
    }
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    Ok((stream, permit))
}

async fn answer(stream: TcpStream, router: Router, place: Place, stop: CancellationToken) {
    // Answers are small: without this, the second one of a connection waits for an acknowledgement.
    stream.set_nodelay(true).ok();
    let place = Arc::new(place);
    let service = {
        let place = Arc::clone(&place);
        service_fn(move |request: http::Request<Incoming>| {
            let (router, place) = (router.clone(), Arc::clone(&place));
            async move {
                place.work();
                let answer = router.oneshot(request.map(Body::new)).await;
                place.wait();
                answer
            }
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(Patient::new(stream, WRITE_TIMEOUT)), service);
    let mut connection = std::pin::pin!(connection);
    let finished = tokio::select! {
        finished = connection.as_mut() => finished,
        () = place.close().cancelled() => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(FINISH_TIMEOUT, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = finished {
        debug!(%error, "a connection ended early");
    }
}
