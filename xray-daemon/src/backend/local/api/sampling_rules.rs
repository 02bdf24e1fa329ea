//! Sampling rules: list, make, change, remove.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::input::{Checks, Input, required};
use super::output::{Answer, Output};
use super::tags::{self, Tag};
use super::{ApiError, ApiState};
use crate::backend::local::arn;
use crate::backend::local::sampling::{RuleChange, RuleRecord, SamplingRateBoost, SamplingRule};

/// `GetSamplingRules`: in one page, whatever token is sent.
pub(super) async fn get_sampling_rules(
    State(state): State<ApiState>,
    Input(_): Input<Ignored>,
) -> Answer {
    let rules = state.sampling.rules();
    let records: Vec<_> = rules.records.iter().map(record).collect();
    Ok(Output(json!({ "SamplingRuleRecords": records, "NextToken": null })))
}

/// An input of which nothing is read.
#[derive(Deserialize)]
pub(super) struct Ignored {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateRequest {
    sampling_rule: Option<RuleInput>,
    tags: Option<Vec<Tag>>,
}

/// `SamplingRule` and `SamplingRuleUpdate`, before they are checked.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RuleInput {
    rule_name: Option<String>,
    #[serde(rename = "RuleARN")]
    rule_arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    priority: Option<i64>,
    fixed_rate: Option<f64>,
    reservoir_size: Option<i64>,
    service_name: Option<String>,
    service_type: Option<String>,
    host: Option<String>,
    #[serde(rename = "HTTPMethod")]
    http_method: Option<String>,
    #[serde(rename = "URLPath")]
    url_path: Option<String>,
    version: Option<i64>,
    attributes: Option<BTreeMap<String, String>>,
    sampling_rate_boost: Option<BoostInput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BoostInput {
    max_rate: Option<f64>,
    cooldown_window_minutes: Option<i64>,
}

impl RuleInput {
    /// The values that were given, within their ranges. `parent` names the input in messages.
    fn change(&mut self, checks: &mut Checks, parent: &str) -> RuleChange {
        let at = |member: &str| format!("{parent}.{member}");
        let narrow = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        let reservoir = checks.range(&at("reservoirSize"), self.reservoir_size, 0, i32::MAX.into());
        RuleChange {
            resource_arn: checks.length(&at("resourceARN"), self.resource_arn.take(), 0, 500),
            priority: narrow(checks.range(&at("priority"), self.priority, 1, 9_999)),
            fixed_rate: checks.range(&at("fixedRate"), self.fixed_rate, 0.0, 1.0),
            reservoir_size: narrow(reservoir),
            service_name: checks.length(&at("serviceName"), self.service_name.take(), 0, 64),
            service_type: checks.length(&at("serviceType"), self.service_type.take(), 0, 64),
            host: checks.length(&at("host"), self.host.take(), 0, 64),
            http_method: checks.length(&at("HTTPMethod"), self.http_method.take(), 0, 10),
            url_path: checks.length(&at("URLPath"), self.url_path.take(), 0, 128),
            attributes: self.attributes.take().inspect(|attributes| {
                check_attributes(checks, &at("attributes"), attributes);
            }),
            sampling_rate_boost: self
                .sampling_rate_boost
                .take()
                .and_then(|boost| boost.check(checks, &at("samplingRateBoost"))),
        }
    }

    /// The name of the rule that is meant: given as such, or in an ARN.
    fn name(&mut self) -> Result<String, ApiError> {
        name_of(self.rule_name.take(), self.rule_arn.take())
    }
}

impl BoostInput {
    fn check(self, checks: &mut Checks, parent: &str) -> Option<SamplingRateBoost> {
        let at = |member: &str| format!("{parent}.{member}");
        let rate = checks.required(&at("maxRate"), self.max_rate);
        let rate = checks.range(&at("maxRate"), rate, 0.0, 1.0);
        let minutes = checks.required(&at("cooldownWindowMinutes"), self.cooldown_window_minutes);
        let minutes = checks.range(&at("cooldownWindowMinutes"), minutes, 0, i32::MAX.into());
        Some(SamplingRateBoost {
            max_rate: rate?,
            cooldown_window_minutes: u32::try_from(minutes?).ok()?,
        })
    }
}

fn check_attributes(checks: &mut Checks, place: &str, attributes: &BTreeMap<String, String>) {
    checks.count(place, attributes.len(), "{...}", 0, 5);
    for text in attributes.iter().flat_map(|(key, value)| [key, value]) {
        checks.count(place, text.chars().count(), text, 1, 32);
    }
}

fn name_of(name: Option<String>, arn: Option<String>) -> Result<String, ApiError> {
    let name = match (name, arn) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(
                "Request cannot contain both sampling rule name and sampling rule ARN",
            ));
        }
        (Some(name), None) => name,
        (None, Some(arn)) => arn::name_of_sampling_rule(&arn)
            .map(str::to_owned)
            .ok_or_else(|| ApiError::invalid("Sampling rule does not exist"))?,
        (None, None) => {
            return Err(ApiError::invalid(
                "Request must contain either sampling rule name or sampling rule ARN",
            ));
        }
    };
    let mut checks = Checks::default();
    checks.count("samplingRule.ruleName", name.chars().count(), &name, 1, 32);
    checks.done()?;
    Ok(name)
}

/// `CreateSamplingRule`.
pub(super) async fn create_sampling_rule(
    State(state): State<ApiState>,
    Input(request): Input<CreateRequest>,
) -> Answer {
    state.may_change()?;
    let mut input = required("samplingRule", request.sampling_rule)?;
    let tags = tags::checked(request.tags.unwrap_or_default())?;
    let rule = new_rule(&mut input)?;
    let record_made = state.sampling.create(rule).await?;
    tags::put(&state, record_made.sampling_rule.rule_arn.clone(), tags).await?;
    Ok(Output(json!({ "SamplingRuleRecord": record(&record_made) })))
}

fn new_rule(input: &mut RuleInput) -> Result<SamplingRule, ApiError> {
    let mut checks = Checks::default();
    let RuleChange {
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
    } = input.change(&mut checks, "samplingRule");
    let version = checks.required("samplingRule.version", input.version);
    let version = checks.range("samplingRule.version", version, 1, i32::MAX.into());
    let mut text = |member: &str, text| {
        checks.required(&format!("samplingRule.{member}"), text).unwrap_or_default()
    };
    let mut rule = SamplingRule {
        rule_name: String::new(),
        rule_arn: String::new(),
        resource_arn: text("resourceARN", resource_arn),
        priority: 0,
        fixed_rate: 0.0,
        reservoir_size: 0,
        service_name: text("serviceName", service_name),
        service_type: text("serviceType", service_type),
        host: text("host", host),
        http_method: text("HTTPMethod", http_method),
        url_path: text("URLPath", url_path),
        version: 1,
        attributes: attributes.unwrap_or_default(),
        sampling_rate_boost,
    };
    // A value out of its range was told already.
    let given = |narrowed: Option<u32>, wide: Option<i64>| narrowed.or(wide.map(|_| 0));
    let priority = checks.required("samplingRule.priority", given(priority, input.priority));
    let reservoir =
        checks.required("samplingRule.reservoirSize", given(reservoir_size, input.reservoir_size));
    rule.fixed_rate = checks.required("samplingRule.fixedRate", fixed_rate).unwrap_or_default();
    rule.priority = priority.unwrap_or_default();
    rule.reservoir_size = reservoir.unwrap_or_default();
    checks.done()?;
    if version != Some(1) {
        return Err(ApiError::invalid("Sampling rule version must be 1"));
    }
    rule.rule_name = input.name()?;
    Ok(rule)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateRequest {
    sampling_rule_update: Option<RuleInput>,
}

/// `UpdateSamplingRule`: given members only, except that a boost that is not given is taken away.
pub(super) async fn update_sampling_rule(
    State(state): State<ApiState>,
    Input(request): Input<UpdateRequest>,
) -> Answer {
    state.may_change()?;
    let mut input = required("samplingRuleUpdate", request.sampling_rule_update)?;
    let mut checks = Checks::default();
    let change = input.change(&mut checks, "samplingRuleUpdate");
    checks.done()?;
    let updated = state.sampling.update(input.name()?, change).await?;
    Ok(Output(json!({ "SamplingRuleRecord": record(&updated) })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteRequest {
    rule_name: Option<String>,
    #[serde(rename = "RuleARN")]
    rule_arn: Option<String>,
}

/// `DeleteSamplingRule`: answers the rule as it was.
pub(super) async fn delete_sampling_rule(
    State(state): State<ApiState>,
    Input(request): Input<DeleteRequest>,
) -> Answer {
    state.may_change()?;
    let name = name_of(request.rule_name, request.rule_arn)?;
    let removed = state.sampling.delete(name).await?;
    Ok(Output(json!({ "SamplingRuleRecord": record(&removed) })))
}

fn record(record: &RuleRecord) -> Value {
    serde_json::to_value(record).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(more: Value) -> RuleInput {
        let mut text = json!({
            "RuleName": "cart", "ResourceARN": "*", "Priority": 10, "FixedRate": 0.5,
            "ReservoirSize": 2, "ServiceName": "*", "ServiceType": "*", "Host": "*",
            "HTTPMethod": "*", "URLPath": "/cart*", "Version": 1,
        });
        for (member, value) in more.as_object().unwrap() {
            text[member] = value.clone();
        }
        serde_json::from_value(text).unwrap()
    }

    fn refused(more: Value) -> String {
        match new_rule(&mut input(more)) {
            Err(ApiError::Validation(message) | ApiError::InvalidRequest(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_whole_rule_is_taken_as_it_is() {
        let rule = new_rule(&mut input(json!({}))).unwrap();
        assert_eq!((rule.rule_name.as_str(), rule.priority, rule.reservoir_size), ("cart", 10, 2));
    }

    #[test]
    fn values_out_of_range_are_told_in_the_words_of_the_service() {
        assert_eq!(
            refused(json!({ "Priority": 0 })),
            "1 validation error detected: Value '0' at 'samplingRule.priority' failed to satisfy \
             constraint: Member must have value greater than or equal to 1"
        );
        assert_eq!(
            refused(json!({ "Priority": 10_000, "FixedRate": null })),
            "2 validation errors detected: Value '10000' at 'samplingRule.priority' failed to \
             satisfy constraint: Member must have value less than or equal to 9999; Value null at \
             'samplingRule.fixedRate' failed to satisfy constraint: Member must not be null"
        );
        assert!(refused(json!({ "HTTPMethod": "PROPPATCHED!" })).contains("'samplingRule.HTTPM"));
        assert_eq!(refused(json!({ "Version": 2 })), "Sampling rule version must be 1");
    }

    #[test]
    fn the_name_comes_from_either_member() {
        let arn = arn::sampling_rule("cart");
        assert_eq!(name_of(None, Some(arn.clone())).unwrap(), "cart");
        assert!(name_of(Some("cart".into()), Some(arn)).is_err());
        assert!(name_of(None, None).is_err());
        assert!(name_of(Some("x".repeat(33)), None).is_err());
    }
}
