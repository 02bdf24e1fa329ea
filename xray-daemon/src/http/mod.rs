//! What every HTTP port of the daemon shares.
//!
//! In: a bound listener and a router. Out: answers. Owns the connections: bounded in number, in
//! the size of their headers and in the time they may take. Every server answers programs, not
//! pages: requests that a browser sends for a page of somebody else are refused.

mod origin;
mod patience;
#[cfg(any(feature = "aws", feature = "otlp-out"))]
mod percent;
mod server;
mod waiting;

pub(crate) use origin::refuse_browsers;
#[cfg(any(feature = "aws", feature = "otlp-out"))]
pub(crate) use percent::percent_decoded;
pub(crate) use server::serve;
