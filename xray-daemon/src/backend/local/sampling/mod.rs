//! The server side of centralised sampling: rules, and who may sample how much.
//!
//! In: rules from the API, the console and the configuration; reports of clients every 10 s. Out:
//! rules and targets. Owns: the rules (in the store), quotas, boosts and statistics (in memory).
//! Whether a rule matches a request is decided by the services, with the same engine:
//! [`SamplingRule::to_engine`].
//!
//! ```text
//! clients ─▶ report ─▶ targets ─▶ quota (reservoir ÷ clients), boost, statistics
//!         ◀─ rules ◀── rules ◀──▶ store
//! ```

mod error;
mod rule;
mod rules;

mod boost;
mod quota;
mod statistics;
mod targets;

mod server;

pub use error::SamplingError;
pub(super) use rule::DEFAULT_NAME;
pub use rule::{RuleChange, RuleRecord, SamplingRateBoost, SamplingRule};
pub use rules::RuleSet;
pub use server::Sampling;
pub use statistics::RuleCounts;
pub use targets::ClientStatus;
pub(super) use targets::{BoostReport, INTERVAL_S, Report, Target};
