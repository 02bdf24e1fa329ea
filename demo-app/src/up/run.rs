//! Starts everything in order, waits, and ends it backwards.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;
use xray_daemon::DaemonHandle;

use super::child::Service;
use super::daemon::{self, ADMIN_PORT, DAEMON_PORT, OTLP_HTTP_PORT};
use super::ports::{Udp, movable, promised};
use super::table::{Link, Table, moved};
use crate::cli::UpOptions;
use crate::load::{self, LoadOptions};
use crate::proddetail::Version;
use crate::run::sqlite_url;
use crate::scratch::Scratch;
use crate::service::listen::IfTaken;
use crate::service::{log, stop};
use crate::{frontend, prodcatalog};

const CATALOG_PORT: u16 = 5_000;
const DETAIL_PORT: u16 = 3_000;
const CANARY_PORT: u16 = 3_001;
/// Longest that the daemon may take to store what is left.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// Where products and traces are kept.
struct Data {
    products: String,
    traces: Option<PathBuf>,
    /// Said in the table.
    note: String,
    /// Removed at the end.
    _scratch: Option<Scratch>,
}

/// Everything that runs.
struct Everything {
    daemon: DaemonHandle,
    /// From the last callee to the first.
    services: Vec<Service>,
}

/// Runs the demo until it is told to end; `out` gets the table.
///
/// # Errors
/// When something cannot start, or a service ends by itself.
pub(crate) async fn run(options: UpOptions, out: &mut impl Write) -> anyhow::Result<()> {
    log::start_plain().map_err(|err| anyhow::anyhow!(err))?;
    // Both promised ports first: nobody wants to see three services start for nothing.
    promised("the shop", options.shop, "--shop")?;
    promised("the console", options.console, "--console")?;
    let data = data(&options)?;
    let mut everything = tokio::select! {
        started = start(&options, &data, out) => started?,
        signal = stop::signal() => return Ok(signal?),
    };
    say(out, &table(&options, &everything, &data).to_string());

    let stop_load = CancellationToken::new();
    let shop = everything.shop_url().parse().context("the shop's address")?;
    let load = options.load.then(|| {
        let stop = stop_load.clone().cancelled_owned();
        tokio::spawn(load::run(LoadOptions::gentle(shop), stop))
    });
    let ended = tokio::select! {
        signal = stop::signal() => signal.context("signals cannot be heard"),
        err = everything.service_ended() => Err(err),
    };
    say(out, "\nStopping …\n");
    stop_load.cancel();
    if let Some(load) = load {
        // Its last visits end with the services at the latest.
        drop(tokio::time::timeout(Duration::from_secs(1), load).await);
    }
    everything.end().await;
    say(out, "Stopped.\n");
    ended
}

async fn start(
    options: &UpOptions,
    data: &Data,
    out: &mut impl Write,
) -> anyhow::Result<Everything> {
    say(out, "Starting the X-Ray daemon …\n");
    let daemon = daemon::start(options.console, data.traces.clone(), options.if_taken).await?;
    let console = daemon.console_addr().context("the daemon has no console")?;
    let address =
        ("AWS_XRAY_DAEMON_ADDRESS", format!("tcp:{} udp:{}", daemon.tcp_addr(), daemon.udp_addr()));
    let otlp = daemon.otlp_http_addr().context("the daemon takes no OTLP")?;
    // Product-Detail is traced by plain OpenTelemetry.
    let otlp = ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{otlp}"));
    let mut everything = Everything { daemon, services: Vec::with_capacity(4) };

    for (version, argument, port) in
        [(Version::One, "1", DETAIL_PORT), (Version::Two, "2", CANARY_PORT)]
    {
        let name = version.segment_name();
        say(out, &format!("Starting {name} …\n"));
        let listen = movable(name, port, Udp::No, options.if_taken)?;
        let args = args("proddetail", listen, options.if_taken, &["--version", argument]);
        let env = [address.clone(), otlp.clone()];
        let started = Service::start(name, &args, &env);
        everything.services.push(started.await?);
    }
    let detail = everything.url(Version::One.segment_name(), "/catalogDetail");
    let canary = everything.url(Version::Two.segment_name(), "/catalogDetail");

    say(out, &format!("Starting {} …\n", prodcatalog::SEGMENT_NAME));
    let name = prodcatalog::SEGMENT_NAME;
    let listen = movable(name, CATALOG_PORT, Udp::No, options.if_taken)?;
    let more = ["--detail-url", &detail, "--canary-url", &canary];
    // By the environment, where other users do not see a password.
    let database = ("DATABASE_SERVICE_URL", data.products.clone());
    let args_of_catalog = args("prodcatalog", listen, options.if_taken, &more);
    let env = [address.clone(), database];
    everything.services.push(Service::start(name, &args_of_catalog, &env).await?);

    say(out, &format!("Starting {} …\n", frontend::SEGMENT_NAME));
    let name = frontend::SEGMENT_NAME;
    let products = everything.url(prodcatalog::SEGMENT_NAME, "/products/");
    let console = format!("http://{console}");
    let metrics = format!("http://{}/metrics", everything.daemon.admin_addr());
    let more = ["--base-url", &products, "--console", &console, "--daemon-metrics", &metrics];
    // The shop's port is promised.
    let args_of_frontend = args("frontend", options.shop, IfTaken::Fail, &more);
    everything.services.push(Service::start(name, &args_of_frontend, &[address]).await?);
    Ok(everything)
}

/// The arguments of a service that listens on `listen`; somebody else may take the port between
/// our look and its start.
fn args(command: &str, listen: SocketAddr, if_taken: IfTaken, more: &[&str]) -> Vec<String> {
    let listen = listen.to_string();
    let moves: &[&str] = match if_taken {
        IfTaken::TakeFree => &["--or-free-port"],
        IfTaken::Fail => &[],
    };
    [&[command, "--listen", &listen], moves, more].concat().into_iter().map(str::to_owned).collect()
}

impl Everything {
    fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    fn url(&self, name: &str, path: &str) -> String {
        let address = self.service(name).map(|service| service.address.to_string());
        format!("http://{}{path}", address.unwrap_or_default())
    }

    fn shop_url(&self) -> String {
        self.url(frontend::SEGMENT_NAME, "")
    }

    /// Completes when a service ends by itself, with what is to be said about it.
    async fn service_ended(&mut self) -> anyhow::Error {
        let mut waits = Vec::with_capacity(self.services.len());
        for service in &mut self.services {
            let name = service.name;
            waits.push(Box::pin(async move { (name, service.ended().await) }));
        }
        let (name, status) = first_of(waits).await;
        match status {
            Ok(status) => anyhow::anyhow!("{name} ended by itself ({status}); stopping the rest"),
            Err(err) => anyhow::Error::new(err).context(format!("{name} cannot be watched")),
        }
    }

    /// Ends the services from the first caller to the last callee, then the daemon.
    async fn end(mut self) {
        while let Some(service) = self.services.pop() {
            service.end().await;
        }
        self.daemon.stop(DRAIN_WITHIN).await;
    }
}

/// The output of whichever future completes first.
async fn first_of<T, F: Future<Output = T> + Unpin>(mut futures: Vec<F>) -> T {
    std::future::poll_fn(|context| {
        for future in &mut futures {
            if let std::task::Poll::Ready(output) = std::pin::Pin::new(future).poll(context) {
                return std::task::Poll::Ready(output);
            }
        }
        std::task::Poll::Pending
    })
    .await
}

fn data(options: &UpOptions) -> anyhow::Result<Data> {
    let Some(folder) = &options.data_dir else {
        let scratch = Scratch::new().context(
            "no private folder can be made under the temporary one; --data-dir names one",
        )?;
        let own = sqlite_url(&scratch.path().join("products.db"));
        return Ok(Data {
            products: options.database.clone().unwrap_or(own),
            traces: None,
            note: match options.database {
                Some(_) => "products in your database; traces removed at the end".to_owned(),
                None => "removed at the end; --data-dir DIR keeps it".to_owned(),
            },
            _scratch: Some(scratch),
        });
    };
    std::fs::create_dir_all(folder)
        .with_context(|| format!("--data-dir {folder:?} cannot be made; name one you can write"))?;
    let folder = std::path::absolute(folder)
        .with_context(|| format!("--data-dir {folder:?} has no absolute path"))?;
    if !folder.is_dir() {
        bail!("--data-dir {folder:?} is no folder");
    }
    let own = sqlite_url(&folder.join("products.db"));
    Ok(Data {
        products: options.database.clone().unwrap_or(own),
        traces: Some(folder.join("traces")),
        note: match options.database {
            Some(_) => format!("products in your database; traces kept in {}", folder.display()),
            None => format!("kept in {}", folder.display()),
        },
        _scratch: None,
    })
}

fn table(options: &UpOptions, everything: &Everything, data: &Data) -> Table {
    let daemon = &everything.daemon;
    let link = |name, address: String, note: &str| Link { name, address, note: note.to_owned() };
    let http = |address: SocketAddr| format!("http://{address}");
    let mut links = vec![link(
        "Shop",
        everything.shop_url(),
        "insert a product, then follow its trace at the foot of the page",
    )];
    links.extend(
        daemon
            .console_addr()
            .map(|address| link("Console", http(address), "service map and traces")),
    );
    for (name, port) in [
        (prodcatalog::SEGMENT_NAME, CATALOG_PORT),
        (Version::One.segment_name(), DETAIL_PORT),
        (Version::Two.segment_name(), CANARY_PORT),
    ] {
        if let Some(service) = everything.service(name) {
            let note = moved(port, service.address.port());
            links.push(link(name, http(service.address), &note));
        }
    }
    let admin = daemon.admin_addr();
    let health = format!("/healthz /readyz /metrics {}", moved(ADMIN_PORT, admin.port()));
    links.push(link("Daemon", http(admin), health.trim_end()));
    let udp = daemon.udp_addr();
    let segments = format!("UDP segments, TCP sampling {}", moved(DAEMON_PORT, udp.port()));
    links.push(link("X-Ray SDKs", udp.to_string(), segments.trim_end()));
    if let Some(otlp) = daemon.otlp_http_addr() {
        let note = format!("OTLP by HTTP and gRPC {}", moved(OTLP_HTTP_PORT, otlp.port()));
        links.push(link("OpenTelemetry", http(otlp), note.trim_end()));
    }
    let load = if options.load {
        "3 visits a second, a rest of 10 s every minute; --no-load for none"
    } else {
        "none but your own"
    };
    Table { links, load, data: data.note.clone() }
}

/// Prints; a closed terminal must not end the demo.
fn say(out: &mut impl Write, text: &str) {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}
