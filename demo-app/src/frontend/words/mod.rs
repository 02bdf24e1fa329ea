//! Everything the shop says, in English and Spanish.
//!
//! [`Words`] are fixed texts, one field each, so that a missing translation does not compile.
//! [`sentences`] puts numbers and names into texts. Names of services, rules and databases are never
//! translated.

mod en;
mod es;
mod lang;
mod sentences;
mod table;

pub(crate) use lang::Lang;
pub(crate) use table::{ScenarioWords, StepWords, Words};
