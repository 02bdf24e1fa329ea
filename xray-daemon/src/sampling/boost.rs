//! Samples more for a while when services report anomalies that were not sampled.
//!
//! In: what services saw, with the time. Out: a higher rate and until when. Owns when each service
//! was boosted last. AWS has not published its way; ours: the share of requests that were unsampled
//! anomalies, up to the rule's maximum, for 60 s; then none until the cooldown is over.

use std::collections::HashMap;

use super::rule::SamplingRateBoost;

/// How long a boost lasts.
const BOOST_S: f64 = 60.0;
/// Most services remembered.
const MAX_SERVICES: usize = 1_000;

/// What a service saw since its last report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anomalies {
    pub(super) total: u64,
    pub(super) anomalies: u64,
    pub(super) sampled_anomalies: u64,
}

/// A higher rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Boost {
    /// 0–1.
    pub(super) rate: f64,
    /// Epoch seconds.
    pub(super) until_s: f64,
}

/// The boosts of one rule, by service.
#[derive(Debug, Default)]
pub(super) struct Boosts {
    started_s: HashMap<String, (f64, Boost)>,
}

impl Boosts {
    /// The boost that `service` has now: one that goes on, or a new one.
    pub(super) fn report(
        &mut self,
        service: &str,
        seen: Anomalies,
        rule: SamplingRateBoost,
        now_s: f64,
    ) -> Option<Boost> {
        if let Some((started_s, boost)) = self.started_s.get(service) {
            if now_s < boost.until_s {
                return Some(*boost);
            }
            let cooldown_s = f64::from(rule.cooldown_window_minutes) * 60.0;
            if now_s < started_s + BOOST_S + cooldown_s {
                return None;
            }
        }
        let unsampled = seen.anomalies.saturating_sub(seen.sampled_anomalies);
        if unsampled == 0 || seen.total == 0 {
            return None;
        }
        let rate = (unsampled as f64 / seen.total as f64).min(rule.max_rate);
        let boost = Boost { rate, until_s: now_s + BOOST_S };
        if self.started_s.len() >= MAX_SERVICES {
            self.started_s.clear();
        }
        self.started_s.insert(service.to_owned(), (now_s, boost));
        Some(boost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: SamplingRateBoost = SamplingRateBoost { max_rate: 0.2, cooldown_window_minutes: 2 };

    fn seen(total: u64, anomalies: u64, sampled_anomalies: u64) -> Anomalies {
        Anomalies { total, anomalies, sampled_anomalies }
    }

    #[test]
    fn unsampled_anomalies_raise_the_rate_for_a_minute_and_then_it_rests() {
        let mut boosts = Boosts::default();
        let mut rate = |seen, now_s| {
            boosts.report("cart", seen, RULE, now_s).map(|boost| (boost.rate, boost.until_s))
        };
        assert_eq!(rate(seen(100, 0, 0), 1_000.0), None);
        assert_eq!(rate(seen(100, 6, 1), 1_010.0), Some((0.05, 1_070.0)));
        assert_eq!(rate(seen(100, 90, 0), 1_060.0), Some((0.05, 1_070.0)));
        assert_eq!(rate(seen(100, 90, 0), 1_070.0), None);
        assert_eq!(rate(seen(100, 90, 0), 1_189.0), None);
        assert_eq!(rate(seen(100, 90, 0), 1_190.0), Some((0.2, 1_250.0)));
    }

    #[test]
    fn each_service_has_its_own() {
        let mut boosts = Boosts::default();
        assert!(boosts.report("cart", seen(10, 1, 0), RULE, 1_000.0).is_some());
        assert!(boosts.report("shop", seen(10, 1, 1), RULE, 1_000.0).is_none());
    }
}
