//! Small things that people set: sampling rules, groups, tags, policies.
//!
//! In: a kind and a name. Out: values kept as JSON, so that a new member needs no new table. The
//! number of each kind is bounded by those who write.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::local) enum Kind {
    SamplingRule,
    Group,
    Tags,
    ResourcePolicy,
    Encryption,
    IndexingRule,
    Times,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::SamplingRule => "sampling-rule",
            Self::Group => "group",
            Self::Tags => "tags",
            Self::ResourcePolicy => "resource-policy",
            Self::Encryption => "encryption",
            Self::IndexingRule => "indexing-rule",
            Self::Times => "times",
        }
    }
}

/// All values of a kind, by name; those that cannot be read are left out.
pub(in crate::backend::local) fn list<T: DeserializeOwned>(
    db: &Connection,
    kind: Kind,
) -> rusqlite::Result<Vec<T>> {
    let mut statement =
        db.prepare_cached("SELECT value FROM setting WHERE kind = ? ORDER BY name")?;
    let mut rows = statement.query([kind.as_str()])?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.extend(serde_json::from_str::<T>(&row.get::<_, String>(0)?));
    }
    Ok(values)
}

/// One value.
pub(in crate::backend::local) fn get<T: DeserializeOwned>(
    db: &Connection,
    kind: Kind,
    name: &str,
) -> rusqlite::Result<Option<T>> {
    let value: Option<String> = db
        .prepare_cached("SELECT value FROM setting WHERE kind = ? AND name = ?")?
        .query_row([kind.as_str(), name], |row| row.get(0))
        .optional()?;
    Ok(value.and_then(|value| serde_json::from_str(&value).ok()))
}

/// Sets a value.
pub(in crate::backend::local) fn put<T: Serialize>(
    db: &Connection,
    kind: Kind,
    name: &str,
    value: &T,
) -> rusqlite::Result<()> {
    let value = serde_json::to_string(value)
        .map_err(|err| rusqlite::Error::ToSqlConversionFailure(err.into()))?;
    db.prepare_cached("INSERT OR REPLACE INTO setting (kind, name, value) VALUES (?, ?, ?)")?
        .execute(params![kind.as_str(), name, value])?;
    Ok(())
}

/// Removes a value; whether there was one.
pub(in crate::backend::local) fn remove(
    db: &Connection,
    kind: Kind,
    name: &str,
) -> rusqlite::Result<bool> {
    let removed = db
        .prepare_cached("DELETE FROM setting WHERE kind = ? AND name = ?")?
        .execute([kind.as_str(), name])?;
    Ok(removed > 0)
}
