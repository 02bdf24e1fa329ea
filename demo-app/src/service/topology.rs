//! What `GET /topology` says: who a service is, whom it calls and how that went, what is broken in
//! it on purpose.
//!
//! Each service answers for itself. The frontend follows the addresses and draws the whole.

use serde::{Deserialize, Serialize};

use super::hops::HopReport;
use crate::chaos::Faults;

/// One service's own view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Topology {
    /// The segment name: `Product-Catalog`.
    pub(crate) service: String,
    /// Where it listens, as it was bound: `127.0.0.1:5000`.
    pub(crate) listen: String,
    /// How it is traced, in words for people.
    pub(crate) instrumentation: String,
    pub(crate) faults: Faults,
    pub(crate) hops: Vec<Hop>,
    /// The catalogue's rows; the other services have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rows: Option<Rows>,
}

/// A call that the service makes to something else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hop {
    /// The callee's name on the map.
    pub(crate) to: String,
    pub(crate) target: Target,
    /// Of 100 calls to this kind of callee, how many go here. 100 unless a canary shares them.
    pub(crate) share_percent: u8,
    pub(crate) last_30_s: HopReport,
}

/// What a hop leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Target {
    /// A service, at this base URL.
    Service(String),
    /// A database of this kind: `SQLite`, `PostgreSQL`.
    Database(String),
}

/// How many products there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rows {
    pub(crate) total: u64,
    /// Those that were not there from the start.
    pub(crate) inserted: u64,
    /// The highest id of those.
    #[serde(default)]
    pub(crate) newest: Option<i64>,
}
