//! The spool without its thread: what is written comes back, whatever happens to the files.
//!
//! In: segments, damage. Out: what comes back in this run and in the next, and that every segment is
//! accounted for. A run that is dropped without its last step has ended as by kill -9.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use super::worker::{Now, Worker};
use super::{SpoolFolder, SpoolHandle, SpoolLink};
use crate::buffer::{Batch, BatchLimits, Queue, Retries};
use crate::config::SpoolSettings;
use crate::counters::{BackendCounters, BackendSnapshot, DropReason};
use crate::segment::Segment;

/// 2026-11-24.
const START_MS: u64 = 1_795_478_400_000;

struct Disk {
    folder: TempDir,
    settings: SpoolSettings,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = SpoolSettings::in_folder(folder.path().join("spool"));
        Self { folder, settings }
    }

    fn of_bytes(max_bytes: u64) -> Self {
        let mut disk = Self::new();
        disk.settings.max_bytes = max_bytes;
        disk
    }

    fn run(&self) -> Run {
        let counters = Arc::new(BackendCounters::new("aws"));
        let handle = SpoolHandle::default();
        let limits = BatchLimits { max_bytes: 1 << 20, max_wait: Duration::from_secs(1) };
        let link = SpoolLink::new(handle.clone(), 0, 1 << 20);
        let queue = Arc::new(Queue::new(limits, Arc::clone(&counters), Some(link)));
        let folder = SpoolFolder::open(&self.settings, &["aws"]).unwrap();
        let held = Arc::new(AtomicUsize::new(0));
        let queues = vec![Arc::clone(&queue)];
        let mut worker = Worker::new(folder, queues, handle.clone(), Arc::clone(&held), 64 << 20);
        worker.take_over();
        Run { worker, queue, counters, handle, held, elapsed: Duration::ZERO }
    }

    /// Spools documents 0 to `count` − 1 and ends as by kill -9.
    fn filled(count: usize) -> Self {
        let disk = Self::new();
        let mut run = disk.run();
        run.spill(0..count);
        assert_eq!(run.stats().spooled, count as u64);
        disk
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.settings.folder.join("aws")).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "spool"));
        paths.sort();
        paths
    }
}

struct Run {
    worker: Worker,
    queue: Arc<Queue>,
    counters: Arc<BackendCounters>,
    handle: SpoolHandle,
    held: Arc<AtomicUsize>,
    elapsed: Duration,
}

impl Run {
    /// Takes documents in and gives them all up to the disk.
    fn spill(&mut self, numbers: std::ops::Range<usize>) {
        // As if the queue were full, nothing is read back meanwhile.
        self.queue.set_failing(true);
        self.queue.push(numbers.map(document), Instant::now());
        while self.queue.spill_oldest() {}
        self.queue.push([document(usize::MAX)].into_iter(), Instant::now());
        self.step();
        assert!(self.queue.drop_oldest(DropReason::BufferFull));
        self.queue.set_failing(false);
    }

    fn step(&mut self) {
        let now = self.now();
        self.worker.step(self.handle.wait(Some(Duration::ZERO)), now);
    }

    fn now(&self) -> Now {
        let elapsed_ms = self.elapsed.as_millis() as u64;
        Now { elapsed: self.elapsed, epoch_ms: START_MS + elapsed_ms }
    }

    async fn next(&mut self) -> Option<Batch> {
        self.step();
        tokio::time::timeout(Duration::from_millis(1), self.queue.next(Retries::Allowed))
            .await
            .ok()
            .flatten()
    }

    /// Sends all that is there; returns the numbers.
    async fn send_all(&mut self) -> Vec<usize> {
        let mut sent = Vec::new();
        while let Some(batch) = self.next().await {
            sent.extend(self.send(batch));
        }
        self.step();
        let stats = self.stats();
        assert_eq!((stats.spooled, stats.queued, stats.in_flight), (0, 0, 0), "{stats:?}");
        assert_eq!(self.held.load(Ordering::Relaxed), 0);
        sent
    }

    fn send(&self, batch: Batch) -> Vec<usize> {
        self.counters.add_sent(batch.segments.len());
        self.counters.end_flight(batch.segments.len());
        batch.segments.iter().map(number).collect()
    }

    /// The counters, which account for everything.
    fn stats(&self) -> BackendSnapshot {
        let stats = self.counters.snapshot();
        assert_eq!(stats.unaccounted(), 0, "{stats:?}");
        stats
    }
}

fn document(number: usize) -> Segment {
    Segment::new(format!("{{\"id\":\"{number:016x}\"}}").into(), None)
}

fn number(segment: &Segment) -> usize {
    let text = std::str::from_utf8(segment.document()).unwrap();
    usize::from_str_radix(text.get(7..23).unwrap(), 16).unwrap()
}

fn all(count: usize) -> Vec<usize> {
    (0..count).collect()
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_comes_back_oldest_first() {
    let disk = Disk::new();
    let mut run = disk.run();
    run.spill(0..120);
    run.spill(120..200);
    assert_eq!(run.stats().queued, 0);
    assert_eq!(run.send_all().await, all(200));
    let stats = run.stats();
    assert_eq!((stats.sent, stats.replayed, stats.spool_read), (200, 0, 200));
    // Nothing is left, and nothing to wait for but the last sync.
    assert_eq!((disk.files().len(), stats.spool_bytes), (0, 0));
    run.elapsed += Duration::from_secs(2);
    run.step();
    assert_eq!(run.worker.idles_for(run.now()), None);
}

#[tokio::test(start_paused = true)]
async fn the_next_run_sends_what_was_on_disk() {
    let disk = Disk::filled(130);
    let mut run = disk.run();
    assert_eq!((run.stats().replayed, run.stats().spooled), (130, 130));
    assert_eq!(run.send_all().await, all(130));
    assert_eq!(run.stats().dropped_total(), 0);
    drop(run);
    assert_eq!(disk.run().stats().replayed, 0);
}

#[tokio::test(start_paused = true)]
async fn after_kill_9_only_what_was_in_flight_is_sent_again() {
    let disk = Disk::filled(150);
    let mut run = disk.run();
    let first = run.next().await.unwrap();
    let second = run.next().await.unwrap();
    let third = run.next().await.unwrap();
    run.send(second);
    run.step();
    assert_eq!(run.stats().in_flight, 100);
    // The end of the process frees nothing in order.
    run.handle.tear_down();
    drop((first, third, run));
    let mut run = disk.run();
    assert_eq!(run.stats().replayed, 100);
    assert_eq!(run.send_all().await, (0..50).chain(100..150).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_to_the_disk_is_there_once() {
    let disk = Disk::filled(60);
    let mut run = disk.run();
    let batch = run.next().await.unwrap();
    run.queue.spill(batch).unwrap();
    while run.queue.spill_oldest() {}
    run.queue.close();
    run.step();
    run.step();
    assert_eq!((run.stats().spooled, run.stats().queued), (60, 0));
    drop(run);
    let mut run = disk.run();
    assert_eq!(run.stats().replayed, 60);
    let mut sent = run.send_all().await;
    sent.sort_unstable();
    assert_eq!(sent, all(60));
}

#[tokio::test(start_paused = true)]
async fn a_torn_end_costs_the_last_block_wherever_it_is_torn() {
    let whole = fs::metadata(&Disk::filled(60).files()[0]).unwrap().len();
    // The last block holds ten documents.
    let last_block = 40 + 10 * (4 + 4 + 25);
    for cut in [1, 7, last_block - 41, last_block - 40, last_block - 1, last_block] {
        let disk = Disk::filled(60);
        let file = fs::File::options().write(true).open(&disk.files()[0]).unwrap();
        file.set_len(whole - cut as u64).unwrap();
        let mut run = disk.run();
        assert_eq!(run.send_all().await, all(50), "cut by {cut}");
        // Of a block whose header is gone nobody can know how many there were.
        let known = if cut <= last_block - 40 { 10 } else { 0 };
        assert_eq!(run.stats().dropped(DropReason::SpoolDamaged), known, "cut by {cut}");
        assert_eq!(run.stats().replayed, 50 + known);
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_block_costs_only_itself() {
    let bytes = fs::read(&Disk::filled(150).files()[0]).unwrap();
    let block = (bytes.len() - 32) / 3;
    // In the file's header, and in header and records of each block.
    let places = [0, 9, 32, 32 + 5, 32 + 60, 32 + block, 32 + block + 41, 32 + 2 * block + 20];
    for place in places {
        let disk = Disk::filled(150);
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x55;
        fs::write(&disk.files()[0], &damaged).unwrap();
        let mut run = disk.run();
        let hit = place.checked_sub(32).map(|place| place / block * 50);
        let expected: Vec<_> =
            all(150).into_iter().filter(|n| hit.is_none_or(|hit| n / 50 * 50 != hit)).collect();
        assert_eq!(run.send_all().await, expected, "damage at {place}");
        let stats = run.stats();
        // A header at the very end is the one thing that leaves no trace.
        let lost = if place >= 32 + 2 * block { 0 } else { 150 - expected.len() as u64 };
        assert_eq!(stats.dropped(DropReason::SpoolDamaged), lost, "damage at {place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_of_garbage_and_one_that_is_gone_cost_what_was_in_them() {
    let disk = Disk::of_bytes(80_000);
    let mut run = disk.run();
    // Files of 10,000 bytes hold five blocks of 50 documents.
    run.spill(0..1_000);
    drop(run);
    let files = disk.files();
    assert_eq!(files.len(), 4);
    fs::write(&files[1], vec![0xa5; 10_000]).unwrap();
    fs::remove_file(&files[2]).unwrap();
    let mut run = disk.run();
    let expected: Vec<_> = (0..250).chain(750..1_000).collect();
    assert_eq!(run.send_all().await, expected);
    let stats = run.stats();
    assert_eq!((stats.replayed, stats.dropped(DropReason::SpoolDamaged)), (1_000, 500));
}

#[tokio::test(start_paused = true)]
async fn over_the_bound_the_oldest_file_goes() {
    let disk = Disk::of_bytes(80_000);
    let mut run = disk.run();
    for start in (0..10_000).step_by(500) {
        run.spill(start..start + 500);
        let on_disk: u64 = disk.files().iter().map(|it| fs::metadata(it).unwrap().len()).sum();
        assert!(on_disk <= 80_000, "{on_disk}");
        assert_eq!(on_disk, run.stats().spool_bytes);
    }
    let dropped = run.stats().dropped(DropReason::SpoolFull) as usize;
    assert!(dropped > 7_500 && dropped < 8_500, "{dropped}");
    assert_eq!(run.send_all().await, (dropped..10_000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_not_sent() {
    let mut disk = Disk::of_bytes(80_000);
    disk.settings.max_age = Duration::from_secs(3_600);
    let mut run = disk.run();
    run.spill(0..300);
    run.elapsed = Duration::from_secs(3_000);
    run.spill(300..350);
    run.elapsed = Duration::from_secs(3_700);
    assert_eq!(run.send_all().await, (300..350).collect::<Vec<_>>());
    assert_eq!(run.stats().dropped(DropReason::SpoolExpired), 300);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_sends_segments_back_to_memory_until_it_works_again() {
    let disk = Disk::new();
    let mut run = disk.run();
    let (folder, away) = (disk.settings.folder.join("aws"), disk.folder.path().join("away"));
    fs::rename(&folder, &away).unwrap();
    run.queue.push((0..50).map(document), Instant::now());
    assert!(run.queue.spill_oldest());
    assert_eq!((run.stats().queued, run.handle.is_failing()), (50, false));
    assert!(run.handle.waiting_bytes() > 1_250);
    run.step();
    assert_eq!((run.stats().queued, run.handle.is_failing()), (50, true));
    assert_eq!(run.handle.waiting_bytes(), 0);
    fs::rename(&away, &folder).unwrap();
    assert_eq!(run.worker.idles_for(run.now()), Some(Duration::from_secs(1)));
    run.elapsed = Duration::from_secs(1);
    run.step();
    assert!(!run.handle.is_failing());
    run.queue.set_failing(true);
    assert!(run.queue.spill_oldest());
    run.step();
    assert_eq!(run.stats().spool_written, 50);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_at_the_end_is_counted() {
    let disk = Disk::new();
    let mut run = disk.run();
    fs::rename(disk.settings.folder.join("aws"), disk.folder.path().join("away")).unwrap();
    run.queue.push((0..50).map(document), Instant::now());
    run.queue.close();
    assert!(run.queue.spill_oldest());
    run.step();
    let stats = run.stats();
    assert_eq!((stats.queued, stats.dropped(DropReason::SpoolFailed)), (0, 50));
}

#[test]
fn a_second_daemon_on_the_folder_is_refused_and_told_who_has_it() {
    let disk = Disk::new();
    let run = disk.run();
    let refused = SpoolFolder::open(&disk.settings, &["aws"]).unwrap_err().to_string();
    let expected = format!(
        "spool {:?} is in use by another daemon (process {}); give each daemon a directory of its \
         own with --spool",
        disk.settings.folder,
        std::process::id()
    );
    assert_eq!(refused, expected);
    drop(run);
    assert!(SpoolFolder::open(&disk.settings, &["aws"]).is_ok());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let disk = Disk::new();
    fs::write(&disk.settings.folder, "a file").unwrap();
    let refused = SpoolFolder::open(&disk.settings, &["aws"]).unwrap_err().to_string();
    assert!(refused.ends_with("--spool needs a directory this user can write"), "{refused}");
}
