//! The server side of centralised sampling: rules, and who may sample how much.

mod rule;

pub use rule::{SamplingRateBoost, SamplingRule};
