//! Sampling: which new traces are recorded.
//!
//! In: what is known of a request when its trace begins. Out: a [`Decision`]. Owns the rules and
//! their reservoirs. No I/O and no clock: callers pass the time. It is asked only where the trace
//! header left the decision to us; `Sampled=0` and `Sampled=1` are final. (`central/` alone has a
//! thread, which asks the daemon for X-Ray's rules.) Rule: X-Ray developer
//! guide, "Configuring sampling rules", and what the X-Ray SDKs do.
//!
//! ```text
//! request ─▶ Sampler ─▶ first Rule that matches ─▶ RuleState: reservoir, else fixed rate ─▶ Decision
//! ```

#[cfg(feature = "layer")]
pub(crate) mod central;
mod decision;
mod local;
mod local_json;
mod request;
mod reservoir;
mod rule;
mod rule_state;
mod wildcard;

#[cfg(feature = "layer")]
pub use central::{AnomalyCondition, CentralRules, RuleReport, Usage};
pub use decision::{Decision, Ended, Operation, RuleSource, Sampler};
pub use local::{LocalRules, LocalRulesBuilder};
pub use local_json::LocalRulesError;
pub use request::{HttpTarget, SamplingRequest};
pub use reservoir::Reservoir;
pub use rule::{Rule, RuleBuilder, RuleError};
pub use rule_state::{Counts, Lease, RuleState};
pub use wildcard::{Case, Pattern};
