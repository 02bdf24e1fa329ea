//! The form of a rule: what was typed, read into a rule or into what is wrong with it.
//!
//! In: fields of a form, the rules there are. Out: a valid rule, or a message at each field that is
//! wrong. Owns nothing.

use serde::Deserialize;

use crate::backend::local::console::text::{Lang, SamplingText, fill};
use crate::backend::local::sampling::{RuleChange, SamplingRule};

/// Longest values, by the API's model.
const MAX_NAME: usize = 32;
const MAX_NAMES: usize = 64;
const MAX_METHOD: usize = 10;
const MAX_PATH: usize = 128;
const MAX_ARN: usize = 500;

/// The fields as they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct RuleForm {
    pub(crate) name: String,
    pub(crate) priority: String,
    pub(crate) reservoir: String,
    pub(crate) rate: String,
    pub(crate) service: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) host: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) arn: String,
}

/// What is wrong, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FormErrors {
    pub(crate) name: Option<String>,
    pub(crate) priority: Option<String>,
    pub(crate) reservoir: Option<String>,
    pub(crate) rate: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) arn: Option<String>,
}

impl FormErrors {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl RuleForm {
    /// The form of a rule that is there.
    pub(crate) fn of(lang: Lang, rule: &SamplingRule) -> Self {
        use crate::backend::local::console::format::decimal;
        Self {
            name: rule.rule_name.clone(),
            priority: rule.priority.to_string(),
            reservoir: rule.reservoir_size.to_string(),
            rate: decimal(lang, rule.fixed_rate * 100.0, 4),
            service: rule.service_name.clone(),
            kind: rule.service_type.clone(),
            host: rule.host.clone(),
            method: rule.http_method.clone(),
            path: rule.url_path.clone(),
            arn: rule.resource_arn.clone(),
        }
    }

    /// The form of a rule to be made.
    pub(crate) fn blank(lang: Lang, priority: u32) -> Self {
        let rule = SamplingRule::matching_all("", priority);
        Self::of(lang, &rule)
    }

    /// The rule that the fields say; `taken` are the names that it must not have.
    pub(crate) fn read(
        &self,
        t: &SamplingText,
        taken: &[String],
    ) -> Result<SamplingRule, Box<FormErrors>> {
        let name = self.name.trim();
        let free = !taken.iter().any(|taken| taken == name);
        let named = (1..=MAX_NAME).contains(&name.chars().count());
        let priority = self.priority.trim().parse::<u32>().ok();
        let priority = priority.filter(|priority| (1..=9_999).contains(priority));
        let reservoir = self.reservoir.trim().parse::<u32>().ok();
        let rate = percent(&self.rate);
        let long = |text: &str, most: usize| {
            let message = || fill(t.bad_pattern_of, &[&most.to_string()]);
            (text.trim().chars().count() > most).then(message)
        };
        let errors = FormErrors {
            name: (!free || !named).then(|| t.bad_name.to_owned()),
            priority: priority.is_none().then(|| t.bad_priority.to_owned()),
            reservoir: reservoir.is_none().then(|| t.bad_reservoir.to_owned()),
            rate: rate.is_none().then(|| t.bad_rate.to_owned()),
            service: long(&self.service, MAX_NAMES),
            kind: long(&self.kind, MAX_NAMES),
            host: long(&self.host, MAX_NAMES),
            method: long(&self.method, MAX_METHOD),
            path: long(&self.path, MAX_PATH),
            arn: long(&self.arn, MAX_ARN),
        };
        if !errors.is_empty() {
            return Err(Box::new(errors));
        }
        let rule = SamplingRule::matching_all(name, priority.unwrap_or(9_999));
        Ok(SamplingRule {
            fixed_rate: rate.unwrap_or(0.0),
            reservoir_size: reservoir.unwrap_or(0),
            service_name: pattern(&self.service),
            service_type: pattern(&self.kind),
            host: pattern(&self.host),
            http_method: pattern(&self.method),
            url_path: pattern(&self.path),
            resource_arn: pattern(&self.arn),
            ..rule
        })
    }
}

/// The change that makes `old` be `new`; of `Default` only its numbers change.
pub(crate) fn change(old: &SamplingRule, new: SamplingRule) -> RuleChange {
    let numbers = RuleChange {
        fixed_rate: Some(new.fixed_rate),
        reservoir_size: Some(new.reservoir_size),
        ..RuleChange::default()
    };
    if old.is_default() {
        return numbers;
    }
    RuleChange {
        resource_arn: Some(new.resource_arn),
        priority: Some(new.priority),
        service_name: Some(new.service_name),
        service_type: Some(new.service_type),
        host: Some(new.host),
        http_method: Some(new.http_method),
        url_path: Some(new.url_path),
        // The form has no field for these two; they stay.
        attributes: Some(old.attributes.clone()),
        sampling_rate_boost: old.sampling_rate_boost,
        ..numbers
    }
}

/// `10`, `0.5` or `0,5` percent as a share.
fn percent(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches('%').trim().replace(',', ".");
    let percent = text.parse::<f64>().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}

/// An empty pattern means everything.
fn pattern(text: &str) -> String {
    match text.trim() {
        "" => "*".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t() -> &'static SamplingText {
        &Lang::En.text().sampling
    }

    fn form() -> RuleForm {
        RuleForm { name: "write".into(), ..RuleForm::blank(Lang::En, 100) }
    }

    #[test]
    fn a_form_becomes_a_rule_and_comes_back() {
        let form = RuleForm {
            rate: "12.5".into(),
            reservoir: "2".into(),
            method: "POST".into(),
            path: "/products*".into(),
            ..form()
        };
        let rule = form.read(t(), &[]).unwrap();
        assert_eq!((rule.fixed_rate, rule.reservoir_size), (0.125, 2));
        assert_eq!(RuleForm::of(Lang::En, &rule), form);
        let spanish = RuleForm::of(Lang::Es, &rule);
        assert_eq!(spanish.rate, "12,5");
        assert_eq!(spanish.read(t(), &[]).unwrap(), rule);
    }

    #[test]
    fn every_wrong_field_has_its_message() {
        let wrong = RuleForm {
            name: "a".repeat(33),
            priority: "0".into(),
            reservoir: "-1".into(),
            rate: "101".into(),
            method: "ABCDEFGHIJK".into(),
            ..form()
        };
        let errors = *wrong.read(t(), &[]).unwrap_err();
        assert_eq!(errors.name.as_deref(), Some(t().bad_name));
        assert_eq!(errors.priority.as_deref(), Some(t().bad_priority));
        assert_eq!(errors.reservoir.as_deref(), Some(t().bad_reservoir));
        assert_eq!(errors.rate.as_deref(), Some(t().bad_rate));
        let long = "This has up to 10 characters; * matches everything.";
        assert_eq!(errors.method.as_deref(), Some(long));
        assert_eq!(errors.path, None);
    }

    #[test]
    fn a_name_is_given_once_and_an_empty_pattern_matches_all() {
        assert!(form().read(t(), &["write".to_owned()]).unwrap_err().name.is_some());
        let rule = RuleForm { host: " ".into(), ..form() }.read(t(), &[]).unwrap();
        assert_eq!(rule.host, "*");
    }

    #[test]
    fn of_the_default_rule_only_numbers_change() {
        let new = form().read(t(), &[]).unwrap();
        let change = change(&SamplingRule::fallback(), new);
        assert_eq!(
            change,
            RuleChange { fixed_rate: Some(0.05), reservoir_size: Some(1), ..RuleChange::default() }
        );
    }
}
