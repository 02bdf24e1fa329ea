//! The bar below the top bar: range, filter, group, switches; and what is wrong with a filter.
//!
//! In: the question, what a page adds to it, the mistake in its filter. Out: ready-to-print text
//! for `parts/scope.html`. Owns nothing.

use super::format::{self, Zone};
use super::scope::{Health, Live, Query, Range, Scope, link};
use super::text::{Text, fill};
use super::visitor::Visitor;
use crate::backend::local::filter::FilterError;

/// Pairs of name and value that a page keeps in its address besides the question.
pub(crate) type Extras = Vec<(&'static str, String)>;

/// The bar, ready to print.
#[derive(Debug)]
pub(crate) struct ScopeBar {
    /// The page that answers.
    pub(crate) action: &'static str,
    /// Fields of the form that are not seen.
    pub(crate) hidden: Extras,
    /// The same for the form of a range of one's own.
    pub(crate) kept: Extras,
    pub(crate) range_name: String,
    pub(crate) ranges: Vec<Choice>,
    pub(crate) own_from: String,
    pub(crate) own_to: String,
    pub(crate) zone_note: String,
    pub(crate) filter: String,
    pub(crate) mistake: Option<Mistake>,
    pub(crate) groups: Vec<GroupChoice>,
    /// Only on pages that compare.
    pub(crate) compare: Option<Switch>,
    pub(crate) health: Switch,
    /// None where the range stands still.
    pub(crate) live: Option<Switch>,
}

/// A link that stands for a choice.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) on: bool,
}

/// A group in the list.
#[derive(Debug)]
pub(crate) struct GroupChoice {
    pub(crate) name: String,
    pub(crate) chosen: bool,
}

/// A link that turns something on or off.
#[derive(Debug)]
pub(crate) struct Switch {
    /// Where the other position is.
    pub(crate) href: String,
    pub(crate) on: bool,
}

/// What is wrong with the filter.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) text: String,
    /// `At character 33.`
    pub(crate) place: String,
    /// Where the wrong part begins, in units of JavaScript's strings.
    pub(crate) start_utf16: usize,
    pub(crate) end_utf16: usize,
    pub(crate) fix: Option<Fix>,
}

/// One click that makes it right.
#[derive(Debug)]
pub(crate) struct Fix {
    pub(crate) href: String,
    pub(crate) before: String,
    pub(crate) word: String,
    pub(crate) after: String,
}

/// What the bar is made from.
#[derive(Debug)]
pub(crate) struct BarInput<'a> {
    pub(crate) visitor: &'a Visitor,
    pub(crate) action: &'static str,
    pub(crate) scope: &'a Scope,
    pub(crate) extras: Extras,
    pub(crate) groups: &'a [String],
    pub(crate) error: Option<&'a FilterError>,
    /// The filter that the page shows while the one typed is wrong.
    pub(crate) shown_filter: &'a str,
    pub(crate) now_s: f64,
}

impl ScopeBar {
    /// The bar of a page.
    pub(crate) fn new(input: BarInput<'_>) -> Self {
        let BarInput { visitor, action, scope, extras, groups, error, shown_filter, now_s } = input;
        let t = visitor.text();
        let to = |scope: Scope| address(action, &scope, &extras);
        let window = scope.window(now_s);
        let from_s = if scope.range == Range::All { now_s - 3_600.0 } else { window.start_s };
        Self {
            action,
            hidden: hidden_fields(scope, &extras, error.map(|_| shown_filter)),
            kept: kept_fields(scope, &extras),
            range_name: scope.range_name(t, visitor.zone),
            ranges: ranges(t, scope, to),
            own_from: format::field_time(from_s, visitor.zone),
            own_to: format::field_time(window.end_s, visitor.zone),
            zone_note: zone_note(t, visitor.zone),
            filter: scope.filter.clone(),
            mistake: error.map(|error| mistake(t, scope, error, to)),
            groups: group_choices(groups, &scope.group),
            compare: None,
            health: Switch {
                on: scope.health == Health::Shown,
                href: to(Scope { health: other_health(scope.health), ..scope.clone() }),
            },
            live: (!matches!(scope.range, Range::Between(..))).then(|| Switch {
                on: scope.live == Live::On,
                href: to(Scope { live: other_live(scope.live), ..scope.clone() }),
            }),
        }
    }

    /// Adds the button that compares; `href` leads to the other position.
    pub(crate) fn comparing(mut self, on: bool, href: String) -> Self {
        self.compare = Some(Switch { href, on });
        self
    }
}

/// The address of `path` with the question and what the page adds.
pub(crate) fn address(path: &str, scope: &Scope, extras: &[(&'static str, String)]) -> String {
    let mut query = Query::after(scope.query());
    for (name, value) in extras {
        query.add_unless_empty(name, value);
    }
    link(path, &query.into_text())
}

fn other_health(health: Health) -> Health {
    if health == Health::Shown { Health::Hidden } else { Health::Shown }
}

fn other_live(live: Live) -> Live {
    if live == Live::On { Live::Off } else { Live::On }
}

/// Everything but the filter and the group, which are fields that are seen. A page with a wrong
/// filter remembers the one that it shows.
fn hidden_fields(scope: &Scope, extras: &Extras, last: Option<&str>) -> Extras {
    let seen = |name: &str| name == "filter" || name == "group";
    let mut fields: Extras = scope.fields().into_iter().filter(|(name, _)| !seen(name)).collect();
    fields.extend(extras.iter().cloned());
    fields.extend(last.map(|last| ("last", last.to_owned())));
    fields
}

/// Everything but the range.
fn kept_fields(scope: &Scope, extras: &Extras) -> Extras {
    let range = |name: &str| matches!(name, "range" | "from" | "to");
    let mut fields: Extras = scope.fields().into_iter().filter(|(name, _)| !range(name)).collect();
    fields.extend(extras.iter().cloned());
    fields
}

fn ranges(t: &Text, scope: &Scope, to: impl Fn(Scope) -> String) -> Vec<Choice> {
    [
        (t.scope.last_5m, Range::Last(300)),
        (t.scope.last_15m, Range::Last(900)),
        (t.scope.last_1h, Range::Last(3_600)),
        (t.scope.last_6h, Range::Last(21_600)),
        (t.scope.everything, Range::All),
    ]
    .into_iter()
    .map(|(name, range)| Choice {
        name,
        href: to(scope.with_range(range)),
        on: scope.range == range,
    })
    .collect()
}

fn zone_note(t: &Text, zone: Zone) -> String {
    fill(t.scope.zone_of, &[&zone.to_string()])
}

fn group_choices(groups: &[String], chosen: &str) -> Vec<GroupChoice> {
    let choice = |name: &String| GroupChoice { name: name.clone(), chosen: name == chosen };
    groups.iter().map(choice).collect()
}

fn mistake(t: &Text, scope: &Scope, error: &FilterError, to: impl Fn(Scope) -> String) -> Mistake {
    let filter = scope.filter.as_str();
    let start = floor_boundary(filter, error.span.start);
    let end = floor_boundary(filter, error.span.end).max(start);
    let (before, rest) = filter.split_at(start);
    let (_, after) = rest.split_at(end - start);
    let replacement = error.hint.as_ref().and_then(|hint| hint.replacement.as_deref());
    let (fix_before, fix_after) = t.query.use_of.split_once("{0}").unwrap_or((t.query.use_of, ""));
    Mistake {
        text: error.hint.as_ref().map_or_else(|| error.message.clone(), |hint| hint.text.clone()),
        place: fill(t.query.at_of, &[&(before.chars().count() + 1).to_string()]),
        start_utf16: before.encode_utf16().count(),
        // Something missing at the end: mark the last character.
        end_utf16: filter.split_at(end).0.encode_utf16().count(),
        fix: replacement.map(|word| Fix {
            href: to(scope.with_filter(format!("{before}{word}{after}"))),
            before: fix_before.to_owned(),
            word: word.to_owned(),
            after: fix_after.to_owned(),
        }),
    }
}

/// The nearest place at or before `at` that lies between two characters.
fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::filter::Hint;

    fn bar(scope: &Scope, error: Option<&FilterError>) -> ScopeBar {
        ScopeBar::new(BarInput {
            visitor: &Visitor::default(),
            action: "/traces",
            scope,
            extras: vec![("sort", "rt".to_owned())],
            groups: &["checkout".to_owned()],
            error,
            shown_filter: "ok",
            now_s: 1_795_515_585.0,
        })
    }

    #[test]
    fn every_switch_keeps_the_rest_of_the_question() {
        let scope = Scope::default().with_filter("fault").with_range(Range::Last(3_600));
        let bar = bar(&scope, None);
        assert_eq!(bar.health.href, "/traces?range=1h&filter=fault&health=1&sort=rt");
        let live = bar.live.unwrap();
        assert_eq!(
            (live.on, live.href.as_str()),
            (true, "/traces?range=1h&filter=fault&live=0&sort=rt")
        );
        assert_eq!(bar.ranges[1].href, "/traces?filter=fault&sort=rt");
        assert_eq!(bar.hidden, [("range", "1h".to_owned()), ("sort", "rt".to_owned())]);
        assert_eq!(bar.kept, [("filter", "fault".to_owned()), ("sort", "rt".to_owned())]);
    }

    #[test]
    fn a_fixed_range_has_no_live_switch() {
        let scope = Scope { live: Live::Off, ..Scope::default() };
        assert!(bar(&scope.with_range(Range::Between(1.0, 2.0)), None).live.is_none());
    }

    #[test]
    fn a_mistake_is_marked_and_its_fix_is_a_link() {
        let scope = Scope::default().with_filter("user = \"é\" AND responstime > 1");
        let start = scope.filter.find("respons").unwrap();
        let error = FilterError {
            message: "Error Location: line 1, position 16 : Invalid input symbol: 'res'".into(),
            span: start..start + "responstime".len(),
            hint: Some(Hint {
                text: "There is no keyword responstime".into(),
                replacement: Some("responsetime".into()),
            }),
        };
        let bar = bar(&scope, Some(&error));
        let mistake = bar.mistake.unwrap();
        assert_eq!(mistake.place, "At character 16.");
        assert_eq!((mistake.start_utf16, mistake.end_utf16), (15, 26));
        let fix = mistake.fix.unwrap();
        assert_eq!((fix.before.as_str(), fix.word.as_str()), ("Use ", "responsetime"));
        assert_eq!(fix.href, "/traces?filter=user+%3D+%22%C3%A9%22+AND+responsetime+%3E+1&sort=rt");
        assert!(bar.hidden.contains(&("last", "ok".to_owned())));
    }

    #[test]
    fn a_span_beyond_the_text_or_inside_a_character_is_harmless() {
        let scope = Scope::default().with_filter("é");
        let error = FilterError { message: "missing ')'".into(), span: 1..99, hint: None };
        let mistake = bar(&scope, Some(&error)).mistake.unwrap();
        assert_eq!((mistake.start_utf16, mistake.end_utf16), (0, 1));
        assert_eq!(mistake.text, "missing ')'");
    }
}
