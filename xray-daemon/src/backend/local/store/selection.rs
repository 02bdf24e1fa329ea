//! What SQL can decide of a question: which index to walk, and which rows to pass over.
//!
//! In: a window, and what a filter says for certain of every trace that matches. Out: the text and
//! the values of a `SELECT` whose rows come newest first. Texts of strangers are always values, never
//! part of the SQL.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::names::{self, Known};
use super::query::{Key, TimeRange, Window};
use super::row::{
    ERROR, FAULT, HEALTH_CHECK, METHOD, PARTIAL, THROTTLE, method_bits, microseconds,
};
use super::terms::TermValue;
use crate::backend::local::filter::{Pushdown, Range, TextPart};

/// Most rows of a range of annotations that are sorted.
const MAX_SORTED: i64 = 20_000;

/// A walk through traces.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    walk: Walk,
    /// Values of what the walk goes through, before those of the conditions.
    source: Vec<Value>,
    /// First and last moment of the time that the walk goes by.
    window_us: (i64, i64),
    /// Conditions of the filter, with `?` for each of their values.
    filter: Conditions,
    /// Rows that fulfil the conditions match; nobody needs to look at the traces.
    pub(super) exact: bool,
    /// No trace can match.
    pub(super) nothing: bool,
}

#[derive(Clone, Debug, Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
    }
}

/// Along which order the walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk {
    Start,
    /// By start, with the URL in the index.
    Url,
    Updated,
    End,
    /// Traces that have one annotation or user, by start.
    Term,
    /// Traces that have a number in a range as annotation: sorted by start when all are found.
    TermRange,
}

impl Walk {
    fn time(self) -> &'static str {
        match self {
            Self::Start | Self::Url => "t.start_us",
            Self::Updated => "t.updated_us",
            Self::End => "t.last_end_us",
            Self::Term | Self::TermRange => "x.start_us",
        }
    }

    fn key(self) -> &'static str {
        if matches!(self, Self::Term | Self::TermRange) { "x.trace" } else { "t.key" }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Start | Self::End => "trace t INDEXED BY trace_start",
            Self::Url => "trace t INDEXED BY trace_url",
            Self::Updated => "trace t INDEXED BY trace_updated",
            // CROSS: the index of terms leads, whatever the planner thinks.
            Self::Term => "term x CROSS JOIN trace t ON t.key = x.trace",
            Self::TermRange => {
                "(SELECT DISTINCT start_us, trace FROM term
                  WHERE key = ? AND value BETWEEN ? AND ?) x
                 CROSS JOIN trace t ON t.key = x.trace"
            }
        }
    }
}

impl Selection {
    /// The traces of `window` that fulfil `pushdown`.
    pub(super) fn new(
        db: &Connection,
        window: Window,
        range: TimeRange,
        pushdown: &Pushdown,
    ) -> rusqlite::Result<Self> {
        let walk = match range {
            TimeRange::TraceId
                if pushdown.http_url.is_some() || !pushdown.http_url_parts.is_empty() =>
            {
                Walk::Url
            }
            TimeRange::TraceId => Walk::Start,
            TimeRange::Event => Walk::Updated,
            TimeRange::Service => Walk::End,
        };
        let mut selection = Self {
            walk,
            source: Vec::new(),
            window_us: (microseconds(window.start_s), microseconds(window.end_s)),
            filter: Conditions::default(),
            exact: pushdown.exact,
            nothing: false,
        };
        selection.terms(db, pushdown)?;
        selection.ranges(db, &pushdown.annotation_ranges)?;
        selection.services(db, "t.services", &pushdown.services)?;
        // A fault of a service is looked at again: the body may say more.
        selection.services(db, "t.faulty_services", &pushdown.faulty_services)?;
        selection.columns(pushdown);
        Ok(selection)
    }

    /// Conditions on the window, cut to what lies after `after` and down to `last`. Both bounds of
    /// the time that orders stand once: SQLite takes the first it sees to find its way in the index.
    fn times(&self, after: Option<Key>, last: Option<Key>) -> Conditions {
        let mut conditions = Conditions::default();
        let (time, key) = (self.walk.time(), self.walk.key());
        let (mut start_us, mut end_us) = self.window_us;
        if self.walk == Walk::End {
            // One of the segments may end between the first and the last: seen later.
            let sql = "t.start_us <= ? AND t.first_end_us <= ?";
            conditions.and(sql, [end_us.into(), end_us.into()]);
            end_us = i64::MAX;
        }
        if let Some(Key { time_us, trace }) = after {
            end_us = end_us.min(time_us);
            conditions.and(&format!("({time} < ? OR {key} < ?)"), [time_us.into(), trace.into()]);
        }
        if let Some(Key { time_us, trace }) = last {
            start_us = start_us.max(time_us);
            conditions.and(&format!("({time} > ? OR {key} >= ?)"), [time_us.into(), trace.into()]);
        }
        conditions.and(&format!("{time} BETWEEN ? AND ?"), [start_us.into(), end_us.into()]);
        conditions
    }

    fn columns(&mut self, pushdown: &Pushdown) {
        let flags = [
            (pushdown.has_fault, FAULT),
            (pushdown.has_error, ERROR),
            (pushdown.has_throttle, THROTTLE),
            (pushdown.is_partial, PARTIAL),
            (pushdown.health_check, HEALTH_CHECK),
        ];
        let (mut mask, mut value) = (0, 0);
        for (wanted, bit) in flags.into_iter().filter_map(|(flag, bit)| Some((flag?, bit))) {
            mask |= bit;
            value |= if wanted { bit } else { 0 };
        }
        if let Some(method) = &pushdown.http_method {
            mask |= METHOD;
            match method_bits(method) {
                Some(bits) => value |= bits,
                // The number is shared by all other methods, and by none.
                None => self.exact = false,
            }
        }
        if mask != 0 {
            self.filter.and("t.flags & ? = ?", [mask.into(), value.into()]);
        }
        let ranges = [
            ("t.response_s", pushdown.response_time_s),
            ("t.duration_s", pushdown.duration_s),
            ("t.status", pushdown.http_status),
        ];
        for (column, range) in ranges {
            if let Some(Range { min, max }) = range {
                let sql = format!("{column} BETWEEN ? AND ?");
                self.filter.and(&sql, [min.into(), max.into()]);
            }
        }
        if let Some(url) = &pushdown.http_url {
            self.filter.and("t.url = ?", [Value::Text(url.clone())]);
        }
        for (part, text) in pushdown.http_url_parts.iter().filter(|(_, text)| !text.is_empty()) {
            let text = Value::Text(text.clone());
            match part {
                TextPart::Contains => self.filter.and("instr(t.url, ?) > 0", [text]),
                TextPart::Begins => {
                    self.filter.and("substr(t.url, 1, length(?)) = ?", [text.clone(), text]);
                }
                TextPart::Ends => {
                    self.filter.and("substr(t.url, -length(?)) = ?", [text.clone(), text]);
                }
            }
        }
        if pushdown.http_url_parts.iter().any(|(_, text)| text.is_empty()) {
            self.filter.and("t.url IS NOT NULL", []);
        }
    }

    fn services(
        &mut self,
        db: &Connection,
        column: &str,
        services: &[String],
    ) -> rusqlite::Result<()> {
        for service in services {
            let Some(mask) = names::look_up_service_mask(db, service)? else {
                self.nothing = true;
                return Ok(());
            };
            self.exact &= names::mask_is_exact(mask);
            self.filter.and(&format!("{column} & ? = ?"), [mask.into(), mask.into()]);
        }
        Ok(())
    }

    /// The first term leads the walk where the order allows it, the others are looked up.
    fn terms(&mut self, db: &Connection, pushdown: &Pushdown) -> rusqlite::Result<()> {
        let users = pushdown.users.iter();
        let users =
            users.map(|user| (names::USER_KEY.to_owned(), Some(TermValue::Text(user.clone()))));
        let annotations = pushdown.annotations.iter();
        let annotations =
            annotations.map(|(key, value)| (names::annotation_key(key), TermValue::of(value)));
        for (key, value) in annotations.chain(users) {
            let Some(value) = value else {
                self.exact = false;
                continue;
            };
            match names::look_up_term_key(db, &key)? {
                Known::Nowhere => self.nothing = true,
                Known::Perhaps => self.exact = false,
                Known::As(key) => self.term(key, &value),
            }
        }
        Ok(())
    }

    /// The first range leads the walk if it finds few; else the traces are looked at, of which many
    /// will match.
    fn ranges(&mut self, db: &Connection, ranges: &[(String, Range)]) -> rusqlite::Result<()> {
        for (key, Range { min, max }) in ranges {
            let key = match names::look_up_term_key(db, &names::annotation_key(key))? {
                Known::As(key) => key,
                Known::Nowhere => {
                    self.nothing = true;
                    continue;
                }
                Known::Perhaps => {
                    self.exact = false;
                    continue;
                }
            };
            let leads = matches!(self.walk, Walk::Start | Walk::Url)
                && self.source.is_empty()
                && is_narrow(db, key, *min, *max)?;
            if leads {
                self.walk = Walk::TermRange;
                self.source = vec![key.into(), (*min).into(), (*max).into()];
            } else {
                self.exact = false;
            }
        }
        Ok(())
    }

    fn term(&mut self, key: i64, value: &TermValue) {
        let values = [key.into(), value.to_value()];
        if matches!(self.walk, Walk::Start | Walk::Url) {
            self.walk = Walk::Term;
            self.filter.and("x.key = ? AND x.value = ?", values);
        } else {
            self.filter.and(
                "EXISTS (SELECT 1 FROM term y WHERE y.key = ? AND y.value = ?
                   AND y.start_us = t.start_us AND y.trace = t.key)",
                values,
            );
        }
    }

    /// A `SELECT` of the key, the time that orders, and `columns`, newest first after `after`.
    pub(super) fn select(&self, columns: &str, after: Option<Key>) -> (String, Vec<Value>) {
        let (time, key) = (self.walk.time(), self.walk.key());
        let mut conditions = self.times(after, None);
        conditions.and(&format!("1{}", self.filter.sql), self.filter.values.iter().cloned());
        let sql = format!(
            "SELECT {key}, {time}{columns} FROM {} WHERE 1{} ORDER BY {time} DESC, {key} DESC",
            self.walk.source(),
            conditions.sql,
        );
        (sql, self.source.iter().cloned().chain(conditions.values).collect())
    }

    /// Traces in the window, filter or not, after `after` and down to `last`.
    pub(super) fn count(
        &self,
        db: &Connection,
        after: Option<Key>,
        last: Option<Key>,
    ) -> rusqlite::Result<u64> {
        // Terms are part of the filter: what they lead through is ordered by start like the rest.
        let walk = match self.walk {
            Walk::Term | Walk::TermRange => Walk::Start,
            walk => walk,
        };
        let conditions = Self { walk, ..self.clone() }.times(after, last);
        let sql = format!("SELECT count(*) FROM {} WHERE 1{}", walk.source(), conditions.sql);
        db.prepare_cached(&sql)?
            .query_row(rusqlite::params_from_iter(conditions.values), |row| row.get(0))
    }
}

/// Whether few enough rows lie in a range to sort them all.
fn is_narrow(db: &Connection, key: i64, min: f64, max: f64) -> rusqlite::Result<bool> {
    let found: i64 = db
        .prepare_cached(
            "SELECT count(*) FROM (
               SELECT 1 FROM term WHERE key = ? AND value BETWEEN ? AND ? LIMIT ?)",
        )?
        .query_row((key, min, max, MAX_SORTED + 1), |row| row.get(0))?;
    Ok(found <= MAX_SORTED)
}
