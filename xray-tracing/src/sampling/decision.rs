//! What a sampler is, and what it answers.

use std::fmt::Debug;
use std::sync::Arc;

use super::SamplingRequest;

/// Whether a new trace is recorded, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Record it.
    pub sampled: bool,
    /// Name of the rule that decided. Segments carry it as `aws.xray.sampling_rule_name` only if
    /// the rule came from X-Ray, which is where that name means something.
    pub rule: Option<Arc<str>>,
}

/// Decides on new traces.
///
/// Implementations are called for every request whose caller did not decide, on the threads that
/// serve them: they must not block.
pub trait Sampler: Send + Sync + Debug {
    /// Decides on one request, at `now_s` seconds since 1970.
    fn decide(&self, request: &SamplingRequest<'_>, now_s: u64) -> Decision;
}

impl<S: Sampler + ?Sized> Sampler for Arc<S> {
    fn decide(&self, request: &SamplingRequest<'_>, now_s: u64) -> Decision {
        (**self).decide(request, now_s)
    }
}

impl<S: Sampler + ?Sized> Sampler for Box<S> {
    fn decide(&self, request: &SamplingRequest<'_>, now_s: u64) -> Decision {
        (**self).decide(request, now_s)
    }
}
