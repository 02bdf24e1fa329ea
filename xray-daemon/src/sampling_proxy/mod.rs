//! Answers the sampling calls of SDKs on TCP 2000.
//!
//! In: `POST /GetSamplingRules` and `POST /SamplingTargets`. Out: the service's answers, through a
//! signed call with the backend `aws`, from the store with `local`, by rules of a file with
//! `otlp` alone. Owns the rules that AWS answered last. Everything else is 403, unless
//! `--proxy-allow-all`: this port signs with the daemon's credentials, for whoever can reach it.
//!
//! ```text
//! request ─▶ counted ─▶ routes ─▶ body ─┬▶ rules ─▶ cache ─▶ (one flight a question) ─┐
//!            (metrics)  (403)   (bounds)├▶ targets: a newer LastRuleModification      ├▶ signed call
//!                                       │           drops the rules in memory ────────┤
//!                                       └▶ with --proxy-allow-all: headers ───────────┘
//! ```
//!
//! A question for rules costs AWS one call in ten seconds, whoever asks and however many. While AWS
//! fails the last rules are served on, marked `x-xray-daemon-cache: stale`.

mod counted;
#[cfg(feature = "otlp-out")]
mod own;
mod routes;

#[cfg(feature = "aws")]
mod answer;
#[cfg(feature = "aws")]
mod body;
#[cfg(feature = "aws")]
mod cache;
#[cfg(feature = "aws")]
mod headers;
#[cfg(feature = "aws")]
mod rules;
#[cfg(feature = "aws")]
mod signed;

#[cfg(feature = "otlp-out")]
pub(crate) use own::own;
#[cfg(feature = "local")]
pub(crate) use routes::guard;
pub(crate) use routes::unanswered;
#[cfg(feature = "aws")]
pub(crate) use signed::{Allowed, signed};
