//! A rule at work: its reservoir, what was lent to it, and what it counted.
//!
//! In: a request that the rule matched. Out: the decision, and the counts that the service wants
//! reported. Owns atomics only, so that any number of threads decide at once, and so that the state
//! outlives a change of the rule's text. Rules: X-Ray developer guide, "Using sampling rules with
//! the X-Ray API".

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Reservoir, Rule};

/// No fixed rate but the rule's own.
const NO_RATE: u64 = u64::MAX; // the bits of a NaN

/// A share of a rule's reservoir, lent to one process for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Requests a second.
    pub quota_per_s: u32,
    /// The last second in which it holds, counted since 1970.
    pub until_s: u32,
}

impl Lease {
    /// A share that is never taken back: for rules that only one process knows.
    pub fn forever(quota_per_s: u32) -> Self {
        Self { quota_per_s, until_s: u32::MAX }
    }
}

/// What a rule decided since the last report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that matched.
    pub requests: u64,
    /// Those recorded, borrowed ones among them (developer guide; the SDKs leave those out).
    pub sampled: u64,
    /// Those recorded without a lease, at most one a second.
    pub borrowed: u64,
}

/// The moving part of a rule.
#[derive(Debug)]
pub struct RuleState {
    reservoir: Reservoir,
    /// A [`Lease`]: quota in the upper 32 bits, end in the lower. Zero ended in 1970.
    lease: AtomicU64,
    /// Bits of the rate that the service assigned, or [`NO_RATE`].
    assigned_rate: AtomicU64,
    /// Bits of the rate while a boost holds, and the second of 1970 in which it ends.
    boost_rate: AtomicU64,
    boost_until_s: AtomicU64,
    requests: AtomicU64,
    sampled: AtomicU64,
    borrowed: AtomicU64,
}

impl Default for RuleState {
    /// Without a lease: it borrows one a second until it gets one.
    fn default() -> Self {
        Self {
            reservoir: Reservoir::default(),
            lease: AtomicU64::new(0),
            assigned_rate: AtomicU64::new(NO_RATE),
            boost_rate: AtomicU64::new(0),
            boost_until_s: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            sampled: AtomicU64::new(0),
            borrowed: AtomicU64::new(0),
        }
    }
}

impl RuleState {
    /// The state of a rule that only this process knows: the whole reservoir is its own.
    pub fn local(rule: &Rule) -> Self {
        let state = Self::default();
        state.set_lease(Lease::forever(rule.reservoir_per_s()));
        state
    }

    /// Lends a share of the reservoir.
    pub fn set_lease(&self, lease: Lease) {
        let packed = u64::from(lease.quota_per_s) << 32 | u64::from(lease.until_s);
        self.lease.store(packed, Ordering::Relaxed);
    }

    /// Sets the rate that holds in place of the rule's own, 0 to 1. Others are ignored.
    pub fn set_fixed_rate(&self, rate: f64) {
        if (0.0..=1.0).contains(&rate) {
            self.assigned_rate.store(rate.to_bits(), Ordering::Relaxed);
        }
    }

    /// Goes back to the rule's own rate.
    pub fn clear_fixed_rate(&self) {
        self.assigned_rate.store(NO_RATE, Ordering::Relaxed);
    }

    /// Sets a rate that holds in place of the others before the second `until_s`, where it is the
    /// higher one: while anomalies are looked into. Rates that are none are ignored.
    pub fn set_boost(&self, rate: f64, until_s: u64) {
        if (0.0..=1.0).contains(&rate) {
            self.boost_rate.store(rate.to_bits(), Ordering::Relaxed);
            self.boost_until_s.store(until_s, Ordering::Relaxed);
        }
    }

    /// What was lent last, whether or not it still holds.
    pub fn lease(&self) -> Lease {
        let lease = self.lease.load(Ordering::Relaxed);
        Lease { quota_per_s: (lease >> 32) as u32, until_s: lease as u32 }
    }

    /// Decides on a request that `rule` matched, in the second `now_s` since 1970. `random` gives a
    /// number from 0 up to 1, not 1 itself; it is asked only if the reservoir is used up.
    pub fn decide(&self, rule: &Rule, now_s: u64, random: impl FnOnce() -> f64) -> bool {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let sampled = self.take(rule, now_s) || random() < self.rate(rule, now_s);
        if sampled {
            self.sampled.fetch_add(1, Ordering::Relaxed);
        }
        sampled
    }

    /// Takes the counts since the last call, to report them.
    pub fn take_counts(&self) -> Counts {
        Counts {
            requests: self.requests.swap(0, Ordering::Relaxed),
            sampled: self.sampled.swap(0, Ordering::Relaxed),
            borrowed: self.borrowed.swap(0, Ordering::Relaxed),
        }
    }

    /// Gives back counts that could not be reported.
    pub fn add_counts(&self, counts: Counts) {
        self.requests.fetch_add(counts.requests, Ordering::Relaxed);
        self.sampled.fetch_add(counts.sampled, Ordering::Relaxed);
        self.borrowed.fetch_add(counts.borrowed, Ordering::Relaxed);
    }

    /// The counts since the last report.
    pub fn counts(&self) -> Counts {
        Counts {
            requests: self.requests.load(Ordering::Relaxed),
            sampled: self.sampled.load(Ordering::Relaxed),
            borrowed: self.borrowed.load(Ordering::Relaxed),
        }
    }

    /// From the reservoir: the lease's share of it, or without a lease one that is borrowed.
    fn take(&self, rule: &Rule, now_s: u64) -> bool {
        let lease = self.lease();
        if now_s <= lease.until_s.into() {
            return self.reservoir.take(lease.quota_per_s, now_s);
        }
        let borrowed = rule.reservoir_per_s() > 0 && self.reservoir.take(1, now_s);
        if borrowed {
            self.borrowed.fetch_add(1, Ordering::Relaxed);
        }
        borrowed
    }

    fn rate(&self, rule: &Rule, now_s: u64) -> f64 {
        let fixed = match self.assigned_rate.load(Ordering::Relaxed) {
            NO_RATE => rule.fixed_rate(),
            bits => f64::from_bits(bits),
        };
        if now_s >= self.boost_until_s.load(Ordering::Relaxed) {
            return fixed;
        }
        fixed.max(f64::from_bits(self.boost_rate.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: u64 = 1_700_000_000;

    fn rule(reservoir_per_s: u32, fixed_rate: f64) -> Rule {
        Rule::named("r").reservoir_per_s(reservoir_per_s).fixed_rate(fixed_rate).build().unwrap()
    }

    /// How many of 10 requests in one second are recorded, when chance always says `random`.
    fn recorded(state: &RuleState, rule: &Rule, now_s: u64, random: f64) -> usize {
        (0..10).filter(|_| state.decide(rule, now_s, || random)).count()
    }

    #[test]
    fn a_local_rule_records_its_reservoir_then_its_rate() {
        let rule = rule(2, 0.05);
        let state = RuleState::local(&rule);
        assert_eq!(recorded(&state, &rule, NOW_S, 0.05), 2);
        assert_eq!(recorded(&state, &rule, NOW_S + 1, 0.049), 10);
        assert_eq!(state.counts(), Counts { requests: 20, sampled: 12, borrowed: 0 });
    }

    #[test]
    fn chance_is_not_asked_while_the_reservoir_lasts() {
        let rule = rule(1, 1.0);
        let state = RuleState::local(&rule);
        assert!(state.decide(&rule, NOW_S, || panic!("asked")));
        assert!(state.decide(&rule, NOW_S, || 0.999_999));
    }

    #[test]
    fn rates_of_zero_and_one_are_exact() {
        let never = rule(0, 0.0);
        assert_eq!(recorded(&RuleState::local(&never), &never, NOW_S, 0.0), 0);
        let always = rule(0, 1.0);
        assert_eq!(recorded(&RuleState::local(&always), &always, NOW_S, 1.0 - f64::EPSILON), 10);
    }

    #[test]
    fn without_a_lease_one_a_second_is_borrowed() {
        let rule = rule(50, 0.0);
        let state = RuleState::default();
        assert_eq!(recorded(&state, &rule, NOW_S, 0.5), 1);
        assert_eq!(recorded(&state, &rule, NOW_S + 1, 0.5), 1);
        assert_eq!(state.take_counts(), Counts { requests: 20, sampled: 2, borrowed: 2 });
        assert_eq!(state.counts(), Counts::default());
    }

    #[test]
    fn a_rule_without_reservoir_borrows_nothing() {
        let rule = rule(0, 0.0);
        assert_eq!(recorded(&RuleState::default(), &rule, NOW_S, 0.5), 0);
    }

    #[test]
    fn a_lease_holds_through_its_last_second() {
        let rule = rule(50, 0.0);
        let state = RuleState::default();
        state.set_lease(Lease { quota_per_s: 3, until_s: NOW_S as u32 });
        assert_eq!(recorded(&state, &rule, NOW_S, 0.5), 3);
        assert_eq!(recorded(&state, &rule, NOW_S + 1, 0.5), 1);
        assert_eq!(state.counts().borrowed, 1);
    }

    #[test]
    fn a_lease_of_nothing_is_nothing_and_not_a_reason_to_borrow() {
        let rule = rule(50, 0.0);
        let state = RuleState::default();
        state.set_lease(Lease { quota_per_s: 0, until_s: NOW_S as u32 });
        assert_eq!(recorded(&state, &rule, NOW_S, 0.5), 0);
    }

    #[test]
    fn an_assigned_rate_holds_in_place_of_the_rules_own() {
        let rule = rule(0, 0.0);
        let state = RuleState::default();
        state.set_fixed_rate(0.5);
        assert_eq!(recorded(&state, &rule, NOW_S, 0.4), 10);
        state.set_fixed_rate(f64::NAN);
        state.set_fixed_rate(1.5);
        assert_eq!(recorded(&state, &rule, NOW_S, 0.6), 0);
    }

    #[test]
    fn a_boost_holds_before_its_end_and_only_upwards() {
        let rule = rule(0, 0.2);
        let state = RuleState::default();
        state.set_boost(0.5, NOW_S + 1);
        assert_eq!(recorded(&state, &rule, NOW_S, 0.4), 10);
        assert_eq!(recorded(&state, &rule, NOW_S + 1, 0.4), 0);
        state.set_boost(0.1, NOW_S + 9);
        assert_eq!(recorded(&state, &rule, NOW_S, 0.15), 10);
        state.set_boost(f64::NAN, NOW_S + 9);
        state.set_boost(1.5, NOW_S + 9);
        assert_eq!(recorded(&state, &rule, NOW_S, 0.4), 0);
    }

    #[test]
    fn the_rules_own_rate_comes_back() {
        let rule = rule(0, 0.0);
        let state = RuleState::default();
        state.set_fixed_rate(1.0);
        state.clear_fixed_rate();
        assert_eq!(recorded(&state, &rule, NOW_S, 0.4), 0);
    }

    #[test]
    fn counts_that_could_not_be_reported_are_not_lost() {
        let rule = rule(1, 0.0);
        let state = RuleState::local(&rule);
        recorded(&state, &rule, NOW_S, 0.5);
        let unreported = state.take_counts();
        recorded(&state, &rule, NOW_S + 1, 0.5);
        state.add_counts(unreported);
        assert_eq!(state.counts(), Counts { requests: 20, sampled: 2, borrowed: 0 });
    }
}
