//! The server side of centralised sampling: rules, and who may sample how much.
//!
//! In: rules from the API, the console and the configuration; reports of clients every 10 s. Out:
//! rules and targets. Owns: the rules, in the store; quotas, boosts and statistics, in memory, are
//! those of any sampling server of ours (`crate::sampling`).
//! Whether a rule matches a request is decided by the services, with the same engine:
//! [`SamplingRule::to_engine`].
//!
//! ```text
//! clients ─▶ report ─▶ targets ─▶ quota (reservoir ÷ clients), boost, statistics
//!         ◀─ rules ◀── rules ◀──▶ store
//! ```

mod error;
mod rule_change;
mod rules;

mod server;

pub(super) use crate::sampling::{BoostReport, DEFAULT_NAME, INTERVAL_S, Report, Target};
pub use crate::sampling::{
    ClientStatus, RuleCounts, RuleRecord, RuleSet, SamplingRateBoost, SamplingRule,
};
pub use error::SamplingError;
pub use rule_change::RuleChange;
pub use server::Sampling;
