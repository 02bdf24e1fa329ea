//! What a person may want to write into a filter.
//!
//! In: nothing, or the key of an annotation. Out: names that occur in the store, a bounded number.

use rusqlite::Connection;
use xray_tracing::document::AnnotationValue;

use super::names::{self, Known, annotation_key, read_node};
use super::terms::TermValue;
use crate::backend::local::trace::ServiceId;

/// Most names in an answer.
const MAX_NAMES: i64 = 1_000;
/// Rows of an annotation that are counted for its frequent values.
const MAX_ROWS: i64 = 20_000;
/// Most values of an annotation in an answer.
const MAX_VALUES: i64 = 50;

pub(super) fn annotation_keys(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let prefix = annotation_key("");
    let mut statement = db.prepare_cached(
        "SELECT substr(name, ?1) FROM term_key k
         WHERE name >= ?2 AND name < ?3 AND EXISTS (SELECT 1 FROM term WHERE key = k.id)
         ORDER BY name LIMIT ?4",
    )?;
    // The sign after the dot ends the range of the prefix.
    let end = prefix.replace('.', "/");
    let keys = statement
        .query_map((prefix.len() as i64 + 1, &prefix, end, MAX_NAMES), |row| row.get(0))?;
    keys.collect()
}

pub(super) fn annotation_values(db: &Connection, key: &str) -> rusqlite::Result<Vec<String>> {
    let Known::As(key) = names::look_up_term_key(db, &annotation_key(key))? else {
        return Ok(Vec::new());
    };
    let mut statement = db.prepare_cached(
        "SELECT value FROM (SELECT value FROM term WHERE key = ? LIMIT ?)
         GROUP BY value ORDER BY count(*) DESC, value LIMIT ?",
    )?;
    let mut rows = statement.query((key, MAX_ROWS, MAX_VALUES))?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.extend(TermValue::read(row.get_ref(0)?).map(as_written));
    }
    Ok(values)
}

/// A value as a filter expression writes it.
fn as_written(value: AnnotationValue) -> String {
    match value {
        AnnotationValue::String(text) => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        AnnotationValue::Number(number) => number.to_string(),
        AnnotationValue::Bool(flag) => flag.to_string(),
    }
}

pub(super) fn services(db: &Connection) -> rusqlite::Result<Vec<ServiceId>> {
    let mut statement = db.prepare_cached(
        "SELECT name, type, account FROM node WHERE type <> 'client'
         ORDER BY name, type, account LIMIT ?",
    )?;
    let nodes = statement.query_map([MAX_NAMES], |row| read_node(row, 0))?;
    nodes.collect()
}
