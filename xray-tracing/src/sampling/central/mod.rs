//! Centralised sampling: X-Ray's rules, shared out among all processes that ask for them.
//!
//! In: answers of the daemon's TCP port. Out: decisions, and reports of what was decided. Owns the
//! rules with their reservoirs, what was counted, and one thread that asks. Nothing waits for the
//! daemon: until it has answered, and an hour after it answered last, the local rules decide.
//! Rules: X-Ray developer guide, "Using sampling rules with the X-Ray API".
//!
//! ```text
//! requests ─▶ CentralRules: RuleSet ─▶ Decision      ended ─▶ Anomalies
//!                 ▲ rules, quotas, boosts                        │
//!               Poller: POST /GetSamplingRules, every 300 s      │
//!                       POST /SamplingTargets, every 10 s ◀──────┘ and the counts
//! ```
//!
//! Time is passed in, so that an hour is simulated in a moment (`tests/simulation.rs`).

mod anomalies;
mod poller;
mod rule_set;
mod rules;
mod thread;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use anomalies::is_anomaly;
pub use anomalies::{AnomalyCondition, Usage};
pub use rules::{CentralRules, RuleReport};
pub(crate) use thread::{Polling, start};
