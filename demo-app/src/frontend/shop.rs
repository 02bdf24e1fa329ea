//! What the shop's handlers share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Url;

use super::bulk::Bulk;
use super::catalog::Catalog;
use super::console::Console;
use super::live::Live;
use super::pages::OwnView;
use super::scenarios::Breaker;
use crate::service::hops::{HopReport, HopWindow};
use crate::service::server::Common;

/// Where the shop finds the others.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Product-Catalog's product list.
    pub(crate) catalog: Url,
    /// The console, if people can open one: `http://127.0.0.1:2002`.
    pub(crate) console: Option<Url>,
    /// The daemon's metrics page, for the segments a second.
    pub(crate) daemon_metrics: Option<Url>,
    /// The daemon's UDP port, for the drawing.
    pub(crate) daemon_port: Option<u16>,
}

/// The shop.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(super) catalog: Catalog,
    pub(super) live: Live,
    pub(super) breaker: Breaker,
    pub(super) bulk: Arc<Bulk>,
    pub(super) console: Option<Console>,
    pub(super) common: Common,
    listen: SocketAddr,
    /// Requests from browsers.
    pub(super) window: HopWindow,
    daemon_port: Option<u16>,
}

impl Shop {
    /// The shop, listening on `listen`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(crate) fn new(
        places: Places,
        listen: SocketAddr,
        common: Common,
    ) -> Result<Self, reqwest::Error> {
        // A proxy from the environment is for the world outside, where nothing here goes.
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(2))
            .build()?;
        let catalog = Catalog::new(client.clone(), places.catalog);
        Ok(Self {
            live: Live::new(client.clone(), catalog.origin(), places.daemon_metrics),
            breaker: Breaker::new(client.clone(), &catalog),
            bulk: Arc::new(Bulk::new(client.clone(), &own_url(listen))),
            console: places.console.map(|url| Console::new(client, url)),
            catalog,
            common,
            listen,
            window: HopWindow::new(Instant::now()),
            daemon_port: places.daemon_port,
        })
    }

    /// Keeps the picture fresh, for as long as it is polled.
    pub(crate) async fn watch(&self) {
        self.live.run().await;
    }

    /// What the shop itself adds to the drawing.
    pub(super) fn own_view(&self) -> OwnView {
        let now = Instant::now();
        OwnView {
            port: format!(":{}", self.listen.port()),
            browser: self.window.report(now),
            catalog: self.catalog.report(now),
            daemon_port: self.daemon_port.map(|port| format!(":{port}")),
            console_port: self.console.as_ref().and_then(Console::port),
        }
    }

    /// What the last 30 seconds of calls of Product-Detail met, by its name on the map.
    pub(super) fn detail_report(&self, service: &str) -> Option<HopReport> {
        let snapshot = self.live.snapshot();
        let hops = &snapshot.catalog.as_ref()?.hops;
        hops.iter().find(|hop| hop.to == service).map(|hop| hop.last_30_s.clone())
    }

    /// The console's base URL, without a slash at its end.
    pub(super) fn console_url(&self) -> Option<&str> {
        self.console.as_ref().map(Console::url)
    }

    pub(super) fn listen(&self) -> SocketAddr {
        self.listen
    }
}

/// How the shop reaches itself.
fn own_url(listen: SocketAddr) -> String {
    if listen.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", listen.port())
    } else {
        format!("http://{listen}")
    }
}
