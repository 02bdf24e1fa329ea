//! Where a backend's segments are: the equation that holds whenever the daemon is quiet, and at its
//! end.
//!
//! In: the metrics page, or the last lines of the log. Out: the numbers. The sum is made here, not
//! by the daemon.

use crate::daemon::Metrics;

/// The numbers of one backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Put into its queue.
    pub accepted: u64,
    /// Left on disk by an earlier run.
    pub replayed: u64,
    /// Taken by the service.
    pub sent: u64,
    /// Refused by the service for good.
    pub refused: u64,
    /// Given up by the daemon, for any reason.
    pub dropped: u64,
    /// On disk.
    pub spooled: u64,
    /// In memory.
    pub queued: u64,
    /// In an upload.
    pub in_flight: u64,
}

impl Account {
    /// As `/metrics` has it.
    pub fn of_metrics(metrics: &Metrics, backend: &str) -> Self {
        let labels = format!("backend=\"{backend}\"");
        let sum = |name: &str| metrics.sum(name, &labels) as u64;
        Self {
            accepted: sum("segments_accepted_total"),
            replayed: sum("segments_replayed_total"),
            sent: sum("segments_sent_total"),
            refused: sum("segments_refused_total"),
            dropped: sum("segments_dropped_total"),
            spooled: sum("segments_spooled"),
            queued: sum("segments_queued"),
            in_flight: sum("segments_in_flight"),
        }
    }

    /// As the log has it at the end of the daemon; `None`: it did not end in order.
    pub fn of_log(log: &str, backend: &str) -> Option<Self> {
        let of_backend = format!("backend={backend} ");
        let mut lines = log.lines().rev();
        let line = lines
            .find(|line| line.contains("Segments in all ") && line.contains(of_backend.as_str()))?;
        let field = |name: &str| {
            let mut words = line.split(' ').filter_map(|word| word.split_once('='));
            words.find(|(known, _)| *known == name)?.1.parse().ok()
        };
        Some(Self {
            accepted: field("accepted")?,
            replayed: field("replayed")?,
            sent: field("sent")?,
            refused: field("refused")?,
            dropped: field("dropped")?,
            spooled: field("spooled")?,
            queued: field("queued")?,
            in_flight: field("in_flight")?,
        })
    }

    /// Whether every segment is somewhere, and none in two places.
    pub fn is_exact(&self) -> bool {
        let kept = self.spooled + self.queued + self.in_flight;
        self.accepted + self.replayed == self.sent + self.refused + self.dropped + kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Account = Account {
        accepted: 10,
        replayed: 5,
        sent: 7,
        refused: 1,
        dropped: 2,
        spooled: 4,
        queued: 1,
        in_flight: 0,
    };

    #[test]
    fn the_log_and_the_metrics_say_the_same() {
        let log = "x\n2026-11-24T02:17:17Z [Info] Segments in all backend=aws accepted=10 replayed=5 \
                   sent=7 refused=1 dropped=2 spooled=4 queued=1 in_flight=0\n";
        assert_eq!(Account::of_log(log, "aws"), Some(EXPECTED));
        assert_eq!(Account::of_log(log, "local"), None);
        let samples = [
            ("accepted_total", "", 10),
            ("replayed_total", "", 5),
            ("sent_total", "", 7),
            ("refused_total", ",code=\"x\"", 1),
            ("dropped_total", ",reason=\"a\"", 1),
            ("dropped_total", ",reason=\"b\"", 1),
            ("spooled", "", 4),
            ("queued", "", 1),
        ];
        let lines = samples.map(|(name, labels, value)| {
            format!("xray_daemon_segments_{name}{{backend=\"aws\"{labels}}} {value}\n")
        });
        assert_eq!(Account::of_metrics(&Metrics(lines.concat()), "aws"), EXPECTED);
    }

    #[test]
    fn the_sum_is_exact_or_not() {
        assert!(EXPECTED.is_exact());
        assert!(!Account { queued: 0, ..EXPECTED }.is_exact());
        assert!(!Account { sent: 8, ..EXPECTED }.is_exact());
    }
}
