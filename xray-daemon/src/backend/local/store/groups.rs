//! The groups' filters, read and ready.
//!
//! In: the groups among the settings. Out: their filters, for `group.name` and `group.arn` in other
//! filters and for questions about a group.

use std::collections::HashMap;

use super::error::StoreError;
use super::settings::{SettingKind, Settings};
use crate::backend::local::filter::{Filter, Groups};

/// A group as the store keeps it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Group {
    /// 1–32 characters; the key.
    pub name: String,
    /// `arn:aws:xray:REGION:ACCOUNT:group/NAME/SUFFIX`.
    pub arn: String,
    /// Its filter expression; valid when it was stored.
    pub expression: String,
    /// Insights, stored and without effect.
    pub insights_enabled: bool,
    /// Notifications of insights, stored and without effect.
    pub notifications_enabled: bool,
}

/// The filters of all groups.
#[derive(Debug, Default)]
pub(in crate::backend::local) struct GroupFilters {
    by_name: HashMap<String, Filter>,
    by_arn: HashMap<String, Filter>,
}

impl GroupFilters {
    pub(super) fn load(settings: &Settings<'_>) -> Result<Self, StoreError> {
        Ok(Self::of(&settings.list::<Group>(SettingKind::Group)?))
    }

    fn of(groups: &[Group]) -> Self {
        let mut filters = Self::default();
        for group in groups {
            // `Default` is kept only for its other settings.
            if group.expression.is_empty() {
                continue;
            }
            // Checked when it was stored; a later version may read it otherwise.
            if let Ok(filter) = Filter::parse(&group.expression) {
                filters.by_name.insert(group.name.clone(), filter.clone());
                filters.by_arn.insert(group.arn.clone(), filter);
            }
        }
        filters
    }
}

impl GroupFilters {
    /// Names of the groups that people made, in order.
    pub(in crate::backend::local) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.by_name.keys().cloned().collect();
        names.sort_unstable();
        names
    }
}

impl Groups for GroupFilters {
    fn by_name(&self, name: &str) -> Option<&Filter> {
        self.by_name.get(name)
    }

    fn by_arn(&self, arn: &str) -> Option<&Filter> {
        self.by_arn.get(arn)
    }
}
