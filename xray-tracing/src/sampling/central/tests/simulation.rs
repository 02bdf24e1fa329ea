//! An hour of ten services, in a moment: first they borrow, then they have quotas.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::json;

use super::*;

const SERVICES: u64 = 10;
const REQUESTS_PER_S: u64 = 20;
const HOUR_S: u64 = 3_600;
/// Until then the service gives no quotas.
const QUOTAS_FROM_S: u64 = 600;
const RESERVOIR: u32 = 50;
const RATE: f64 = 0.05;

/// What X-Ray does: shares the reservoir among the clients that report, and adds up.
#[derive(Default)]
struct XRay {
    now_s: u64,
    clients: HashSet<String>,
    requests: u64,
    sampled: u64,
    borrowed: u64,
}

impl XRay {
    fn target(&mut self, report: &Value) -> Value {
        self.clients.insert(report["ClientID"].as_str().unwrap().to_owned());
        self.requests += report["RequestCount"].as_u64().unwrap();
        self.sampled += report["SampledCount"].as_u64().unwrap();
        self.borrowed += report["BorrowCount"].as_u64().unwrap();
        let mut target = json!({ "RuleName": report["RuleName"], "FixedRate": RATE });
        if self.now_s >= QUOTAS_FROM_S {
            target["ReservoirQuota"] = (RESERVOIR / self.clients.len() as u32).into();
            target["ReservoirQuotaTTL"] = ((START_S + self.now_s + 25) as f64).into();
            target["Interval"] = 10.into();
        }
        target
    }
}

#[test]
fn in_an_hour_ten_services_sample_what_the_rule_says_within_one_percent() {
    fastrand::seed(7);
    let xray = Rc::new(RefCell::new(XRay::default()));
    let mut daemon = FakeDaemon::with_rules(rules(&[rule("Default", 10_000, RESERVOIR, RATE)]));
    let behind = Rc::clone(&xray);
    daemon.targets = Box::new(move |body| {
        let reports = body["SamplingStatisticsDocuments"].as_array().unwrap();
        let targets: Vec<_> = reports.iter().map(|r| behind.borrow_mut().target(r)).collect();
        Ok(json!({ "SamplingTargetDocuments": targets, "LastRuleModification": START_S - 1 }))
    });

    let mut processes: Vec<Process> = (0..SERVICES).map(Process::new).collect();
    let mut due = vec![Duration::ZERO; processes.len()];
    let mut sampled = HashMap::from([("borrowing", 0_u64), ("quota", 0)]);
    for second in 0..HOUR_S {
        xray.borrow_mut().now_s = second;
        let phase = if second < QUOTAS_FROM_S { "borrowing" } else { "quota" };
        for (process, due) in processes.iter_mut().zip(&mut due) {
            if *due <= Duration::from_secs(second) {
                *due = process.turn(second as f64, &mut daemon);
            }
            let of_process = (0..REQUESTS_PER_S).filter(|_| process.decide(second as f64)).count();
            *sampled.get_mut(phase).unwrap() += of_process as u64;
        }
    }

    // One a second is borrowed by each, and 5 % of the other 19.
    let borrowing = (SERVICES * QUOTAS_FROM_S) as f64 * (1.0 + 19.0 * RATE);
    // Five a second are the share of each, and 5 % of the other 15.
    let quota = (SERVICES * (HOUR_S - QUOTAS_FROM_S)) as f64 * (5.0 + 15.0 * RATE);
    for (phase, expected) in [("borrowing", borrowing), ("quota", quota)] {
        let off = sampled[phase] as f64 / expected - 1.0;
        assert!(off.abs() < 0.01, "{phase}: {} of {expected}, {off:+.4}", sampled[phase]);
    }

    // What was reported, and what is still to be, is all that happened.
    let open = processes.iter().flat_map(|process| process.central.report(START_S + HOUR_S));
    let (mut requests, mut recorded, mut borrowed) = (0, 0, 0);
    for rule in open {
        requests += rule.counts.requests;
        recorded += rule.counts.sampled;
        borrowed += rule.counts.borrowed;
    }
    let xray = xray.borrow();
    assert_eq!(xray.requests + requests, SERVICES * REQUESTS_PER_S * HOUR_S);
    assert_eq!(xray.sampled + recorded, sampled.values().sum::<u64>());
    // Each borrows every second until its first quota: at 600 s at the earliest.
    let borrowed = xray.borrowed + borrowed;
    assert!((SERVICES * QUOTAS_FROM_S..SERVICES * (QUOTAS_FROM_S + 20)).contains(&borrowed));

    // Every 10 s and a little: 356 or so in an hour for each, and 12 calls for rules.
    let calls = daemon.calls_to("/SamplingTargets").len() as u64;
    assert!((SERVICES * 326..=SERVICES * 359).contains(&calls), "{calls}");
    assert_eq!(daemon.calls_to("/GetSamplingRules").len() as u64, SERVICES * 12);
}
