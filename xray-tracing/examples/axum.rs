//! A traced axum service in five lines, with a subsegment, an annotation and a call to itself.
//!
//! Start the daemon and its console first, then this, then ask:
//!
//! ```sh
//! cargo run --release -p xray-daemon -- --backend local
//! cargo run -p xray-tracing --example axum --features tower,reqwest
//! curl -i http://127.0.0.1:8080/orders/7
//! ```
//!
//! The traces are at <http://127.0.0.1:2002>.

use std::error::Error;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use tracing::{error, info, instrument};
use xray_tracing::reqwest::Client;
use xray_tracing::tower::ServerLayer;

const ADDRESS: &str = "127.0.0.1:8080";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let _xray = xray_tracing::init("orders")?;

    let app = Router::new()
        .route("/orders/{id}", get(order))
        .route("/stock/{id}", get(stock))
        .route("/ping", get(|| async { "pong" }))
        .with_state(Client::from(reqwest::Client::new()))
        .layer(ServerLayer::new().exclude_path("/ping"));

    info!("listening on http://{ADDRESS}");
    axum::serve(tokio::net::TcpListener::bind(ADDRESS).await?, app)
        .with_graceful_shutdown(async {
            // Without a handler for Ctrl-C the process just ends.
            drop(tokio::signal::ctrl_c().await);
        })
        .await?;
    Ok(())
}

/// Asks another service (here: this one) what is left; the call is a subsegment.
async fn order(State(client): State<Client>, Path(id): Path<u64>) -> Result<String, StatusCode> {
    xray_tracing::annotate("order_id", id);
    xray_tracing::set_user("u-7");
    let answer = client.get(format!("http://{ADDRESS}/stock/{id}")).send().await;
    let left = match answer {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(error) => {
            error!(error = &error as &dyn Error, "the stock cannot be asked");
            return Err(StatusCode::BAD_GATEWAY);
        }
    };
    Ok(format!("order {id}: {left} left\n"))
}

async fn stock(Path(id): Path<u64>) -> String {
    count(id).await.to_string()
}

#[instrument(fields(annotation.product = id))]
async fn count(id: u64) -> u64 {
    // Keeps its parent; the answer does not wait for it.
    xray_tracing::spawn(reorder(id));
    id % 5
}

#[instrument]
async fn reorder(id: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    info!("reordered");
}
