//! What is asked when, and what becomes of each answer.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::sampling::{Counts, Ended, HttpTarget, RuleSource};

fn default_rule() -> Value {
    rules(&[rule("Default", 10_000, 1, 0.05)])
}

/// Decides on requests at that time; how many were sampled.
fn requests(process: &Process, since_start_s: f64, count: usize) -> usize {
    (0..count).filter(|_| process.decide(since_start_s)).count()
}

#[test]
fn until_rules_come_the_local_ones_decide() {
    let mut process = Process::new(1);
    assert!(!process.decide(0.0));
    let mut daemon = FakeDaemon::with_rules(rules(&[rule("all", 1, 0, 1.0)]));
    process.turn(0.0, &mut daemon);
    assert!(process.decide(0.0));
    assert_eq!(process.news, [News::Arrived { rules: 1 }]);
    assert_eq!(daemon.calls, [("/GetSamplingRules".to_owned(), json!({}))]);
    let decision = process.central.decide(&SamplingRequest::default(), START_S);
    assert_eq!((decision.rule.as_deref(), decision.source), (Some("all"), RuleSource::Central));
}

#[test]
fn an_hour_after_the_last_rules_the_local_ones_decide_again() {
    let mut process = Process::new(1);
    let mut daemon = FakeDaemon::with_rules(rules(&[rule("all", 1, 0, 1.0)]));
    process.turn(0.0, &mut daemon);
    daemon.rules = Box::new(|_| Err(io::Error::other("gone")));
    for second in 1..=3_601 {
        process.turn(f64::from(second), &mut daemon);
        assert_eq!(process.decide(f64::from(second)), second <= 3_600, "{second}");
    }
    let expected = [News::Arrived { rules: 1 }, News::Failed("gone".to_owned())];
    assert_eq!(process.news, expected);
}

#[test]
fn without_a_daemon_it_is_asked_less_and_less_often() {
    let mut process = Process::new(3);
    let mut daemon = FakeDaemon::with_rules(default_rule());
    daemon.rules = Box::new(|_| Err(io::Error::other("refused")));
    let mut asked = Vec::new();
    for second in 0..1_000 {
        let before = daemon.calls.len();
        process.turn(f64::from(second), &mut daemon);
        if daemon.calls.len() > before {
            asked.push(second);
        }
    }
    // 10, 20, 40, 80, 160, 300 seconds apart, each up to a second and its rounding later.
    let apart: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (apart, expected) in apart.iter().zip([10, 20, 40, 80, 160, 300, 300]) {
        assert!((expected..=expected + 2).contains(apart), "{asked:?}");
    }
    assert_eq!(apart.len(), 7);
    assert_eq!(process.news.len(), 1);
}

#[test]
fn all_pages_of_rules_are_read() {
    let mut process = Process::new(1);
    let mut daemon = FakeDaemon::with_rules(Value::Null);
    daemon.rules = Box::new(|body| {
        let page = body["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let token = if page < 2 { json!((page + 1).to_string()) } else { Value::Null };
        let record = rule(&format!("r{page}"), 9 - page, 0, 0.0);
        Ok(json!({ "NextToken": token, "SamplingRuleRecords": [record] }))
    });
    process.turn(0.0, &mut daemon);
    let names: Vec<_> = process.central.report(START_S).into_iter().map(|r| r.name).collect();
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["r2", "r1", "r0"]);
    assert_eq!(daemon.calls_to("/GetSamplingRules")[2], &json!({ "NextToken": "2" }));
}

#[test]
fn rules_match_on_everything_they_name_and_invalid_ones_are_left_out() {
    let mut narrow = rule("narrow", 5, 0, 1.0);
    for (name, value) in [
        ("ServiceName", "sho*"),
        ("ServiceType", "AWS::EKS::*"),
        ("ResourceARN", "arn:aws:eks:*"),
        ("Host", "*.example"),
        ("HTTPMethod", "POST"),
        ("URLPath", "/cart/*"),
    ] {
        narrow["SamplingRule"][name] = value.into();
    }
    narrow["SamplingRule"]["Attributes"] = json!({ "tenant": "ac*" });
    let mut version_2 = rule("v2", 1, 0, 1.0);
    version_2["SamplingRule"]["Version"] = 2.into();
    let records = [narrow, version_2, rule("bad", 0, 0, 1.0), rule("Default", 10_000, 0, 0.0)];
    let mut process = Process::new(1);
    process.turn(0.0, &mut FakeDaemon::with_rules(rules(&records)));
    assert_eq!(process.news, [News::Arrived { rules: 2 }, News::Refused { rules: 2 }]);
    assert!(process.central.wants_attributes());
    let fits = SamplingRequest {
        service_name: "shop",
        service_type: Some("AWS::EKS::Container"),
        resource_arn: Some("arn:aws:eks:eu-west-1:1:cluster/x"),
        http: Some(HttpTarget { host: "a.example", method: "POST", path: "/cart/7" }),
        attributes: &[("tenant", "acme")],
    };
    let rule_of = |request: &SamplingRequest<'_>| {
        process.central.decide(request, START_S).rule.unwrap().to_string()
    };
    assert_eq!(rule_of(&fits), "narrow");
    for other in [
        SamplingRequest { service_name: "cart", ..fits },
        SamplingRequest { service_type: None, ..fits },
        SamplingRequest { resource_arn: None, ..fits },
        SamplingRequest { http: None, ..fits },
        SamplingRequest { attributes: &[], ..fits },
    ] {
        assert_eq!(rule_of(&other), "Default");
    }
}

#[test]
fn a_report_says_what_was_decided_with_borrowed_among_sampled() {
    fastrand::seed(1);
    let mut process = Process::new(1);
    let mut daemon = FakeDaemon::with_rules(rules(&[rule("base", 1, 50, 0.0)]));
    process.turn(0.0, &mut daemon);
    assert_eq!(requests(&process, 1.0, 60) + requests(&process, 2.0, 50), 2);
    process.turn(10.2, &mut daemon);
    let report = daemon.calls_to("/SamplingTargets")[0]["SamplingStatisticsDocuments"][0].clone();
    assert_eq!(report["RuleName"], "base");
    assert_eq!(report["Timestamp"], START_S + 10);
    let counts = [&report["RequestCount"], &report["SampledCount"], &report["BorrowCount"]];
    assert_eq!(counts, [110, 2, 2]);
    let client = report["ClientID"].as_str().unwrap();
    assert!(client.len() == 24 && client.bytes().all(|byte| byte.is_ascii_hexdigit()));
    // Nothing happened since: nothing is reported.
    process.turn(20.5, &mut daemon);
    assert_eq!(daemon.calls_to("/SamplingTargets").len(), 1);
}

#[test]
fn sixty_rules_are_reported_in_three_calls() {
    let records: Vec<_> = (0..60)
        .map(|number| {
            let mut record = rule(&format!("r{number}"), 1, 1, 0.0);
            record["SamplingRule"]["Host"] = format!("h{number}").into();
            record
        })
        .collect();
    let mut process = Process::new(1);
    let mut daemon = FakeDaemon::with_rules(rules(&records));
    process.turn(0.0, &mut daemon);
    for number in 0..60 {
        let host = format!("h{number}");
        let http = Some(HttpTarget { host: &host, method: "GET", path: "/" });
        process.central.decide(&SamplingRequest { http, ..Default::default() }, START_S);
    }
    process.turn(10.2, &mut daemon);
    let lengths: Vec<_> = daemon
        .calls_to("/SamplingTargets")
        .iter()
        .map(|body| body["SamplingStatisticsDocuments"].as_array().unwrap().len())
        .collect();
    assert_eq!(lengths, [25, 25, 10]);
}

#[test]
fn counts_of_a_report_that_failed_are_in_the_next_one() {
    let mut process = Process::new(1);
    let mut daemon = FakeDaemon::with_rules(default_rule());
    process.turn(0.0, &mut daemon);
    let up = Rc::new(Cell::new(false));
    let is_up = Rc::clone(&up);
    daemon.targets = Box::new(move |_| {
        if is_up.get() { Ok(json!({ "SamplingTargetDocuments": [] })) } else { Ok(json!(7)) }
    });
    requests(&process, 1.0, 5);
    process.turn(10.2, &mut daemon);
    requests(&process, 12.0, 3);
    up.set(true);
    process.turn(20.5, &mut daemon);
    let calls = daemon.calls_to("/SamplingTargets");
    let counts: Vec<_> =
        calls.iter().map(|body| &body["SamplingStatisticsDocuments"][0]["RequestCount"]).collect();
    assert_eq!(counts, [5, 8]);
}

#[test]
fn what_the_service_could_not_take_is_reported_again_and_what_it_refused_is_not() {
    let mut process = Process::new(1);
    let mut daemon = FakeDaemon::with_rules(default_rule());
    process.turn(0.0, &mut daemon);
    for (code, left) in [("500", 4), ("400", 0)] {
        daemon.targets = Box::new(move |_| {
            Ok(json!({ "SamplingTargetDocuments": [], "UnprocessedStatistics":
                [{ "RuleName": "Default", "ErrorCode": code, "Message": "no" }] }))
        });
        process.central.set().moving("Default").unwrap().state.take_counts();
        requests(&process, 1.0, 4);
        let at_s = if code == "500" { 10.2 } else { 20.5 };
        process.turn(at_s, &mut daemon);
        let counts = process.central.report(START_S)[0].counts;
        assert_eq!(counts.requests, left, "{code}");
    }
    // The refusal means that the rules are other ones by now.
    process.turn(21.6, &mut daemon);
    assert_eq!(daemon.calls_to("/GetSamplingRules").len(), 2);
}

#[test]
fn a_change_of_the_rules_is_asked_for_at_once() {
    let mut process = Process::new(1);
    let mut daemon = FakeDaemon::with_rules(default_rule());
    process.turn(0.0, &mut daemon);
    for (changed_at_s, calls) in [(START_S, 1), (START_S + 5, 2)] {
        daemon.targets = Box::new(move |_| {
            Ok(json!({ "SamplingTargetDocuments": [], "LastRuleModification": changed_at_s }))
        });
        requests(&process, 1.0, 1);
        let at_s = if calls == 1 { 10.2 } else { 20.5 };
        process.turn(at_s, &mut daemon);
        process.turn(at_s + 1.1, &mut daemon);
        assert_eq!(daemon.calls_to("/GetSamplingRules").len(), calls);
    }
}

#[test]
fn a_target_without_quota_keeps_the_old_one() {
    let mut process = Process::new(1);
    let mut daemon = FakeDaemon::with_rules(rules(&[rule("base", 1, 50, 0.0)]));
    process.turn(0.0, &mut daemon);
    let answers = [
        json!({ "RuleName": "base", "FixedRate": 0.0, "ReservoirQuota": 3,
                "ReservoirQuotaTTL": START_S + 25, "Interval": 20 }),
        json!({ "RuleName": "base", "FixedRate": 0.0 }),
        json!({ "RuleName": "cats", "FixedRate": 1.0 }),
    ];
    let mut answers = answers.into_iter();
    daemon.targets =
        Box::new(move |_| Ok(json!({ "SamplingTargetDocuments": [answers.next().unwrap()] })));
    assert_eq!(requests(&process, 1.0, 9), 1); // borrowed
    process.turn(10.2, &mut daemon);
    assert_eq!(requests(&process, 11.0, 9), 3);
    // The interval was set to 20 s: this turn reports nothing.
    process.turn(20.5, &mut daemon);
    assert_eq!(daemon.calls_to("/SamplingTargets").len(), 1);
    process.turn(30.8, &mut daemon);
    assert_eq!(daemon.calls_to("/SamplingTargets").len(), 2);
    assert_eq!(requests(&process, 25.0, 9), 3);
    assert_eq!(requests(&process, 26.0, 9), 1); // over: borrowed again
}

#[test]
fn a_new_text_of_a_rule_keeps_its_counts_and_drops_the_rate_of_the_old_one() {
    let mut process = Process::new(1);
    let mut daemon =
        FakeDaemon::with_rules(rules(&[rule("base", 1, 0, 0.0), rule("gone", 2, 0, 0.0)]));
    process.turn(0.0, &mut daemon);
    process.central.set().moving("base").unwrap().state.set_fixed_rate(1.0);
    assert_eq!(requests(&process, 1.0, 4), 4);
    daemon.rules = Box::new(|_| Ok(rules(&[rule("base", 7, 0, 0.000_001)])));
    process.turn(306.0, &mut daemon);
    let report = process.central.report(START_S);
    assert_eq!(report.len(), 1);
    assert_eq!((report[0].priority, report[0].counts.requests), (7, 0)); // reported at 306 s
    assert_eq!(requests(&process, 307.0, 4), 0);
}

#[test]
fn anomalies_of_a_rule_with_boost_are_reported_and_its_boost_is_followed() {
    let mut boosted = rule("boosted", 1, 0, 0.0);
    boosted["SamplingRule"]["SamplingRateBoost"] =
        json!({ "MaxRate": 1.0, "CooldownWindowMinutes": 10 });
    let mut process = Process::new(1);
    let mut daemon = FakeDaemon::with_rules(rules(&[boosted, rule("Default", 10_000, 0, 0.0)]));
    process.turn(0.0, &mut daemon);
    daemon.targets = Box::new(|_| {
        Ok(json!({ "SamplingTargetDocuments": [{ "RuleName": "boosted", "FixedRate": 0.0,
            "SamplingBoost": { "BoostRate": 1.0, "BoostRateTTL": (START_S + 30) as f64 } }] }))
    });
    let end = |rule: &str, is_fault, sampled| {
        process.central.ended(&Ended {
            service_name: "shop",
            rule: Some(&Arc::from(rule)),
            sampled,
            operation: None,
            status: None,
            is_fault,
            took: Duration::ZERO,
        });
    };
    for _ in 0..107 {
        end("boosted", false, false);
    }
    (0..3).for_each(|_| end("boosted", true, false));
    end("boosted", true, true);
    end("Default", true, true);
    process.turn(10.2, &mut daemon);
    let boosts = &daemon.calls_to("/SamplingTargets")[0]["SamplingBoostStatisticsDocuments"];
    let expected = json!([{ "RuleName": "boosted", "ServiceName": "shop",
        "Timestamp": START_S + 10, "TotalCount": 111, "AnomalyCount": 4,
        "SampledAnomalyCount": 1 }]);
    assert_eq!(boosts, &expected);
    assert_eq!(requests(&process, 29.0, 9), 9);
    assert_eq!(requests(&process, 30.0, 9), 0);
}

#[test]
fn answers_of_any_kind_do_no_harm() {
    let answers = [
        json!(null),
        json!([]),
        json!({ "SamplingRuleRecords": 7 }),
        json!({ "SamplingRuleRecords": [7, {}, { "SamplingRule": { "RuleName": 7 } }] }),
        json!({ "SamplingTargetDocuments": [7, {}, { "RuleName": "Default", "FixedRate": -1,
            "ReservoirQuota": -7, "ReservoirQuotaTTL": "x", "Interval": 1e300,
            "SamplingBoost": { "BoostRate": 9, "BoostRateTTL": -1e300 } }],
            "LastRuleModification": "x", "UnprocessedStatistics": 7 }),
    ];
    for answer in answers {
        let mut process = Process::new(1);
        let mut daemon = FakeDaemon::with_rules(default_rule());
        process.turn(0.0, &mut daemon);
        let (one, two) = (answer.clone(), answer.clone());
        daemon.rules = Box::new(move |_| Ok(one.clone()));
        daemon.targets = Box::new(move |_| Ok(two.clone()));
        requests(&process, 1.0, 3);
        process.turn(10.2, &mut daemon);
        process.turn(400.0, &mut daemon);
        let counts = process.central.report(START_S + 400).first().map(|rule| rule.counts);
        assert_ne!(counts, Some(Counts { requests: 9, ..Counts::default() }));
    }
}
