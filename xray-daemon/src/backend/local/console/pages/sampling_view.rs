//! Sampling rules, ready to print: what each did, the editor, the request that is tried.
//!
//! In: rules with their counts of the last 15 minutes. Out: text. Owns nothing.

use askama::Template;

use super::sampling_form::{FormErrors, RuleForm};
use super::sampling_try::{Difference, TryQuery, Verdict};
use crate::backend::local::console::draw::px;
use crate::backend::local::console::format;
use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::scope::{Query, link};
use crate::backend::local::console::text::fill;
use crate::backend::local::sampling::{ClientStatus, RuleCounts, SamplingRule};

/// Time over which the counts are summed.
const COUNTED_S: f64 = 900.0;
/// Width of the bar of the sampled share, and of the effect.
const SHARE_WIDTH: f64 = 72.0;
const EFFECT_WIDTH: f64 = 320.0;

/// The page.
#[derive(Debug, Template)]
#[template(path = "pages/sampling.html")]
pub(crate) struct SamplingView {
    pub(crate) frame: Frame,
    pub(crate) events: Option<String>,
    pub(crate) summary: String,
    /// What was just done, or why nothing can be done here.
    pub(crate) notice: Option<Notice>,
    pub(crate) rules: Vec<RuleRow>,
    pub(crate) tried: Tried,
    pub(crate) clients: Vec<ClientRow>,
    pub(crate) editor: Option<Editor>,
    /// Rules can be made and changed here.
    pub(crate) writable: bool,
}

/// A sentence above the rules.
#[derive(Debug)]
pub(crate) struct Notice {
    /// `ok`, `error` or `fault`.
    pub(crate) class: &'static str,
    pub(crate) text: String,
}

/// A rule.
#[derive(Debug)]
pub(crate) struct RuleRow {
    pub(crate) priority: u32,
    pub(crate) name: String,
    pub(crate) href: String,
    pub(crate) current: bool,
    pub(crate) chips: Vec<(String, String)>,
    pub(crate) reservoir: String,
    pub(crate) rate: String,
    pub(crate) matched: String,
    pub(crate) sampled: String,
    pub(crate) borrowed: String,
    pub(crate) share: String,
    pub(crate) bar: String,
}

/// The request that is thought up, and its verdicts.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) asked: TryQuery,
    pub(crate) rows: Vec<VerdictRow>,
}

/// What one rule says.
#[derive(Debug)]
pub(crate) struct VerdictRow {
    pub(crate) priority: u32,
    pub(crate) name: String,
    pub(crate) difference: Option<Difference>,
    /// What happens to the request, where this rule decides.
    pub(crate) hit: Option<String>,
}

/// A client that reports.
#[derive(Debug)]
pub(crate) struct ClientRow {
    pub(crate) rule: String,
    pub(crate) id: String,
    pub(crate) full_id: String,
    pub(crate) seen: String,
    pub(crate) quota: String,
}

/// The form of a rule.
#[derive(Debug)]
pub(crate) struct Editor {
    pub(crate) title: String,
    pub(crate) action: String,
    pub(crate) delete: Option<String>,
    pub(crate) delete_label: String,
    pub(crate) form: RuleForm,
    pub(crate) errors: FormErrors,
    pub(crate) is_new: bool,
    pub(crate) is_default: bool,
    pub(crate) effect: Option<Effect>,
}

/// What the rule would do to the requests that it matched of late.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) requests: u64,
    pub(crate) text: String,
    pub(crate) actual: String,
    pub(crate) bar: String,
}

/// The address of the page with rule `name` in the editor.
pub(crate) fn rule_link(name: &str) -> String {
    let mut query = Query::default();
    query.add("rule", name);
    link("/sampling", &query.into_text())
}

/// `36% of 12,127 requests were sampled in the last 15 minutes.`
pub(crate) fn summary(frame: &Frame, counts: impl Iterator<Item = RuleCounts>) -> String {
    let (t, lang) = (&frame.t.sampling, frame.lang);
    let sums = counts.fold((0_u64, 0_u64), |(requests, sampled), it| {
        (requests.saturating_add(it.requests), sampled.saturating_add(it.sampled))
    });
    let (requests, sampled) = sums;
    if requests == 0 {
        return t.summary_none.to_owned();
    }
    let share = format::percent_whole(lang, sampled as f64 / requests as f64);
    fill(t.summary_of, &[&share, &format::count(lang, requests)])
}

impl RuleRow {
    /// A rule with its counts.
    pub(crate) fn new(frame: &Frame, rule: &SamplingRule, counts: RuleCounts, now: &str) -> Self {
        let (t, lang) = (&frame.t.sampling, frame.lang);
        let share = match counts.requests {
            0 => 0.0,
            requests => counts.sampled as f64 / requests as f64,
        };
        Self {
            priority: rule.priority,
            href: rule_link(&rule.rule_name),
            current: rule.rule_name == now,
            chips: chips(frame, rule),
            reservoir: format!("{}{}", rule.reservoir_size, t.per_second),
            rate: format::percent(lang, rule.fixed_rate),
            matched: format::count(lang, counts.requests),
            sampled: format::count(lang, counts.sampled),
            borrowed: format::count(lang, counts.borrowed),
            share: match counts.requests {
                0 => "–".to_owned(),
                _ => format::percent_whole(lang, share),
            },
            bar: px(share.min(1.0) * SHARE_WIDTH),
            name: rule.rule_name.clone(),
        }
    }
}

/// What the rule asks for, in short.
fn chips(frame: &Frame, rule: &SamplingRule) -> Vec<(String, String)> {
    let t = &frame.t.sampling;
    let set = |pattern: &str| pattern != "*";
    let mut chips = Vec::new();
    let mut add = |name: &str, pattern: &str| {
        if set(pattern) {
            chips.push((name.to_owned(), pattern.to_owned()));
        }
    };
    add(t.service, &rule.service_name);
    add(t.kind, &rule.service_type);
    add(t.host, &rule.host);
    if set(&rule.url_path) && set(&rule.http_method) {
        add(&rule.http_method, &rule.url_path);
    } else {
        add(t.method, &rule.http_method);
        add(t.path, &rule.url_path);
    }
    add(t.resource, &rule.resource_arn);
    for (key, value) in &rule.attributes {
        chips.push((format!("{} {key}", t.attribute), value.clone()));
    }
    if chips.is_empty() {
        chips.push((String::new(), t.everything.to_owned()));
    }
    chips
}

impl Tried {
    /// The verdicts on a request; `rules` and `counts` stand in the same order.
    pub(crate) fn new(
        frame: &Frame,
        asked: TryQuery,
        rules: &[(&SamplingRule, RuleCounts)],
        verdicts: Vec<Verdict>,
    ) -> Self {
        let rows = rules.iter().zip(verdicts).map(|((rule, counts), verdict)| VerdictRow {
            priority: rule.priority,
            name: rule.rule_name.clone(),
            hit: matches!(verdict, Verdict::Matches).then(|| outcome(frame, rule, *counts)),
            difference: match verdict {
                Verdict::Differs(difference) => Some(difference),
                Verdict::Matches | Verdict::NotAsked => None,
            },
        });
        Self { asked, rows: rows.collect() }
    }
}

/// `The first 1 each second, then 50%. 74% were sampled of late.`
fn outcome(frame: &Frame, rule: &SamplingRule, counts: RuleCounts) -> String {
    let (t, lang) = (&frame.t.sampling, frame.lang);
    let rate = format::percent(lang, rule.fixed_rate);
    let rule_says = match (rule.reservoir_size, rule.fixed_rate) {
        (_, rate) if rate >= 1.0 => t.verdict_all.to_owned(),
        (0, 0.0) => t.verdict_none.to_owned(),
        (size, _) => fill(t.verdict_of, &[&size.to_string(), &rate]),
    };
    if counts.requests == 0 {
        return rule_says;
    }
    let share = counts.sampled as f64 / counts.requests as f64;
    format!("{rule_says} {}", fill(t.about_of, &[&format::percent_whole(lang, share)]))
}

impl ClientRow {
    /// A client seen at `now_s`.
    pub(crate) fn new(frame: &Frame, client: &ClientStatus, now_s: f64) -> Self {
        let t = &frame.t.sampling;
        let ago = format::age(now_s - client.seen_s as f64);
        Self {
            rule: client.rule_name.clone(),
            id: middle(&client.client_id),
            full_id: client.client_id.clone(),
            seen: fill(t.ago_of, &[&ago]),
            quota: client
                .quota_per_s
                .map_or_else(|| "–".to_owned(), |quota| format!("{quota}{}", t.per_second)),
        }
    }
}

/// `8f02c1…a4`: the ends of a long id.
fn middle(id: &str) -> String {
    let chars: Vec<char> = id.chars().collect();
    if chars.len() <= 12 {
        return id.to_owned();
    }
    let (head, tail) = (chars.iter().take(6), chars.iter().skip(chars.len() - 2));
    head.chain(['…'].iter()).chain(tail).collect()
}

impl Effect {
    /// Of the requests that a rule matched, how many it would sample were they spread evenly.
    pub(crate) fn new(frame: &Frame, rule: &SamplingRule, counts: RuleCounts) -> Option<Self> {
        let (t, lang) = (&frame.t.sampling, frame.lang);
        let requests = counts.requests as f64;
        let reserved = (f64::from(rule.reservoir_size) * COUNTED_S).min(requests);
        let sampled = (reserved + (requests - reserved) * rule.fixed_rate).round();
        let n = |n: f64| format::count(lang, n as u64);
        (counts.requests > 0).then(|| Self {
            requests: counts.requests,
            text: fill(t.effect_of, &[&n(sampled), &n(requests)]),
            actual: fill(t.as_saved_of, &[&format::count(lang, counts.sampled)]),
            bar: px(sampled / requests * EFFECT_WIDTH),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::console::visitor::Visitor;

    fn frame() -> Frame {
        Frame::new(&Visitor::default(), None, "")
    }

    fn rule() -> SamplingRule {
        SamplingRule {
            fixed_rate: 0.5,
            url_path: "/products*".into(),
            http_method: "POST".into(),
            service_name: "Frontend".into(),
            ..SamplingRule::matching_all("products-write", 100)
        }
    }

    const COUNTS: RuleCounts = RuleCounts { requests: 1_842, sampled: 1_371, borrowed: 12 };

    #[test]
    fn a_rule_says_what_it_asks_for_and_what_it_did() {
        let row = RuleRow::new(&frame(), &rule(), COUNTS, "products-write");
        let chips = [("service", "Frontend"), ("POST", "/products*")];
        assert_eq!(row.chips, chips.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!((row.reservoir.as_str(), row.rate.as_str()), ("1/s", "50%"));
        assert_eq!((row.share.as_str(), row.bar.as_str()), ("74%", "53.6"));
        assert!(row.current);
        let all = RuleRow::new(&frame(), &SamplingRule::fallback(), RuleCounts::default(), "");
        assert_eq!(all.chips, [(String::new(), "everything".to_owned())]);
        assert_eq!(all.share, "–");
    }

    #[test]
    fn the_summary_adds_up_what_clients_reported() {
        let none = summary(&frame(), [RuleCounts::default()].into_iter());
        assert_eq!(none, "No client has reported requests in the last 15 minutes.");
        let some = summary(&frame(), [COUNTS, RuleCounts::default()].into_iter());
        assert_eq!(some, "74% of 1,842 requests were sampled in the last 15 minutes.");
    }

    #[test]
    fn the_effect_is_that_of_even_traffic() {
        let effect = Effect::new(&frame(), &rule(), COUNTS).unwrap();
        assert_eq!(effect.text, "1,371 of 1,842 sampled");
        let little = RuleCounts { requests: 90, ..RuleCounts::default() };
        assert_eq!(Effect::new(&frame(), &rule(), little).unwrap().text, "90 of 90 sampled");
        assert_eq!(Effect::new(&frame(), &rule(), RuleCounts::default()), None);
    }

    #[test]
    fn an_outcome_is_told_in_a_sentence() {
        let text = outcome(&frame(), &rule(), COUNTS);
        assert_eq!(text, "The first 1 each second, then 50%. 74% were sampled of late.");
        let all = SamplingRule { fixed_rate: 1.0, ..rule() };
        assert_eq!(outcome(&frame(), &all, RuleCounts::default()), "Every request is sampled.");
    }

    #[test]
    fn a_long_id_shows_its_ends() {
        assert_eq!(middle("8f02c1d2e3f4a5b6c7d8e9a4"), "8f02c1…a4");
        assert_eq!(middle("short"), "short");
    }
}
