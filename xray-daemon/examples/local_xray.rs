//! An X-Ray of one's own, without the daemon around it: API and console on one port.
//!
//! ```sh
//! cargo run -p xray-daemon --no-default-features --features local --example local_xray -- 127.0.0.1:2002
//! aws xray get-groups --endpoint-url http://127.0.0.1:2002 --region us-east-1
//! ```

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use xray_daemon::backend::local::{Local, LocalConfig};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:2002".to_owned());
    let address: SocketAddr = address.parse().context("the argument is an address and a port")?;
    let config = LocalConfig {
        data_dir: arguments.next().map(Into::into),
        console_token: std::env::var("XRAY_CONSOLE_TOKEN").ok(),
        ..LocalConfig::default()
    };
    let local = Local::open(config).await?;
    let listener = TcpListener::bind(address).await?;
    tracing::info!("http://{}", listener.local_addr()?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            told.cancel();
        }
    });
    local.serve(listener, None, stop).await;
    local.close().await;
    Ok(())
}
