//! The spool: what does not fit in memory, and what is left at the end, is on disk and arrives later.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use e2e::fake_xray::{FakeXray, Fault};
use e2e::{Daemon, DaemonOptions, Missing, Numbered, Signal, Tally, require, run, wait_until};

/// Longest that documents may take after the trouble.
const RECOVERED: Duration = Duration::from_secs(60);
/// Longest for an orderly end.
const LONGEST: Duration = Duration::from_secs(40);

/// A daemon with 3 MB of memory and a spool.
fn spooling(xray: &FakeXray, folder: &Path) -> DaemonOptions {
    let folder = folder.to_string_lossy();
    DaemonOptions::uploading_to(xray).args(["-m", "3", "--spool", &*folder])
}

/// Documents of which 3 MB hold fewer than 3,000.
fn numbered() -> Numbered {
    Numbered::new().of_size(1_000)
}

/// Sends `count` documents, no faster than they are received.
async fn send(daemon: &Daemon, run: &Numbered, count: u64) {
    for number in 0..count {
        daemon.send(run.datagram(number));
        if number % 500 == 499 || number == count - 1 {
            let received = number as f64 + 1.0;
            daemon.wait_for_metric("segments_received_total", "", received).await;
        }
    }
}

/// Sends them no faster than the disk takes them, so that the machine may do other things as well.
async fn send_at_the_disks_pace(daemon: &Daemon, run: &Numbered, count: u64) {
    for from in (0..count).step_by(500) {
        for number in from..from + 500 {
            daemon.send(run.datagram(number));
        }
        daemon.wait_for_metric("segments_received_total", "", (from + 500) as f64).await;
        wait_until("a disk that keeps up", RECOVERED, || async {
            let held = daemon.metrics().await.sum("buffer_held_bytes", "");
            (held <= 2.4 * f64::from(1 << 20)).then_some(())
        })
        .await;
    }
}

fn tally(xray: &FakeXray, run: &Numbered, sent: u64) -> Tally {
    let received = xray.documents();
    run.tally(sent, received.iter().map(String::as_str))
}

async fn all_arrive_once(xray: &FakeXray, run: &Numbered, count: u64) {
    xray.wait_for_documents(count as usize, RECOVERED).await;
    assert_eq!(tally(xray, run, count), Tally::complete(count));
}

/// How many are on disk, once nothing moves any more.
async fn on_disk(daemon: &Daemon) -> u64 {
    let looks = Cell::new((0, 0));
    let looks = &looks;
    wait_until("a quiet spool", RECOVERED, || async move {
        let now = daemon.account("aws").await.spooled;
        let (last, times) = looks.get();
        looks.set((now, if now == last { times + 1 } else { 0 }));
        (now > 0 && looks.get().1 == 8).then_some(now)
    })
    .await
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("aws")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "spool"));
    files.sort();
    files
}

#[tokio::test]
async fn an_outage_longer_than_memory_loses_nothing() {
    let (xray, folder) = (FakeXray::start().await, tempfile::tempdir().unwrap());
    let mut daemon = spooling(&xray, folder.path()).start().await;
    let run = numbered();
    xray.misbehave(Fault::INTERNAL);
    send_at_the_disks_pace(&daemon, &run, 10_000).await;
    let account = daemon.account("aws").await;
    assert!(account.spooled >= 7_000, "{account:?}");
    assert_eq!((account.sent, account.dropped), (0, 0));
    let metrics = daemon.metrics().await;
    assert!(metrics.sum("spool_bytes", "") > 7e6, "{}", metrics.0);
    assert!(metrics.sum("buffer_held_bytes", "") <= f64::from(3 << 20), "{}", metrics.0);

    xray.misbehave(Fault::None);
    all_arrive_once(&xray, &run, 10_000).await;
    daemon.end(Signal::TERM, LONGEST).await;
    let account = daemon.last_account("aws");
    assert_eq!((account.accepted, account.sent, account.spooled), (10_000, 10_000, 0));
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

/// An outage that leaves documents on disk, then kill -9; returns how many are there.
async fn killed_with_a_full_spool(xray: &FakeXray, folder: &Path, run: &Numbered) -> u64 {
    let mut daemon = spooling(xray, folder).start().await;
    xray.misbehave(Fault::INTERNAL);
    send_at_the_disks_pace(&daemon, run, 10_000).await;
    let spooled = on_disk(&daemon).await;
    daemon.end(Signal::KILL, LONGEST).await;
    xray.misbehave(Fault::None);
    spooled
}

#[tokio::test]
async fn after_kill_9_all_that_was_on_disk_arrives() {
    let (xray, folder) = (FakeXray::start().await, tempfile::tempdir().unwrap());
    let run = numbered();
    let spooled = killed_with_a_full_spool(&xray, folder.path(), &run).await;

    let daemon = spooling(&xray, folder.path()).start().await;
    daemon.wait_for_metric("segments_sent_total", "", spooled as f64).await;
    let account = daemon.account("aws").await;
    assert_eq!((account.replayed, account.sent, account.dropped), (spooled, spooled, 0));
    let tally = tally(&xray, &run, 10_000);
    assert_eq!((tally.once, tally.repeated.len(), tally.strangers), (spooled, 0, 0));
    // The spool holds the oldest.
    assert!(tally.missing.iter().all(|number| *number >= spooled - 50), "{:?}", tally.missing);
}

#[tokio::test]
async fn kill_9_while_the_spool_is_sent_repeats_only_what_was_in_flight() {
    let (xray, folder) = (FakeXray::start().await, tempfile::tempdir().unwrap());
    let run = numbered();
    let spooled = killed_with_a_full_spool(&xray, folder.path(), &run).await;

    xray.misbehave(Fault::Slow(Duration::from_millis(100)));
    let mut daemon = spooling(&xray, folder.path()).start().await;
    xray.wait_for_documents(1_000, RECOVERED).await;
    daemon.end(Signal::KILL, LONGEST).await;
    let before = xray.document_count() as u64;
    assert!(before < spooled, "{before} of {spooled}: killed too late");
    xray.misbehave(Fault::None);

    let daemon = spooling(&xray, folder.path()).start().await;
    daemon.wait_for_metric("segments_spooled", "", 0.0).await;
    daemon.wait_for_metric("segments_queued", "", 0.0).await;
    daemon.wait_for_metric("segments_in_flight", "", 0.0).await;
    let account = daemon.account("aws").await;
    assert!(account.replayed < spooled, "what had arrived is not sent again: {account:?}");
    let tally = tally(&xray, &run, 10_000);
    assert_eq!(tally.once + tally.repeated.len() as u64, spooled);
    let (repeated, in_flight) = (tally.repeated.len(), 64 * 50);
    assert!(repeated <= in_flight, "{repeated}");
}

#[tokio::test]
async fn damaged_files_cost_what_is_damaged_and_the_rest_arrives() {
    let (xray, folder) = (FakeXray::start().await, tempfile::tempdir().unwrap());
    let run = numbered();
    let spooled = killed_with_a_full_spool(&xray, folder.path(), &run).await;
    let files = files(folder.path());
    let mut bytes = fs::read(&files[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    // The file ends in the middle of a block.
    bytes.truncate(bytes.len() - 1_000);
    fs::write(&files[0], bytes).unwrap();

    let daemon = spooling(&xray, folder.path()).start().await;
    daemon.wait_for_metric("segments_spooled", "", 0.0).await;
    daemon.wait_for_metric("segments_queued", "", 0.0).await;
    daemon.wait_for_metric("segments_in_flight", "", 0.0).await;
    let account = daemon.account("aws").await;
    assert_eq!((account.replayed, account.dropped), (spooled, 100), "{account:?}");
    let metrics = daemon.metrics().await;
    assert_eq!(metrics.sum("segments_dropped_total", "reason=\"spool_damaged\""), 100.0);
    let tally = tally(&xray, &run, 10_000);
    assert_eq!((tally.once, tally.repeated.len()), (spooled - 100, 0));
}

#[tokio::test]
async fn over_its_bound_the_spool_drops_the_oldest_and_counts_them() {
    let (xray, folder) = (FakeXray::start().await, tempfile::tempdir().unwrap());
    let options = spooling(&xray, folder.path()).args(["--spool-max-mb", "2"]);
    let daemon = options.start().await;
    let run = numbered();
    xray.misbehave(Fault::INTERNAL);
    send_at_the_disks_pace(&daemon, &run, 10_000).await;
    on_disk(&daemon).await;
    let metrics = daemon.metrics().await;
    let dropped = metrics.sum("segments_dropped_total", "reason=\"spool_full\"") as u64;
    assert!(dropped > 4_000, "{dropped}");
    assert!(metrics.sum("spool_bytes", "") <= f64::from(2 << 20), "{}", metrics.0);
    xray.misbehave(Fault::None);
    daemon.wait_for_metric("segments_sent_total", "", (10_000 - dropped) as f64).await;
    assert_eq!(daemon.account("aws").await.dropped, dropped);
    let tally = tally(&xray, &run, 10_000);
    assert_eq!((tally.missing.len() as u64, tally.repeated.len()), (dropped, 0));
    assert!(tally.missing.iter().all(|number| *number < dropped + 50));
}

#[tokio::test]
async fn a_full_disk_leaves_memory_full_and_is_used_again_when_it_has_room() {
    let (xray, folder) = (FakeXray::start().await, tempfile::tempdir().unwrap());
    let mount = "mount -t tmpfs -o size=2m tmpfs \"$0\" && exec \"$@\"";
    let path = folder.path().to_string_lossy();
    let own_mounts = ["unshare", "-rm", "sh", "-c", mount, &*path];
    let possible = run("unshare", LONGEST, |command| {
        command.args(&own_mounts[1..]).arg("true");
    });
    let possible = possible.await.exit_code == Some(0);
    let missing = "no mount of its own for a process (unshare -rm)".to_owned();
    if require(possible.then_some(()).ok_or(Missing(missing))).is_none() {
        return;
    }
    let daemon = spooling(&xray, folder.path()).under(own_mounts).start().await;
    let run = numbered();
    xray.misbehave(Fault::INTERNAL);
    send(&daemon, &run, 10_000).await;
    let account = daemon.account("aws").await;
    assert!(account.spooled > 1_000 && account.spooled < 2_200, "{account:?}");
    assert!(account.dropped > 4_000, "{account:?}");
    let metrics = daemon.metrics().await;
    let failed = metrics.sum("segments_dropped_total", "reason=\"spool_failed\"") as u64;
    assert!(failed > 4_000, "{}", metrics.0);
    assert!(daemon.log().contains("spool cannot be written"), "{}", daemon.log());

    xray.misbehave(Fault::None);
    let sent = 10_000 - account.dropped;
    daemon.wait_for_metric("segments_sent_total", "", sent as f64).await;
    daemon.wait_for_metric("segments_in_flight", "", 0.0).await;
    assert_eq!(daemon.account("aws").await.dropped, account.dropped);
    let tally = tally(&xray, &run, 10_000);
    assert_eq!((tally.once, tally.repeated.len()), (sent, 0));
}

#[tokio::test]
async fn a_limit_on_the_size_of_files_makes_more_files_and_ends_nothing() {
    let (xray, folder) = (FakeXray::start().await, tempfile::tempdir().unwrap());
    // In units of 512 or 1,024 bytes.
    let limited = ["sh", "-c", "ulimit -f 1024 && exec \"$@\"", "sh"];
    let daemon = spooling(&xray, folder.path()).under(limited).start().await;
    let run = numbered();
    xray.misbehave(Fault::INTERNAL);
    send_at_the_disks_pace(&daemon, &run, 6_000).await;
    assert_eq!(daemon.account("aws").await.dropped, 0);
    assert!(files(folder.path()).len() > 1);
    xray.misbehave(Fault::None);
    all_arrive_once(&xray, &run, 6_000).await;
}

#[tokio::test]
async fn a_second_daemon_on_the_same_spool_does_not_start() {
    let (xray, folder) = (FakeXray::start().await, tempfile::tempdir().unwrap());
    let _first = spooling(&xray, folder.path()).start().await;
    let any_port = ["--bind", "127.0.0.1:0", "--bind-tcp", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let second = spooling(&xray, folder.path()).args(any_port).run().await;
    assert_eq!(second.exit_code, Some(1));
    let text = second.stdout + &second.stderr;
    assert!(text.contains("is in use by another daemon"), "{text}");
    assert!(text.contains("--spool"), "{text}");
}

#[tokio::test]
async fn sigterm_with_10_000_queued_and_a_slow_service_loses_nothing() {
    let xray = FakeXray::start().await;
    let mut daemon = DaemonOptions::uploading_to(&xray).start().await;
    let run = numbered();
    xray.misbehave(Fault::Slow(Duration::from_millis(200)));
    for number in 0..10_000 {
        daemon.send(run.datagram(number));
        if number % 1_000 == 999 {
            let received = number as f64 + 1.0;
            daemon.wait_for_metric("segments_received_total", "", received).await;
        }
    }
    let status = daemon.end(Signal::TERM, LONGEST).await;
    assert_eq!(status.code(), Some(0), "{}", daemon.log());
    assert_eq!(tally(&xray, &run, 10_000), Tally::complete(10_000));
    assert_eq!(daemon.last_account("aws").sent, 10_000);
}

/// Documents that the service does not take, and an end that comes by `signals`; all are there for
/// the next run.
async fn left_on_disk(drain_timeout: &str, signals: usize, exit_code: i32) {
    let (xray, folder) = (FakeXray::start().await, tempfile::tempdir().unwrap());
    let options = spooling(&xray, folder.path()).args(["--drain-timeout", drain_timeout]);
    let mut daemon = options.start().await;
    let run = numbered();
    xray.misbehave(Fault::Hang);
    send(&daemon, &run, 1_000).await;
    for _ in 1..signals {
        daemon.process().signal(Signal::TERM);
        let heard = "Got shutdown signal";
        wait_until(heard, LONGEST, || async { daemon.log().contains(heard).then_some(()) }).await;
    }
    let asked_at = Instant::now();
    let status = daemon.end(Signal::TERM, LONGEST).await;
    assert!(asked_at.elapsed() < Duration::from_secs(12), "{:?}", asked_at.elapsed());
    assert_eq!(status.code(), Some(exit_code), "{}", daemon.log());
    let account = daemon.last_account("aws");
    assert_eq!((account.spooled, account.sent, account.dropped), (1_000, 0, 0));

    xray.misbehave(Fault::None);
    let daemon = spooling(&xray, folder.path()).start().await;
    all_arrive_once(&xray, &run, 1_000).await;
    daemon.wait_for_metric("segments_sent_total", "", 1_000.0).await;
    assert_eq!(daemon.account("aws").await.replayed, 1_000);
}

#[tokio::test]
async fn what_is_left_after_the_time_to_drain_goes_to_the_spool() {
    left_on_disk("1s", 1, 0).await;
}

#[tokio::test]
async fn a_second_signal_leaves_the_rest_to_the_spool_at_once() {
    left_on_disk("60s", 2, 1).await;
}

#[tokio::test]
async fn without_a_spool_a_second_signal_drops_the_rest_and_counts_it() {
    let xray = FakeXray::start().await;
    let options = DaemonOptions::uploading_to(&xray).args(["--drain-timeout", "60s"]);
    let mut daemon = options.start().await;
    xray.misbehave(Fault::Hang);
    send(&daemon, &numbered(), 500).await;
    daemon.process().signal(Signal::TERM);
    let heard = "Got shutdown signal";
    wait_until(heard, LONGEST, || async { daemon.log().contains(heard).then_some(()) }).await;
    let status = daemon.end(Signal::TERM, LONGEST).await;
    assert_eq!(status.code(), Some(1), "{}", daemon.log());
    assert_eq!(daemon.last_account("aws").dropped, 500);
}
