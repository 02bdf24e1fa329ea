//! What a sampling call costs the daemon: from memory, and passed on, which is what a plain proxy
//! does with every one.
//!
//! In: a daemon in front of the service. Out: one row for each kind of call. Sixteen connections
//! that stay open, each with one request at a time.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::measure::{cpu_time, memory_mb};
use super::program::Program;
use crate::fake_xray::FakeXray;
use crate::process::Signal;
use crate::segments::Numbered;

const CONNECTIONS: usize = 16;
/// What an SDK sends after ten seconds of one rule.
const STATISTICS: &str = r#"{"SamplingStatisticsDocuments":[{"RuleName":"Default","ClientID":"0123456789abcdef01234567","Timestamp":1795517069,"RequestCount":30,"SampledCount":3,"BorrowCount":1}]}"#;

/// What a kind of call cost.
#[derive(Clone, Debug)]
pub struct SamplingRow {
    /// The kind of call.
    pub call: &'static str,
    /// `ours` or `reference`.
    pub program: &'static str,
    /// Requests answered.
    pub requests: u64,
    /// How long they took.
    pub took: Duration,
    /// CPU time of the daemon.
    pub cpu: Duration,
    /// Half of the requests took at most this.
    pub p50: Duration,
    /// 99 of 100 requests took at most this.
    pub p99: Duration,
    /// Most memory resident, in MB.
    pub peak_mb: f64,
}

/// Sends `requests` calls of each kind to `program`.
///
/// # Panics
/// When the daemon does not start, or a call is not answered with 200.
pub async fn measure_sampling(requests: u64, program: &Program) -> Vec<SamplingRow> {
    let xray = FakeXray::start_counting(&Numbered::new(), 0).await;
    let mut daemon = program.start(program.options(&xray, None)).await;
    let process_id = daemon.process().id().expect("the daemon runs");
    let mut rows = Vec::new();
    for (call, path, body) in [
        ("rules", "/GetSamplingRules", "{}"),
        ("targets (passed on)", "/SamplingTargets", STATISTICS),
    ] {
        // The first opens connections, and brings the rules.
        send(daemon.segments(), path, body, CONNECTIONS as u64 * 10).await;
        let before = cpu_time(process_id).expect("a running process has a CPU time");
        let begin = Instant::now();
        let mut times = send(daemon.segments(), path, body, requests).await;
        let took = begin.elapsed();
        let cpu = cpu_time(process_id).expect("the daemon runs") - before;
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
        rows.push(SamplingRow {
            call,
            program: program.name(),
            requests: times.len() as u64,
            took,
            cpu,
            p50: at(50),
            p99: at(99),
            peak_mb: memory_mb(process_id, "VmHWM").unwrap_or_default(),
        });
    }
    daemon.end(Signal::TERM, Duration::from_secs(60)).await;
    rows
}

/// Sends `requests` calls over all connections; returns how long each took.
async fn send(daemon: SocketAddr, path: &str, body: &str, requests: u64) -> Vec<Duration> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {daemon}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let each = requests / CONNECTIONS as u64;
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let request = request.clone();
            tokio::spawn(async move { client(daemon, &request, each).await })
        })
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.expect("a client ends"));
    }
    times
}

async fn client(daemon: SocketAddr, request: &str, requests: u64) -> Vec<Duration> {
    let mut stream = TcpStream::connect(daemon).await.expect("the daemon listens");
    stream.set_nodelay(true).expect("a socket takes this option");
    let mut times = Vec::with_capacity(requests as usize);
    let mut buffer = Vec::new();
    for _ in 0..requests {
        let begin = Instant::now();
        stream.write_all(request.as_bytes()).await.expect("the daemon reads");
        read_answer(&mut stream, &mut buffer).await;
        times.push(begin.elapsed());
    }
    times
}

/// Reads one answer, whose length is in its head.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.clear();
    let mut end = None;
    while end.is_none_or(|end| buffer.len() < end) {
        let read = stream.read_buf(buffer).await.expect("the daemon answers");
        assert!(read > 0, "the daemon closed the connection");
        end = end.or_else(|| answer_end(buffer));
    }
}

/// Where the answer ends that begins `bytes`, once its head is there.
fn answer_end(bytes: &[u8]) -> Option<usize> {
    let head_end = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(bytes.get(..head_end)?).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    Some(head_end + length.trim().parse::<usize>().ok()?)
}

/// The rows as a Markdown table.
pub fn sampling_table(rows: &[SamplingRow]) -> String {
    let mut table = String::from(
        "| call | daemon | requests | requests/s | CPU µs/request | p50 ms | p99 ms | peak RSS MB |\n\
         |---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        writeln!(
            table,
            "| {} | {} | {} | {:.0} | {:.1} | {:.2} | {:.2} | {:.0} |",
            row.call,
            row.program,
            row.requests,
            row.requests as f64 / row.took.as_secs_f64(),
            row.cpu.as_secs_f64() * 1e6 / row.requests.max(1) as f64,
            row.p50.as_secs_f64() * 1e3,
            row.p99.as_secs_f64() * 1e3,
            row.peak_mb,
        )
        .ok();
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_head_says() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: y\r\n\r\n{}rest";
        assert_eq!(answer_end(answer), Some(answer.len() - 4));
        assert_eq!(answer_end(b"HTTP/1.1 200 OK\r\nContent-Le"), None);
    }

    #[test]
    fn a_row_shows_the_cost_of_a_request() {
        let row = SamplingRow {
            call: "rules",
            program: "ours",
            requests: 10_000,
            took: Duration::from_secs(1),
            cpu: Duration::from_millis(300),
            p50: Duration::from_micros(250),
            p99: Duration::from_micros(900),
            peak_mb: 9.6,
        };
        let line = sampling_table(&[row]).lines().last().unwrap().to_owned();
        assert_eq!(line, "| rules | ours | 10000 | 10000 | 30.0 | 0.25 | 0.90 | 10 |");
    }
}
