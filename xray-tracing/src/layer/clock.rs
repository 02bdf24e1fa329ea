//! Time as the layer keeps it: monotonic nanoseconds since the process first asked.
//!
//! In: nothing. Out: times that never go back, and where they lie since 1970. Owns the first
//! moment. A trace looks at the wall clock once, when it begins: a step of that clock moves traces,
//! it does not stretch them.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// So that no time is 0, which means "not yet".
const FIRST_NS: u64 = 1;

static FIRST: OnceLock<Instant> = OnceLock::new();

/// Nanoseconds since the first call, plus one.
pub(crate) fn now_ns() -> u64 {
    let first = FIRST.get_or_init(Instant::now);
    nanos(first.elapsed()).saturating_add(FIRST_NS)
}

/// When this clock stood at zero, in nanoseconds since 1970, were the wall clock right since.
pub(crate) fn zero_epoch_ns(now_ns: u64) -> u64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    nanos(wall).saturating_sub(now_ns)
}

/// Seconds since 1970.
pub(crate) fn epoch_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_go_back_and_knows_the_date() {
        let (first, wall) = (now_ns(), SystemTime::now());
        let second = now_ns();
        assert!(0 < first && first <= second);
        let epoch = Duration::from_nanos(zero_epoch_ns(second) + second);
        let off = UNIX_EPOCH + epoch;
        assert!(off >= wall && off.duration_since(wall).unwrap() < Duration::from_secs(5));
    }
}
