//! So many a second, and no more: the part of a rule that does not depend on chance.
//!
//! In: the time, in whole seconds. Out: whether there was one left. Owns one atomic number, shared
//! by all threads. Whole seconds, not a token bucket, as the X-Ray SDKs do. Hot path: one load
//! where the second is used up, else one exchange.

use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that is set back by less is taken for threads that read it in different order.
const MAX_DISORDER_S: u32 = 10;

/// Counts what was taken in the current second.
///
/// ```
/// use xray_tracing::sampling::Reservoir;
/// let reservoir = Reservoir::default();
/// assert!(reservoir.take(1, 1_700_000_000)); // one a second
/// assert!(!reservoir.take(1, 1_700_000_000));
/// assert!(reservoir.take(1, 1_700_000_001));
/// ```
#[derive(Debug, Default)]
pub struct Reservoir {
    /// The second (upper 32 bits) and what was taken in it (lower 32 bits).
    state: AtomicU64,
}

impl Reservoir {
    /// Takes one of `per_s` in the second `now_s`, seconds since 1970.
    pub fn take(&self, per_s: u32, now_s: u64) -> bool {
        // Until 2106; wraps then, which only starts a new second.
        let now_s = now_s as u32;
        let taken = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
            let (second_s, taken) = ((state >> 32) as u32, state as u32);
            let (second_s, taken) =
                if is_over(second_s, now_s) { (now_s, 0) } else { (second_s, taken) };
            (taken < per_s).then(|| u64::from(second_s) << 32 | u64::from(taken + 1))
        });
        taken.is_ok()
    }
}

/// `now_s` is another second than `second_s`. A thread that comes late, with a time that is a
/// little older, must not bring back a second that was used up.
fn is_over(second_s: u32, now_s: u32) -> bool {
    now_s > second_s || second_s - now_s > MAX_DISORDER_S
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_second_has_its_own() {
        let reservoir = Reservoir::default();
        let taken = |per_s, now_s| (0..10).filter(|_| reservoir.take(per_s, now_s)).count();
        assert_eq!(taken(3, 100), 3);
        assert_eq!(taken(3, 101), 3);
        assert_eq!(taken(0, 102), 0);
        assert_eq!(taken(20, 103), 10);
    }

    #[test]
    fn a_larger_share_in_the_same_second_counts_what_is_gone() {
        let reservoir = Reservoir::default();
        assert!(reservoir.take(1, 100));
        assert!(!reservoir.take(1, 100));
        assert!(reservoir.take(2, 100));
        assert!(!reservoir.take(2, 100));
    }

    #[test]
    fn a_late_thread_does_not_refill_but_a_clock_set_back_does() {
        let reservoir = Reservoir::default();
        assert!(reservoir.take(1, 1_000));
        assert!(!reservoir.take(1, 999));
        assert!(!reservoir.take(1, 990));
        assert!(reservoir.take(1, 989));
        assert!(!reservoir.take(1, 989));
    }

    #[test]
    fn threads_share_the_second() {
        let (reservoir, taken) = (Reservoir::default(), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for call in 0..4_000 {
                        // Two seconds go by, seen at different times by each thread.
                        if reservoir.take(100, 500 + call / 2_000) {
                            taken.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(taken.into_inner(), 200);
    }

    proptest! {
        #[test]
        fn no_second_gives_more_than_its_share(
            per_s in 0u32..5,
            steps in proptest::collection::vec(0u64..3, 0..200),
        ) {
            let reservoir = Reservoir::default();
            let (mut now_s, mut taken, mut asked) = (1_700_000_000, 0, 0);
            for step in steps {
                if step > 0 {
                    prop_assert_eq!(taken, asked.min(per_s));
                    (now_s, taken, asked) = (now_s + step, 0, 0);
                }
                asked += 1;
                taken += u32::from(reservoir.take(per_s, now_s));
            }
        }
    }
}
