//! What somebody did last: what, when, how long it took, and its trace.
//!
//! It travels in a cookie from the change to the page after it, so any replica can show it. What
//! comes back is checked like any input.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::scenarios::Scenario;
use super::words::Lang;
use crate::product::{MAX_NAME_CHARS, ProductId, ProductName};
use crate::service::clock::epoch_s;
use crate::service::trace::{self, TraceRef};

/// Longest rule name that X-Ray allows.
const MAX_RULE_CHARS: usize = 32;

/// A thing that somebody can do in the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    Added(i64),
    Renamed(i64),
    /// With its name, so that it can be undone.
    Deleted(i64, String),
    Restored(i64),
    Reloaded,
    /// Asked for so many products.
    Inserting(usize),
    /// A scenario, by its slug.
    Broke(String),
    Mended(String),
    ResetAll,
}

/// The last deed, as the bar at the foot shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastAction {
    pub(crate) deed: Deed,
    pub(crate) took_ms: u64,
    /// Seconds since 1970.
    pub(crate) at_s: u64,
    /// `None` where no tracing runs.
    pub(crate) trace: Option<TraceRef>,
}

impl LastAction {
    /// `deed`, done just now in the current trace.
    pub(crate) fn now(deed: Deed, took: Duration) -> Self {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Self { deed, took_ms, at_s: epoch_s(), trace: trace::current() }
    }

    pub(super) fn to_cookie(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn from_cookie(text: &str) -> Option<Self> {
        let action: Self = serde_json::from_str(text).ok()?;
        action.is_plausible().then_some(action)
    }

    /// Whether this server could have written it.
    fn is_plausible(&self) -> bool {
        let deed = match &self.deed {
            Deed::Added(id) | Deed::Renamed(id) | Deed::Restored(id) => {
                ProductId::try_from(*id).is_ok()
            }
            Deed::Deleted(id, name) => {
                ProductId::try_from(*id).is_ok() && name.chars().count() <= MAX_NAME_CHARS
            }
            Deed::Broke(slug) | Deed::Mended(slug) => Scenario::from_slug(slug).is_some(),
            Deed::Reloaded | Deed::Inserting(_) | Deed::ResetAll => true,
        };
        deed && self.trace.as_ref().is_none_or(|trace| {
            trace::checked_id(&trace.id).is_some()
                && trace.rule.as_ref().is_none_or(|rule| rule.chars().count() <= MAX_RULE_CHARS)
        })
    }

    /// The product that was added, which the list marks as new.
    pub(crate) fn added_id(&self) -> Option<i64> {
        match self.deed {
            Deed::Added(id) | Deed::Restored(id) => Some(id),
            _ => None,
        }
    }

    /// The product that a deletion took, if it can be put back.
    pub(crate) fn undo(&self) -> Option<(ProductId, ProductName)> {
        match &self.deed {
            Deed::Deleted(id, name) => Some((ProductId::try_from(*id).ok()?, name.parse().ok()?)),
            _ => None,
        }
    }
}

impl Lang {
    /// What was done, as a short sentence.
    pub(crate) fn deed(self, deed: &Deed) -> String {
        let title = |slug: &String| {
            Scenario::from_slug(slug).map_or("", |scenario| scenario.words(self).title)
        };
        match (self, deed) {
            (Self::En, Deed::Added(id)) => format!("Added product {id}"),
            (Self::Es, Deed::Added(id)) => format!("Producto {id} añadido"),
            (Self::En, Deed::Renamed(id)) => format!("Changed product {id}"),
            (Self::Es, Deed::Renamed(id)) => format!("Producto {id} cambiado"),
            (Self::En, Deed::Deleted(id, _)) => format!("Deleted product {id}"),
            (Self::Es, Deed::Deleted(id, _)) => format!("Producto {id} borrado"),
            (Self::En, Deed::Restored(id)) => format!("Put product {id} back"),
            (Self::Es, Deed::Restored(id)) => format!("Producto {id} recuperado"),
            (Self::En, Deed::Reloaded) => "Asked for the list again".to_owned(),
            (Self::Es, Deed::Reloaded) => "Lista pedida de nuevo".to_owned(),
            (Self::En, Deed::Inserting(count)) => format!("Began to insert {count} products"),
            (Self::Es, Deed::Inserting(count)) => {
                format!("Inserción de {count} productos iniciada")
            }
            (Self::En, Deed::Broke(slug)) => format!("{}: on", title(slug)),
            (Self::Es, Deed::Broke(slug)) => format!("{}: activado", title(slug)),
            (Self::En, Deed::Mended(slug)) => format!("{}: off", title(slug)),
            (Self::Es, Deed::Mended(slug)) => format!("{}: desactivado", title(slug)),
            (Self::En, Deed::ResetAll) => "Everything works again".to_owned(),
            (Self::Es, Deed::ResetAll) => "Todo vuelve a funcionar".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(deed: Deed, id: &str) -> LastAction {
        let trace = TraceRef { id: id.to_owned(), sampled: true, rule: None };
        LastAction { deed, took_ms: 42, at_s: 1_795_515_573, trace: Some(trace) }
    }

    const ID: &str = "1-6b0564b5-7be260d19f03a8c4512e6b77";

    #[test]
    fn an_action_comes_back_from_its_cookie() {
        let deleted = action(Deed::Deleted(7, "Mug; \"blue\"".to_owned()), ID);
        let back = LastAction::from_cookie(&deleted.to_cookie());
        assert_eq!(back.as_ref(), Some(&deleted));
        let (id, name) = back.unwrap().undo().unwrap();
        assert_eq!((id.get(), name.as_str()), (7, "Mug; \"blue\""));
    }

    #[test]
    fn what_this_server_cannot_have_written_is_no_action() {
        let forged = [
            action(Deed::Added(7), "1-6b0564b5-\"><script>alert(1)"),
            action(Deed::Added(-7), ID),
            action(Deed::Broke("everything".to_owned()), ID),
            action(Deed::Deleted(7, "x".repeat(81)), ID),
        ];
        for forged in forged {
            assert_eq!(LastAction::from_cookie(&forged.to_cookie()), None, "{forged:?}");
        }
        assert_eq!(LastAction::from_cookie("{}"), None);
    }
}
