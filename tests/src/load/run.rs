//! One scenario against one daemon, from start to the last document.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::measure::{cpu_time, memory_mb};
use super::report::Row;
use super::scenario::{Scenario, Trouble};
use super::sender::send_all;
use crate::daemon::{Daemon, DaemonOptions};
use crate::fake_xray::{Counted, FakeXray, Fault};
use crate::process::Signal;
use crate::segments::Numbered;
use crate::wait::wait_until;

/// After the last document came, how long to wait for another.
const QUIET: Duration = Duration::from_secs(5);
/// Longest for what is still on its way after sending.
const LONGEST: Duration = Duration::from_secs(180);

/// The daemon under load.
#[derive(Clone, Debug)]
pub enum Program {
    /// Ours.
    Ours,
    /// The reference daemon's binary.
    Reference(PathBuf),
}

impl Program {
    fn name(&self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Reference(_) => "reference",
        }
    }

    async fn start(&self, xray: &FakeXray) -> Daemon {
        let options = DaemonOptions::uploading_to(xray);
        match self {
            Self::Ours => options.start().await,
            Self::Reference(path) => {
                let daemon = DaemonOptions::reference(path, xray).launch();
                wait_until("the reference daemon to listen", Duration::from_secs(20), || async {
                    daemon.log().contains("Starting proxy http server").then_some(())
                })
                .await;
                daemon
            }
        }
    }
}

/// Runs `scenario` against `program`.
///
/// # Panics
/// When the daemon does not start or cannot be measured.
pub async fn measure(scenario: &Scenario, program: &Program) -> Row {
    let run = Numbered::new().of_size(scenario.size_bytes);
    let xray = FakeXray::start_counting(&run, scenario.documents).await;
    if let Trouble::Slow(time) = scenario.trouble {
        xray.misbehave(Fault::Slow(time));
    }
    let mut daemon = program.start(&xray).await;
    let process_id = daemon.process().id().expect("the daemon runs");
    let cpu_before = cpu_time(process_id).expect("a running process has a CPU time");

    let sending = send_all(scenario, &run, daemon.segments());
    let (sending, ()) = tokio::join!(sending, trouble(scenario, &xray));
    let sent_in = sending.expect("datagrams can be sent on this machine");
    settle(&xray, scenario.documents).await;

    let cpu = cpu_time(process_id).expect("the daemon runs") - cpu_before;
    let peak_mb = memory_mb(process_id, "VmHWM").unwrap_or_default();
    let private_mb = memory_mb(process_id, "RssAnon").unwrap_or_default();
    daemon.end(Signal::TERM, LONGEST).await;
    let Counted { calls, documents, repeats } = xray.counted();
    Row {
        scenario: scenario.name,
        program: program.name(),
        sent: scenario.documents,
        sent_in,
        received: documents,
        repeats,
        calls,
        cpu,
        peak_mb,
        private_mb,
    }
}

/// Lets the service fail for the time of an outage.
async fn trouble(scenario: &Scenario, xray: &FakeXray) {
    if let Trouble::Outage(time) = scenario.trouble {
        sleep(time / 2).await;
        xray.misbehave(Fault::INTERNAL);
        sleep(time).await;
        xray.misbehave(Fault::None);
    }
}

/// Waits until all documents came, or none came for a while.
async fn settle(xray: &FakeXray, documents: u64) {
    let deadline = Instant::now() + LONGEST;
    let mut last = (xray.counted().documents, Instant::now());
    while last.0 < documents && last.1.elapsed() < QUIET && Instant::now() < deadline {
        sleep(Duration::from_millis(50)).await;
        let now = xray.counted().documents;
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
}
