//! What a request pays for its sampling decision, and for the header it came with.
//!
//! `cargo bench -p xray-tracing --no-default-features --bench sampling`

#![expect(clippy::expect_used, reason = "a bench ends where it cannot begin")]

use divan::{Bencher, black_box};
use xray_tracing::sampling::{HttpTarget, LocalRules, Rule, Sampler, SamplingRequest};
use xray_tracing::{Sampled, SegmentId, TraceHeader, TraceId};

fn main() {
    divan::main();
}

const REQUEST: SamplingRequest<'static> = SamplingRequest {
    service_name: "frontend",
    service_type: Some("AWS::EKS::Container"),
    resource_arn: None,
    http: Some(HttpTarget { host: "shop.example:9000", method: "GET", path: "/products/1742" }),
    attributes: &[],
};

/// The default: 1 a second and 5 %. Nearly all of these requests are over the reservoir.
#[divan::bench(threads = [1, 2])]
fn decision_by_the_default(bencher: Bencher<'_, '_>) {
    let rules = LocalRules::default();
    bencher.bench(|| rules.decide(black_box(&REQUEST), 1_700_000_000));
}

/// Behind `count` rules that do not match.
#[divan::bench(args = [3, 25])]
fn decision_behind_rules_that_do_not_match(bencher: Bencher<'_, '_>, count: u32) {
    let mut rules = LocalRules::builder();
    for priority in 1..=count {
        let rule = Rule::named(format!("r{priority}")).priority(priority).method("POST");
        rules = rules.rule(rule.path("/products*").build().expect("a valid rule"));
    }
    let rules = rules.build();
    bencher.bench(|| rules.decide(black_box(&REQUEST), 1_700_000_000));
}

#[divan::bench]
fn header_of_a_request(bencher: Bencher<'_, '_>) {
    let text = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    bencher.bench(|| TraceHeader::parse(black_box(text)));
}

#[divan::bench]
fn header_for_a_call(bencher: Bencher<'_, '_>) {
    let (incoming, root) = (TraceHeader::default(), TraceId::random());
    let parent = SegmentId::random();
    bencher.bench(|| incoming.for_child(root, black_box(parent), Sampled::Yes).to_string());
}
