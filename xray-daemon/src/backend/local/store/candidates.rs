//! Traces before a filter, one after another, newest first.
//!
//! In: a selection and a filter. Out: the traces that match, until whoever asks has enough or time is
//! up. What SQL decided for certain is not looked at again; else the summary is read, and the
//! documents only for filters that need them.

use std::ops::ControlFlow;

use rusqlite::{Connection, Row};
use xray_tracing::TraceId;

use super::error::StoreError;
use super::query::{Key, TimeRange, Window};
use super::readers::Deadline;
use super::selection::Selection;
use super::{documents, row};
use crate::backend::local::filter::{Filter, Groups, TraceView};
use crate::backend::local::trace::{Summary, Trace};

/// How the walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All traces were looked at.
    Reached,
    /// It stopped after this one.
    StoppedAfter(Key),
}

/// Which traces, and who decides.
pub(super) struct Candidates<'a> {
    pub(super) db: &'a Connection,
    pub(super) selection: &'a Selection,
    pub(super) filter: &'a Filter,
    pub(super) groups: &'a dyn Groups,
    pub(super) window: Window,
    pub(super) range: TimeRange,
    /// When to stop, though there may be more.
    pub(super) deadline: &'a Deadline,
}

/// A trace that matched.
pub(super) struct Match<'r, 'a> {
    pub(super) key: Key,
    /// The columns that were asked for, from 0.
    row: &'r Row<'a>,
    db: &'r Connection,
    summary: Option<Summary>,
}

/// Columns of every walk before those that were asked for.
const OWN_COLUMNS: usize = 2;

impl Match<'_, '_> {
    /// A column that was asked for.
    pub(super) fn get<T: rusqlite::types::FromSql>(&self, column: usize) -> rusqlite::Result<T> {
        self.row.get(OWN_COLUMNS + column)
    }

    /// The summary, read already or read now.
    pub(super) fn summary(self) -> Result<Summary, StoreError> {
        match self.summary {
            Some(summary) => Ok(summary),
            None => load_summary(self.db, self.key.trace),
        }
    }
}

impl Candidates<'_> {
    /// Calls `each` for every match after `after`, until it breaks.
    pub(super) fn walk(
        &self,
        columns: &str,
        after: Option<Key>,
        mut each: impl FnMut(Match<'_, '_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<End, StoreError> {
        if self.selection.nothing {
            return Ok(End::Reached);
        }
        let (sql, values) = self.selection.select(columns, after);
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let key = Key { trace: row.get(0)?, time_us: row.get(1)? };
            if let Some(summary) = self.decide(key)? {
                let found = Match { key, row, db: self.db, summary: summary.0 };
                if each(found)?.is_break() {
                    return Ok(End::StoppedAfter(key));
                }
            }
            if self.deadline.passed() {
                return Ok(End::StoppedAfter(key));
            }
        }
        Ok(End::Reached)
    }

    /// Whether the trace matches, with its summary if that had to be read.
    fn decide(&self, key: Key) -> Result<Option<Read>, StoreError> {
        if self.range == TimeRange::Service && !self.ends_in_window(key.trace)? {
            return Ok(None);
        }
        if self.selection.exact || self.filter.is_empty() {
            return Ok(Some(Read(None)));
        }
        let summary = load_summary(self.db, key.trace)?;
        let trace = if self.filter.needs_segments(self.groups) {
            Some(load_trace(self.db, summary.id, key.trace)?)
        } else {
            None
        };
        let view = TraceView { summary: &summary, trace: trace.as_ref(), groups: self.groups };
        Ok(self.filter.matches(&view).then_some(Read(Some(summary))))
    }

    /// Whether a segment ends in the window; only few traces need to be read for that.
    fn ends_in_window(&self, trace: i64) -> Result<bool, StoreError> {
        let (id, first, last): ([u8; 16], i64, i64) = self
            .db
            .prepare_cached("SELECT id, first_end_us, last_end_us FROM trace WHERE key = ?")?
            .query_row([trace], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let (start, end) =
            (row::microseconds(self.window.start_s), row::microseconds(self.window.end_s));
        if (start..=end).contains(&first) || (start..=end).contains(&last) {
            return Ok(true);
        }
        let trace = load_trace(self.db, TraceId::from_bytes(id), trace)?;
        let mut segments = trace.entries().iter().filter(|entry| entry.is_segment());
        Ok(segments.any(|entry| entry.end_s.is_some_and(|end_s| self.window.contains(end_s))))
    }
}

/// A summary, if it had to be read.
struct Read(Option<Summary>);

/// The summary of a trace; made from the documents where the kept one cannot be read.
pub(super) fn load_summary(db: &Connection, trace: i64) -> Result<Summary, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT id, revision, summary FROM trace WHERE key = ?")?;
    let mut rows = statement.query([trace])?;
    let row = rows.next()?.ok_or(StoreError::Damaged("row of a trace"))?;
    let id = TraceId::from_bytes(row.get(0)?);
    let kept = row.get_ref(2)?.as_blob().ok().and_then(|bytes| Summary::decode(id, bytes));
    if let Some(summary) = kept {
        return Ok(summary);
    }
    let mut summary = Summary::of(&load_trace(db, id, trace)?);
    summary.revision = row.get(1)?;
    Ok(summary)
}

fn load_trace(db: &Connection, id: TraceId, trace: i64) -> Result<Trace, StoreError> {
    Ok(Trace::assemble(id, documents::load(db, trace)?))
}
