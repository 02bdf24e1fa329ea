//! Starts one service from its options and serves it until the process is to end.
//!
//! In: options. Out: nothing, or why it ended. `announce` hears the address once it is bound. Owns
//! the service's life: tracing first, then what it needs, the listener, the routes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use reqwest::Client;
use tokio::net::TcpListener;

use crate::cli::{CatalogOptions, DetailOptions, FrontendOptions, ServiceOptions};
use crate::frontend::{self, Places, Shop};
use crate::prodcatalog::{self, Store, Vendors};
use crate::proddetail;
use crate::scratch::Scratch;
use crate::service::otel::{self, OpenTelemetry};
use crate::service::server::{self, Common};
use crate::service::trace::{Dialect, Untraced};
use crate::service::{listen, log, stop};

/// What Product-Detail is asked by the shop's own pages.
const DETAIL_PLUMBING: [&str; 1] = ["/topology"];

/// Serves Product-Detail: traced by OpenTelemetry where its variables name an OTLP endpoint.
///
/// # Errors
/// When it cannot start, or its listener fails.
pub(crate) async fn proddetail(
    options: DetailOptions,
    announce: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    let name = options.version.segment_name();
    let Some(endpoint) = otel::endpoint() else {
        let guard = start_log(name, &options.service)?;
        serve_detail(options, Dialect::Native, announce).await?;
        drop(guard);
        return Ok(());
    };
    log::start_untraced(options.service.log_format).map_err(|err| anyhow::anyhow!(err))?;
    let untraced = options.service.untraced.clone().and(DETAIL_PLUMBING);
    let otel = OpenTelemetry::start(name, endpoint, untraced).context("no HTTP client for OTLP")?;
    let otel = Arc::new(otel);
    let served = serve_detail(options, Dialect::OpenTelemetry(Arc::clone(&otel)), announce).await;
    otel.end().await;
    served
}

async fn serve_detail(
    options: DetailOptions,
    dialect: Dialect,
    announce: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    let name = options.version.segment_name();
    let (listener, address) = bind(&options.service).await?;
    let common = common(name, address, &options.service, DETAIL_PLUMBING).in_dialect(dialect);
    let router = proddetail::router(options.version, address, &common);
    announce(address);
    server::serve(listener, router, stop::asked(options.service.parent)).await?;
    Ok(())
}

/// Serves Product-Catalog.
///
/// # Errors
/// As [`proddetail()`], and when the database cannot be opened.
pub(crate) async fn prodcatalog(
    options: CatalogOptions,
    announce: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    let name = prodcatalog::SEGMENT_NAME;
    let guard = start_log(name, &options.service)?;
    // Lives as long as the service, and takes its file with it.
    let scratch = options.database.is_none().then(Scratch::new).transpose();
    let scratch =
        scratch.context("no private folder for the products; --database names another")?;
    let url = match (&options.database, &scratch) {
        (Some(url), _) => url.clone(),
        (None, scratch) => {
            let folder = scratch.as_ref().map_or_else(|| Path::new("."), Scratch::path);
            sqlite_url(&folder.join("products.db"))
        }
    };
    let (listener, address) = bind(&options.service).await?;
    let common = common(name, address, &options.service, ["/topology"]);
    let store = Arc::new(Store::open(&url, Arc::clone(&common.chaos)).await?);
    let client = Client::builder().no_proxy().build().context("no HTTP client")?;
    let vendors = Arc::new(Vendors::new(client, options.detail, options.canary));
    let router = prodcatalog::router(Arc::clone(&store), vendors, address, &common);
    announce(address);
    server::serve(listener, router, stop::asked(options.service.parent)).await?;
    store.close().await;
    drop(guard);
    Ok(())
}

/// Serves the shop.
///
/// # Errors
/// As [`proddetail()`].
pub(crate) async fn frontend(
    options: FrontendOptions,
    announce: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    let name = frontend::SEGMENT_NAME;
    let guard = start_log(name, &options.service)?;
    let (listener, address) = bind(&options.service).await?;
    let plumbing = frontend::PLUMBING_PATHS.into_iter().chain(frontend::asset_paths());
    let common = common(name, address, &options.service, plumbing);
    let places = Places {
        catalog: options.catalog,
        console: options.console,
        daemon_metrics: options.daemon_metrics,
        daemon_port: options.daemon_port,
    };
    let shop = Arc::new(Shop::new(places, address, common).context("no HTTP client")?);
    let router = frontend::router(&shop);
    announce(address);
    tokio::select! {
        ended = server::serve(listener, router, stop::asked(options.service.parent)) => ended?,
        () = shop.watch() => {}
    }
    drop(guard);
    Ok(())
}

/// The URL of a SQLite file that is made if it is not there.
pub(crate) fn sqlite_url(file: &Path) -> String {
    // A percent sign, question mark or hash in the path would be read as part of the URL's form.
    let path = file.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    format!("sqlite://{path}?mode=rwc")
}

fn start_log(name: &str, options: &ServiceOptions) -> anyhow::Result<xray_tracing::Guard> {
    log::start(name, options.log_format).map_err(|err| anyhow::anyhow!(err))
}

async fn bind(options: &ServiceOptions) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listen = options.listen;
    let listener = listen::bind(listen, options.if_taken)
        .await
        .with_context(|| format!("{listen} cannot be listened on; --listen names another"))?;
    let address = listener.local_addr().context("the listener has no address")?;
    Ok((listener, address))
}

fn common<'a>(
    name: &'static str,
    address: SocketAddr,
    options: &ServiceOptions,
    plumbing: impl IntoIterator<Item = &'a str>,
) -> Common {
    let untraced: Untraced = options.untraced.clone().and(plumbing);
    Common::new(name, address, &options.allowed_hosts, untraced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::Chaos;

    #[tokio::test]
    async fn a_database_lies_where_it_was_put_whatever_the_path() {
        let scratch = Scratch::new().unwrap();
        let file = scratch.path().join("what? 100% #1").join("products.db");
        std::fs::create_dir(file.parent().unwrap()).unwrap();
        let store = Store::open(&sqlite_url(&file), Arc::<Chaos>::default()).await.unwrap();
        assert!(file.is_file());
        assert_eq!(store.name(), "products");
        store.close().await;
    }
}
