//! Small things that people set: sampling rules, groups, tags, policies.
//!
//! In: a kind and a name. Out: values kept as JSON, so that a new member needs no new table. The
//! number of each kind is bounded by those who write.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;

/// What a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::local) enum SettingKind {
    SamplingRule,
    Group,
    Tags,
    ResourcePolicy,
    Encryption,
    IndexingRule,
    Times,
}

impl SettingKind {
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

/// The settings in one transaction (or, to read, in one state of the store).
#[derive(Clone, Copy, Debug)]
pub(in crate::backend::local) struct Settings<'a> {
    db: &'a Connection,
}

impl<'a> Settings<'a> {
    pub(super) fn new(db: &'a Connection) -> Self {
        Self { db }
    }

    /// All values of a kind, by name; those that cannot be read are left out.
    pub(in crate::backend::local) fn list<T: DeserializeOwned>(
        &self,
        kind: SettingKind,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement =
            self.db.prepare_cached("SELECT value FROM setting WHERE kind = ? ORDER BY name")?;
        let mut rows = statement.query([kind.as_str()])?;
        let mut values = Vec::new();
        while let Some(row) = rows.next()? {
            values.extend(serde_json::from_str::<T>(&row.get::<_, String>(0)?));
        }
        Ok(values)
    }

    /// One value.
    pub(in crate::backend::local) fn get<T: DeserializeOwned>(
        &self,
        kind: SettingKind,
        name: &str,
    ) -> Result<Option<T>, StoreError> {
        let value: Option<String> = self
            .db
            .prepare_cached("SELECT value FROM setting WHERE kind = ? AND name = ?")?
            .query_row([kind.as_str(), name], |row| row.get(0))
            .optional()?;
        Ok(value.and_then(|value| serde_json::from_str(&value).ok()))
    }

    /// Sets a value.
    pub(in crate::backend::local) fn put<T: Serialize>(
        &self,
        kind: SettingKind,
        name: &str,
        value: &T,
    ) -> Result<(), StoreError> {
        let value = serde_json::to_string(value).map_err(|_| StoreError::Damaged("setting"))?;
        self.db
            .prepare_cached("INSERT OR REPLACE INTO setting (kind, name, value) VALUES (?, ?, ?)")?
            .execute(params![kind.as_str(), name, value])?;
        Ok(())
    }

    /// Removes a value; whether there was one.
    pub(in crate::backend::local) fn remove(
        &self,
        kind: SettingKind,
        name: &str,
    ) -> Result<bool, StoreError> {
        let removed = self
            .db
            .prepare_cached("DELETE FROM setting WHERE kind = ? AND name = ?")?
            .execute([kind.as_str(), name])?;
        Ok(removed > 0)
    }
}
