//! Answers through AWS: every call that leaves is signed with the daemon's credentials, or does not
//! leave.
//!
//! In: allowed requests. Out: the service's answers. Owns a share of the service, and the rules. Of
//! a sampling call nothing but the body goes on: a header that a mesh or a stranger adds would
//! break the signature, or be signed in our name.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response as HttpResponse};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use serde::Deserialize;
use tracing::{info, warn};

use super::answer::{Answer, without_body};
use super::body::Bodies;
use super::counted::call_of;
use super::headers;
use super::routes::{RULES, TARGETS, guard, watched};
use super::rules::{Ask, Rules};
use crate::backend::aws::{CallError, XRay, is_failure};
use crate::counters::{SamplingCall, SamplingCounters, SamplingResult, UpstreamEnd};
use crate::log_limit::LogLimit;

/// Longest body of a sampling call: statistics of 25 rules take 5 kB.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// Longest body of any other call, where those are allowed.
const MAX_OTHER_BODY_BYTES: usize = 5 << 20;

/// Which calls are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// The two that SDKs make.
    Sampling,
    /// All, as the reference daemon does.
    All,
}

#[derive(Debug)]
struct Proxy {
    upstream: Upstream,
    rules: Rules<Upstream>,
    bodies: Bodies,
}

/// The service, counted and logged.
#[derive(Clone, Debug)]
struct Upstream {
    service: Arc<XRay>,
    counters: Arc<SamplingCounters>,
    failures: Arc<LogLimit>,
}

/// Answers calls through `service`.
pub(crate) fn signed(
    service: Arc<XRay>,
    allowed: Allowed,
    counters: Arc<SamplingCounters>,
) -> Router {
    let failures = Arc::new(LogLimit::new());
    let upstream = Upstream { service, counters: Arc::clone(&counters), failures };
    let rules = Rules::new(upstream.clone());
    let proxy = Arc::new(Proxy { upstream, rules, bodies: Bodies::new() });
    let router = Router::new()
        .route(RULES, post(get_sampling_rules))
        .route(TARGETS, post(get_sampling_targets));
    let router = match allowed {
        Allowed::Sampling => guard(router, counters),
        Allowed::All => {
            info!("--proxy-allow-all: every call on this port is signed as this daemon");
            watched(router.fallback(pass_on).method_not_allowed_fallback(pass_on), counters)
        }
    };
    router.with_state(proxy)
}

async fn get_sampling_rules(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    match proxy.bodies.read(&head.headers, body, MAX_BODY_BYTES).await {
        Ok(question) => proxy.rules.answer(question).await,
        Err(why) => without_body(why, MAX_BODY_BYTES),
    }
}

async fn get_sampling_targets(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let statistics = match proxy.bodies.read(&head.headers, body, MAX_BODY_BYTES).await {
        Ok(statistics) => statistics,
        Err(why) => return without_body(why, MAX_BODY_BYTES),
    };
    let called = proxy.upstream.call(TARGETS, SamplingCall::Targets, statistics).await;
    if let Some(modified_s) = called.as_ref().ok().and_then(last_rule_modification_s) {
        proxy.rules.modified(modified_s);
    }
    respond(Answer::of(called))
}

/// Any other call, where that is allowed.
async fn pass_on(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = match proxy.bodies.read(&head.headers, body, MAX_OTHER_BODY_BYTES).await {
        Ok(body) => body,
        Err(why) => return without_body(why, MAX_OTHER_BODY_BYTES),
    };
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let mut sent = axum::http::Request::new(body);
    *sent.method_mut() = head.method.clone();
    *sent.headers_mut() = headers::to_send(&head.headers);
    match target.parse() {
        Ok(target) => *sent.uri_mut() = target,
        Err(error) => return respond(Answer::of(Err(CallError::Request(error.into())))),
    }
    let call = call_of(&head.method, &head.uri);
    let called = proxy.upstream.counted(call, proxy.upstream.service.send(sent).await);
    let back = called.as_ref().ok().map(|response| headers::to_return(response.headers()));
    let mut response = respond(Answer::of(called));
    if let Some(back) = back {
        *response.headers_mut() = back.into_iter().collect();
    }
    response
}

impl Upstream {
    async fn call(
        &self,
        path: &str,
        call: SamplingCall,
        body: Bytes,
    ) -> Result<HttpResponse<Bytes>, CallError> {
        self.counted(call, self.service.call(path, HeaderMap::new(), body).await)
    }

    fn counted(
        &self,
        call: SamplingCall,
        called: Result<HttpResponse<Bytes>, CallError>,
    ) -> Result<HttpResponse<Bytes>, CallError> {
        let failed = called.as_ref().map_or(true, is_failure);
        let ended = if failed { UpstreamEnd::Failed } else { UpstreamEnd::Answered };
        self.counters.add_upstream(call, ended);
        if failed && let Some(calls) = self.failures.report(1) {
            let (call, error) = (call.label(), called.as_ref().err());
            let error = error.map(|error| error as &dyn std::error::Error);
            let status = called.as_ref().ok().map(|response| response.status().as_u16());
            warn!(call, calls, status, error, "sampling call failed");
        }
        called
    }
}

impl Ask for Upstream {
    async fn ask(&self, question: Bytes) -> Answer {
        Answer::of(self.call(RULES, SamplingCall::Rules, question).await)
    }
}

/// When the rules were changed last, as targets tell.
fn last_rule_modification_s(response: &HttpResponse<Bytes>) -> Option<f64> {
    #[derive(Deserialize)]
    struct Targets {
        #[serde(rename = "LastRuleModification")]
        last_rule_modification_s: Option<f64>,
    }
    if !response.status().is_success() {
        return None;
    }
    let targets: Targets = serde_json::from_slice(response.body()).ok()?;
    targets.last_rule_modification_s.filter(|seconds| seconds.is_finite())
}

fn respond(answer: Answer) -> Response<Body> {
    let failed = answer.ended == UpstreamEnd::Failed;
    let result = if failed { SamplingResult::Failed } else { SamplingResult::Answered };
    answer.into_response(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_last_change_is_read_from_targets_that_are_some() {
        let modified = |status: u16, body: &'static str| {
            let response = HttpResponse::builder().status(status);
            last_rule_modification_s(&response.body(Bytes::from_static(body.as_bytes())).unwrap())
        };
        let body = r#"{"SamplingTargetDocuments":[],"LastRuleModification":1.7e9}"#;
        assert_eq!(modified(200, body), Some(1.7e9));
        assert_eq!(modified(500, body), None);
        for body in
            ["", "{}", "[]", r#"{"LastRuleModification":null}"#, r#"{"LastRuleModification":"x"}"#]
        {
            assert_eq!(modified(200, body), None, "{body}");
        }
    }
}
