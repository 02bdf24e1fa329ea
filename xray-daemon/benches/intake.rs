//! Segments per second and CPU per segment from UDP to a backend that only counts, and what a burst
//! at full speed loses.
//!
//! `cargo bench -p xray-daemon --bench intake` — or with seconds per rate behind `--`. The sender is
//! a process of its own (this program again), so that its CPU does not count; documents have 1 kB.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench: it prints figures, paces a sender, and a panic is how it fails"
)]

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use xray_daemon::backend::{Backend, BackendError, BoxFuture, Delivered};
use xray_daemon::{Daemon, DaemonHandle, Segment};

const RATES: [u64; 4] = [1_000, 5_000, 20_000, 50_000];
const BURST: u64 = 200_000;
const BURSTS: usize = 3;
const DOCUMENT_BYTES: usize = 1_024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, address, count, rate] = arguments.as_slice()
        && mode == "send"
    {
        return send(address.parse().unwrap(), count.parse().unwrap(), rate.parse().unwrap());
    }
    let seconds = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(5);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(measure(seconds));
}

async fn measure(seconds: u64) {
    println!(
        "{:>12} {:>10} {:>10} {:>8} {:>12} {:>8}",
        "rate", "sent", "taken", "lost", "µs CPU each", "RSS MB"
    );
    for rate in RATES {
        run(&rate.to_string(), rate * seconds, rate).await;
    }
    for _ in 0..BURSTS {
        run("full speed", BURST, 0).await;
    }
}

async fn run(name: &str, count: u64, rate: u64) {
    let backend = Arc::new(Counting::default());
    let daemon = start(Arc::clone(&backend)).await;
    let cpu_before = cpu();
    let start = Instant::now();
    let address = daemon.udp_addr().to_string();
    let arguments = ["send".to_owned(), address, count.to_string(), rate.to_string()];
    let mut sender = Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = tokio::task::spawn_blocking(move || sender.wait().unwrap()).await.unwrap();
    assert!(status.success());
    let took = start.elapsed();
    // Before the stop: the CPU of threads that have ended is not seen.
    let settled = || {
        let stats = daemon.stats();
        stats.backends[0].sent + stats.intake.kernel_drops == count
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while !settled() {
        assert!(Instant::now() < deadline, "not all is settled: {:?}", daemon.stats());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let cpu = cpu() - cpu_before;
    let resident = resident_mb();
    let stats = daemon.stop(Duration::from_secs(10)).await.stats;
    assert_eq!(stats.backends[0].unaccounted(), 0);
    let taken = backend.taken.load(Ordering::Relaxed);
    let each_us = cpu.as_secs_f64() * 1e6 / taken as f64;
    let name = match rate {
        0 => format!("{:.0} k/s", count as f64 / took.as_secs_f64() / 1e3),
        _ => format!("{name}/s"),
    };
    let lost = stats.intake.kernel_drops;
    println!("{name:>12} {count:>10} {taken:>10} {lost:>8} {each_us:>12.2} {resident:>8.1}");
}

async fn start(backend: Arc<Counting>) -> DaemonHandle {
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    let builder = Daemon::builder().backends([]).backend(backend).udp(any).tcp(any).admin(any);
    builder.start().await.unwrap()
}

/// Counts and forgets.
#[derive(Debug, Default)]
struct Counting {
    taken: AtomicU64,
}

impl Backend for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn put<'a>(&'a self, batch: &'a [Segment]) -> BoxFuture<'a, Result<Delivered, BackendError>> {
        self.taken.fetch_add(batch.len() as u64, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(Delivered::default())))
    }
}

/// Sends `count` datagrams, `rate` a second, or as fast as it can where that is 0.
fn send(address: SocketAddr, count: u64, rate: u64) {
    let socket = UdpSocket::bind((address.ip(), 0)).unwrap();
    socket.connect(address).unwrap();
    let header = "{\"format\": \"json\", \"version\": 1}\n";
    let mut datagram =
        format!("{header}{{\"id\":\"0000000000000000\",\"name\":\"bench\",\"pad\":\"");
    datagram.push_str(&"x".repeat(header.len() + DOCUMENT_BYTES - 2 - datagram.len()));
    datagram.push_str("\"}");
    let start = Instant::now();
    for number in 0..count {
        if let Some(nanos) = (number * 1_000_000_000).checked_div(rate) {
            let due = start + Duration::from_nanos(nanos);
            let early = due.saturating_duration_since(Instant::now());
            if early > Duration::from_micros(200) {
                std::thread::sleep(early);
            }
        }
        socket.send(datagram.as_bytes()).unwrap();
    }
}

/// CPU that the threads of this process have used.
fn cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let spent = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum())
}

fn resident_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
