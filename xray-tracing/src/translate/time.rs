//! Times: nanoseconds of spans, seconds of documents.
//!
//! In and out: points in time since 1970. Owns nothing.

const NS_PER_S: u64 = 1_000_000_000;

/// Seconds as the nearest double. Whole seconds are split off first: a double cannot hold today's
/// nanoseconds.
pub(super) fn epoch_s(ns: u64) -> f64 {
    (ns / NS_PER_S) as f64 + (ns % NS_PER_S) as f64 / NS_PER_S as f64
}

/// Nanoseconds of a time in seconds; 0 for what lies before 1970 or is no number, and the last that
/// there is, in 2554, for what lies behind it.
pub(super) fn epoch_ns(seconds: f64) -> u64 {
    // Conversions to integers saturate.
    let whole = seconds.trunc() as u64;
    let fraction = (seconds.fract() * NS_PER_S as f64).round() as u64;
    whole.saturating_mul(NS_PER_S).saturating_add(fraction)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_are_the_nearest_double() {
        assert_eq!(epoch_s(1_705_095_875_123_456_789), 1_705_095_875.123_456_7);
        assert_eq!(epoch_s(1_705_095_875_000_000_001), 1_705_095_875.0);
        assert_eq!(epoch_ns(1_705_095_875.5), 1_705_095_875_500_000_000);
        assert_eq!((epoch_ns(-1.5), epoch_ns(f64::NAN), epoch_ns(1e300)), (0, 0, u64::MAX));
    }

    proptest! {
        #[test]
        fn what_a_document_says_comes_back(seconds in 0.0..4e9_f64) {
            let again = epoch_s(epoch_ns(seconds));
            prop_assert!((again - seconds).abs() <= 1e-9, "{again} of {seconds}");
        }

        #[test]
        fn todays_times_come_back_exactly(seconds in 1e9..4e9_f64) {
            prop_assert_eq!(epoch_s(epoch_ns(seconds)), seconds);
        }
    }
}
