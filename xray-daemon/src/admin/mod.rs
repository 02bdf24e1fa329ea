//! Health, readiness and metrics on TCP 2001, for whoever runs the daemon.
//!
//! In: requests of probes and scrapers. Out: short texts. Owns the readiness; the counters are
//! everybody's.

mod metrics;
mod readiness;
mod routes;

pub(crate) use readiness::{Credentials, Readiness};
pub(crate) use routes::router;
