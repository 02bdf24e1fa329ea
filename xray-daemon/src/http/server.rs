//! Serves a router on a listener, within bounds.
//!
//! In: connections. Out: the router's answers. Owns the connections; told to stop, it lets those
//! that are being answered finish, for a moment.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::log_limit::LogLimit;

/// Most connections at once; more wait in the kernel.
const MAX_CONNECTIONS: usize = 512;
/// Longest that a request line and headers may take, and that a connection may be idle. SDKs poll
/// sampling targets every 10 s.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of request line and headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Longest that answers may take to finish at shutdown.
const FINISH_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause after an error of `accept`, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers with `router` until `stop`.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let errors = LogLimit::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        match accepted {
            Ok((stream, permit)) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    answer(stream, router, stop).await;
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
    connections.close();
    if timeout(FINISH_TIMEOUT, connections.wait()).await.is_err() {
        debug!("connections are closed before their answers were read");
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

async fn answer(stream: TcpStream, router: Router, stop: CancellationToken) {
    let service = router
        .map_request(|request: http::Request<Incoming>| request.map(Body::new))
        .map_err(|never: Infallible| never);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let finished = tokio::select! {
        finished = connection.as_mut() => finished,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(FINISH_TIMEOUT, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = finished {
        debug!(%error, "a connection ended early");
    }
}
