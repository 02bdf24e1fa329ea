//! Sampling rules as the API speaks of them, and what clients may sample by them.
//!
//! In: reports of clients every 10 s. Out: rules and targets. Owns quotas, boosts and statistics, in
//! memory. Two servers are built on it: that of the local X-Ray, whose rules are in its store, and
//! that of daemons which only send spans, whose rules are in a file. Whether a rule matches a request
//! is decided by the services, with the same engine: [`SamplingRule::to_engine`].

mod file;
mod rule;
mod rule_set;

#[cfg_attr(not(feature = "local"), expect(dead_code, reason = "the local X-Ray shows more"))]
mod boost;
#[cfg_attr(not(feature = "local"), expect(dead_code, reason = "the local X-Ray shows more"))]
mod quota;
#[cfg_attr(not(feature = "local"), expect(dead_code, reason = "the local X-Ray shows more"))]
mod statistics;
#[cfg_attr(not(feature = "local"), expect(dead_code, reason = "the local X-Ray shows more"))]
mod targets;

pub(crate) use file::read as read_file;
#[cfg(feature = "local")]
pub(crate) use rule::DEFAULT_NAME;
pub use rule::{RuleRecord, SamplingRateBoost, SamplingRule};
pub use rule_set::RuleSet;
pub use statistics::RuleCounts;
#[cfg(feature = "local")]
pub(crate) use targets::BoostReport;
#[cfg(feature = "local")]
pub use targets::ClientStatus;
pub(crate) use targets::{INTERVAL_S, Report, Target, Targets};
