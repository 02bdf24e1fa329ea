//! The ports: free, held by a daemon of ours, or by somebody else.
//!
//! In: the configured addresses. Out: findings, and the running daemon if there is one. Owns
//! nothing.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::report::Finding;
use crate::backend::BackendKind;
use crate::config::{DaemonConfig, reached};
use crate::probe::probe;

/// Longest that a program on this machine may take to answer.
const WITHIN: Duration = Duration::from_secs(3);

/// A daemon that runs already.
#[derive(Debug)]
pub(super) struct Running {
    admin: SocketAddr,
    /// Why it is not ready, if it is not.
    not_ready: Option<String>,
    pub(super) metrics: Metrics,
}

impl Running {
    /// Its metrics now.
    pub(super) async fn metrics(&self) -> Option<Metrics> {
        metrics_of(self.admin).await
    }
}

/// Looks whether one of ours answers on the admin port.
pub(super) async fn running(config: &DaemonConfig) -> Option<Running> {
    let admin = reached(config.admin);
    let metrics = metrics_of(admin).await?;
    let ready = probe(&format!("http://{admin}/readyz"), WITHIN).await.ok()?;
    let not_ready = (ready.status != 200).then(|| ready.text.trim().to_owned());
    Some(Running { admin, not_ready, metrics })
}

async fn metrics_of(admin: SocketAddr) -> Option<Metrics> {
    let answer = probe(&format!("http://{admin}/metrics"), WITHIN).await.ok()?;
    let ours = answer.status == 200 && answer.text.contains("\nxray_daemon_build_info{");
    ours.then_some(Metrics(answer.text))
}

/// Looks at every port.
pub(super) async fn check(config: &DaemonConfig, running: Option<&Running>) -> Vec<Finding> {
    let mut findings = vec![daemon(config, running)];
    let is_taken = running.is_some();
    findings.push(udp(config.udp, is_taken).await);
    findings.push(tcp("tcp port", "--bind-tcp", config.tcp, is_taken).await);
    if !is_taken {
        findings.push(tcp("admin port", "--admin", config.admin, false).await);
    }
    if config.backends.contains(&BackendKind::Local) {
        findings.push(tcp("console port", "--console", config.console, is_taken).await);
    }
    let otlp = [
        ("otlp grpc port", "--otlp-grpc", config.otlp_grpc),
        ("otlp http port", "--otlp-http", config.otlp_http),
    ];
    for (check, flag, address) in otlp {
        if let Some(address) = address {
            findings.push(tcp(check, flag, address, is_taken).await);
        }
    }
    findings
}

fn daemon(config: &DaemonConfig, running: Option<&Running>) -> Finding {
    match running {
        None => {
            Finding::ok("daemon", format!("none answers on {}, so one can start", config.admin))
        }
        Some(Running { admin, not_ready: None, .. }) => {
            Finding::ok("daemon", format!("runs and is ready, by http://{admin}/readyz"))
        }
        Some(Running { admin, not_ready: Some(reason), .. }) => Finding::warn(
            "daemon",
            format!("runs, {reason}"),
            format!("wait, and look at http://{admin}/readyz and at its log"),
        ),
    }
}

async fn udp(address: SocketAddr, is_taken: bool) -> Finding {
    let bound = UdpSocket::bind(address).await.map(drop);
    judge("udp port", "--bind", address, bound, is_taken)
}

async fn tcp(check: &str, flag: &str, address: SocketAddr, is_taken: bool) -> Finding {
    if !is_taken {
        let bound = TcpListener::bind(address).await.map(drop);
        return judge(check, flag, address, bound, false);
    }
    let connected = timeout(WITHIN, TcpStream::connect(reached(address))).await;
    if connected.is_ok_and(|connected| connected.is_ok()) {
        return Finding::ok(check, format!("{address} answers"));
    }
    let advice = format!("look at the daemon's log: it may have gone without it; {flag}");
    Finding::fail(check, format!("{address} does not answer"), advice)
}

fn judge(
    check: &str,
    flag: &str,
    address: SocketAddr,
    bound: io::Result<()>,
    is_taken: bool,
) -> Finding {
    match (bound, is_taken) {
        (Ok(()), false) => Finding::ok(check, format!("{address} is free")),
        (Err(error), true) if error.kind() == io::ErrorKind::AddrInUse => {
            Finding::ok(check, format!("{address} is open"))
        }
        (Ok(()), true) => Finding::fail(
            check,
            format!("a daemon runs, and nobody holds {address}"),
            format!("give the doctor the daemon's own {flag}"),
        ),
        (Err(error), _) if error.kind() == io::ErrorKind::AddrInUse => Finding::fail(
            check,
            format!("{address} is in use by another process"),
            format!("stop that one (ss -lnpu, ss -lnpt), or give another address with {flag}"),
        ),
        (Err(error), _) => Finding::fail(
            check,
            format!("{address} cannot be bound: {error}"),
            format!("give an address of this machine with {flag}"),
        ),
    }
}

/// Metrics of a daemon of ours, as text.
#[derive(Clone, Debug)]
pub(super) struct Metrics(String);

impl Metrics {
    /// Sum of the samples of `name` whose labels contain `labels`.
    pub(super) fn sum(&self, name: &str, labels: &str) -> f64 {
        let values = self.0.lines().filter_map(|line| {
            let rest = line.strip_prefix("xray_daemon_")?.strip_prefix(name)?;
            let (found, value) = rest.rsplit_once(' ')?;
            let wanted = found.is_empty() || found.starts_with('{');
            (wanted && found.contains(labels)).then(|| value.parse::<f64>().ok())?
        });
        values.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn samples_are_summed_by_label() {
        let metrics = Metrics(
            "# HELP xray_daemon_segments_sent_total x\n\
             xray_daemon_segments_sent_total{backend=\"aws\"} 3\n\
             xray_daemon_segments_sent_total{backend=\"local\"} 4\n\
             xray_daemon_segments_sent_total_more 9\nxray_daemon_kernel_drops_total 2\n"
                .into(),
        );
        assert_eq!(metrics.sum("segments_sent_total", ""), 7.0);
        assert_eq!(metrics.sum("segments_sent_total", "backend=\"aws\""), 3.0);
        assert_eq!(metrics.sum("kernel_drops_total", ""), 2.0);
    }

    #[tokio::test]
    async fn a_port_of_somebody_else_is_named_with_the_way_out() {
        let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let finding = udp(address, false).await;
        assert_eq!(finding.verdict, Verdict::Fail);
        assert_eq!(finding.detail, format!("{address} is in use by another process"));
        assert!(finding.advice.unwrap().contains("--bind"));
        // Held, where a daemon runs: as it should be.
        assert_eq!(udp(address, true).await.verdict, Verdict::Ok);
        drop(taken);
        assert_eq!(udp(address, false).await.verdict, Verdict::Ok);
        assert_eq!(udp(address, true).await.verdict, Verdict::Fail);
    }
}
