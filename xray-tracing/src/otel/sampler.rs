//! X-Ray's sampling for OpenTelemetry's tracer.
//!
//! In: a span that begins, with its parent. Out: whether it is recorded. Owns the rules, and with
//! `central` the thread that asks the daemon for them. A decision that was made stays: by the local
//! parent, or by the caller's header.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceState};
use opentelemetry::{Context, KeyValue, TraceId, Value};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use super::propagator::Incoming;
use crate::emitter::DaemonAddress;
use crate::layer::clock;
use crate::sampling::central::{self, Polling};
use crate::sampling::{
    CentralRules, Decision, HttpTarget, LocalRules, RuleSource, Sampler, SamplingRequest,
};
use crate::{InitError, Sampled};

/// Attribute by which the exporter knows the rule.
const RULE: &str = "aws.xray.sampling_rule_name";

/// Samples by X-Ray's rules, or by rules of one's own.
#[derive(Clone, Debug)]
pub struct XraySampler {
    service_name: Arc<str>,
    rules: Arc<dyn Sampler>,
    /// Ends the poller with the last clone.
    _polling: Option<Arc<Polling>>,
}

impl XraySampler {
    /// Asks the daemon for X-Ray's rules, and decides by `fallback` until it has answered. The
    /// address is read from `AWS_XRAY_DAEMON_ADDRESS`.
    ///
    /// # Errors
    /// The address cannot be read, or the system has no thread left. A daemon that does not answer
    /// is no error.
    pub fn central(service_name: &str, fallback: LocalRules) -> Result<Self, InitError> {
        let address = match std::env::var("AWS_XRAY_DAEMON_ADDRESS") {
            Ok(text) if !text.trim().is_empty() => text.parse()?,
            _ => DaemonAddress::default(),
        };
        Self::central_at(service_name, fallback, address)
    }

    /// The same with an address.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn central_at(
        service_name: &str,
        fallback: LocalRules,
        daemon: DaemonAddress,
    ) -> Result<Self, InitError> {
        let rules = Arc::new(CentralRules::new(fallback, Vec::new()));
        let polling = central::start(Arc::clone(&rules), daemon.tcp).map_err(InitError::Thread)?;
        let service_name = service_name.into();
        Ok(Self { service_name, rules, _polling: Some(Arc::new(polling)) })
    }

    /// Decides by rules of this process alone.
    pub fn local(service_name: &str, rules: LocalRules) -> Self {
        Self::of(service_name, rules)
    }

    /// Decides as `rules` do.
    pub fn of(service_name: &str, rules: impl Sampler + 'static) -> Self {
        Self { service_name: service_name.into(), rules: Arc::new(rules), _polling: None }
    }

    fn decide(&self, attributes: &[KeyValue]) -> Decision {
        let texts: Vec<(&str, Cow<'_, str>)> =
            attributes.iter().map(|pair| (pair.key.as_str(), text(&pair.value))).collect();
        let pairs: Vec<(&str, &str)> = texts.iter().map(|(key, text)| (*key, &**text)).collect();
        let request = SamplingRequest {
            service_name: &self.service_name,
            http: target(&pairs),
            attributes: &pairs,
            ..SamplingRequest::default()
        };
        self.rules.decide(&request, clock::epoch_s())
    }
}

impl ShouldSample for XraySampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        attributes: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let parent = parent_context.map(|cx| cx.span().span_context().clone());
        let parent = parent.filter(opentelemetry::trace::SpanContext::is_valid);
        let trace_state =
            parent.as_ref().map_or_else(TraceState::default, |parent| parent.trace_state().clone());
        let header = parent_context.and_then(|cx| cx.get::<Incoming>()).map(|came| came.0.sampled);
        let decided = match (&parent, header) {
            (Some(parent), _) if !parent.is_remote() => Some(parent.is_sampled()),
            (_, Some(sampled)) => sampled.decision(),
            // Another propagator brought it, which knows of no third value.
            (Some(parent), None) => Some(parent.is_sampled()),
            (None, None) => Sampled::Unknown.decision(),
        };
        let decision = match decided {
            Some(sampled) => Decision { sampled, ..Decision::default() },
            None => self.decide(attributes),
        };
        let rule =
            decision.rule.filter(|_| decision.sampled && decision.source == RuleSource::Central);
        SamplingResult {
            decision: if decision.sampled {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: rule
                .map(|rule| KeyValue::new(RULE, rule.to_string()))
                .into_iter()
                .collect(),
            trace_state,
        }
    }
}

/// What the attributes say of an HTTP request. Rule: OpenTelemetry's conventions, old and new.
fn target<'a>(pairs: &[(&'a str, &'a str)]) -> Option<HttpTarget<'a>> {
    let find = |keys: &[&str]| {
        keys.iter().find_map(|key| pairs.iter().find(|(name, _)| name == key)).map(|(_, v)| *v)
    };
    let method = find(&["http.request.method", "http.method"]);
    let url = find(&["url.full", "http.url"]);
    let path = find(&["url.path", "http.target"]).or_else(|| url.map(path_of));
    if method.is_none() && path.is_none() {
        return None;
    }
    let host = find(&["server.address", "http.host", "http.server_name", "net.host.name"]);
    let path = path.unwrap_or("/").split(['?', '#']).next().unwrap_or("/");
    Some(HttpTarget { host: host.unwrap_or_default(), method: method.unwrap_or_default(), path })
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

fn text(value: &Value) -> Cow<'_, str> {
    value.as_str()
}
