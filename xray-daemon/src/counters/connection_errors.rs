//! Why calls of a service failed, in the six kinds that X-Ray's telemetry knows.
//!
//! In: one call a failed attempt. Out: [`ConnectionErrorCounts`]. Owns the counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// A kind of failure, as the label `kind` of `connection_errors_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionError {
    /// Nobody listens there.
    Refused,
    /// The service answered with a status of 400 to 499.
    Http4xx,
    /// The service answered with a status of 500 to 599.
    Http5xx,
    /// No answer came in time.
    Timeout,
    /// The host's name has no address.
    UnknownHost,
    /// Anything else: a reset, a certificate, a broken answer.
    Other,
}

/// How often each kind came.
pub type ConnectionErrorCounts = [(ConnectionError, u64); ConnectionError::ALL.len()];

impl ConnectionError {
    /// All kinds, in the order of the metrics page.
    pub const ALL: [Self; 6] = [
        Self::Refused,
        Self::Http4xx,
        Self::Http5xx,
        Self::Timeout,
        Self::UnknownHost,
        Self::Other,
    ];

    /// The value of the label `kind`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Http4xx => "http_4xx",
            Self::Http5xx => "http_5xx",
            Self::Timeout => "timeout",
            Self::UnknownHost => "unknown_host",
            Self::Other => "other",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct ConnectionErrors {
    counts: [AtomicU64; ConnectionError::ALL.len()],
}

impl ConnectionErrors {
    #[cfg(any(feature = "aws", test))]
    pub(super) fn add(&self, kind: ConnectionError) {
        self.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> ConnectionErrorCounts {
        ConnectionError::ALL.map(|kind| (kind, self.counts[kind as usize].load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_count_of_its_own() {
        let errors = ConnectionErrors::default();
        errors.add(ConnectionError::Timeout);
        errors.add(ConnectionError::Timeout);
        errors.add(ConnectionError::Other);
        let counts = errors.snapshot().map(|(kind, count)| (kind.label(), count));
        assert_eq!(
            counts,
            [
                ("refused", 0),
                ("http_4xx", 0),
                ("http_5xx", 0),
                ("timeout", 2),
                ("unknown_host", 0),
                ("other", 1),
            ]
        );
    }
}
