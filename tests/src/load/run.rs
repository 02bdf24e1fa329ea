//! One scenario against one daemon, from start to the last document.
//!
//! Of ours the account of every segment must add up, before the end and at it.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::measure::{cpu_time, memory_mb};
use super::program::Program;
use super::report::Row;
use super::scenario::{Ending, Scenario, Trouble};
use super::sender::{Sent, send_all};
use crate::daemon::Daemon;
use crate::fake_xray::{FakeXray, Fault};
use crate::process::Signal;
use crate::segments::Numbered;

/// After the last document came, how long to wait for another.
const QUIET: Duration = Duration::from_secs(5);
/// The same where the daemon may wait for long before it tries again.
const QUIET_AFTER_TROUBLE: Duration = Duration::from_secs(45);
/// Longest for what is still on its way after sending.
const LONGEST: Duration = Duration::from_secs(300);

/// Runs `scenario` against `program`.
///
/// # Panics
/// When the daemon does not start or cannot be measured, or when ours does not account for every
/// segment.
pub async fn measure(scenario: &Scenario, program: &Program) -> Row {
    let run = Numbered::new().of_size(scenario.size_bytes);
    let xray = FakeXray::start_counting(&run, scenario.documents).await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    match scenario.trouble {
        Trouble::Slow(time) => xray.misbehave(Fault::Slow(time)),
        Trouble::Down => xray.misbehave(Fault::INTERNAL),
        Trouble::None | Trouble::Outage(..) => {}
    }
    let options = program.options(&xray, Some((scenario, folder.path())));
    let daemon = program.start(options).await;
    let mut under_load = UnderLoad { scenario, program, xray: &xray, daemon, folder: &folder };
    let mut row = under_load.run(&run).await;
    let counted = xray.counted();
    row.received = counted.documents;
    row.repeats = counted.repeats;
    row.calls = counted.calls;
    row
}

struct UnderLoad<'a> {
    scenario: &'a Scenario,
    program: &'a Program,
    xray: &'a FakeXray,
    daemon: Daemon,
    folder: &'a TempDir,
}

impl UnderLoad<'_> {
    async fn run(&mut self, run: &Numbered) -> Row {
        let process_id = self.daemon.process().id().expect("the daemon runs");
        let cpu_before = cpu_time(process_id).expect("a running process has a CPU time");
        let mut row = Row::new(self.scenario.name, self.program.name());
        let (scenario, segments) = (self.scenario, self.daemon.segments());
        let sending = send_all(scenario, run, segments);
        let (sent, remark) = tokio::join!(sending, self.meanwhile());
        let Sent { documents, took } = sent.expect("datagrams can be sent on this machine");
        (row.sent, row.sent_in, row.remark) = (documents, took, remark);
        match scenario.ending {
            Ending::Settled => {
                settle(self.xray, documents, self.quiet()).await;
                row.cpu = cpu_time(process_id).map(|cpu| cpu - cpu_before);
                row.peak_mb = memory_mb(process_id, "VmHWM");
                row.private_mb = memory_mb(process_id, "RssAnon");
                row.remark = self.checked_account().await;
                self.end(Signal::TERM).await;
            }
            Ending::Term => {
                let asked_at = Instant::now();
                self.end(Signal::TERM).await;
                row.remark = format!("ended in {:.1} s", asked_at.elapsed().as_secs_f64());
            }
            Ending::Kill => {
                self.restart().await;
                settle(self.xray, documents, QUIET).await;
                let account = self.checked_account().await;
                row.remark = format!("{}; {account}", row.remark);
                self.end(Signal::TERM).await;
            }
        }
        row
    }

    /// Lets the service fail for the time of an outage, or kills the daemon in the middle.
    async fn meanwhile(&mut self) -> String {
        if let Trouble::Outage(fault, time) = &self.scenario.trouble {
            sleep(self.scenario.lasts().saturating_sub(*time) / 2).await;
            self.xray.misbehave(fault.clone());
            sleep(*time).await;
            self.xray.misbehave(Fault::None);
        }
        if self.scenario.ending != Ending::Kill {
            return String::new();
        }
        sleep(self.scenario.lasts() / 2).await;
        let on_disk = match self.program {
            Program::Ours => self.daemon.metrics().await.sum("segments_spooled", ""),
            Program::Reference(_) => 0.0,
        };
        self.daemon.end(Signal::KILL, LONGEST).await;
        format!("at the kill {on_disk} or more were on disk")
    }

    fn quiet(&self) -> Duration {
        match self.scenario.trouble {
            Trouble::None | Trouble::Slow(_) => QUIET,
            Trouble::Outage(..) | Trouble::Down => QUIET_AFTER_TROUBLE,
        }
    }

    async fn restart(&mut self) {
        self.xray.misbehave(Fault::None);
        let folder: &Path = self.folder.path();
        let options = self.program.options(self.xray, Some((self.scenario, folder)));
        self.daemon = self.program.start(options).await;
    }

    /// What ours says of itself.
    async fn checked_account(&self) -> String {
        if !self.program.is_ours() {
            return String::new();
        }
        let account = self.daemon.account("aws").await;
        let metrics = self.daemon.metrics().await;
        let mut parts = Vec::new();
        for (name, value) in [
            ("from disk", metrics.sum("spool_read_total", "")),
            ("dropped", account.dropped as f64),
            ("kernel drops", metrics.sum("kernel_drops_total", "")),
            ("possible repeats", metrics.sum("segments_possibly_repeated_total", "")),
        ] {
            if value > 0.0 {
                parts.push(format!("{name} {value}"));
            }
        }
        parts.join(", ")
    }

    async fn end(&mut self, signal: Signal) {
        self.daemon.end(signal, LONGEST).await;
        if self.program.is_ours() {
            self.daemon.last_account("aws");
        }
    }
}

/// Waits until all documents came, or none came for a while.
async fn settle(xray: &FakeXray, documents: u64, quiet: Duration) {
    let deadline = Instant::now() + LONGEST;
    let mut last = (xray.counted().documents, Instant::now());
    while last.0 < documents && last.1.elapsed() < quiet && Instant::now() < deadline {
        sleep(Duration::from_millis(50)).await;
        let now = xray.counted().documents;
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
}
