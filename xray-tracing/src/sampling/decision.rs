//! What a sampler is, and what it answers.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use super::{Rule, SamplingRequest};

/// Whether a new trace is recorded, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Record it.
    pub sampled: bool,
    /// Name of the rule that decided.
    pub rule: Option<Arc<str>>,
    /// Whose rule that is.
    pub source: RuleSource,
}

/// Whose rule it is that decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleSource {
    /// This process's own. Segments do not name it: X-Ray would take it for one of its rules.
    #[default]
    Local,
    /// X-Ray's; segments name it as `aws.xray.sampling_rule_name`.
    Central,
}

/// A local root that has ended: what adaptive sampling wants to know of it.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Name of its segment.
    pub service_name: &'a str,
    /// The rule that decided here; `None` if the caller had decided.
    pub rule: Option<&'a Arc<str>>,
    /// Whether it was recorded.
    pub sampled: bool,
    /// The request's method and path, if there was one.
    pub operation: Option<Operation<'a>>,
    /// Status of the response, if there was one.
    pub status: Option<u16>,
    /// It failed: with a status above 499, or without one.
    pub is_fault: bool,
    /// How long it took.
    pub took: Duration,
}

/// What a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation<'a> {
    /// `GET` …
    pub method: &'a str,
    /// Path without query string.
    pub path: &'a str,
}

/// Decides on new traces.
///
/// Implementations are called for every request whose caller did not decide, on the threads that
/// serve them: they must not block.
pub trait Sampler: Send + Sync + Debug {
    /// Decides on one request, at `now_s` seconds since 1970.
    fn decide(&self, request: &SamplingRequest<'_>, now_s: u64) -> Decision;

    /// The rule that would decide on this request, without deciding; `None` if it has none to show.
    fn rule_for(&self, request: &SamplingRequest<'_>, now_s: u64) -> Option<Rule> {
        let _: (&SamplingRequest<'_>, u64) = (request, now_s);
        None
    }

    /// Whether [`decide`](Self::decide) looks at attributes: collecting them costs something.
    fn wants_attributes(&self) -> bool {
        false
    }

    /// Whether [`ended`](Self::ended) is to be called: remembering a request costs something.
    fn wants_ended(&self) -> bool {
        false
    }

    /// Learns how a local root ended. Called by the capture of servers, sampled or not.
    fn ended(&self, ended: &Ended<'_>) {
        // Most samplers do not care.
        let _: &Ended<'_> = ended;
    }
}

impl<S: Sampler + ?Sized> Sampler for Arc<S> {
    fn decide(&self, request: &SamplingRequest<'_>, now_s: u64) -> Decision {
        (**self).decide(request, now_s)
    }

    fn rule_for(&self, request: &SamplingRequest<'_>, now_s: u64) -> Option<Rule> {
        (**self).rule_for(request, now_s)
    }

    fn wants_attributes(&self) -> bool {
        (**self).wants_attributes()
    }

    fn wants_ended(&self) -> bool {
        (**self).wants_ended()
    }

    fn ended(&self, ended: &Ended<'_>) {
        (**self).ended(ended);
    }
}

impl<S: Sampler + ?Sized> Sampler for Box<S> {
    fn decide(&self, request: &SamplingRequest<'_>, now_s: u64) -> Decision {
        (**self).decide(request, now_s)
    }

    fn rule_for(&self, request: &SamplingRequest<'_>, now_s: u64) -> Option<Rule> {
        (**self).rule_for(request, now_s)
    }

    fn wants_attributes(&self) -> bool {
        (**self).wants_attributes()
    }

    fn wants_ended(&self) -> bool {
        (**self).wants_ended()
    }

    fn ended(&self, ended: &Ended<'_>) {
        (**self).ended(ended);
    }
}
