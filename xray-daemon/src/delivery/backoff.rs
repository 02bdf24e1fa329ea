//! How long to wait before the next attempt.
//!
//! In: attempts that failed, what the service asks for, a random number. Out: a duration. Owns
//! nothing. Exponential with full jitter: any time between nothing and the bound, so that many
//! daemons that failed together do not come back together.

use std::time::Duration;

/// The bound after the first failure.
const BASE: Duration = Duration::from_millis(250);
/// The bound after many.
const CAP: Duration = Duration::from_secs(30);
/// Longest that `Retry-After` is followed.
const MAX_ASKED: Duration = Duration::from_secs(120);

/// The wait after `failures` in a row; `random` lies in 0.0–1.0, `asked` comes from `Retry-After`.
pub(super) fn wait(failures: u32, asked: Option<Duration>, random: f64) -> Duration {
    let doubled = BASE.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let jittered = doubled.min(CAP).mul_f64(random.clamp(0.0, 1.0));
    // The jitter comes on top, or all would return when the time asked for is over.
    asked.map_or(jittered, |asked| asked.min(MAX_ASKED) + jittered.min(BASE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_half_a_minute() {
        let bounds: Vec<_> =
            (1..=9).map(|failures| wait(failures, None, 1.0).as_millis()).collect();
        assert_eq!(bounds, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(wait(u32::MAX, None, 1.0), CAP);
    }

    #[test]
    fn the_whole_span_below_the_bound_is_used() {
        assert_eq!(wait(3, None, 0.0), Duration::ZERO);
        assert_eq!(wait(3, None, 0.5), Duration::from_millis(500));
    }

    #[test]
    fn what_the_service_asks_for_is_kept_within_reason() {
        let asked = Some(Duration::from_secs(7));
        assert_eq!(wait(1, asked, 0.0), Duration::from_secs(7));
        assert_eq!(wait(9, asked, 1.0), Duration::from_millis(7250));
        assert_eq!(wait(1, Some(Duration::from_secs(9999)), 0.0), MAX_ASKED);
    }
}
