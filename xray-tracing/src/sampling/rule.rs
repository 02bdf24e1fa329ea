//! A sampling rule: which requests it is for, and how many of them are recorded.
//!
//! In: its parts, through a builder. Out: whether it matches a request. Owns its text; it never
//! changes, what moves is in [`RuleState`](super::RuleState). Rule: X-Ray API, `SamplingRule`;
//! first match by priority, then by name.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{HttpTarget, Pattern, SamplingRequest};

/// Longest name of a rule, in characters. Rule: X-Ray API, `RuleName`.
const MAX_NAME_CHARS: usize = 32;
/// Most attributes of a rule. Rule: X-Ray API, `AttributeMap`.
const MAX_ATTRIBUTES: usize = 5;
/// Priority of the rule `Default`, behind all others.
const DEFAULT_PRIORITY: u32 = 10_000;
/// Of the requests over the reservoir, 5 % are recorded. Rule: X-Ray developer guide.
const DEFAULT_RATE: f64 = 0.05;

/// Why a rule cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The name is empty or too long.
    #[error("rule name {0:?} is not valid; it has 1 to 32 characters")]
    Name(String),
    /// The priority is out of range.
    #[error(
        "priority {priority} of rule {rule:?} is not valid; it is 1 to 10000, the lowest first"
    )]
    Priority {
        /// Name of the rule.
        rule: String,
        /// What was given.
        priority: u32,
    },
    /// The rate is out of range or no number.
    #[error("fixed rate {rate} of rule {rule:?} is not valid; it is 0 to 1, 1 for every request")]
    FixedRate {
        /// Name of the rule.
        rule: String,
        /// What was given.
        rate: f64,
    },
    /// Too many attributes.
    #[error("rule {rule:?} has {count} attributes; 5 are allowed")]
    Attributes {
        /// Name of the rule.
        rule: String,
        /// How many were given.
        count: usize,
    },
}

/// A sampling rule. Made by [`Rule::named`].
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    name: Arc<str>,
    priority: u32,
    fixed_rate: f64,
    reservoir_per_s: u32,
    service_name: Pattern,
    service_type: Pattern,
    resource_arn: Pattern,
    host: Pattern,
    method: Pattern,
    path: Pattern,
    attributes: Vec<(String, Pattern)>,
}

impl Rule {
    /// Begins a rule that matches everything, has priority 10000, and records 1 request a second
    /// and 5 % of the others: narrow it down from there.
    ///
    /// ```
    /// use xray_tracing::sampling::{HttpTarget, Rule, SamplingRequest};
    /// let rule = Rule::named("workshop-actions")
    ///     .priority(100)
    ///     .method("POST")
    ///     .path("/products*")
    ///     .fixed_rate(1.0)
    ///     .build()?;
    /// let mut target = HttpTarget { host: "shop", method: "POST", path: "/products/7" };
    /// assert!(rule.matches(&SamplingRequest { http: Some(target), ..Default::default() }));
    /// target.method = "GET";
    /// assert!(!rule.matches(&SamplingRequest { http: Some(target), ..Default::default() }));
    /// # Ok::<(), xray_tracing::sampling::RuleError>(())
    /// ```
    pub fn named(name: impl Into<String>) -> RuleBuilder {
        RuleBuilder { name: name.into(), rule: Self::fallback() }
    }

    /// The rule `Default` as X-Ray ships it: everything, 1 a second and 5 %.
    pub fn fallback() -> Self {
        Self {
            name: "Default".into(),
            priority: DEFAULT_PRIORITY,
            fixed_rate: DEFAULT_RATE,
            reservoir_per_s: 1,
            service_name: Pattern::anything(),
            service_type: Pattern::anything(),
            resource_arn: Pattern::anything(),
            host: Pattern::anything(),
            method: Pattern::anything(),
            path: Pattern::anything(),
            attributes: Vec::new(),
        }
    }

    /// Its name, up to 32 characters.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// 1 to 9999, and 10000 for `Default`; the lowest is asked first.
    pub fn priority(&self) -> u32 {
        self.priority
    }

    /// Share of the requests over the reservoir that is recorded, 0 to 1.
    pub fn fixed_rate(&self) -> f64 {
        self.fixed_rate
    }

    /// Requests a second that are recorded before the rate applies.
    pub fn reservoir_per_s(&self) -> u32 {
        self.reservoir_per_s
    }

    /// Pattern of the service's name.
    pub fn service_name(&self) -> &Pattern {
        &self.service_name
    }

    /// Pattern of what runs the service.
    pub fn service_type(&self) -> &Pattern {
        &self.service_type
    }

    /// Pattern of the ARN of what runs the service.
    pub fn resource_arn(&self) -> &Pattern {
        &self.resource_arn
    }

    /// Pattern of the `Host` header.
    pub fn host(&self) -> &Pattern {
        &self.host
    }

    /// Pattern of the HTTP method.
    pub fn method(&self) -> &Pattern {
        &self.method
    }

    /// Pattern of the path.
    pub fn path(&self) -> &Pattern {
        &self.path
    }

    /// Attributes that a segment must have, up to 5, each with the pattern of its value.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &Pattern)> {
        self.attributes.iter().map(|(key, pattern)| (key.as_str(), pattern))
    }

    /// The rule is for this request.
    ///
    /// What is not known of an HTTP request is compared as empty text. For a trace that begins
    /// without one, host, method and path match only `*`: a rule for `/health` must not catch a
    /// nightly job. An attribute that the request does not have matches nothing.
    pub fn matches(&self, request: &SamplingRequest<'_>) -> bool {
        self.matches_http(request.http)
            && self.service_name.matches(request.service_name)
            && self.service_type.matches(request.service_type.unwrap_or_default())
            && match request.resource_arn {
                Some(arn) => self.resource_arn.matches(arn),
                None => self.resource_arn.is_anything(),
            }
            && self.attributes.iter().all(|(key, pattern)| {
                request.attributes.iter().any(|(name, value)| name == key && pattern.matches(value))
            })
    }

    fn matches_http(&self, target: Option<HttpTarget<'_>>) -> bool {
        match target {
            // The shortest first.
            Some(target) => {
                self.method.matches(target.method)
                    && self.path.matches(target.path)
                    && self.host.matches(target.host)
            }
            None => [&self.host, &self.method, &self.path].into_iter().all(Pattern::is_anything),
        }
    }

    /// Which of two rules is asked first: by priority, then by the bytes of the name.
    pub fn order(&self, other: &Self) -> Ordering {
        (self.priority, &self.name).cmp(&(other.priority, &other.name))
    }
}

/// Collects the parts of a rule; see [`Rule::named`]. Patterns have `*` for any text and `?` for
/// one character, without case.
#[derive(Clone, Debug)]
#[must_use]
pub struct RuleBuilder {
    name: String,
    rule: Rule,
}

impl RuleBuilder {
    /// Place among the rules, 1 to 10000; the lowest is asked first.
    pub fn priority(mut self, priority: u32) -> Self {
        self.rule.priority = priority;
        self
    }

    /// Share of the requests over the reservoir that is recorded, 0 to 1.
    pub fn fixed_rate(mut self, rate: f64) -> Self {
        self.rule.fixed_rate = rate;
        self
    }

    /// Requests a second that are recorded before the rate applies.
    pub fn reservoir_per_s(mut self, per_s: u32) -> Self {
        self.rule.reservoir_per_s = per_s;
        self
    }

    /// Name of the service: of the segment that begins.
    pub fn service_name(mut self, pattern: impl Into<Pattern>) -> Self {
        self.rule.service_name = pattern.into();
        self
    }

    /// What runs the service, such as `AWS::EKS::Container`.
    pub fn service_type(mut self, pattern: impl Into<Pattern>) -> Self {
        self.rule.service_type = pattern.into();
        self
    }

    /// ARN of what runs the service.
    pub fn resource_arn(mut self, pattern: impl Into<Pattern>) -> Self {
        self.rule.resource_arn = pattern.into();
        self
    }

    /// The `Host` header.
    pub fn host(mut self, pattern: impl Into<Pattern>) -> Self {
        self.rule.host = pattern.into();
        self
    }

    /// HTTP method. One pattern says one method, or several with a common beginning (`P*`): for
    /// others make a rule each.
    pub fn method(mut self, pattern: impl Into<Pattern>) -> Self {
        self.rule.method = pattern.into();
        self
    }

    /// Path, without query string.
    pub fn path(mut self, pattern: impl Into<Pattern>) -> Self {
        self.rule.path = pattern.into();
        self
    }

    /// An attribute that the segment must have when it begins; up to 5.
    pub fn attribute(mut self, key: impl Into<String>, pattern: impl Into<Pattern>) -> Self {
        self.rule.attributes.push((key.into(), pattern.into()));
        self
    }

    /// The rule.
    ///
    /// # Errors
    /// Name, priority, rate or number of attributes is out of range.
    pub fn build(mut self) -> Result<Rule, RuleError> {
        let rule = self.name;
        if rule.is_empty() || rule.chars().count() > MAX_NAME_CHARS {
            return Err(RuleError::Name(rule));
        }
        let priority = self.rule.priority;
        if !(1..=DEFAULT_PRIORITY).contains(&priority) {
            return Err(RuleError::Priority { rule, priority });
        }
        let rate = self.rule.fixed_rate;
        if !(0.0..=1.0).contains(&rate) {
            return Err(RuleError::FixedRate { rule, rate });
        }
        let count = self.rule.attributes.len();
        if count > MAX_ATTRIBUTES {
            return Err(RuleError::Attributes { rule, count });
        }
        self.rule.name = rule.into();
        Ok(self.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKOUT: SamplingRequest<'static> = SamplingRequest {
        service_name: "shop",
        service_type: Some("AWS::EKS::Container"),
        resource_arn: None,
        http: Some(HttpTarget { host: "shop.example", method: "POST", path: "/cart/checkout" }),
        attributes: &[("tenant", "acme"), ("tier", "gold")],
    };
    const NIGHTLY_JOB: SamplingRequest<'static> = SamplingRequest {
        service_name: "shop",
        service_type: None,
        resource_arn: None,
        http: None,
        attributes: &[],
    };

    fn matched(narrow: impl Fn(RuleBuilder) -> RuleBuilder, request: &SamplingRequest<'_>) -> bool {
        narrow(Rule::named("r")).build().unwrap().matches(request)
    }

    #[test]
    fn every_field_must_match() {
        type Narrow = fn(RuleBuilder) -> RuleBuilder;
        let fits: [Narrow; 8] = [
            |rule| rule,
            |rule| rule.service_name("SHOP"),
            |rule| rule.service_type("aws::eks::*"),
            |rule| rule.host("shop.*"),
            |rule| rule.method("post"),
            |rule| rule.path("/cart/*"),
            |rule| rule.attribute("tenant", "ac?e").attribute("tier", "*"),
            |rule| rule.resource_arn("*"),
        ];
        let misses: [Narrow; 8] = [
            |rule| rule.service_name("shops"),
            |rule| rule.service_type("AWS::EC2::Instance"),
            |rule| rule.host("shop"),
            |rule| rule.method("P?T"),
            |rule| rule.path("/cart"),
            |rule| rule.attribute("Tenant", "acme"),
            |rule| rule.attribute("tenant", "acme").attribute("region", "*"),
            |rule| rule.resource_arn("arn:*"),
        ];
        for (index, narrow) in fits.into_iter().enumerate() {
            assert!(matched(narrow, &CHECKOUT), "fits {index}");
        }
        for (index, narrow) in misses.into_iter().enumerate() {
            assert!(!matched(narrow, &CHECKOUT), "misses {index}");
        }
    }

    #[test]
    fn a_trace_without_http_matches_only_rules_that_do_not_ask_for_it() {
        assert!(matched(|rule| rule.service_name("shop").path("**"), &NIGHTLY_JOB));
        assert!(!matched(|rule| rule.path("/health"), &NIGHTLY_JOB));
        assert!(!matched(|rule| rule.method("GET"), &NIGHTLY_JOB));
        assert!(!matched(|rule| rule.host("?*"), &NIGHTLY_JOB));
        assert!(!matched(|rule| rule.host(""), &NIGHTLY_JOB));
    }

    #[test]
    fn what_is_not_known_is_compared_as_empty_text() {
        let request = SamplingRequest { http: Some(HttpTarget::default()), ..NIGHTLY_JOB };
        assert!(matched(|rule| rule.host("").service_type(""), &request));
        assert!(!matched(|rule| rule.host("?*"), &request));
        assert!(!matched(|rule| rule.service_type("AWS::*"), &request));
    }

    #[test]
    fn a_rule_gives_back_what_it_was_made_of() {
        let rule = Rule::named("r")
            .priority(7)
            .service_name("Shop*")
            .service_type("AWS::*")
            .resource_arn("arn:*")
            .host("h?")
            .method("PUT")
            .path("/a")
            .attribute("k", "v*")
            .build()
            .unwrap();
        let patterns = [
            rule.service_name(),
            rule.service_type(),
            rule.resource_arn(),
            rule.host(),
            rule.method(),
            rule.path(),
        ];
        assert_eq!(patterns.map(Pattern::as_str), ["Shop*", "AWS::*", "arn:*", "h?", "PUT", "/a"]);
        let attributes: Vec<_> =
            rule.attributes().map(|(key, pattern)| (key, pattern.as_str())).collect();
        assert_eq!(attributes, [("k", "v*")]);
        assert_eq!((rule.priority(), rule.reservoir_per_s(), rule.fixed_rate()), (7, 1, 0.05));
    }

    #[test]
    fn a_known_arn_is_compared() {
        let request = SamplingRequest { resource_arn: Some("arn:aws:ecs:1"), ..CHECKOUT };
        assert!(matched(|rule| rule.resource_arn("arn:aws:ecs:*"), &request));
        assert!(!matched(|rule| rule.resource_arn("arn:aws:eks:*"), &request));
    }

    #[test]
    fn rules_stand_by_priority_then_name() {
        let rule = |name, priority| Rule::named(name).priority(priority).build().unwrap();
        let mut rules = [Rule::fallback(), rule("b", 5), rule("a", 5), rule("B", 5), rule("z", 1)];
        rules.sort_by(Rule::order);
        let names: Vec<&str> = rules.iter().map(|rule| &**rule.name()).collect();
        assert_eq!(names, ["z", "B", "a", "b", "Default"]);
    }

    #[test]
    fn a_rule_that_cannot_be_says_why() {
        let refused = |rule: RuleBuilder| rule.build().unwrap_err().to_string();
        assert_eq!(
            refused(Rule::named("")),
            r#"rule name "" is not valid; it has 1 to 32 characters"#
        );
        assert_eq!(
            refused(Rule::named("x").priority(0)),
            r#"priority 0 of rule "x" is not valid; it is 1 to 10000, the lowest first"#
        );
        assert_eq!(
            refused(Rule::named("x").fixed_rate(5.0)),
            r#"fixed rate 5 of rule "x" is not valid; it is 0 to 1, 1 for every request"#
        );
        assert_eq!(
            refused(Rule::named("x").fixed_rate(f64::NAN)),
            r#"fixed rate NaN of rule "x" is not valid; it is 0 to 1, 1 for every request"#
        );
        let six = (0..6).fold(Rule::named("x"), |rule, n| rule.attribute(n.to_string(), "*"));
        assert_eq!(refused(six), r#"rule "x" has 6 attributes; 5 are allowed"#);
        assert!(Rule::named("é".repeat(32)).build().is_ok());
        assert!(Rule::named("x".repeat(33)).build().is_err());
    }
}
