//! hyper on both sides: a server below `ServerLayer`, a client below `ClientLayer`.
//!
//! ```sh
//! cargo run -p xray-tracing --example hyper_tower --features tower
//! ```
//!
//! It needs no daemon: documents go to memory, and the example checks them. tonic's server and
//! channel are tower services too, and take the same two layers.

use std::convert::Infallible;
use std::error::Error;

use axum::body::Body;
use http::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tracing::Instrument;
use xray_tracing::MemorySink;
use xray_tracing::document::Entity;
use xray_tracing::sampling::LocalRules;
use xray_tracing::tower::{ClientLayer, ServerLayer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let sink = MemorySink::new();
    let options = xray_tracing::builder("orders").sampler(LocalRules::record_all());
    let xray = options.sink(sink.clone()).init()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let stock = ServiceBuilder::new().layer(ServerLayer::new().service_name("stock")).service(
        service_fn(|_: Request<hyper::body::Incoming>| async {
            Ok::<_, Infallible>(Response::new(Body::from("three")))
        }),
    );
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut connection = hyper::server::conn::http1::Builder::new();
        connection.keep_alive(false);
        let served =
            connection.serve_connection(TokioIo::new(stream), TowerToHyperService::new(stock));
        served.await.map_err(std::io::Error::other)
    });

    let hyper = Client::builder(TokioExecutor::new()).build_http();
    let client = ServiceBuilder::new().layer(ClientLayer::new()).service(hyper);
    let request = Request::get(format!("http://{address}/7")).body(Body::empty())?;
    let span = tracing::info_span!("order");
    let answer = client.oneshot(request).instrument(span).await?;
    assert_eq!(answer.status(), 200);
    drop(answer);
    server.await??;

    drop(xray);
    let documents: Result<Vec<_>, _> =
        sink.take().iter().map(|document| Entity::parse(document)).collect();
    let documents = documents?;
    let of = |name: &str| documents.iter().find(|document| document.name == name);
    let (order, stock) = (of("orders").ok_or("no order")?, of("stock").ok_or("no stock")?);
    // The server's segment hangs below the client's subsegment, in one trace.
    assert_eq!(stock.trace_id, order.trace_id);
    assert_eq!(stock.parent_id, order.subsegments[0].id);
    Ok(())
}
