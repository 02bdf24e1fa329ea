//! What a trace's row says, from its summary.
//!
//! In: an assembled trace and its summary. Out: the narrow columns that lists scan. Owns the
//! meaning of the bits in `trace.flags`.

use crate::backend::local::filter::is_health_check;
use crate::backend::local::trace::{Status, Summary, Trace};

/// `HasFault`.
pub(super) const FAULT: i64 = 1;
/// `HasError`.
pub(super) const ERROR: i64 = 1 << 1;
/// `HasThrottle`.
pub(super) const THROTTLE: i64 = 1 << 2;
/// `IsPartial`.
pub(super) const PARTIAL: i64 = 1 << 3;
/// The root is not finished.
pub(super) const IN_PROGRESS: i64 = 1 << 4;
/// Something in it is a fault, the root or not.
pub(super) const ANY_FAULT: i64 = 1 << 5;
/// An exception led to a fault or an error.
pub(super) const EXCEPTION: i64 = 1 << 6;
/// Documents were refused because the trace is too large.
pub(super) const LIMIT_EXCEEDED: i64 = 1 << 7;
/// Where the number of the method begins: 0 for others.
const METHOD_SHIFT: u32 = 8;
/// Methods by number, from 1.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
/// The bits of the method.
pub(super) const METHOD: i64 = 0b111 << METHOD_SHIFT;
/// It is a health check.
pub(super) const HEALTH_CHECK: i64 = 1 << 11;

/// Latest moment that a column holds: the year 9999. Documents may claim any.
const MAX_MICROSECONDS: f64 = 253_402_300_799_999_999.0;

/// Epoch seconds as a column holds them.
pub(super) fn microseconds(seconds: f64) -> i64 {
    // A cast takes NaN to 0 and saturates.
    (seconds * 1e6).round().clamp(0.0, MAX_MICROSECONDS) as i64
}

/// A column's time as epoch seconds.
pub(super) fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1e6
}

/// The minute of the epoch that a column's time lies in.
pub(super) fn minute(microseconds: i64) -> i64 {
    microseconds.div_euclid(60_000_000)
}

/// The bits for a method; `None` for methods that share number 0.
pub(super) fn method_bits(method: &str) -> Option<i64> {
    let place = METHODS.iter().position(|known| *known == method)?;
    i64::try_from(place + 1).ok().map(|number| number << METHOD_SHIFT)
}

/// The narrow columns of a trace's row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TraceRow {
    pub(super) start_us: i64,
    pub(super) first_end_us: Option<i64>,
    pub(super) last_end_us: Option<i64>,
    pub(super) root_end_us: Option<i64>,
    pub(super) updated_us: i64,
    /// The minutes in which the trace counts for the service graph.
    pub(super) minutes: Minutes,
    pub(super) flags: i64,
    pub(super) duration_s: Option<f64>,
    pub(super) response_s: Option<f64>,
    pub(super) status: Option<u16>,
}

/// When a trace counts: the minute its root ended and the minute of its last update, in order of
/// time. For traces that come in as they happen the two are taken as one, so that most rows of the
/// sums need no second key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Minutes {
    pub(super) first: i64,
    pub(super) last: i64,
}

/// Where in the sums a trace counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) minutes: Minutes,
    pub(super) sort: Sort,
}

/// Sorts of traces that are summed up apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Request,
    HealthCheck,
}

impl Place {
    /// From what a row says.
    pub(super) fn of(minutes: Minutes, flags: i64) -> Self {
        let sort = if flags & HEALTH_CHECK == 0 { Sort::Request } else { Sort::HealthCheck };
        Self { minutes, sort }
    }
}

impl Minutes {
    pub(super) fn of(root_end_us: Option<i64>, updated_us: i64) -> Self {
        let received = minute(updated_us);
        let ended = root_end_us.map_or(received, minute);
        if received.abs_diff(ended) <= 1 {
            return Self { first: ended, last: ended };
        }
        Self { first: received.min(ended), last: received.max(ended) }
    }
}

impl TraceRow {
    pub(super) fn of(trace: &Trace, summary: &Summary, updated_us: i64) -> Self {
        let segments = || trace.entries().iter().filter(|entry| entry.is_segment());
        let ends = || segments().filter_map(|entry| entry.end_s).map(microseconds);
        let root = trace.root().and_then(|root| trace.entry(root));
        let root_end_us = root.and_then(|root| root.end_s).map(microseconds);
        Self {
            start_us: microseconds(summary.start_time_s),
            first_end_us: ends().min(),
            last_end_us: ends().max(),
            root_end_us,
            updated_us,
            minutes: Minutes::of(root_end_us, updated_us),
            flags: flags(summary, root.is_some_and(|root| root.end_s.is_none())),
            duration_s: summary.duration_s,
            response_s: summary.response_time_s,
            status: summary.http.status,
        }
    }

    pub(super) fn place(&self) -> Place {
        Place::of(self.minutes, self.flags)
    }
}

fn flags(summary: &Summary, root_in_progress: bool) -> i64 {
    let has_exception = || {
        let causes = summary.fault_root_causes.iter().chain(&summary.error_root_causes);
        let mut entities = causes.flat_map(|cause| &cause.services).flat_map(|s| &s.entity_path);
        entities.any(|entity| !entity.exceptions.is_empty())
    };
    let bit = |bit, set| if set { bit } else { 0 };
    bit(FAULT, summary.has_fault)
        | bit(ERROR, summary.has_error)
        | bit(THROTTLE, summary.has_throttle)
        | bit(PARTIAL, summary.is_partial)
        | bit(IN_PROGRESS, root_in_progress)
        | bit(ANY_FAULT, summary.worst == Status::Fault)
        | bit(EXCEPTION, has_exception())
        | bit(HEALTH_CHECK, is_health_check(summary))
        | summary.http.method.as_deref().and_then(method_bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_times_become_the_nearest_sane_ones() {
        assert_eq!(microseconds(1.5), 1_500_000);
        assert_eq!(microseconds(-3.0), 0);
        assert_eq!(microseconds(f64::NAN), 0);
        assert_eq!(microseconds(1e300), MAX_MICROSECONDS as i64);
    }

    #[test]
    fn live_traces_count_in_one_minute_and_imported_ones_in_two() {
        let minute = 60_000_000;
        let minutes = |ended: Option<i64>, received: i64| {
            let Minutes { first, last } = Minutes::of(ended, received);
            (first, last)
        };
        assert_eq!(minutes(Some(10 * minute), 10 * minute + 1), (10, 10));
        assert_eq!(minutes(Some(11 * minute - 1), 11 * minute), (10, 10));
        assert_eq!(minutes(Some(10 * minute), 99 * minute), (10, 99));
        assert_eq!(minutes(Some(99 * minute), 10 * minute), (10, 99));
        assert_eq!(minutes(None, 10 * minute), (10, 10));
    }

    #[test]
    fn methods_have_bits_of_their_own() {
        let bits: std::collections::BTreeSet<_> =
            METHODS.iter().filter_map(|method| method_bits(method)).collect();
        assert_eq!(bits.len(), METHODS.len());
        assert!(bits.iter().all(|bits| bits & !METHOD == 0));
        assert_eq!(method_bits("get"), None);
    }
}
