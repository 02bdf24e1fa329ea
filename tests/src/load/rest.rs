//! What a daemon takes to start, and while it does nothing.
//!
//! Ready is when `/readyz` says so; of the reference, which has none, its line that it listens.
//! Idle is after one upload, when its connection and buffers are there.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::measure::{cpu_time, memory_mb};
use super::program::{Program, REFERENCE_LISTENS};
use super::report::RestRow;
use crate::daemon::Daemon;
use crate::fake_xray::FakeXray;
use crate::process::Signal;
use crate::segments::Numbered;

/// How often it is looked whether the daemon is ready.
const LOOK_EVERY: Duration = Duration::from_micros(500);
/// Longest for anything.
const LONGEST: Duration = Duration::from_secs(30);

/// Starts `program` `times` times; then looks for `idle` what it takes while it does nothing.
///
/// # Panics
/// When it does not get ready.
pub async fn measure_rest(program: &Program, times: usize, idle: Duration) -> RestRow {
    let xray = FakeXray::start().await;
    let mut starts = Vec::new();
    for _ in 0..times {
        starts.push(start(program, &xray).await);
    }
    let mut daemon = program.start(program.options(&xray, None)).await;
    daemon.send(Numbered::new().datagram(0));
    xray.wait_for_documents(1, LONGEST).await;
    let process_id = daemon.process().id().expect("the daemon runs");
    sleep(Duration::from_secs(2).min(idle)).await;
    let before = cpu_time(process_id).unwrap_or_default();
    sleep(idle).await;
    let used = cpu_time(process_id).unwrap_or_default().saturating_sub(before);
    let row = RestRow {
        program: program.name(),
        starts,
        resident_mb: memory_mb(process_id, "VmRSS"),
        private_mb: memory_mb(process_id, "RssAnon"),
        idle_cpu: used.as_secs_f64() / idle.as_secs_f64(),
    };
    daemon.end(Signal::TERM, LONGEST).await;
    row
}

async fn start(program: &Program, xray: &FakeXray) -> Duration {
    let options = program.options(xray, None);
    let begin = Instant::now();
    let mut daemon = options.launch();
    while !is_ready(program, &daemon) {
        assert!(begin.elapsed() < LONGEST, "not ready: {}", daemon.log());
        sleep(LOOK_EVERY).await;
    }
    let took = begin.elapsed();
    daemon.end(Signal::TERM, LONGEST).await;
    took
}

fn is_ready(program: &Program, daemon: &Daemon) -> bool {
    match program {
        Program::Ours => answers_200(daemon.admin(), "/readyz"),
        Program::Reference(_) => daemon.log().contains(REFERENCE_LISTENS),
    }
}

/// By hand: a client that sets itself up would be measured too.
fn answers_200(address: SocketAddr, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
