//! One record: what happened since the one before.
//!
//! In: two snapshots of the counters. Out: the record as X-Ray wants it. Owns nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::counters::{ConnectionError, Snapshot};

/// The counters of X-Ray's telemetry since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    received: u64,
    sent: u64,
    spilled: u64,
    rejected: u64,
    errors: [u64; ConnectionError::ALL.len()],
}

impl Totals {
    /// What `snapshot` says of the backend called `backend`.
    pub(super) fn of(snapshot: &Snapshot, backend: &str) -> Self {
        let intake = &snapshot.intake;
        let received = intake.received;
        let Some(backend) = snapshot.backend(backend) else {
            return Self { received, rejected: intake.rejected_total(), ..Self::default() };
        };
        Self {
            received,
            sent: backend.sent,
            spilled: backend.dropped_total(),
            // Refused at the door, or by the service.
            rejected: intake.rejected_total() + backend.refused_total(),
            errors: backend.connection_errors.map(|(_, count)| count),
        }
    }

    /// Whether a segment ever came.
    pub(super) fn is_used(&self) -> bool {
        self.received > 0
    }
}

/// A record of the API model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Record {
    timestamp: f64,
    segments_received_count: i32,
    segments_sent_count: i32,
    segments_spillover_count: i32,
    segments_rejected_count: i32,
    backend_connection_errors: Errors,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Errors {
    #[serde(rename = "TimeoutCount")]
    timeout: i32,
    #[serde(rename = "ConnectionRefusedCount")]
    refused: i32,
    #[serde(rename = "HTTPCode4XXCount")]
    http_4xx: i32,
    #[serde(rename = "HTTPCode5XXCount")]
    http_5xx: i32,
    #[serde(rename = "UnknownHostCount")]
    unknown_host: i32,
    #[serde(rename = "OtherCount")]
    other: i32,
}

impl Record {
    /// What happened between `before` and `now`.
    pub(super) fn between(before: &Totals, now: &Totals, at: SystemTime) -> Self {
        let errors = |kind: ConnectionError| {
            let place = kind as usize;
            let [before, now] = [before, now].map(|totals| totals.errors.get(place).copied());
            count(before.unwrap_or_default(), now.unwrap_or_default())
        };
        Self {
            timestamp: epoch_s(at),
            segments_received_count: count(before.received, now.received),
            segments_sent_count: count(before.sent, now.sent),
            segments_spillover_count: count(before.spilled, now.spilled),
            segments_rejected_count: count(before.rejected, now.rejected),
            backend_connection_errors: Errors {
                timeout: errors(ConnectionError::Timeout),
                refused: errors(ConnectionError::Refused),
                http_4xx: errors(ConnectionError::Http4xx),
                http_5xx: errors(ConnectionError::Http5xx),
                unknown_host: errors(ConnectionError::UnknownHost),
                other: errors(ConnectionError::Other),
            },
        }
    }
}

/// X-Ray's numbers have 32 bits.
fn count(before: u64, now: u64) -> i32 {
    i32::try_from(now.saturating_sub(before)).unwrap_or(i32::MAX)
}

/// Seconds with three decimals.
fn epoch_s(at: SystemTime) -> f64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::counters::{Counters, DropReason, RefusedDatagram, RejectReason};

    #[test]
    fn a_record_holds_what_happened_since_the_last_one() {
        let counters = Counters::new(["local", "aws"]);
        let before = Totals::of(&counters.snapshot(), "aws");
        assert!(!before.is_used());
        counters.intake().add_received(10, 5_000);
        for _ in 0..2 {
            let sender = ([127, 0, 0, 1], 9).into();
            let (kind, why) = (RejectReason::Header, "no header".to_owned());
            counters.intake().reject(RefusedDatagram::new(sender, b"junk", kind, why));
        }
        counters.backend("local").unwrap().add_sent(8);
        let aws = counters.backend("aws").unwrap();
        aws.add_sent(4);
        aws.add_refused("MissingName", 1);
        aws.add_dropped(DropReason::BufferFull, 3);
        for kind in ConnectionError::ALL {
            aws.add_connection_error(kind);
        }
        aws.add_connection_error(ConnectionError::Http5xx);
        let now = Totals::of(&counters.snapshot(), "aws");
        assert!(now.is_used());
        let at = UNIX_EPOCH + Duration::from_millis(1_732_414_637_123);
        let record = Record::between(&before, &now, at);
        assert_eq!(
            serde_json::to_value(&record).unwrap(),
            json!({
                "Timestamp": 1_732_414_637.123,
                "SegmentsReceivedCount": 10,
                "SegmentsSentCount": 4,
                "SegmentsSpilloverCount": 3,
                "SegmentsRejectedCount": 3,
                "BackendConnectionErrors": {
                    "TimeoutCount": 1, "ConnectionRefusedCount": 1, "HTTPCode4XXCount": 1,
                    "HTTPCode5XXCount": 2, "UnknownHostCount": 1, "OtherCount": 1,
                },
            })
        );
        let quiet = Record::between(&now, &now, at);
        assert_eq!(serde_json::to_value(&quiet).unwrap()["SegmentsReceivedCount"], 0);
    }

    #[test]
    fn a_count_that_x_ray_has_no_bits_for_is_the_largest_it_has() {
        assert_eq!(count(0, u64::MAX), i32::MAX);
        assert_eq!(count(5, 3), 0);
    }
}
