//! Reads the file of `--sampling-rules`.
//!
//! In: the file: local rules as the X-Ray SDKs share them (version 1 or 2), or what
//! `aws xray get-sampling-rules` prints. Out: rules as the API speaks of them. Owns nothing.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use xray_tracing::sampling::{LocalRules, LocalRulesError, Rule, RuleError};

use super::rule::SamplingRule;

/// Longest file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why a file of sampling rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SamplingFileError {
    #[error("the file is not there, or may not be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error(transparent)]
    Local(#[from] LocalRulesError),
    #[error("SamplingRuleRecords is not what the API answers: {0}")]
    Records(#[source] serde_json::Error),
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error("rule {0:?} stands twice; each name is one rule")]
    Twice(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Records {
    sampling_rule_records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    sampling_rule: SamplingRule,
}

/// The rules of the file at `path`; `Default` is among them.
pub(crate) fn read(path: &Path) -> Result<Vec<SamplingRule>, SamplingFileError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    rules_of(&bytes)
}

fn rules_of(file: &[u8]) -> Result<Vec<SamplingRule>, SamplingFileError> {
    let is_answer = serde_json::from_slice::<serde_json::Value>(file)
        .is_ok_and(|value| value.get("SamplingRuleRecords").is_some());
    let mut rules = if is_answer { of_api(file)? } else { of_sdk(&LocalRules::from_json(file)?) };
    if !rules.iter().any(SamplingRule::is_default) {
        rules.push(SamplingRule::fallback());
    }
    let mut names = HashSet::new();
    match rules.iter().find(|rule| !names.insert(&rule.rule_name)) {
        Some(twice) => Err(SamplingFileError::Twice(twice.rule_name.clone())),
        None => Ok(rules),
    }
}

fn of_api(file: &[u8]) -> Result<Vec<SamplingRule>, SamplingFileError> {
    let records: Records = serde_json::from_slice(file).map_err(SamplingFileError::Records)?;
    let rules = records.sampling_rule_records.into_iter().map(|record| record.sampling_rule);
    rules.map(|rule| rule.to_engine().map(|_| rule).map_err(Into::into)).collect()
}

/// In the order of the file; those of the same description are told apart by their place.
fn of_sdk(rules: &LocalRules) -> Vec<SamplingRule> {
    let mut names = HashSet::new();
    let rule = |(place, rule): (u32, &Rule)| {
        let known = !names.insert(rule.name().to_string());
        let name = if known { format!("local-{place}") } else { rule.name().to_string() };
        let made = SamplingRule::fallback();
        let priority = if rule.name().as_ref() == made.rule_name { made.priority } else { place };
        SamplingRule {
            rule_name: name,
            priority,
            fixed_rate: rule.fixed_rate(),
            reservoir_size: rule.reservoir_per_s(),
            service_name: rule.service_name().as_str().to_owned(),
            host: rule.host().as_str().to_owned(),
            http_method: rule.method().as_str().to_owned(),
            url_path: rule.path().as_str().to_owned(),
            ..made
        }
    };
    (1..).zip(rules.counts().map(|(rule, _)| rule)).map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(file: &str) -> Vec<(String, u32, f64, u32, String)> {
        let rule = |it: SamplingRule| {
            (it.rule_name, it.priority, it.fixed_rate, it.reservoir_size, it.url_path)
        };
        rules_of(file.as_bytes()).unwrap().into_iter().map(rule).collect()
    }

    fn refused(file: &str) -> String {
        rules_of(file.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_file_of_the_sdks_is_read_in_its_order() {
        let file = r#"{"version": 2, "default": {"fixed_target": 3, "rate": 0.25}, "rules": [
            {"description": "players", "host": "*", "http_method": "GET", "url_path": "/move/*",
             "fixed_target": 0, "rate": 1.0},
            {"description": "players", "host": "*", "http_method": "*", "url_path": "/b",
             "fixed_target": 1, "rate": 0.5}]}"#;
        let rule = |name: &str, priority, rate, reservoir, path: &str| {
            (name.to_owned(), priority, rate, reservoir, path.to_owned())
        };
        assert_eq!(
            rules(file),
            [
                rule("players", 1, 1.0, 0, "/move/*"),
                rule("local-2", 2, 0.5, 1, "/b"),
                rule("Default", 10_000, 0.25, 3, "*"),
            ]
        );
    }

    #[test]
    fn what_the_aws_cli_prints_is_read_and_gets_a_default() {
        let file = r#"{"SamplingRuleRecords": [{"SamplingRule": {"RuleName": "cart",
            "RuleARN": "arn:aws:xray:eu-west-1:1:sampling-rule/cart", "ResourceARN": "*",
            "Priority": 7, "FixedRate": 0.5, "ReservoirSize": 2, "ServiceName": "*",
            "ServiceType": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "/cart*", "Version": 1,
            "Attributes": {}}, "CreatedAt": "2026-01-01T00:00:00+00:00", "ModifiedAt": 1.5}]}"#;
        let found = rules(file);
        let names: Vec<_> = found.iter().map(|rule| (rule.0.as_str(), rule.1)).collect();
        assert_eq!(names, [("cart", 7), ("Default", 10_000)]);
        let beyond = refused(&file.replace("0.5", "5"));
        assert!(beyond.contains("cart"), "{beyond}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(refused("rules").starts_with("the sampling rules are not JSON"));
        assert!(refused("{}").contains("version"), "{}", refused("{}"));
        let broken = r#"{"SamplingRuleRecords": [{"SamplingRule": {"RuleName": "x"}}]}"#;
        assert!(refused(broken).contains("ResourceARN"), "{}", refused(broken));
    }
}
