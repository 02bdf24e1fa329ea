//! Sends a test segment by UDP and watches it leave by every backend.
//!
//! In: a configuration, the running daemon if there is one. Out: a finding for each backend. Owns,
//! where none runs, a daemon on free ports for as long as that takes.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep};

use super::ports::{Metrics, Running};
use super::report::Finding;
use crate::backend::BackendKind;
use crate::config::{DaemonConfig, reached};
use crate::counters::Snapshot;
use crate::daemon::Daemon;

const CHECK: &str = "test segment";
/// Longest that the segment may take: a second of waiting for company, an upload, a retry.
const WITHIN: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest that a daemon of ours may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Sends the segment to all backends but those that cannot take it anyway.
pub(super) async fn check(
    config: &DaemonConfig,
    running: Option<&Running>,
    unusable: &[BackendKind],
) -> Vec<Finding> {
    let usable: Vec<_> =
        config.backends.iter().copied().filter(|kind| !unusable.contains(kind)).collect();
    let mut findings: Vec<_> = unusable
        .iter()
        .map(|kind| Finding::skip(CHECK, format!("not sent to {kind}: see above")))
        .collect();
    if usable.is_empty() {
        return findings;
    }
    findings.extend(match running {
        Some(running) => through_the_running_one(config, running, &usable).await,
        None => through_one_of_our_own(config, usable).await,
    });
    findings
}

async fn through_the_running_one(
    config: &DaemonConfig,
    running: &Running,
    usable: &[BackendKind],
) -> Vec<Finding> {
    let before = &running.metrics;
    let started = Instant::now();
    let trace_id = match send(reached(config.udp)).await {
        Ok(trace_id) => trace_id,
        Err(finding) => return vec![finding],
    };
    let grown =
        |now: &Metrics, name: &str, labels: &str| now.sum(name, labels) > before.sum(name, labels);
    let mut latest = None;
    while started.elapsed() < WITHIN {
        let now = running.metrics().await;
        let everywhere = now.as_ref().is_some_and(|now| {
            usable.iter().all(|kind| grown(now, "segments_sent_total", &label(*kind)))
        });
        latest = now.or(latest);
        if everywhere {
            break;
        }
        sleep(LOOK_EVERY).await;
    }
    let Some(latest) = latest else {
        let advice = "look at the daemon's log";
        return vec![Finding::fail(CHECK, "the daemon has stopped to answer", advice)];
    };
    if !grown(&latest, "segments_received_total", "") {
        return vec![not_received(config.udp)];
    }
    let found = usable.iter().map(|kind| {
        if grown(&latest, "segments_sent_total", &label(*kind)) {
            return sent(*kind, &trace_id, started.elapsed());
        }
        let reason = "it waits, or was refused; see the daemon's log and its /metrics";
        not_sent(*kind, reason)
    });
    found.collect()
}

async fn through_one_of_our_own(config: &DaemonConfig, usable: Vec<BackendKind>) -> Vec<Finding> {
    let any = |address: SocketAddr| -> SocketAddr {
        if address.is_ipv4() {
            (Ipv4Addr::LOCALHOST, 0).into()
        } else {
            (Ipv6Addr::LOCALHOST, 0).into()
        }
    };
    let config = DaemonConfig {
        backends: usable.clone(),
        udp: any(config.udp),
        tcp: any(config.tcp),
        admin: any(config.admin),
        console: any(config.console),
        // Neither is to be touched: what is in the spool is the real daemon's.
        spool: None,
        otlp_grpc: None,
        otlp_http: None,
        batch_wait: Duration::ZERO,
        ..config.clone()
    };
    let daemon = match Daemon::builder().config(config).start().await {
        Ok(daemon) => daemon,
        Err(refused) => {
            let advice = "put right what is named, then ask again";
            return vec![Finding::fail(CHECK, format!("a daemon cannot start: {refused}"), advice)];
        }
    };
    let started = Instant::now();
    let trace_id = match send(daemon.udp_addr()).await {
        Ok(trace_id) => trace_id,
        Err(finding) => return vec![finding],
    };
    let sent_to = |stats: &Snapshot, kind: &BackendKind| {
        stats.backend(kind.name()).is_some_and(|backend| backend.sent > 0)
    };
    while started.elapsed() < WITHIN {
        let stats = daemon.stats();
        let settled = |kind: &BackendKind| {
            let refused = |name| stats.backend(name).is_some_and(|found| found.refused_total() > 0);
            sent_to(&stats, kind) || refused(kind.name())
        };
        if usable.iter().all(settled) {
            break;
        }
        sleep(LOOK_EVERY).await;
    }
    let took = started.elapsed();
    let udp = daemon.udp_addr();
    let stats = daemon.stop(STOP_WITHIN).await.stats;
    if stats.intake.received == 0 {
        return vec![not_received(udp)];
    }
    let found = usable.iter().map(|kind| {
        if sent_to(&stats, kind) {
            return sent(*kind, &trace_id, took);
        }
        let error = stats.backend(kind.name()).and_then(|backend| backend.last_error.clone());
        not_sent(*kind, &error.map_or_else(|| "it waits".to_owned(), |(_, text)| text))
    });
    found.collect()
}

/// Sends a segment; returns the id of its trace.
async fn send(to: SocketAddr) -> Result<String, Finding> {
    let (trace_id, datagram) = datagram(SystemTime::now());
    let sent = async {
        let any: SocketAddr = if to.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let socket = UdpSocket::bind(any).await?;
        socket.send_to(datagram.as_bytes(), to).await
    };
    sent.await.map(|_| trace_id).map_err(|error| {
        Finding::fail(
            CHECK,
            format!("{to} cannot be sent to: {error}"),
            "see --bind, and firewalls",
        )
    })
}

/// A whole segment of a trace of its own, with its header.
fn datagram(now: SystemTime) -> (String, String) {
    let now_s = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let unique = u128::from(fastrand::u64(..)) << 32 | u128::from(fastrand::u32(..));
    let trace_id = format!("1-{:08x}-{unique:024x}", now_s.as_secs() as u32);
    let document = serde_json::json!({
        "name": "xray-daemon doctor",
        "id": format!("{:016x}", fastrand::u64(1..)),
        "trace_id": trace_id,
        "start_time": now_s.as_secs_f64(),
        "end_time": now_s.as_secs_f64() + 0.001,
        "annotations": { "version": env!("CARGO_PKG_VERSION") },
    });
    let datagram = format!("{{\"format\": \"json\", \"version\": 1}}\n{document}");
    (trace_id, datagram)
}

fn label(kind: BackendKind) -> String {
    format!("backend=\"{kind}\"")
}

fn sent(kind: BackendKind, trace_id: &str, took: Duration) -> Finding {
    let took_s = took.as_secs_f64();
    Finding::ok(CHECK, format!("taken by {kind} after {took_s:.1} s as trace {trace_id}"))
}

fn not_sent(kind: BackendKind, reason: &str) -> Finding {
    let advice = "see the checks above; what is not sent is kept in memory and tried again";
    Finding::fail(CHECK, format!("not taken by {kind}: {reason}"), advice)
}

fn not_received(udp: SocketAddr) -> Finding {
    let advice = "is a firewall in between, or another program on that port?";
    Finding::fail(CHECK, format!("sent to UDP {udp} and not received"), advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_segment_is_a_valid_document() {
        let (trace_id, datagram) = datagram(UNIX_EPOCH + Duration::from_millis(1_795_486_637_250));
        let (header, document) = datagram.split_once('\n').unwrap();
        assert_eq!(header, r#"{"format": "json", "version": 1}"#);
        let document: serde_json::Value = serde_json::from_str(document).unwrap();
        assert_eq!(document["trace_id"], trace_id);
        assert!(trace_id.starts_with("1-6b04f3ad-"), "{trace_id}");
        assert_eq!(trace_id.len(), 35);
        assert_eq!(document["start_time"], 1_795_486_637.25);
        assert_eq!(document["id"].as_str().unwrap().len(), 16);
    }

    #[cfg(feature = "local")]
    #[tokio::test]
    async fn a_daemon_of_its_own_takes_the_segment() {
        let config = DaemonConfig { backends: vec![BackendKind::Local], ..DaemonConfig::default() };
        let findings = check(&config, None, &[]).await;
        assert_eq!(findings.len(), 1);
        assert!(findings[0].detail.starts_with("taken by local after "), "{findings:?}");
    }

    #[tokio::test]
    async fn a_backend_that_cannot_take_it_is_passed_over() {
        let findings = check(&DaemonConfig::default(), None, &[BackendKind::Aws]).await;
        assert_eq!(findings, [Finding::skip(CHECK, "not sent to aws: see above")]);
    }
}
