//! What the list of traces shows beside the question: quick filter, order, page, response times.
//!
//! In: the query string. Out: a [`TracesState`], links that change one thing, and the conditions
//! it adds to the filter. Owns nothing.

use serde::Deserialize;

use super::pick::{parse_times, times_condition};
use crate::backend::local::console::scope::Scope;
use crate::backend::local::console::scope_bar::{Extras, address};
use crate::backend::local::store::Key;

/// Rows of a page unless asked otherwise.
const DEFAULT_ROWS: usize = 50;

/// The address's words.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TracesQuery {
    only: String,
    sort: String,
    rows: String,
    at: String,
    after: String,
    rt: String,
    /// The filter that worked last, while the one typed is wrong.
    pub(crate) last: String,
}

/// A quick filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Only {
    #[default]
    All,
    Fault,
    Error,
    Throttle,
    Pending,
    Slow,
    Exception,
}

/// An order of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Newest,
    Oldest,
    Slowest,
    Fastest,
    Longest,
    Shortest,
}

/// What the list shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TracesState {
    pub(crate) only: Only,
    pub(crate) sort: Sort,
    pub(crate) rows: usize,
    /// Rows on the pages before this one.
    pub(crate) at: usize,
    /// Where the page before ended.
    pub(crate) after: Option<Key>,
    /// Chosen response times, in seconds.
    pub(crate) times_s: Option<(f64, f64)>,
}

impl Only {
    const NAMES: [(Self, &'static str); 7] = [
        (Self::All, ""),
        (Self::Fault, "fault"),
        (Self::Error, "error"),
        (Self::Throttle, "throttle"),
        (Self::Pending, "pending"),
        (Self::Slow, "slow"),
        (Self::Exception, "exception"),
    ];

    /// The condition; `p95_s` is what makes a trace slow.
    pub(crate) fn condition(self, p95_s: Option<f64>) -> String {
        match self {
            Self::All => String::new(),
            Self::Fault => "fault".to_owned(),
            Self::Error => "error".to_owned(),
            Self::Throttle => "throttle".to_owned(),
            Self::Pending => "!responsetime".to_owned(),
            Self::Slow => format!("responsetime > {}", p95_s.unwrap_or(0.0)),
            Self::Exception => {
                "(rootcause.fault.exception OR rootcause.error.exception)".to_owned()
            }
        }
    }
}

impl Sort {
    const NAMES: [(Self, &'static str); 6] = [
        (Self::Newest, ""),
        (Self::Oldest, "oldest"),
        (Self::Slowest, "slowest"),
        (Self::Fastest, "fastest"),
        (Self::Longest, "longest"),
        (Self::Shortest, "shortest"),
    ];

    /// Which column it sorts by.
    pub(crate) fn column(self) -> u8 {
        match self {
            Self::Newest | Self::Oldest => 0,
            Self::Slowest | Self::Fastest => 1,
            Self::Longest | Self::Shortest => 2,
        }
    }

    /// For `aria-sort`.
    pub(crate) fn direction(self) -> &'static str {
        match self {
            Self::Newest | Self::Slowest | Self::Longest => "descending",
            Self::Oldest | Self::Fastest | Self::Shortest => "ascending",
        }
    }

    fn turned(self) -> Self {
        match self {
            Self::Newest => Self::Oldest,
            Self::Oldest => Self::Newest,
            Self::Slowest => Self::Fastest,
            Self::Fastest => Self::Slowest,
            Self::Longest => Self::Shortest,
            Self::Shortest => Self::Longest,
        }
    }
}

impl TracesQuery {
    /// Reads the state.
    pub(crate) fn state(&self) -> TracesState {
        let known =
            |names: &[usize], text: &str| text.parse().ok().filter(|rows| names.contains(rows));
        let only = Only::NAMES.into_iter().find(|(_, name)| *name == self.only);
        let sort = Sort::NAMES.into_iter().find(|(_, name)| *name == self.sort);
        let after = parse_key(&self.after);
        let sort = sort.map_or(Sort::Newest, |(sort, _)| sort);
        let paged = after.is_some() || sort != Sort::Newest;
        TracesState {
            only: only.map_or(Only::All, |(only, _)| only),
            sort,
            rows: known(&[20, 50, 100], &self.rows).unwrap_or(DEFAULT_ROWS),
            at: self.at.parse().ok().filter(|_| paged).unwrap_or(0),
            after: after.filter(|_| sort == Sort::Newest),
            times_s: parse_times(&self.rt),
        }
    }
}

/// `1795515582318000.17`: time and number of the last trace of the page before.
fn parse_key(text: &str) -> Option<Key> {
    let (time_us, trace) = text.split_once('.')?;
    Some(Key { time_us: time_us.parse().ok()?, trace: trace.parse().ok()? })
}

impl TracesState {
    /// Pairs of the address that say this.
    pub(crate) fn extras(&self) -> Extras {
        let name = |names: &[(Only, &'static str)]| {
            names.iter().find(|(only, _)| *only == self.only).map_or("", |(_, name)| *name)
        };
        let sort = Sort::NAMES.into_iter().find(|(sort, _)| *sort == self.sort);
        let mut extras = vec![
            ("only", name(&Only::NAMES).to_owned()),
            ("sort", sort.map_or("", |(_, name)| name).to_owned()),
        ];
        if self.rows != DEFAULT_ROWS {
            extras.push(("rows", self.rows.to_string()));
        }
        if self.at > 0 {
            extras.push(("at", self.at.to_string()));
        }
        if let Some(Key { time_us, trace }) = self.after {
            extras.push(("after", format!("{time_us}.{trace}")));
        }
        if let Some((from, to)) = self.times_s {
            extras.push(("rt", format!("{from}-{to}")));
        }
        extras.retain(|(_, value)| !value.is_empty());
        extras
    }

    /// The list with this state.
    pub(crate) fn link(&self, scope: &Scope) -> String {
        address("/traces", scope, &self.extras())
    }

    /// The first page.
    pub(crate) fn first_page(&self) -> Self {
        Self { at: 0, after: None, ..self.clone() }
    }

    /// With another quick filter.
    pub(crate) fn only(&self, only: Only) -> Self {
        Self { only, ..self.first_page() }
    }

    /// With other response times.
    pub(crate) fn times(&self, times_s: Option<(f64, f64)>) -> Self {
        Self { times_s, ..self.first_page() }
    }

    /// Sorted by the column of `sort`: turned round where it is sorted by it already.
    pub(crate) fn sorted_by(&self, sort: Sort) -> Self {
        let same = self.sort.column() == sort.column();
        Self { sort: if same { self.sort.turned() } else { sort }, ..self.first_page() }
    }

    /// The page after this one, which shows `shown` rows and ends at `key`.
    pub(crate) fn next_page(&self, shown: usize, key: Option<Key>) -> Self {
        Self { at: self.at + shown, after: key, ..self.clone() }
    }

    /// What it adds to the filter.
    pub(crate) fn conditions(&self, p95_s: Option<f64>) -> Vec<String> {
        let only = self.only.condition(p95_s);
        let times = self.times_s.map(times_condition);
        std::iter::once(only).chain(times).filter(|condition| !condition.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(query: &str) -> TracesState {
        let uri: axum::http::Uri = format!("/?{query}").parse().unwrap();
        axum::extract::Query::<TracesQuery>::try_from_uri(&uri).unwrap().0.state()
    }

    #[test]
    fn the_state_goes_into_the_address_and_comes_back() {
        for query in [
            "",
            "only=fault&rows=20&rt=0.12-0.186",
            "at=50&after=1795515582318000.17",
            "sort=slowest&at=50",
            "only=exception&sort=oldest",
        ] {
            let link = state(query).link(&Scope::default());
            assert_eq!(link, crate::backend::local::console::scope::link("/traces", query));
        }
    }

    #[test]
    fn senseless_values_mean_the_default() {
        let default = state("");
        assert_eq!(state("only=x&sort=y&rows=7&at=9&after=1&rt=b"), default);
        assert_eq!((default.rows, default.only, default.sort), (50, Only::All, Sort::Newest));
    }

    #[test]
    fn a_click_on_the_sorted_column_turns_the_order() {
        let newest = state("after=5.1&at=50");
        assert_eq!(newest.sorted_by(Sort::Slowest), state("sort=slowest"));
        assert_eq!(state("sort=slowest").sorted_by(Sort::Slowest), state("sort=fastest"));
        assert_eq!(newest.sorted_by(Sort::Newest), state("sort=oldest"));
    }

    #[test]
    fn quick_filter_and_times_become_conditions() {
        assert_eq!(state("").conditions(None), Vec::<String>::new());
        assert_eq!(
            state("only=slow&rt=0-1").conditions(Some(0.25)),
            ["responsetime > 0.25", "responsetime <= 1"]
        );
    }
}
