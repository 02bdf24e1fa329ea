//! All checks, in the order in which a failure explains the ones after it.
//!
//! In: a configuration. Out: a [`Report`]. Owns the order.

use super::report::{Finding, Report};
use super::{machine, ports, segment};
use crate::backend::BackendKind;
use crate::config::{DaemonConfig, Memory};

/// Whether a test segment is sent: it becomes a trace of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestSegment {
    /// Send one, named `xray-daemon doctor`.
    Send,
    /// Send none.
    Omit,
}

/// Makes all checks for a daemon with this configuration.
pub async fn examine(config: &DaemonConfig, test_segment: TestSegment) -> Report {
    let memory = Memory::of_this_process();
    let running = ports::running(config).await;
    let mut findings =
        vec![machine::memory(config, memory), machine::kernel_buffers(memory, running.as_ref())];
    findings.extend(machine::binding(config));
    findings.extend(machine::folders(config));
    findings.extend(ports::check(config, running.as_ref()).await);
    let mut unusable = Vec::new();
    if config.backends.contains(&BackendKind::Aws) {
        let aws = aws(config).await;
        if !(Report { findings: aws.clone() }).is_good() {
            unusable.push(BackendKind::Aws);
        }
        findings.extend(aws);
    }
    findings.extend(otlp(config).await);
    findings.extend(match test_segment {
        TestSegment::Send => segment::check(config, running.as_ref(), &unusable).await,
        TestSegment::Omit => vec![Finding::skip("test segment", "not asked for")],
    });
    Report { findings }
}

#[cfg(feature = "aws")]
async fn aws(config: &DaemonConfig) -> Vec<Finding> {
    super::aws::check(&config.aws).await
}

#[cfg(feature = "otlp-out")]
async fn otlp(config: &DaemonConfig) -> Option<Finding> {
    if !config.backends.contains(&BackendKind::Otlp) {
        return None;
    }
    let target = config.otlp.proxy.clone().unwrap_or_else(|| config.otlp.endpoint.to_string());
    Some(super::reach::reach("otlp connection", &target).await)
}

#[cfg(not(feature = "otlp-out"))]
async fn otlp(_config: &DaemonConfig) -> Option<Finding> {
    None
}

#[cfg(not(feature = "aws"))]
async fn aws(_config: &DaemonConfig) -> Vec<Finding> {
    let advice = "build with the cargo feature aws, or give another --backend";
    vec![Finding::fail("aws", "the backend aws is not part of this build", advice)]
}
