//! Centralised sampling against a daemon made of closures.
//!
//! In: the time, as the tests say it. Out: decisions and reports. `protocol` is about what is asked
//! and answered when, `simulation` about how much is sampled in an hour,
//! `started` about the thread.

mod protocol;
mod simulation;
mod started;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::poller::{Daemon, Moment, News, Poller};
use super::rules::CentralRules;
use crate::sampling::{LocalRules, Sampler, SamplingRequest};

/// Where the simulated time begins, seconds since 1970.
const START_S: u64 = 1_700_000_000;

fn moment(since_start_s: f64) -> Moment {
    let since_start = Duration::from_secs_f64(since_start_s);
    Moment { since_start, epoch_s: START_S + since_start.as_secs() }
}

/// One process: its sampler and its poller.
struct Process {
    central: Arc<CentralRules>,
    poller: Poller,
    news: Vec<News>,
}

impl Process {
    fn new(seed: u64) -> Self {
        let local = LocalRules::record_none();
        let central = Arc::new(CentralRules::new(local, Vec::new()));
        let chance = fastrand::Rng::with_seed(seed);
        let poller = Poller::new(Arc::clone(&central), chance);
        Self { central, poller, news: Vec::new() }
    }

    fn turn(&mut self, since_start_s: f64, daemon: &mut FakeDaemon) -> Duration {
        let news = &mut self.news;
        self.poller.turn(moment(since_start_s), daemon, &mut |told| news.push(told))
    }

    fn decide(&self, since_start_s: f64) -> bool {
        let request = SamplingRequest { service_name: "shop", ..SamplingRequest::default() };
        self.central.decide(&request, moment(since_start_s).epoch_s).sampled
    }
}

type Answer = Box<dyn FnMut(&Value) -> io::Result<Value>>;

/// Answers as it is told, and remembers what it was asked.
struct FakeDaemon {
    rules: Answer,
    targets: Answer,
    calls: Vec<(String, Value)>,
}

impl FakeDaemon {
    fn with_rules(rules: Value) -> Self {
        Self {
            rules: Box::new(move |_| Ok(rules.clone())),
            targets: Box::new(|_| Ok(json!({ "SamplingTargetDocuments": [] }))),
            calls: Vec::new(),
        }
    }

    fn calls_to(&self, path: &str) -> Vec<&Value> {
        self.calls.iter().filter(|(to, _)| to == path).map(|(_, body)| body).collect()
    }
}

impl Daemon for FakeDaemon {
    fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let body: Value = serde_json::from_slice(body).unwrap();
        self.calls.push((path.to_owned(), body.clone()));
        let answer = match path {
            "/GetSamplingRules" => (self.rules)(&body)?,
            "/SamplingTargets" => (self.targets)(&body)?,
            _ => return Err(io::Error::other("no such path")),
        };
        Ok(answer.to_string().into_bytes())
    }
}

/// A rule as X-Ray sends it.
fn rule(name: &str, priority: u32, reservoir: u32, rate: f64) -> Value {
    json!({ "SamplingRule": {
        "RuleName": name, "RuleARN": "arn:aws:xray:x", "ResourceARN": "*", "Priority": priority,
        "FixedRate": rate, "ReservoirSize": reservoir, "ServiceName": "*", "ServiceType": "*",
        "Host": "*", "HTTPMethod": "*", "URLPath": "*", "Version": 1, "Attributes": {},
    }})
}

fn rules(records: &[Value]) -> Value {
    json!({ "NextToken": null, "SamplingRuleRecords": records })
}
