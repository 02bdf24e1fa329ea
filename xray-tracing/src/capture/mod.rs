//! Makes segments and subsegments of what libraries do: one file and one feature each.
//!
//! In: requests, calls, queries. Out: records with their `http` and `sql` blocks, trace headers on
//! what leaves. Owns what is under way, and ends it: when it is over, or when it is dropped.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(feature = "sqlx")]
pub mod sqlx;
#[cfg(feature = "tower")]
pub mod tower;

pub(crate) mod job;
pub(crate) mod sql_text;

#[cfg(feature = "tower")]
mod body;
#[cfg(feature = "tower")]
mod grpc;
#[cfg(any(feature = "reqwest", feature = "sqlx", feature = "aws", feature = "tower"))]
mod subsegment;
#[cfg(feature = "tower")]
mod tower_client;

#[cfg(all(test, feature = "init", feature = "tower", feature = "reqwest", feature = "sqlx"))]
mod tests;
