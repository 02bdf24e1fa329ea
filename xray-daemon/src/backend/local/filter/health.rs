//! Which traces are health checks: requests of load balancers and probes, by path and by who asks.
//!
//! In: a summary, or a part of an expression. Out: yes or no. Owns the rule, which is an expression
//! like any other. The store marks traces by it when it writes them, so that a filter with exactly
//! this part finds the mark and need not look at the traces.

use std::sync::LazyLock;

use super::expression_tree::Expression;
use super::{Filter, NoGroups, TraceView};
use crate::backend::local::trace::Summary;

/// The rule, as a filter expression.
pub const HEALTH_CHECKS: &str = concat!(
    "http.url ENDSWITH \"/ping\" OR http.url ENDSWITH \"/health\" ",
    "OR http.url ENDSWITH \"/healthz\" OR http.url ENDSWITH \"/readyz\" ",
    "OR http.url ENDSWITH \"/livez\" OR http.url CONTAINS \"/health/\" ",
    "OR http.useragent BEGINSWITH \"ELB-HealthChecker\" ",
    "OR http.useragent BEGINSWITH \"kube-probe\""
);

/// The rule, read. An expression that did not read would be a filter that lets all through.
static RULE: LazyLock<Filter> = LazyLock::new(|| Filter::parse(HEALTH_CHECKS).unwrap_or_default());

/// Whether a trace is a health check.
pub fn is_health_check(summary: &Summary) -> bool {
    // Most requests have neither: no need to ask part by part.
    if summary.http.url.is_none() && summary.http.user_agent.is_none() {
        return false;
    }
    RULE.matches(&TraceView { summary, trace: None, groups: &NoGroups })
}

/// Whether a part of an expression is the rule.
pub(super) fn is_rule(expression: &Expression) -> bool {
    RULE.is(expression)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::backend::local::trace::tests::trace;

    fn is_one(url: &str, user_agent: &str) -> bool {
        let request = json!({"method": "GET", "url": url, "user_agent": user_agent});
        let root = json!({"id": 1, "name": "shop", "start_time": 1, "end_time": 2,
            "http": {"request": request}});
        is_health_check(&Summary::of(&trace(&[root])))
    }

    #[test]
    fn paths_and_probes_are_told_apart_from_requests() {
        assert!(is_one("http://shop/healthz", "curl"));
        assert!(is_one("http://shop/ping", ""));
        assert!(is_one("http://shop/", "kube-probe/1.35"));
        assert!(is_one("http://shop/", "ELB-HealthChecker/2.0"));
        assert!(!is_one("http://shop/products", "curl"));
        assert!(!is_one("http://shop/pings", "curl"));
    }

    #[test]
    fn a_filter_that_leaves_them_out_is_decided_by_the_mark_alone() {
        let pushdown = |text: &str| Filter::parse(text).unwrap().pushdown();
        let hidden = pushdown(&format!("!({HEALTH_CHECKS})"));
        assert_eq!((hidden.health_check, hidden.exact), (Some(false), true));
        assert_eq!(pushdown(HEALTH_CHECKS).health_check, Some(true));
        let both = pushdown(&format!("fault AND !({HEALTH_CHECKS})"));
        assert_eq!(
            (both.health_check, both.has_fault, both.exact),
            (Some(false), Some(true), true)
        );
        assert_eq!(pushdown("!(http.url ENDSWITH \"/ping\")").health_check, None);
    }

    #[test]
    fn nothing_but_leaving_them_out_is_recognised() {
        let hides = |text: &str| Filter::parse(text).unwrap().only_hides_health_checks();
        assert!(hides(&format!("!({HEALTH_CHECKS})")));
        assert!(!hides(HEALTH_CHECKS));
        assert!(!hides(&format!("fault AND !({HEALTH_CHECKS})")));
        assert!(!hides(""));
    }
}
