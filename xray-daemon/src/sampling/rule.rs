//! A sampling rule as the API speaks of it.
//!
//! In: JSON of the API. Out: the same. Ranges are checked by the operations that take a rule; what
//! is in the store is always within them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xray_tracing::sampling::{Rule, RuleError};

/// Name of the rule that is always there.
pub(crate) const DEFAULT_NAME: &str = "Default";
/// Its priority, behind all others.
const DEFAULT_PRIORITY: u32 = 10_000;

/// `SamplingRule` of the X-Ray API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SamplingRule {
    /// 1–32 characters; the key.
    pub rule_name: String,
    /// `arn:aws:xray:REGION:ACCOUNT:sampling-rule/NAME`; filled in by the store.
    #[serde(rename = "RuleARN", default)]
    pub rule_arn: String,
    /// ARN of the resource that serves, or `*`.
    #[serde(rename = "ResourceARN")]
    pub resource_arn: String,
    /// 1–9999, lowest first; 10000 is the default rule.
    pub priority: u32,
    /// Share sampled once the reservoir is used up, 0–1.
    pub fixed_rate: f64,
    /// Requests sampled each second before the rate applies, over all clients.
    pub reservoir_size: u32,
    /// Pattern for the service's name.
    pub service_name: String,
    /// Pattern for its origin.
    pub service_type: String,
    /// Pattern for the `Host` header.
    pub host: String,
    /// Pattern for the method.
    #[serde(rename = "HTTPMethod")]
    pub http_method: String,
    /// Pattern for the path.
    #[serde(rename = "URLPath")]
    pub url_path: String,
    /// Always 1.
    pub version: u32,
    /// Attributes that the request must carry; at most 5.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Samples more while anomalies last.
    #[serde(default)]
    pub sampling_rate_boost: Option<SamplingRateBoost>,
}

/// `SamplingRateBoost` of the X-Ray API.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SamplingRateBoost {
    /// Highest rate during a boost, 0–1.
    pub max_rate: f64,
    /// Minutes without a boost after one.
    pub cooldown_window_minutes: u32,
}

impl SamplingRule {
    /// The rule `Default` as the service ships it.
    pub fn fallback() -> Self {
        Self::matching_all(DEFAULT_NAME, DEFAULT_PRIORITY)
    }

    /// Whether it is the rule `Default`, which is always there and last.
    pub fn is_default(&self) -> bool {
        self.rule_name == DEFAULT_NAME
    }

    /// The rule for the engine that also decides in the services.
    ///
    /// # Errors
    /// A value is out of range; no rule in the store is.
    pub fn to_engine(&self) -> Result<Rule, RuleError> {
        let mut rule = Rule::named(&self.rule_name)
            .priority(self.priority)
            .fixed_rate(self.fixed_rate)
            .reservoir_per_s(self.reservoir_size)
            .service_name(self.service_name.as_str())
            .service_type(self.service_type.as_str())
            .resource_arn(self.resource_arn.as_str())
            .host(self.host.as_str())
            .method(self.http_method.as_str())
            .path(self.url_path.as_str());
        for (key, pattern) in &self.attributes {
            rule = rule.attribute(key, pattern.as_str());
        }
        rule.build()
    }

    /// A rule that matches everything: reservoir 1 a second, then 5 %.
    pub fn matching_all(name: &str, priority: u32) -> Self {
        let any = || "*".to_owned();
        Self {
            rule_name: name.to_owned(),
            rule_arn: String::new(),
            resource_arn: any(),
            priority,
            fixed_rate: 0.05,
            reservoir_size: 1,
            service_name: any(),
            service_type: any(),
            host: any(),
            http_method: any(),
            url_path: any(),
            version: 1,
            attributes: BTreeMap::new(),
            sampling_rate_boost: None,
        }
    }
}

/// `SamplingRuleRecord` of the X-Ray API: a rule and when it was set. Epoch seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RuleRecord {
    /// The rule.
    pub sampling_rule: SamplingRule,
    /// When it was made; 0 for `Default`.
    pub created_at: f64,
    /// When it was changed last.
    pub modified_at: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_rule_reads_and_writes_as_the_api_speaks_of_it() {
        let text = serde_json::to_value(SamplingRule::fallback()).unwrap();
        assert_eq!(text["RuleName"], "Default");
        assert_eq!(text["Priority"], 10_000);
        assert_eq!(text["FixedRate"], 0.05);
        assert_eq!(text["HTTPMethod"], "*");
        assert_eq!(text["SamplingRateBoost"], serde_json::Value::Null);
        let read: SamplingRule = serde_json::from_value(text).unwrap();
        assert_eq!(read, SamplingRule::fallback());
        assert!(read.to_engine().is_ok());
    }
}
