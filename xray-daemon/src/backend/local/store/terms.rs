//! The index of annotations and users.
//!
//! In: a trace's summary before and now. Out: rows of `term`, those of the difference alone. Strings
//! stand as text, numbers as numbers, booleans as a blob of one byte, so that `1`, `"1"` and `true`
//! stay apart.

use std::collections::BTreeSet;

use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, params};
use xray_tracing::document::AnnotationValue;

use super::names::{Names, USER_KEY, annotation_key};
use super::row::microseconds;
use crate::backend::local::trace::Summary;

/// Most terms of one trace in the index; X-Ray itself indexes 50 annotations of a trace.
const MAX_TERMS: usize = 500;

/// A value as the index holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TermValue {
    Text(String),
    /// The bits of a finite double; here only to be told apart.
    Number(u64),
    Flag(bool),
}

impl TermValue {
    /// None for numbers that cannot be compared.
    pub(super) fn of(value: &AnnotationValue) -> Option<Self> {
        Some(match value {
            AnnotationValue::String(text) => Self::Text(text.clone()),
            // Zero has two forms and one meaning.
            AnnotationValue::Number(number) if *number == 0.0 => Self::Number(0),
            AnnotationValue::Number(number) if number.is_finite() => Self::Number(number.to_bits()),
            AnnotationValue::Number(_) => return None,
            AnnotationValue::Bool(flag) => Self::Flag(*flag),
        })
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::Text(text.clone()),
            Self::Number(bits) => Value::Real(f64::from_bits(*bits)),
            Self::Flag(flag) => Value::Blob(vec![u8::from(*flag)]),
        }
    }

    /// Reads what [`to_value`](Self::to_value) wrote.
    pub(super) fn read(value: ValueRef<'_>) -> Option<AnnotationValue> {
        Some(match value {
            ValueRef::Text(text) => {
                AnnotationValue::String(String::from_utf8_lossy(text).into_owned())
            }
            ValueRef::Real(number) => AnnotationValue::Number(number),
            ValueRef::Integer(number) => AnnotationValue::Number(number as f64),
            ValueRef::Blob(flag) => AnnotationValue::Bool(flag == [1]),
            ValueRef::Null => return None,
        })
    }
}

impl ToSql for TermValue {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(self.to_value()))
    }
}

/// Start of the trace, key and value: one row of the index.
type Term = (i64, String, TermValue);

fn terms_of(summary: &Summary) -> BTreeSet<Term> {
    let start_us = microseconds(summary.start_time_s);
    let annotations = summary.annotations.iter().flat_map(|(key, values)| {
        let values = values.iter().filter_map(|said| TermValue::of(&said.value));
        values.map(move |value| (annotation_key(key), value))
    });
    let users = summary.users.iter();
    let users = users.map(|user| (USER_KEY.to_owned(), TermValue::Text(user.name.clone())));
    let all = users.chain(annotations).take(MAX_TERMS);
    all.map(|(key, value)| (start_us, key, value)).collect()
}

/// Brings the index from `before` to `now`; without `now` the trace's terms go.
pub(super) fn update(
    db: &Connection,
    names: &mut Names,
    trace: i64,
    before: Option<&Summary>,
    now: Option<&Summary>,
) -> rusqlite::Result<()> {
    let before = before.map(terms_of).unwrap_or_default();
    let now = now.map(terms_of).unwrap_or_default();
    for (start_us, key, value) in before.difference(&now) {
        let Some(key) = names.term_key(db, key)? else { continue };
        db.prepare_cached(
            "DELETE FROM term WHERE key = ? AND value = ? AND start_us = ? AND trace = ?",
        )?
        .execute(params![key, value, start_us, trace])?;
    }
    for (start_us, key, value) in now.difference(&before) {
        let Some(key) = names.term_key(db, key)? else { continue };
        db.prepare_cached(
            "INSERT OR IGNORE INTO term (key, value, start_us, trace) VALUES (?, ?, ?, ?)",
        )?
        .execute(params![key, value, start_us, trace])?;
    }
    Ok(())
}
