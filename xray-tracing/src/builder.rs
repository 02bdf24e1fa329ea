//! Starts the layer: from a service name, the environment and a few options.
//!
//! In: options. Out: the layer, its sender's thread and the guard that flushes it. Owns nothing
//! afterwards. The environment beats the code: operators have the last word.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[cfg(feature = "init")]
use tracing::Subscriber;
use tracing_core::Level;
#[cfg(feature = "init")]
use tracing_subscriber::registry::LookupSpan;

use crate::emitter::{
    self, AddressError, Counters, DaemonAddress, Limits, Output, Queue, Sink, UdpOutput,
};
use crate::environment::Environment;
#[cfg(feature = "init")]
use crate::fmt_gate::FmtGate;
use crate::guard::Guard;
use crate::layer::watch::AnomalyCapture;
use crate::layer::{Feed, Identity, Settings, Tracer, XrayLayer, clock};
#[cfg(feature = "init")]
use crate::log;
#[cfg(feature = "init")]
use crate::panics;
use crate::resource;
use crate::sampling::{AnomalyCondition, CentralRules, LocalRules, Reservoir, Sampler, central};

/// Parts of traces that wait for the sender: 2 ms of a very busy service, or a short stall.
const QUEUE: Limits = Limits { max_items: 4_096, max_bytes: 16 << 20 };

/// Why [`init`], [`Builder::build`] or [`Builder::init`] refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// The service has no name.
    #[error("the service name is empty; segments need one, such as \"orders\"")]
    NoServiceName,
    /// `AWS_XRAY_DAEMON_ADDRESS`, or [`Builder::daemon_address`].
    #[error(transparent)]
    DaemonAddress(#[from] AddressError),
    /// Another subscriber is installed already.
    #[error(
        "a tracing subscriber is installed already; call init once and first, or add the layer of \
         xray_tracing::builder to your own subscriber"
    )]
    AlreadyInstalled,
    /// The system has no thread left.
    #[error("the sender's thread cannot be started; the process may have too many threads")]
    Thread(#[source] io::Error),
}

/// Installs registry, `fmt` and the layer: all that a service needs, in one call.
///
/// Hold the guard until the end of `main`. `RUST_LOG` says what is printed (`info` without it) and
/// nothing about what is traced.
///
/// ```no_run
/// # fn main() -> Result<(), xray_tracing::InitError> {
/// let _xray = xray_tracing::init("orders")?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// When a subscriber is installed already, the name is empty, or the daemon's address cannot be
/// read. A daemon that does not answer is no error.
#[cfg(feature = "init")]
pub fn init(service_name: impl Into<String>) -> Result<Guard, InitError> {
    builder(service_name).init()
}

/// Options for a service that composes its own subscriber.
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let sink = xray_tracing::MemorySink::new();
/// let (layer, guard) = xray_tracing::builder("orders").sink(sink.clone()).build()?;
/// let subscriber = tracing_subscriber::registry().with(layer);
/// tracing::subscriber::with_default(subscriber, || {
///     tracing::info_span!("nightly-report").in_scope(|| tracing::info!("done"));
/// });
/// guard.flush(std::time::Duration::from_secs(1));
/// assert_eq!(sink.take().len(), 1);
/// # Ok::<(), xray_tracing::InitError>(())
/// ```
pub fn builder(service_name: impl Into<String>) -> Builder {
    Builder {
        service_name: service_name.into(),
        service_version: None,
        daemon_address: None,
        sampler: None,
        local_rules: None,
        asks_daemon: None,
        finds_resource: None,
        anomalies: Vec::new(),
        captured_anomalies_per_s: 0,
        sends_traceparent: false,
        announces_after: None,
        #[cfg(feature = "init")]
        log_format: LogFormat::Text,
        sink: None,
        max_level: Level::INFO,
        environment: Environment::of_process(),
    }
}

/// Collects options; see [`builder`].
#[must_use]
pub struct Builder {
    service_name: String,
    service_version: Option<String>,
    daemon_address: Option<String>,
    sampler: Option<Box<dyn Sampler>>,
    local_rules: Option<LocalRules>,
    /// Said by the code; else it depends on where documents go.
    asks_daemon: Option<bool>,
    finds_resource: Option<bool>,
    anomalies: Vec<AnomalyCondition>,
    captured_anomalies_per_s: u32,
    sends_traceparent: bool,
    announces_after: Option<Duration>,
    #[cfg(feature = "init")]
    log_format: LogFormat,
    sink: Option<Box<dyn Sink>>,
    max_level: Level,
    environment: Environment,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("service_name", &self.service_name).finish_non_exhaustive()
    }
}

impl Builder {
    /// Version of the application, shown with its segments; none by default.
    pub fn service_version(mut self, version: impl Into<String>) -> Self {
        self.service_version = Some(version.into());
        self
    }

    /// Where the daemon listens: `host:port`, or `tcp:host:port udp:host:port`; 127.0.0.1:2000 by
    /// default. The variable `AWS_XRAY_DAEMON_ADDRESS` beats it.
    pub fn daemon_address(mut self, address: impl Into<String>) -> Self {
        self.daemon_address = Some(address.into());
        self
    }

    /// Decides which requests are recorded, in place of X-Ray's rules and of
    /// [`local_rules`](Self::local_rules).
    pub fn sampler(mut self, sampler: impl Sampler + 'static) -> Self {
        self.sampler = Some(Box::new(sampler));
        self
    }

    /// Rules that decide until the daemon has answered with X-Ray's, and where it does not; by
    /// default 1 request a second and 5 % of the others.
    pub fn local_rules(mut self, rules: LocalRules) -> Self {
        self.local_rules = Some(rules);
        self
    }

    /// Whether X-Ray's rules are asked for, through the daemon's TCP port. By default they are,
    /// unless documents go to a [`sink`](Self::sink); never in AWS Lambda.
    pub fn central_sampling(mut self, asks_daemon: bool) -> Self {
        self.asks_daemon = Some(asks_daemon);
        self
    }

    /// What counts as an anomaly, for rules whose rate X-Ray may raise. Can be repeated; without it,
    /// a request is one that fails with a status above 499.
    pub fn anomaly(mut self, condition: AnomalyCondition) -> Self {
        self.anomalies.push(condition);
        self
    }

    /// Records the segment of unsampled requests that are [anomalies](Self::anomaly) after all, up
    /// to `per_s` a second: without subsegments, since nobody recorded any. 0, the default, records
    /// none.
    ///
    /// Every unsampled request costs a few hundred nanoseconds more with it.
    pub fn capture_anomalies(mut self, per_s: u32) -> Self {
        self.captured_anomalies_per_s = per_s;
        self
    }

    /// Adds W3C `traceparent` to calls, for callees that know nothing of X-Ray. (It is read in any
    /// case, and passed on where it came in.)
    pub fn send_traceparent(mut self, sends: bool) -> Self {
        self.sends_traceparent = sends;
        self
    }

    /// Tells X-Ray of segments that are open for longer than this as in progress, so that they can
    /// be looked at while they run. Without it they are after 30 s.
    pub fn announce_after(mut self, open_for: Duration) -> Self {
        self.announces_after = Some(open_for);
        self
    }

    /// Whether it is found out where the process runs (EC2, ECS, EKS, Elastic Beanstalk), in the
    /// background. By default it is, unless documents go to a [`sink`](Self::sink).
    pub fn find_resource(mut self, finds: bool) -> Self {
        self.finds_resource = Some(finds);
        self
    }

    /// How [`init`](Self::init) prints log lines.
    #[cfg(feature = "init")]
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.log_format = format;
        self
    }

    /// Takes the documents instead of the daemon.
    pub fn sink(mut self, sink: impl Sink) -> Self {
        self.sink = Some(Box::new(sink));
        self
    }

    /// The least important spans that are recorded; `INFO` by default. It does not depend on what
    /// is logged, but a subscriber's global filter comes before it.
    pub fn max_level(mut self, level: Level) -> Self {
        self.max_level = level;
        self
    }

    /// Leaves the environment aside: tests say what they want.
    pub(crate) fn without_environment(mut self) -> Self {
        self.environment = Environment::default();
        self
    }

    /// As with `AWS_XRAY_SDK_ENABLED=false`.
    #[cfg(test)]
    pub(crate) fn disabled(mut self) -> Self {
        self.environment.is_disabled = true;
        self
    }

    /// Makes the layer, for `registry().with(layer)`, and the guard that flushes it.
    ///
    /// # Errors
    /// The name is empty, or the daemon's address cannot be read.
    pub fn build(self) -> Result<(XrayLayer, Guard), InitError> {
        let service_name = self.environment.service_name.unwrap_or(self.service_name);
        if service_name.trim().is_empty() {
            return Err(InitError::NoServiceName);
        }
        let address = match self.environment.daemon_address.or(self.daemon_address) {
            Some(text) => text.parse()?,
            None => DaemonAddress::default(),
        };
        let is_enabled = !self.environment.is_disabled;
        let goes_out = is_enabled && self.sink.is_none() && !self.environment.is_lambda;
        let local = self.local_rules.unwrap_or_default();
        let (sampler, central): (Box<dyn Sampler>, _) = match self.sampler {
            Some(sampler) => (sampler, None),
            None if is_enabled
                && !self.environment.is_lambda
                && self.asks_daemon.unwrap_or(goes_out) =>
            {
                let central = Arc::new(CentralRules::new(local, self.anomalies.clone()));
                (Box::new(Arc::clone(&central)), Some(central))
            }
            None => (Box::new(local), None),
        };
        let capture = (self.captured_anomalies_per_s > 0).then(|| AnomalyCapture {
            conditions: self.anomalies,
            per_s: self.captured_anomalies_per_s,
            reservoir: Reservoir::default(),
        });
        let settings = Settings {
            service_name: service_name.into(),
            max_level: self.max_level,
            sampler,
            central: central.clone(),
            capture,
            sends_traceparent: self.sends_traceparent,
            announces_after_ns: self.announces_after.map(clock::nanos),
            collects_sql: self.environment.collects_sql,
            daemon: address.clone(),
            context_missing: self.environment.context_missing,
        };
        let (queue, counters) = (Arc::new(Queue::new(QUEUE)), Arc::new(Counters::default()));
        let mut tracer = Tracer::new(settings, Arc::clone(&queue), Arc::clone(&counters));
        if let Some(central) = central {
            let polling = central::start(central, address.tcp).map_err(InitError::Thread)?;
            tracer.polling = Some(polling);
        }
        let tracer = Arc::new(tracer);
        if is_enabled {
            let directory = std::env::current_dir().ok();
            let identity = Identity {
                service_version: self.service_version,
                working_directory: directory.map(|path| path.to_string_lossy().into_owned()),
                resource: Arc::clone(&tracer.resource),
            };
            let output = match self.sink {
                Some(sink) => Output::Sink(sink),
                None => Output::Udp(UdpOutput::new(address.udp, Instant::now())),
            };
            emitter::start(Feed::new(&tracer, identity), queue, output, counters)
                .map_err(InitError::Thread)?;
            if self.finds_resource.unwrap_or(goes_out) {
                resource::start(Arc::clone(&tracer.resource)).map_err(InitError::Thread)?;
            }
        } else {
            queue.close();
        }
        Ok((XrayLayer::new(Arc::clone(&tracer), is_enabled), Guard::new(tracer)))
    }

    /// Installs registry, `fmt` and the layer with these options; see [`init`].
    ///
    /// # Errors
    /// As [`init`].
    #[cfg(feature = "init")]
    pub fn init(self) -> Result<Guard, InitError> {
        let (subscriber, guard) = self.subscriber()?;
        let dispatch = tracing::Dispatch::new(subscriber);
        tracing::dispatcher::set_global_default(dispatch)
            .map_err(|_| InitError::AlreadyInstalled)?;
        panics::install_hook();
        Ok(guard)
    }

    /// The subscriber that [`init`](Self::init) installs, for a part of the process or for more
    /// layers on top.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    #[cfg(feature = "init")]
    pub fn subscriber(self) -> Result<(impl Recording, Guard), InitError> {
        use tracing_subscriber::prelude::*;

        let format = self.log_format;
        let (layer, guard) = self.build()?;
        let lines = tracing_subscriber::fmt::layer().event_format(log::Lines::new(format));
        let fmt = FmtGate::from_environment(lines, layer.wanted());
        Ok((tracing_subscriber::registry().with(layer).with(fmt), guard))
    }
}

/// How [`Builder::init`] prints log lines. Either has the trace's id, where there is a trace.
#[cfg(feature = "init")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As `fmt` prints by default.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What [`Builder::subscriber`] returns: a subscriber that layers can be added to.
#[cfg(feature = "init")]
pub trait Recording: Subscriber + for<'a> LookupSpan<'a> + Send + Sync {}

#[cfg(feature = "init")]
impl<S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync> Recording for S {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(builder: Builder) -> String {
        builder.without_environment().build().unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(
            error(builder(" ")),
            "the service name is empty; segments need one, such as \"orders\""
        );
        assert_eq!(
            error(builder("orders").daemon_address("localhost")),
            "daemon address \"localhost\" is not host:port; write host:port (IPv6 as [::1]:2000), \
             or tcp:host:port udp:host:port"
        );
    }

    #[test]
    fn the_environment_beats_the_code() {
        let environment = || Environment {
            daemon_address: Some("nonsense".to_owned()),
            ..Environment::default()
        };
        let mut from_code = builder("orders").daemon_address("127.0.0.1:2000");
        from_code.environment = environment();
        assert!(matches!(from_code.build(), Err(InitError::DaemonAddress(_))));

        let mut named = builder("orders").sink(crate::MemorySink::new());
        named.environment =
            Environment { service_name: Some("shop".to_owned()), ..Environment::default() };
        let (layer, _guard) = named.build().unwrap();
        assert_eq!(&*layer.tracer().settings.service_name, "shop");
    }
}
