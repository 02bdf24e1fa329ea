//! What an update changes of a sampling rule.
//!
//! In: members of the API's `SamplingRuleUpdate`. Out: the rule, changed. Owns nothing.

use std::collections::BTreeMap;

use crate::sampling::{SamplingRateBoost, SamplingRule};

/// What an update may change; members that are missing stay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleChange {
    /// ARN of the resource that serves, or `*`.
    pub resource_arn: Option<String>,
    /// 1–9999.
    pub priority: Option<u32>,
    /// 0–1.
    pub fixed_rate: Option<f64>,
    /// Requests a second before the rate applies.
    pub reservoir_size: Option<u32>,
    /// Pattern for the service's name.
    pub service_name: Option<String>,
    /// Pattern for its origin.
    pub service_type: Option<String>,
    /// Pattern for the `Host` header.
    pub host: Option<String>,
    /// Pattern for the method.
    pub http_method: Option<String>,
    /// Pattern for the path.
    pub url_path: Option<String>,
    /// Attributes that the request must carry.
    pub attributes: Option<BTreeMap<String, String>>,
    /// Unlike the others, missing it takes the boost away.
    pub sampling_rate_boost: Option<SamplingRateBoost>,
}

impl RuleChange {
    /// Whether it changes more than `Default` allows: its rate and its reservoir.
    pub(super) fn is_more_than_numbers(&self) -> bool {
        let numbers = Self {
            fixed_rate: self.fixed_rate,
            reservoir_size: self.reservoir_size,
            ..Self::default()
        };
        *self != numbers
    }

    pub(super) fn apply(self, rule: &mut SamplingRule) {
        let Self {
            resource_arn,
            priority,
            fixed_rate,
            reservoir_size,
            service_name,
            service_type,
            host,
            http_method,
            url_path,
            attributes,
            sampling_rate_boost,
        } = self;
        replace(&mut rule.resource_arn, resource_arn);
        replace(&mut rule.priority, priority);
        replace(&mut rule.fixed_rate, fixed_rate);
        replace(&mut rule.reservoir_size, reservoir_size);
        replace(&mut rule.service_name, service_name);
        replace(&mut rule.service_type, service_type);
        replace(&mut rule.host, host);
        replace(&mut rule.http_method, http_method);
        replace(&mut rule.url_path, url_path);
        replace(&mut rule.attributes, attributes);
        rule.sampling_rate_boost = sampling_rate_boost;
    }
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_keeps_what_it_does_not_name_except_the_boost() {
        let boost = SamplingRateBoost { max_rate: 0.5, cooldown_window_minutes: 1 };
        let mut rule = SamplingRule::matching_all("cart", 7);
        rule.sampling_rate_boost = Some(boost);
        RuleChange { host: Some("shop.*".into()), ..RuleChange::default() }.apply(&mut rule);
        let mut expected = SamplingRule::matching_all("cart", 7);
        expected.host = "shop.*".into();
        assert_eq!(rule, expected);
    }
}
