//! Short forms of the load generator's runs: nothing lost, nothing repeated.

use std::time::Duration;

use e2e::load::{Program, Rate, Scenario, Trouble, measure};

async fn nothing_is_lost(scenario: Scenario) {
    let row = measure(&scenario, &Program::Ours).await;
    assert_eq!((row.received, row.repeats), (scenario.documents, 0), "{row:?}");
}

#[tokio::test]
async fn a_burst_at_full_speed_loses_nothing() {
    nothing_is_lost(Scenario {
        name: "burst",
        rate: Rate::Full,
        documents: 10_000,
        size_bytes: 1_024,
        trouble: Trouble::None,
    })
    .await;
}

#[tokio::test]
async fn an_outage_of_two_seconds_at_1_000_a_second_loses_nothing() {
    nothing_is_lost(Scenario {
        name: "outage",
        rate: Rate::PerSecond(1_000),
        documents: 4_000,
        size_bytes: 1_024,
        trouble: Trouble::Outage(Duration::from_secs(2)),
    })
    .await;
}
