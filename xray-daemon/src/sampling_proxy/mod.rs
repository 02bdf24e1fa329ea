//! Answers the sampling calls of SDKs on TCP 2000.
//!
//! In: `POST /GetSamplingRules` and `POST /SamplingTargets`. Out: the service's answers, through a
//! signed call with the backend `aws`, from the store with `local`. Owns nothing. Everything else
//! is 403: this port signs with the daemon's credentials, for whoever can reach it.

mod routes;
#[cfg(feature = "aws")]
mod signed;

#[cfg(feature = "local")]
pub(crate) use routes::guard;
pub(crate) use routes::unanswered;
#[cfg(feature = "aws")]
pub(crate) use signed::signed;
