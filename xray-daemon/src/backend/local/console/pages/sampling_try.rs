//! Which rule would decide about a request, and why those before it do not.
//!
//! In: rules and a request that is thought up. Out: one verdict a rule, in the order in which they
//! are asked. Owns nothing; nothing is counted against a reservoir.

use serde::Deserialize;
use xray_tracing::sampling::{Pattern, Rule};

use crate::backend::local::console::text::SamplingText;

/// A request that is thought up, as the address says it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TryQuery {
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) host: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
}

/// What one rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The first thing that differs: `URL path`, what it is, what it should be.
    Differs(Difference),
    /// It decides.
    Matches,
    /// A rule before it decided.
    NotAsked,
}

/// Why a rule does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    pub(crate) is: String,
    pub(crate) wanted: String,
}

impl TryQuery {
    /// Somebody asked.
    pub(crate) fn is_asked(&self) -> bool {
        self.path.is_some() || self.service.is_some() || self.host.is_some()
    }
}

/// The verdicts of `rules`, which stand in the order in which they are asked.
pub(crate) fn verdicts(t: &SamplingText, rules: &[Rule], asked: &TryQuery) -> Vec<Verdict> {
    let mut decided = false;
    let verdict = |rule: &Rule| {
        if decided {
            return Verdict::NotAsked;
        }
        match difference(t, rule, asked) {
            Some(difference) => Verdict::Differs(difference),
            None => {
                decided = true;
                Verdict::Matches
            }
        }
    };
    rules.iter().map(verdict).collect()
}

fn difference(t: &SamplingText, rule: &Rule, asked: &TryQuery) -> Option<Difference> {
    let checks: [(&'static str, &Pattern, &Option<String>); 5] = [
        (t.service_name, rule.service_name(), &asked.service),
        (t.service_type, rule.service_type(), &asked.kind),
        (t.host_name, rule.host(), &asked.host),
        (t.method_name, rule.method(), &asked.method),
        (t.url_path, rule.path(), &asked.path),
    ];
    let differs = |(what, pattern, value): (&'static str, &Pattern, &Option<String>)| {
        // What was left open may be anything.
        let value = value.as_deref().map(str::trim).filter(|value| !value.is_empty())?;
        (!pattern.matches(value)).then(|| Difference {
            what,
            is: value.to_owned(),
            wanted: pattern.as_str().to_owned(),
        })
    };
    let arn = rule.resource_arn();
    let other = (!arn.matches("")).then(|| Difference {
        what: t.resource_arn,
        is: t.any.to_owned(),
        wanted: arn.as_str().to_owned(),
    });
    let attribute = rule.attributes().next().map(|(key, pattern)| Difference {
        what: t.attribute_name,
        is: "–".to_owned(),
        wanted: format!("{key} {}", pattern.as_str()),
    });
    checks.into_iter().find_map(differs).or(other).or(attribute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::console::text::Lang;

    fn rules() -> Vec<Rule> {
        let rule = |name: &str| Rule::named(name).reservoir_per_s(1);
        vec![
            rule("health").path("/ping*").build().unwrap(),
            rule("write").service_name("Frontend").method("POST").build().unwrap(),
            Rule::fallback(),
        ]
    }

    fn asked(method: &str, path: &str, service: &str) -> TryQuery {
        let text = |text: &str| Some(text.to_owned());
        TryQuery {
            method: text(method),
            path: text(path),
            service: text(service),
            ..TryQuery::default()
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let t = &Lang::En.text().sampling;
        let verdicts = verdicts(t, &rules(), &asked("POST", "/products/14", "Frontend"));
        let difference = Difference {
            what: "URL path",
            is: "/products/14".to_owned(),
            wanted: "/ping*".to_owned(),
        };
        assert_eq!(verdicts, [Verdict::Differs(difference), Verdict::Matches, Verdict::NotAsked]);
    }

    #[test]
    fn what_is_left_open_may_be_anything() {
        let t = &Lang::En.text().sampling;
        let verdicts = verdicts(t, &rules(), &asked("", "/ping", " "));
        assert_eq!(verdicts[0], Verdict::Matches);
    }
}
