//! Whether the daemon is ready: its sockets are open, and segments can be kept.
//!
//! In: what start-up and shutdown report. Out: ready or not, and a note. Owns that state. An
//! unready pod leaves its node's Service, and what is sent there is lost: so credentials that are
//! missing delay readiness only until the first is found or ten seconds are over, and never revoke
//! it. They show in the note.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::counters::Counters;

/// Longest that readiness waits for credentials.
const CREDENTIALS_WAIT: Duration = Duration::from_secs(10);

/// The state behind `/readyz` and `/healthz`.
#[derive(Debug)]
pub(crate) struct Readiness {
    counters: Arc<Counters>,
    started: Instant,
    credentials: Credentials,
    /// Set when sockets are open and intake runs.
    open: OnceLock<()>,
    /// Set at the first moment of readiness; never taken back.
    ready: OnceLock<()>,
    draining: AtomicBool,
    intake_ended: AtomicBool,
}

/// What credentials mean for readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// No backend signs what it sends.
    NotNeeded,
    /// They are waited for, a little.
    Awaited,
    /// Nothing is ready without them.
    Required,
}

impl Readiness {
    /// Not ready yet.
    pub(crate) fn new(counters: Arc<Counters>, credentials: Credentials) -> Self {
        Self {
            counters,
            started: Instant::now(),
            credentials,
            open: OnceLock::new(),
            ready: OnceLock::new(),
            draining: AtomicBool::new(false),
            intake_ended: AtomicBool::new(false),
        }
    }

    /// All sockets are open and read.
    pub(crate) fn set_open(&self) {
        self.open.get_or_init(|| ());
    }

    /// The daemon was told to stop.
    pub(crate) fn set_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// No datagram is read any more.
    pub(crate) fn set_intake_ended(&self) {
        self.intake_ended.store(true, Ordering::Release);
    }

    /// Why the process should be replaced, if it should.
    pub(crate) fn not_healthy(&self) -> Option<&'static str> {
        let ended = self.intake_ended.load(Ordering::Acquire);
        let draining = self.draining.load(Ordering::Acquire);
        (ended && !draining).then_some("intake has ended, no segment is received any more")
    }

    /// Why the daemon is not ready, if it is not.
    pub(crate) fn not_ready(&self) -> Option<String> {
        if let Some(reason) = self.not_healthy() {
            return Some(reason.to_owned());
        }
        if self.draining.load(Ordering::Acquire) {
            return Some("draining: the daemon was told to stop".to_owned());
        }
        if self.open.get().is_none() {
            return Some("starting: sockets are not open yet".to_owned());
        }
        if self.ready.get().is_none() && self.lacks_credentials() {
            if self.credentials == Credentials::Required {
                return Some("no valid AWS credentials; --ready-requires-credentials".to_owned());
            }
            if self.started.elapsed() < CREDENTIALS_WAIT {
                return Some("waiting for AWS credentials, for ten seconds at most".to_owned());
            }
        }
        self.ready.get_or_init(|| ());
        None
    }

    /// What is not well though the daemon is ready.
    pub(crate) fn note(&self) -> Option<String> {
        if !self.lacks_credentials() {
            return None;
        }
        let why = self.counters.backend("aws").and_then(|aws| aws.credentials_note());
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        Some(format!(
            "no valid AWS credentials: segments are kept, the oldest are dropped when there is no \
             room; give the daemon a role or keys{why}"
        ))
    }

    fn lacks_credentials(&self) -> bool {
        let valid = || {
            let aws = self.counters.backend("aws")?;
            aws.credentials_valid()
        };
        self.credentials != Credentials::NotNeeded && valid() != Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readiness(credentials: Credentials) -> (Readiness, Arc<Counters>) {
        let counters = Arc::new(Counters::new(["aws"]));
        (Readiness::new(Arc::clone(&counters), credentials), counters)
    }

    #[tokio::test(start_paused = true)]
    async fn open_sockets_make_a_local_daemon_ready() {
        let (readiness, _) = readiness(Credentials::NotNeeded);
        assert_eq!(readiness.not_ready().unwrap(), "starting: sockets are not open yet");
        readiness.set_open();
        assert_eq!(readiness.not_ready(), None);
        assert_eq!(readiness.note(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn missing_credentials_delay_readiness_for_ten_seconds_and_show() {
        let (readiness, _) = readiness(Credentials::Awaited);
        readiness.set_open();
        tokio::time::advance(CREDENTIALS_WAIT - Duration::from_millis(1)).await;
        assert!(readiness.not_ready().unwrap().contains("credentials"));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(readiness.not_ready(), None);
        assert!(readiness.note().unwrap().starts_with("no valid AWS credentials"));
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_make_it_ready_and_their_end_does_not_revoke_it() {
        let (readiness, counters) = readiness(Credentials::Awaited);
        readiness.set_open();
        counters.backend("aws").unwrap().set_credentials_valid(true);
        assert_eq!(readiness.not_ready(), None);
        counters.backend("aws").unwrap().set_credentials_valid(false);
        assert_eq!(readiness.not_ready(), None);
        assert!(readiness.note().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_strict_roll_out_waits_for_credentials_without_end() {
        let (readiness, counters) = readiness(Credentials::Required);
        readiness.set_open();
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(readiness.not_ready().unwrap().contains("credentials"));
        counters.backend("aws").unwrap().set_credentials_valid(true);
        assert_eq!(readiness.not_ready(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_daemon_that_drains_is_healthy_but_not_ready() {
        let (readiness, _) = readiness(Credentials::NotNeeded);
        readiness.set_open();
        readiness.set_draining();
        readiness.set_intake_ended();
        assert_eq!(readiness.not_healthy(), None);
        assert_eq!(readiness.not_ready().unwrap(), "draining: the daemon was told to stop");
    }

    #[test]
    fn a_daemon_that_reads_no_more_is_not_healthy() {
        let (readiness, _) = readiness(Credentials::NotNeeded);
        readiness.set_open();
        readiness.set_intake_ended();
        assert!(readiness.not_healthy().is_some());
        assert!(readiness.not_ready().is_some());
    }
}
