//! Short forms of the load generator's runs: nothing lost, nothing repeated.

use std::time::Duration;

use e2e::fake_xray::Fault;
use e2e::load::{Ending, Program, Rate, Row, Scenario, Spooling, Trouble, measure, measure_rest};

async fn nothing_is_lost(scenario: Scenario) -> Row {
    let row = measure(&scenario, &Program::Ours).await;
    assert_eq!((row.sent, row.received), (scenario.documents, scenario.documents), "{row:?}");
    assert_eq!(row.repeats, 0, "{row:?}");
    row
}

fn outage(fault: Fault) -> Scenario {
    let trouble = Trouble::Outage(fault, Duration::from_secs(2));
    Scenario { trouble, ..Scenario::steady("outage", 1_000, 4_000) }
}

#[tokio::test]
async fn a_steady_rate_is_measured() {
    let row = nothing_is_lost(Scenario::steady("2k", 2_000, 2_000)).await;
    assert!(row.cpu.is_some() && row.private_mb.is_some_and(|mb| mb > 0.5), "{row:?}");
    assert!(row.calls >= 40 && row.calls < 200, "{row:?}");
}

#[tokio::test]
async fn a_burst_at_full_speed_loses_nothing() {
    let rate = Rate::Full;
    nothing_is_lost(Scenario { rate, ..Scenario::steady("burst", 1, 10_000) }).await;
}

#[tokio::test]
async fn a_slow_service_loses_nothing() {
    let trouble = Trouble::Slow(Duration::from_millis(200));
    nothing_is_lost(Scenario { trouble, ..Scenario::steady("slow", 5_000, 10_000) }).await;
}

#[tokio::test]
async fn an_outage_of_two_seconds_at_1_000_a_second_loses_nothing() {
    nothing_is_lost(outage(Fault::INTERNAL)).await;
}

#[tokio::test]
async fn an_outage_of_throttling_loses_nothing() {
    nothing_is_lost(outage(Fault::THROTTLED)).await;
}

#[tokio::test]
async fn an_outage_of_resets_loses_nothing() {
    nothing_is_lost(outage(Fault::Reset)).await;
}

#[tokio::test]
async fn an_outage_of_silence_loses_nothing() {
    nothing_is_lost(outage(Fault::Hang)).await;
}

#[tokio::test]
async fn an_outage_longer_than_memory_goes_through_the_spool() {
    let trouble = Trouble::Outage(Fault::INTERNAL, Duration::from_secs(6));
    let row = nothing_is_lost(Scenario {
        trouble,
        spooling: Spooling::On,
        // Of which a quarter, 2 MB, is for what arrives while the disk is slow.
        memory_mb: Some(8),
        ..Scenario::steady("spool", 2_000, 16_000)
    });
    let row = row.await;
    assert!(row.remark.contains("from disk"), "{row:?}");
}

#[tokio::test]
async fn kill_9_loses_only_what_was_not_on_disk() {
    let scenario = Scenario {
        trouble: Trouble::Down,
        ending: Ending::Kill,
        spooling: Spooling::On,
        memory_mb: Some(3),
        ..Scenario::steady("kill", 4_000, 16_000)
    };
    let row = measure(&scenario, &Program::Ours).await;
    let on_disk: u64 = row.remark.split(' ').find_map(|word| word.parse().ok()).unwrap();
    assert!(on_disk > 1_000 && row.received >= on_disk, "{row:?}");
    assert_eq!(row.repeats, 0, "{row:?}");
}

#[tokio::test]
async fn sigterm_after_the_last_document_loses_nothing() {
    nothing_is_lost(Scenario {
        trouble: Trouble::Slow(Duration::from_millis(200)),
        ending: Ending::Term,
        ..Scenario::steady("term", 10_000, 10_000)
    })
    .await;
}

#[tokio::test]
async fn start_and_rest_are_measured() {
    let row = measure_rest(&Program::Ours, 2, Duration::from_millis(300)).await;
    assert_eq!(row.starts.len(), 2);
    assert!(row.resident_mb.is_some_and(|mb| mb > 1.0), "{row:?}");
    assert!(row.private_mb < row.resident_mb, "{row:?}");
}
