//! Tells systemd how the daemon is, where systemd has started it.
//!
//! In: `NOTIFY_SOCKET` and `WATCHDOG_USEC`, the state of the daemon. Out: `READY=1`, `STATUS=…`,
//! `RELOADING=1`, `STOPPING=1`, and `WATCHDOG=1` while segments are received. Owns nothing but the
//! beat. Where nobody listens, nothing is sent. Rule: sd_notify(3).

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::debug;
use xray_daemon::DaemonHandle;

/// Longest time between two lines of status.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// The connection to systemd.
#[derive(Debug)]
pub(crate) struct Systemd {
    /// `None`: it has not started us.
    beat: Option<Interval>,
    watched: bool,
}

impl Systemd {
    /// Looks whether systemd listens, and whether it wants signs of life.
    pub(crate) fn new() -> Self {
        if std::env::var_os("NOTIFY_SOCKET").is_none() {
            return Self { beat: None, watched: false };
        }
        let within = watchdog(|name| std::env::var(name).ok());
        // Twice as often as asked for, as sd_watchdog_enabled(3) advises.
        let every = within.map_or(STATUS_EVERY, |within| STATUS_EVERY.min(within / 2));
        let mut beat = interval(every.max(Duration::from_millis(1)));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { beat: Some(beat), watched: within.is_some() }
    }

    /// Waits until it is time for [`report`](Self::report).
    pub(crate) async fn due(&mut self) {
        match &mut self.beat {
            Some(beat) => {
                beat.tick().await;
            }
            None => std::future::pending().await,
        }
    }

    /// The sockets are open, segments can be kept.
    pub(crate) fn ready(&self, daemon: &DaemonHandle) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(&status(daemon))]);
    }

    /// How the daemon is. A daemon that has stopped receiving gives no sign of life.
    pub(crate) fn report(&self, daemon: &DaemonHandle) {
        let status = status(daemon);
        if self.watched && daemon.is_healthy() {
            self.tell(&[NotifyState::Status(&status), NotifyState::Watchdog]);
        } else {
            self.tell(&[NotifyState::Status(&status)]);
        }
    }

    /// The configuration is read again; [`ready`](Self::ready) follows.
    pub(crate) fn reloading(&self) {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            self.tell(&[NotifyState::Reloading, now]);
        }
    }

    /// What is left is sent.
    pub(crate) fn stopping(&self) {
        self.tell(&[NotifyState::Stopping, NotifyState::Status("sending what is left")]);
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        if self.beat.is_none() {
            return;
        }
        if let Err(error) = sd_notify::notify(false, states) {
            debug!(%error, "systemd cannot be told");
        }
    }
}

/// The longest time between two signs of life, where they are wanted of this process. Rule:
/// sd_watchdog_enabled(3).
fn watchdog(variable: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let within_us: u64 = variable("WATCHDOG_USEC")?.parse().ok()?;
    let of_us = variable("WATCHDOG_PID").is_none_or(|id| id == std::process::id().to_string());
    (of_us && within_us > 0).then(|| Duration::from_micros(within_us))
}

/// One line for `systemctl status`.
fn status(daemon: &DaemonHandle) -> String {
    if let Some(reason) = daemon.not_ready() {
        return format!("not ready: {reason}");
    }
    let stats = daemon.stats();
    let mut text = format!("UDP {}: {} received", daemon.udp_addr(), stats.intake.received);
    for backend in &stats.backends {
        let waiting = backend.queued + backend.in_flight;
        text.push_str(&format!("; {}: {} sent, {waiting} waiting", backend.name, backend.sent));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(usec: &str, id: Option<String>) -> Option<Duration> {
        watchdog(|name| match name {
            "WATCHDOG_USEC" => Some(usec.to_owned()),
            _ => id.clone(),
        })
    }

    #[test]
    fn signs_of_life_are_given_where_this_process_is_asked_for_them() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(within("1000000", None), second);
        assert_eq!(within("1000000", Some(std::process::id().to_string())), second);
        assert_eq!(within("1000000", Some("1".into())), None);
        assert_eq!((within("0", None), within("soon", None)), (None, None));
        assert_eq!(watchdog(|_| None), None);
    }
}
