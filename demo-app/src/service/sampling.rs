//! The demo's sampling rules: what a person does is always recorded, of the rest 1 a second and 5 %.
//!
//! The same rules twice: as local rules of the services, and for the local sampling server, where
//! the console shows them.

use xray_daemon::SamplingRule;
use xray_tracing::sampling::{LocalRules, Rule, RuleError};

/// The rule that takes what people do.
pub(crate) const ACTIONS: &str = "workshop-actions";
const PRIORITY: u32 = 100;
const PATHS: &str = "/products*";
/// A rule has one pattern for the method, and none takes these three without `GET`.
const METHODS: [&str; 3] = ["POST", "PUT", "DELETE"];

/// The rules that a service decides by.
///
/// # Errors
/// None, as the values are constant and in range.
pub(crate) fn local_rules() -> Result<LocalRules, RuleError> {
    let mut rules = LocalRules::builder();
    for method in METHODS {
        let rule = Rule::named(ACTIONS)
            .priority(PRIORITY)
            .method(method)
            .path(PATHS)
            .reservoir_per_s(0)
            .fixed_rate(1.0);
        rules = rules.rule(rule.build()?);
    }
    Ok(rules.build())
}

/// The same for the sampling server, where every rule needs a name of its own.
pub(crate) fn server_rules() -> impl Iterator<Item = SamplingRule> {
    METHODS.into_iter().map(|method| {
        let name = match method {
            "POST" => ACTIONS.to_owned(),
            other => format!("{ACTIONS}-{}", other.to_ascii_lowercase()),
        };
        let mut rule = SamplingRule::matching_all(&name, PRIORITY);
        rule.http_method = method.to_owned();
        rule.url_path = PATHS.to_owned();
        rule.reservoir_size = 0;
        rule.fixed_rate = 1.0;
        rule
    })
}

#[cfg(test)]
mod tests {
    use xray_tracing::sampling::{HttpTarget, Sampler, SamplingRequest};

    use super::*;

    fn sampled(rules: &LocalRules, method: &str, path: &str) -> (bool, String) {
        let target = HttpTarget { host: "127.0.0.1:9000", method, path };
        let request = SamplingRequest { http: Some(target), ..SamplingRequest::default() };
        let decision = rules.decide(&request, 1_795_515_573);
        (decision.sampled, decision.rule.as_deref().unwrap_or_default().to_owned())
    }

    #[test]
    fn what_a_person_does_is_recorded_however_often() {
        let rules = local_rules().unwrap();
        for _ in 0..200 {
            for (method, path) in [
                ("POST", "/products"),
                ("POST", "/products/break/slow-detail"),
                ("PUT", "/products/7"),
                ("DELETE", "/products/7"),
            ] {
                assert_eq!(sampled(&rules, method, path), (true, ACTIONS.to_owned()));
            }
        }
    }

    #[test]
    fn of_the_rest_one_a_second_and_a_few_more() {
        let rules = local_rules().unwrap();
        let taken = (0..1_000).filter(|_| sampled(&rules, "GET", "/").0).count();
        assert!((20..120).contains(&taken), "1 + 5 % of 999, not {taken}");
        assert_eq!(sampled(&rules, "GET", "/products/7").1, "Default");
    }

    #[test]
    fn the_server_has_one_rule_per_method() {
        let names: Vec<String> = server_rules().map(|rule| rule.rule_name).collect();
        assert_eq!(names, ["workshop-actions", "workshop-actions-put", "workshop-actions-delete"]);
    }
}
