//! The daemon as a process, on ports of its own.
//!
//! In: options. Out: a daemon that is ready, with a socket to send datagrams from. Killed on drop.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Command;

use crate::account::Account;
use crate::binaries::binaries;
use crate::fake_xray::{ACCESS_KEY, FakeXray, REGION, SECRET_KEY};
use crate::ports::free_port;
use crate::process::{Process, Ran, Signal, run};
use crate::wait::wait_until;

/// Longest that a daemon may take to be ready, on a machine that does other things as well.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How a daemon is to be started.
#[derive(Clone, Debug, Default)]
pub struct DaemonOptions {
    /// The reference daemon's binary, instead of ours.
    reference: Option<PathBuf>,
    /// A program that starts the daemon, with its arguments.
    wrapper: Vec<String>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// Where it runs, instead of an empty folder.
    folder: Option<PathBuf>,
    takes_otlp: bool,
}

impl DaemonOptions {
    /// With nothing but ports.
    pub fn new() -> Self {
        Self::default()
    }

    /// Storing here, with API and console.
    pub fn local() -> Self {
        Self::new().args(["--backend", "local"])
    }

    /// Uploading to `xray`, with its key, by an endpoint override in the environment.
    pub fn uploading_to(xray: &FakeXray) -> Self {
        Self::new()
            .args(["--backend", "aws", "--region", REGION])
            .env("AWS_ENDPOINT_URL_XRAY", xray.endpoint())
            .env("SSL_CERT_FILE", xray.authority_file().to_string_lossy())
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    }

    /// The reference daemon's binary at `path`, uploading to `xray`.
    pub fn reference(path: &Path, xray: &FakeXray) -> Self {
        let mut options = Self::uploading_to(xray);
        options.args = ["--local-mode", "--region", REGION].map(str::to_owned).to_vec();
        options.reference = Some(path.to_owned());
        options
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Has the daemon started by another program, which gets its path and arguments behind its own.
    #[must_use]
    pub fn under<S: Into<String>>(mut self, wrapper: impl IntoIterator<Item = S>) -> Self {
        self.wrapper = wrapper.into_iter().map(Into::into).collect();
        self
    }

    /// Uploading to `xray` without a key: that is for the test to give.
    pub fn without_key(xray: &FakeXray) -> Self {
        Self::new()
            .args(["--backend", "aws", "--region", REGION])
            .env("AWS_ENDPOINT_URL_XRAY", xray.endpoint())
            .env("SSL_CERT_FILE", xray.authority_file().to_string_lossy())
    }

    /// Adds a variable to its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Runs it in `folder`, where it may find a file.
    #[must_use]
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Taking OTLP, by gRPC and by HTTP.
    #[must_use]
    pub fn taking_otlp(mut self) -> Self {
        self.takes_otlp = true;
        self
    }

    /// Starts the daemon and waits until it is ready.
    ///
    /// # Panics
    /// When it ends or is not ready within 30 s.
    pub async fn start(self) -> Daemon {
        let mut daemon = self.launch();
        let url = daemon.admin_url("/readyz");
        let ready = wait_until("a ready daemon", READY_WITHIN, || {
            let ended = daemon.process.ended();
            let answer = reqwest::get(&url);
            async move {
                assert_eq!(ended, None, "the daemon ended while it was to get ready");
                answer.await.is_ok_and(|answer| answer.status() == 200).then_some(())
            }
        });
        ready.await;
        daemon
    }

    /// Starts the daemon and returns at once.
    pub fn launch(self) -> Daemon {
        let [segments, admin, console, otlp_grpc, otlp_http] =
            [(); 5].map(|()| SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())));
        let program = self.wrapper.first().map_or(self.program(), Path::new);
        let process = Process::start(program, |command| {
            if let [_, rest @ ..] = self.wrapper.as_slice() {
                command.args(rest).arg(self.program());
            }
            command.args(["--bind", &segments.to_string(), "--bind-tcp", &segments.to_string()]);
            if self.reference.is_none() {
                command.args(["--admin", &admin.to_string(), "--console", &console.to_string()]);
            }
            if self.takes_otlp {
                command.args(["--otlp-grpc", &otlp_grpc.to_string()]);
                command.args(["--otlp-http", &otlp_http.to_string()]);
            }
            self.configure(command);
        });
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(segments).unwrap();
        Daemon { process, socket, segments, admin, console, otlp_grpc, otlp_http }
    }

    /// Runs the daemon with these options and nothing else, for an end that comes by itself.
    ///
    /// # Panics
    /// When it still runs after 30 s.
    pub async fn run(self) -> Ran {
        run(self.program(), READY_WITHIN, |command| self.configure(command)).await
    }

    fn program(&self) -> &Path {
        self.reference.as_deref().unwrap_or_else(|| &binaries().xray_daemon)
    }

    fn configure(&self, command: &mut Command) {
        // No metadata service answers here; the look-up would only take time.
        command.args(&self.args).env("AWS_EC2_METADATA_DISABLED", "true");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
    }
}

/// A running daemon.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    socket: UdpSocket,
    segments: SocketAddr,
    admin: SocketAddr,
    console: SocketAddr,
    otlp_grpc: SocketAddr,
    otlp_http: SocketAddr,
}

impl Daemon {
    /// UDP address for segments, TCP address for sampling.
    pub fn segments(&self) -> SocketAddr {
        self.segments
    }

    /// What `AWS_XRAY_DAEMON_ADDRESS` is to say.
    pub fn address(&self) -> String {
        self.segments.to_string()
    }

    /// TCP address for health and metrics.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// URL of a path on the admin port.
    pub fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.admin)
    }

    /// URL of a path of API or console.
    pub fn console_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.console)
    }

    /// URL for OTLP by gRPC, where it is taken.
    pub fn otlp_grpc_url(&self) -> String {
        format!("http://{}", self.otlp_grpc)
    }

    /// URL of a path for OTLP by HTTP, where it is taken.
    pub fn otlp_http_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.otlp_http)
    }

    /// Sends one datagram.
    ///
    /// # Panics
    /// When the kernel refuses it.
    pub fn send(&self, datagram: impl AsRef<[u8]>) {
        let datagram = datagram.as_ref();
        assert_eq!(self.socket.send(datagram).unwrap(), datagram.len());
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The metrics as they are now.
    ///
    /// # Panics
    /// When the admin port does not answer.
    pub async fn metrics(&self) -> Metrics {
        let answer = reqwest::get(self.admin_url("/metrics")).await.unwrap();
        assert_eq!(answer.status(), 200);
        Metrics(answer.text().await.unwrap())
    }

    /// Where the segments of `backend` are, once that adds up.
    ///
    /// # Panics
    /// When it does not add up within 20 s.
    pub async fn account(&self, backend: &str) -> Account {
        wait_until("an account that adds up", Duration::from_secs(20), || async {
            let account = Account::of_metrics(&self.metrics().await, backend);
            account.is_exact().then_some(account)
        })
        .await
    }

    /// Where the segments of `backend` were at the end.
    ///
    /// # Panics
    /// When the daemon did not end in order, or it does not add up.
    pub fn last_account(&self, backend: &str) -> Account {
        let account = Account::of_log(&self.log(), backend);
        let account = account.expect("the daemon has ended in order");
        assert!(account.is_exact(), "{account:?}");
        assert_eq!((account.queued, account.in_flight), (0, 0), "{account:?}");
        account
    }

    /// Waits until a metric's sum over all label values that contain `labels` is `value`.
    ///
    /// # Panics
    /// When it is another after 20 s.
    pub async fn wait_for_metric(&self, name: &str, labels: &str, value: f64) {
        let what = format!("{name}{{{labels}}} = {value}");
        wait_until(&what, Duration::from_secs(20), || async {
            (self.metrics().await.sum(name, labels) == value).then_some(())
        })
        .await;
    }

    /// Ends it by `signal` and waits for the end.
    ///
    /// # Panics
    /// When it still runs after `longest`.
    pub async fn end(&mut self, signal: Signal, longest: Duration) -> ExitStatus {
        self.process.signal(signal);
        self.process.wait(longest).await
    }
}

/// Metrics in Prometheus' text format.
#[derive(Clone, Debug)]
pub struct Metrics(pub String);

impl Metrics {
    /// Sum of the samples of `name` (without the prefix `xray_daemon_`) whose labels contain
    /// `labels`; 0 where there are none.
    pub fn sum(&self, name: &str, labels: &str) -> f64 {
        let name = format!("xray_daemon_{name}");
        let samples = self.0.lines().filter(|line| !line.starts_with('#'));
        samples
            .filter_map(|line| {
                let (series, value) = line.rsplit_once(' ')?;
                let (series_name, series_labels) = series.split_once('{').unwrap_or((series, ""));
                let wanted = series_name == name && series_labels.contains(labels);
                wanted.then(|| value.parse::<f64>().ok()).flatten()
            })
            .sum()
    }

    /// Whether there is any sample of `name`.
    pub fn has(&self, name: &str) -> bool {
        let name = format!("xray_daemon_{name}");
        let mut samples = self.0.lines().filter_map(|line| line.strip_prefix(&name));
        samples.any(|rest| rest.starts_with([' ', '{']))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_by_label() {
        let metrics = Metrics(
            "# TYPE xray_daemon_segments_rejected_total counter\n\
             xray_daemon_segments_rejected_total{reason=\"header\"} 3\n\
             xray_daemon_segments_rejected_total{reason=\"body\"} 2\n\
             xray_daemon_segments_received_total 9\n"
                .to_owned(),
        );
        assert_eq!(metrics.sum("segments_rejected_total", ""), 5.0);
        assert_eq!(metrics.sum("segments_rejected_total", "reason=\"body\""), 2.0);
        assert_eq!(metrics.sum("segments_received_total", ""), 9.0);
        assert!(metrics.has("segments_received_total") && !metrics.has("segments"));
    }
}
