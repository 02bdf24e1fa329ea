//! The question that travels from page to page: which time, which traces.
//!
//! In: the query string. Out: a [`Scope`], its window of time, and the query string for links that
//! keep it or change one thing. Owns nothing. An absent or senseless value means the default.

use std::fmt::Write;

use serde::Deserialize;

use super::format::{self, Zone};
use super::text::{Text, fill};
use crate::backend::local::filter::HEALTH_CHECKS;
use crate::backend::local::store::Window;

/// What a page is asked, as the address says it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ScopeQuery {
    range: Option<String>,
    from: Option<String>,
    to: Option<String>,
    filter: String,
    group: String,
    health: String,
    live: String,
    /// As links of the AWS console say it: `PT1H`.
    #[serde(rename = "timeRange")]
    time_range: Option<String>,
}

/// Which time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Range {
    /// So many seconds up to now.
    Last(u32),
    /// Everything that is kept.
    All,
    /// From and to, epoch seconds.
    Between(f64, f64),
}

/// Traces of load balancers and probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Health {
    /// Left out.
    #[default]
    Hidden,
    /// Shown like all others.
    Shown,
}

/// Whether the page follows what arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Live {
    /// It does.
    #[default]
    On,
    /// It stands still.
    Off,
}

/// The question, every value valid.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scope {
    pub(crate) range: Range,
    /// Filter expression as typed, perhaps wrong.
    pub(crate) filter: String,
    /// Name of a group; empty: all traces.
    pub(crate) group: String,
    pub(crate) health: Health,
    pub(crate) live: Live,
}

/// Seconds of the range that a page shows unless asked otherwise.
const DEFAULT_RANGE_S: u32 = 15 * 60;
/// Longest filter expression that is taken from an address.
const MAX_FILTER_CHARS: usize = 4_000;

impl ScopeQuery {
    /// Reads the question; `zone` is the visitor's, for times typed into fields.
    pub(crate) fn scope(self, zone: Zone) -> Scope {
        let between = match (self.from.as_deref(), self.to.as_deref()) {
            (Some(from), Some(to)) => moment(from, zone).zip(moment(to, zone)),
            _ => None,
        };
        let named = self.range.as_deref().and_then(named_range);
        let aws = self.time_range.as_deref().and_then(iso_period);
        let range = match (between, named.or(aws)) {
            (Some((from, to)), _) if from < to => Range::Between(from, to),
            (_, Some(range)) => range,
            (_, None) => Range::Last(DEFAULT_RANGE_S),
        };
        let filter = self.filter.trim().chars().take(MAX_FILTER_CHARS).collect();
        Scope {
            range,
            filter,
            group: self.group.chars().take(32).collect(),
            health: if self.health == "1" { Health::Shown } else { Health::Hidden },
            live: if self.live == "0" || matches!(range, Range::Between(..)) {
                Live::Off
            } else {
                Live::On
            },
        }
    }
}

/// Epoch seconds, or what a `datetime-local` field sends.
fn moment(text: &str, zone: Zone) -> Option<f64> {
    let epoch = text.parse::<f64>().ok().filter(|s| (0.0..253_402_300_800.0).contains(s));
    epoch.or_else(|| format::parse_field_time(text, zone))
}

/// `5m`, `15m`, `1h`, `6h`, `all` or any number of minutes, hours or days.
fn named_range(text: &str) -> Option<Range> {
    if text == "all" {
        return Some(Range::All);
    }
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_s = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let seconds = number.parse::<u32>().ok()?.checked_mul(unit_s)?;
    (60..=366 * 86_400).contains(&seconds).then_some(Range::Last(seconds))
}

/// An ISO 8601 period with one unit: `PT5M`, `PT1H`, `P1D`.
fn iso_period(text: &str) -> Option<Range> {
    let period = text.strip_prefix('P')?;
    named_range(&period.strip_prefix('T').unwrap_or(period).to_ascii_lowercase())
}

impl Default for Scope {
    fn default() -> Self {
        ScopeQuery::default().scope(Zone::default())
    }
}

impl Scope {
    /// The window of time, seen at `now_s`.
    pub(crate) fn window(&self, now_s: f64) -> Window {
        match self.range {
            Range::Last(seconds) => Window { start_s: now_s - f64::from(seconds), end_s: now_s },
            Range::All => Window { start_s: 0.0, end_s: now_s },
            Range::Between(start_s, end_s) => Window { start_s, end_s },
        }
    }

    /// The expression that traces must satisfy: `filter`, group and health checks together.
    pub(crate) fn expression(&self, filter: &str) -> String {
        let mut parts = Vec::with_capacity(3);
        if !filter.is_empty() {
            parts.push(format!("({filter})"));
        }
        if !self.group.is_empty() {
            parts.push(format!("group.name = {}", quoted(&self.group)));
        }
        if self.health == Health::Hidden {
            parts.push(format!("!({HEALTH_CHECKS})"));
        }
        parts.join(" AND ")
    }

    /// What the range is called: `Last 15 min`, `10:04:45 – 10:19:45`.
    pub(crate) fn range_name(&self, t: &Text, zone: Zone) -> String {
        match self.range {
            Range::Last(300) => t.scope.last_5m.to_owned(),
            Range::Last(900) => t.scope.last_15m.to_owned(),
            Range::Last(3_600) => t.scope.last_1h.to_owned(),
            Range::Last(21_600) => t.scope.last_6h.to_owned(),
            Range::Last(seconds) => fill(t.scope.last_of, &[&format::long_span(seconds.into())]),
            Range::All => t.scope.everything.to_owned(),
            Range::Between(from, to) => {
                format!("{} – {}", format::clock(from, zone), format::clock(to, zone))
            }
        }
    }

    /// The pairs that ask the same, for addresses and for hidden fields of forms; values at their
    /// default are left out.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        match self.range {
            Range::Last(DEFAULT_RANGE_S) => {}
            Range::Last(s) if s.is_multiple_of(86_400) => {
                fields.push(("range", format!("{}d", s / 86_400)));
            }
            Range::Last(s) if s.is_multiple_of(3_600) => {
                fields.push(("range", format!("{}h", s / 3_600)));
            }
            Range::Last(s) => fields.push(("range", format!("{}m", s / 60))),
            Range::All => fields.push(("range", "all".to_owned())),
            Range::Between(from, to) => {
                fields.push(("from", from.to_string()));
                fields.push(("to", to.to_string()));
            }
        }
        fields.push(("filter", self.filter.clone()));
        fields.push(("group", self.group.clone()));
        if self.health == Health::Shown {
            fields.push(("health", "1".to_owned()));
        }
        if self.live == Live::Off && !matches!(self.range, Range::Between(..)) {
            fields.push(("live", "0".to_owned()));
        }
        fields.retain(|(_, value)| !value.is_empty());
        fields
    }

    /// The query string that asks the same.
    pub(crate) fn query(&self) -> String {
        let mut query = Query::default();
        for (name, value) in self.fields() {
            query.add(name, &value);
        }
        query.into_text()
    }

    /// A link to `path` that asks the same.
    pub(crate) fn link(&self, path: &str) -> String {
        link(path, &self.query())
    }

    /// The same question about other traces.
    pub(crate) fn with_filter(&self, filter: impl Into<String>) -> Self {
        Self { filter: filter.into(), ..self.clone() }
    }

    /// The same question with one more condition.
    pub(crate) fn and(&self, condition: &str) -> Self {
        let filter = match self.filter.as_str() {
            "" => condition.to_owned(),
            filter if filter.contains(" OR ") || filter.contains(" or ") => {
                format!("({filter}) AND {condition}")
            }
            filter => format!("{filter} AND {condition}"),
        };
        self.with_filter(filter)
    }

    /// The same question about another time.
    pub(crate) fn with_range(&self, range: Range) -> Self {
        Self { range, ..self.clone() }
    }
}

/// `path?query`, or `path` alone.
pub(crate) fn link(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// A string of the filter language: quoted, quotes and backslashes escaped.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A query string under construction.
#[derive(Debug, Default)]
pub(crate) struct Query {
    text: String,
}

impl Query {
    /// One that begins with the pairs of `text`.
    pub(crate) fn after(text: String) -> Self {
        Self { text }
    }

    /// Adds a pair, encoded.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        self.text.push_str(name);
        self.text.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z'
                | b'a'..=b'z'
                | b'0'..=b'9'
                | b'-'
                | b'_'
                | b'.'
                | b'~'
                | b':'
                | b'/' => {
                    self.text.push(char::from(byte));
                }
                b' ' => self.text.push('+'),
                // Writing to a String cannot fail.
                _ => write!(self.text, "%{byte:02X}").unwrap_or_default(),
            }
        }
    }

    /// Adds a pair, unless there is nothing to say.
    pub(crate) fn add_unless_empty(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.add(name, value);
        }
    }

    /// The query string.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::console::text::Lang;

    fn scope(query: &str) -> Scope {
        let uri: axum::http::Uri = format!("/?{query}").parse().unwrap();
        let axum::extract::Query(query) =
            axum::extract::Query::<ScopeQuery>::try_from_uri(&uri).unwrap();
        query.scope(Zone::default())
    }

    #[test]
    fn nothing_asked_is_the_last_quarter_hour_live_without_health_checks() {
        let default = scope("");
        assert_eq!(default.range, Range::Last(900));
        assert_eq!((default.health, default.live), (Health::Hidden, Live::On));
        assert_eq!(default.query(), "");
        assert_eq!(default.window(1_000.0), Window { start_s: 100.0, end_s: 1_000.0 });
    }

    #[test]
    fn a_question_goes_into_the_address_and_comes_back() {
        for query in [
            "range=1h",
            "range=2d",
            "range=7m&filter=service(%22a%22)+%7Bfault%7D&group=checkout&health=1&live=0",
            "range=all",
            "from=1000.5&to=2000",
            "filter=http.url+%3D+%22/a%26b%3D1%22",
        ] {
            let asked = scope(query);
            assert_eq!(scope(&asked.query()), asked, "{query}");
        }
        assert_eq!(scope("filter=a%20%3D%20%22%C3%A9%22").query(), "filter=a+%3D+%22%C3%A9%22");
    }

    #[test]
    fn senseless_values_mean_the_default() {
        for query in
            ["range=0m", "range=9999999d", "range=x", "range=%C3%A9", "from=5&to=1", "to=9"]
        {
            assert_eq!(scope(query).range, Range::Last(900), "{query}");
        }
    }

    #[test]
    fn links_of_the_aws_console_are_understood() {
        assert_eq!(scope("timeRange=PT1H&filter=fault").range, Range::Last(3_600));
        assert_eq!(scope("timeRange=PT5M").range, Range::Last(300));
        assert_eq!(scope("timeRange=P1D").range, Range::Last(86_400));
    }

    #[test]
    fn a_fixed_range_does_not_follow() {
        let fixed = scope("from=2026-11-24T10:04&to=2026-11-24T10:19");
        assert_eq!(fixed.range, Range::Between(1_795_514_640.0, 1_795_515_540.0));
        assert_eq!(fixed.live, Live::Off);
        assert_eq!(fixed.range_name(Lang::En.text(), Zone::default()), "10:04:00 – 10:19:00");
    }

    #[test]
    fn filter_group_and_health_checks_become_one_expression() {
        let mut asked = scope("filter=a+OR+b&group=x%22y&health=1");
        assert_eq!(asked.expression("a OR b"), r#"(a OR b) AND group.name = "x\"y""#);
        asked.health = Health::Hidden;
        asked.group = String::new();
        assert!(asked.expression("").starts_with("!(http.url ENDSWITH \"/ping\" OR"));
        assert_eq!(scope("health=1").expression(""), "");
    }

    #[test]
    fn a_condition_is_added_without_changing_the_meaning() {
        assert_eq!(scope("").and("fault").filter, "fault");
        assert_eq!(scope("filter=ok").and("fault").filter, "ok AND fault");
        assert_eq!(scope("filter=ok+OR+error").and("fault").filter, "(ok OR error) AND fault");
    }
}
