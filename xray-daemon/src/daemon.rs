//! Wires the stages, in the order in which segments pass them.
//!
//! In: a valid configuration. Out: a running daemon. Owns the order of start: sockets are bound
//! before anything runs, intake reads before backends look for regions and credentials, and the
//! admin port answers all the while. How it ends: `running.rs`.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "otlp-in")]
use tokio::net::TcpListener;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::admin::{self, Credentials, Readiness};
#[cfg(feature = "aws")]
use crate::backend::aws::{report, watch_credentials};
#[cfg(feature = "local")]
use crate::backend::local::DaemonView;
use crate::backend::{Backend, BackendKind, Backends};
use crate::buffer::{BatchLimits, Buffer, Queue, Spool, SpoolFolder, SpoolHandle, SpoolLink};
use crate::builder::DaemonBuilder;
use crate::config::{DaemonConfig, MIN_BUFFER_BYTES, Memory};
use crate::counters::{BackendCounters, Counters};
use crate::delivery::{Delivery, DeliveryLimits};
use crate::error::StartError;
#[cfg(feature = "local")]
use crate::handle::Addresses;
use crate::handle::DaemonHandle;
use crate::http;
#[cfg(feature = "otlp-in")]
use crate::intake::otlp::{self, SpanReceiver};
use crate::intake::{GroupLimits, Intake, Receiver, SocketGroup};
use crate::listeners::Listeners;
use crate::log_limit::LogLimit;
use crate::running::Running;
use crate::segment::Segment;
use crate::start_line::StartLine;

/// Most bytes of documents in a batch.
const MAX_BATCH_BYTES: usize = 1 << 20;
/// Most bytes that a queue holds of what was on disk: enough for some uploads.
const MAX_REPLAY_BYTES: usize = 4 << 20;
/// Most sockets on the UDP port.
const MAX_SOCKETS: usize = 64;

/// The AWS X-Ray daemon.
#[derive(Debug)]
pub struct Daemon;

impl Daemon {
    /// Options for a daemon inside this program.
    pub fn builder() -> DaemonBuilder {
        DaemonBuilder::new()
    }

    pub(crate) async fn start(
        config: DaemonConfig,
        own: Vec<Arc<dyn Backend>>,
    ) -> Result<DaemonHandle, StartError> {
        let memory = Memory::of_this_process();
        let buffer_bytes = buffer_bytes(&config, memory)?;
        let counters = Arc::new(Counters::new(Backends::names(&config, &own)?));
        counters.set_buffer_limit(buffer_bytes);
        let readiness = Arc::new(Readiness::new(Arc::clone(&counters), credentials(&config)));

        let folder = spool_folder(&config, &counters)?;
        let group = bind_udp(&config, memory)?;
        let listeners = Listeners::bind(&config, group.address()).await?;
        let addresses = listeners.addresses(&config, group.address());
        info!("Using buffer memory limit of {} MB", buffer_bytes >> 20);

        let inbox = folder.as_ref().map(|_| SpoolHandle::default());
        let queues = queues(&counters, &config, buffer_bytes, inbox.as_ref());
        let held_bytes = counters.held_bytes();
        let spool = folder.zip(inbox.clone()).map(|(folder, inbox)| {
            Spool::start(folder, inbox, queues.clone(), Arc::clone(held_bytes), buffer_bytes)
        });
        let spool = spool.transpose()?;
        let buffer =
            Arc::new(Buffer::new(queues.clone(), Arc::clone(held_bytes), buffer_bytes, inbox));
        let receiver = Receiver::new(Arc::clone(&counters), sink(Arc::clone(&buffer)));
        let watched = Arc::clone(&readiness);
        let intake = Intake::start(group, receiver, move || watched.set_intake_ended())
            .map_err(StartError::Thread)?;

        let running =
            Running::new(intake, Arc::clone(&buffer), Arc::clone(&readiness), config.drain_linger);
        if let Some(listener) = listeners.admin {
            let router = admin::router(Arc::clone(&counters), Arc::clone(&readiness));
            running.serve(|stop| http::serve(listener, router, stop));
        }
        let backends = Backends::open(&config, own, &counters).await?;
        for ((backend, queue), counters) in
            backends.all.into_iter().zip(queues).zip(counters.backends())
        {
            let limits = delivery_limits(backend.as_ref(), buffer_bytes);
            let keeper = spool.as_ref().map(Spool::keeper);
            running.deliver(Delivery::new(backend, queue, Arc::clone(counters), limits, keeper));
        }
        let running = running.spooling(spool);
        #[cfg(feature = "otlp-in")]
        serve_otlp(&running, listeners.otlp_grpc, listeners.otlp_http, &counters, &buffer);
        let line = StartLine::new(&config, &counters, buffer_bytes);
        #[cfg(feature = "aws")]
        let line = match backends.aws {
            None => Some(line),
            Some(service) => {
                let line = line.with_aws(&service);
                let telemetry = (Arc::clone(&service), Arc::clone(&counters), config.aws.clone());
                running
                    .serve(|stop| watch_credentials(service, move |found| line.log(found), stop));
                running.serve(|stop| report(telemetry.0, telemetry.1, telemetry.2, stop));
                None
            }
        };
        #[cfg(not(feature = "aws"))]
        let line = Some(line);
        if let Some(line) = line {
            line.log("no credentials needed");
        }
        if let Some(listener) = listeners.sampling {
            info!("Starting proxy http server on {}", addresses.tcp);
            running.serve(|stop| http::serve(listener, backends.sampling, stop));
        }
        #[cfg(feature = "local")]
        if let Some(local) = backends.local.clone()
            && let Some(listener) = listeners.console
        {
            info!("API and console on http://{}", addresses.console.unwrap_or(config.console));
            let view = view(&addresses, &counters, &readiness);
            running.serve(|stop| async move { local.serve(listener, Some(view), stop).await });
        }
        #[cfg(feature = "local")]
        let running = running.closing_last(backends.local);
        readiness.set_open();
        Ok(DaemonHandle::new(addresses, counters, running))
    }
}

/// Takes OTLP on the ports that were asked for.
#[cfg(feature = "otlp-in")]
fn serve_otlp(
    running: &Running,
    by_grpc: Option<TcpListener>,
    by_http: Option<TcpListener>,
    counters: &Arc<Counters>,
    buffer: &Arc<Buffer>,
) {
    let router = otlp::router(SpanReceiver::new(Arc::clone(counters), Arc::clone(buffer)));
    for (listener, by) in [(by_grpc, "gRPC"), (by_http, "HTTP")] {
        let Some(listener) = listener else { continue };
        if let Ok(address) = listener.local_addr() {
            info!("Listening for OTLP by {by} on {address}");
        }
        let router = router.clone();
        running.serve_intake(|stop| otlp::serve(listener, router, stop));
    }
}

fn buffer_bytes(config: &DaemonConfig, memory: Memory) -> Result<usize, StartError> {
    if let Some(bytes) = config.buffer_bytes.filter(|bytes| *bytes < MIN_BUFFER_BYTES) {
        return Err(StartError::Buffer { bytes });
    }
    let bytes = memory.buffer_bytes(config.buffer_bytes);
    if let Some(asked) = config.buffer_bytes.filter(|asked| *asked > bytes) {
        warn!(
            asked_mb = asked >> 20,
            "--buffer-memory is more than half of the container's memory limit; {} MB are used, \
             raise the limit for more",
            bytes >> 20
        );
    }
    Ok(bytes)
}

/// What the console shows of the daemon.
#[cfg(feature = "local")]
fn view(addresses: &Addresses, counters: &Arc<Counters>, readiness: &Arc<Readiness>) -> DaemonView {
    let readiness = Arc::clone(readiness);
    DaemonView {
        counters: Arc::clone(counters),
        udp: addresses.udp,
        tcp: addresses.tcp,
        admin: addresses.admin,
        not_ready: Arc::new(move || readiness.not_ready()),
    }
}

fn credentials(config: &DaemonConfig) -> Credentials {
    match (config.backends.contains(&BackendKind::Aws), config.ready_requires_credentials) {
        (false, _) => Credentials::NotNeeded,
        (true, false) => Credentials::Awaited,
        (true, true) => Credentials::Required,
    }
}

fn bind_udp(config: &DaemonConfig, memory: Memory) -> Result<SocketGroup, StartError> {
    let limits = GroupLimits { max_buffer_bytes: memory.receive_bytes(), max_sockets: MAX_SOCKETS };
    let group = SocketGroup::bind(config.udp, limits)?;
    info!(
        sockets = group.len(),
        receive_buffer_bytes = group.total_buffer_bytes(),
        "Listening for segments on UDP {}",
        group.address()
    );
    Ok(group)
}

fn spool_folder(
    config: &DaemonConfig,
    counters: &Counters,
) -> Result<Option<SpoolFolder>, StartError> {
    let Some(settings) = &config.spool else { return Ok(None) };
    let names: Vec<_> = counters.backends().iter().map(|backend| backend.name()).collect();
    let folder = SpoolFolder::open(settings, &names)?;
    info!(
        max_mb = settings.max_bytes >> 20,
        max_age_s = settings.max_age.as_secs(),
        "What does not fit in memory goes to {:?}",
        settings.folder
    );
    Ok(Some(folder))
}

fn queues(
    counters: &Counters,
    config: &DaemonConfig,
    buffer_bytes: usize,
    spool: Option<&SpoolHandle>,
) -> Vec<Arc<Queue>> {
    let queue = |(log, counters): (usize, &Arc<BackendCounters>)| {
        let window_bytes = MAX_REPLAY_BYTES.min(buffer_bytes / 8);
        let link = spool.map(|spool| SpoolLink::new(spool.clone(), log, window_bytes));
        let limits = BatchLimits {
            // A small buffer must hold several batches, or nothing could wait.
            max_bytes: MAX_BATCH_BYTES.min(buffer_bytes / 16),
            max_wait: max_wait(config, counters.name()),
        };
        Arc::new(Queue::new(limits, Arc::clone(counters), link))
    };
    counters.backends().iter().enumerate().map(queue).collect()
}

/// Longest that a segment waits for company. A call to AWS is worth a second; a person looks at
/// the local store.
fn max_wait(config: &DaemonConfig, backend: &str) -> Duration {
    let local = backend == BackendKind::Local.name();
    if local { config.local_batch_wait } else { config.batch_wait }
}

fn delivery_limits(backend: &dyn Backend, buffer_bytes: usize) -> DeliveryLimits {
    DeliveryLimits { max_uploads: backend.max_uploads(), max_in_flight_bytes: buffer_bytes / 2 }
}

/// Where intake puts segments.
fn sink(buffer: Arc<Buffer>) -> impl FnMut(&mut Vec<Segment>) + Send + 'static {
    let overflow = LogLimit::new();
    move |segments| {
        let dropped = buffer.accept(segments, Instant::now());
        if dropped > 0
            && let Some(dropped) = overflow.report(dropped as u64)
        {
            warn!("Spilling over {dropped} segments: the buffer is full, the oldest are dropped");
        }
    }
}
