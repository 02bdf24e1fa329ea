//! Capture layers against the real thing: axum, reqwest, SQLite.
//!
//! In: requests and queries. Out: documents, parsed. What needs a subscriber for the whole process
//! (servers and workers that spawn tasks and threads of their own) is in `tests/service.rs`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails, helpers included"
)]

mod anomalies;
mod client;
mod database;
mod grpc;
mod propagation;
mod server;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use tokio::net::TcpListener;
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, info_span};

use crate::document::Entity;
use crate::testing::Capture;

/// Serves `app` on a free port, untraced.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    address
}

/// Runs `work` inside a root, with the capture's subscriber.
async fn traced<T>(capture: &Capture, work: impl Future<Output = T>) -> T {
    async { work.instrument(info_span!("root")).await }
        .with_subscriber(capture.subscriber().clone())
        .await
}

/// Waits until the capture has `count` documents that are complete.
async fn documents(capture: &Capture, count: usize) -> Vec<Entity> {
    let mut documents = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        documents.extend(capture.documents().into_iter().filter(|document| !document.in_progress));
        if documents.len() >= count {
            return documents;
        }
        tokio::task::yield_now().await;
    }
    panic!("{count} documents expected, found {documents:?}");
}
