//! The local store: how fast documents go in, how long questions take.
//!
//! ```sh
//! cargo bench -p xray-daemon --no-default-features --features local --bench store             # 40,000 segments
//! cargo bench -p xray-daemon --no-default-features --features local --bench store -- 1000000  # the goals
//! ```
//!
//! Documents of about 1 KB, four a trace, in calls of 50, as delivery makes them; the traces lie in
//! one hour. Documents of a trace come up to 2,000 places apart, as from services of their own.
//! Questions are asked alone, then with 10,000 segments a second coming in beside; then documents
//! are put in at full speed with questions running.

#![expect(clippy::expect_used, reason = "a bench that cannot go on ends")]

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::task::JoinSet;
use xray_daemon::backend::local::LocalConfig;
use xray_daemon::backend::local::filter::Filter;
use xray_daemon::backend::local::store::{Incoming, Store, SurveyQuery, TraceQuery, Window};

/// Documents of one call: a batch of delivery.
const CALL: usize = 50;
/// Calls under way at a time.
const CALLS_AT_ONCE: usize = 8;
/// How far apart the documents of a trace come.
const SPREAD: usize = 2_000;
/// The traces lie in this time before now.
const HOUR_S: f64 = 3_600.0;
/// Who is called last; the eleventh is asked for.
const SERVICES: [&str; 12] = [
    "stock", "prices", "orders", "mail", "search", "users", "images", "audit", "tax", "ship",
    "rare", "log",
];

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let segments: usize = numbers.next().unwrap_or(40_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(run(segments));
}

async fn run(segments: usize) {
    let config = LocalConfig { max_store_bytes: 8 << 30, ..LocalConfig::default() };
    let store = Store::open(&config).await.expect("a temporary store");
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
    let load = Load { segments, now_s };

    let (cpu, started) = (cpu_time(), Instant::now());
    load.put_all(&store, 0..segments).await;
    let (cpu, took) = (cpu_time() - cpu, started.elapsed());
    let stats = store.stats().await.expect("stats");
    print(&format!(
        "intake: {} segments, {} traces: {:.0}/s, {:.1} µs CPU a segment; {:.2} GB on disk; \
         {:.0} MB resident",
        stats.segments,
        stats.traces,
        segments as f64 / took.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / segments as f64,
        stats.bytes as f64 / 1e9,
        resident_mb(),
    ));
    ask_all(&store, &load, "idle").await;

    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(beside(store.clone(), load.clone(), Arc::clone(&stop)));
    ask_all(&store, &load, "writer beside").await;
    stop.store(true, Ordering::Relaxed);
    let per_second = writer.await.expect("the writer beside");
    print(&format!("the writer beside: {per_second:.0} segments/s"));

    stop.store(false, Ordering::Relaxed);
    let asker = tokio::spawn(ask_until(store.clone(), load.clone(), Arc::clone(&stop)));
    let started = Instant::now();
    let more = segments * 2..segments * 2 + segments / 4;
    load.put_all(&store, more.clone()).await;
    let per_second = more.len() as f64 / started.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    let asked = asker.await.expect("the asker beside");
    print(&format!("intake with questions running ({asked}): {per_second:.0}/s"));
    store.close().await;
}

/// What is stored.
#[derive(Clone)]
struct Load {
    segments: usize,
    now_s: f64,
}

impl Load {
    fn hour(&self) -> Window {
        Window { start_s: self.now_s - HOUR_S, end_s: self.now_s + HOUR_S }
    }

    /// Stores the documents of these places, several calls at a time.
    async fn put_all(&self, store: &Store, places: Range<usize>) {
        let mut calls = JoinSet::new();
        for start in places.clone().step_by(CALL) {
            if calls.len() >= CALLS_AT_ONCE {
                calls.join_next().await.expect("a call").expect("no panic");
            }
            let documents = self.call(start..(start + CALL).min(places.end));
            let store = store.clone();
            calls.spawn(async move {
                let refused = store.put(&documents).await.expect("stored");
                assert!(refused.is_empty(), "{refused:?}");
            });
        }
        while let Some(call) = calls.join_next().await {
            call.expect("no panic");
        }
    }

    fn call(&self, places: Range<usize>) -> Vec<Incoming> {
        let incoming = |place| {
            let document = Bytes::from(self.document(shuffled(place)));
            Incoming { document, sender: None }
        };
        places.map(incoming).collect()
    }

    /// The document of a number: 4n + k is part k of trace n.
    fn document(&self, number: usize) -> String {
        let (trace, part) = (number / 4, number % 4);
        let traces = (self.segments / 4).max(1);
        let random = mix(trace as u64);
        let pick = |count: u64| (random % count) as usize;
        let start_s = self.now_s - HOUR_S + HOUR_S * (trace % traces) as f64 / traces as f64;
        let (from_s, to_s) = (start_s + part as f64 * 0.01, start_s + 0.25 - part as f64 * 0.01);
        let id = |part: usize| format!("{:016x}", mix(random ^ (part as u64 + 1)) | 1);
        let is_fault = pick(1_000) == 0;
        let status = if is_fault { 503 } else { 200 };
        let name = ["frontend", "catalog", "detail", SERVICES[pick(12)]][part];
        let parent = match part {
            0 => String::new(),
            _ => format!(r#""parent_id":"{}","#, id(part + 9)),
        };
        let annotations = format!(
            r#"{{"order":{},"tier":"{}","user_id":"u{}"}}"#,
            pick(100_000),
            ["free", "pro"][pick(2)],
            pick(5_000)
        );
        let call = format!(
            r#"{{"id":"{}","name":"next","namespace":"remote","start_time":{:.6},
               "end_time":{:.6},"http":{{"request":{{"method":"GET","url":"http://next/"}},
               "response":{{"status":{status}}}}}}}"#,
            id(part + 10),
            from_s + 0.001,
            to_s - 0.001
        );
        format!(
            r#"{{"trace_id":"1-{:08x}-{random:016x}{:08x}","id":"{}",{parent}"name":"{name}",
            "start_time":{from_s:.6},"end_time":{to_s:.6},"fault":{is_fault},
            "origin":"AWS::EKS::Container","http":{{"request":{{"method":"GET",
            "url":"http://shop.example/products/{}","user_agent":"Mozilla/5.0 (X11; Linux)",
            "client_ip":"192.0.2.7"}},"response":{{"status":{status},"content_length":4711}}}},
            "aws":{{"eks":{{"cluster_name":"workshop","pod":"{name}-7d9c4b5f8-x2x{}"}},
            "xray":{{"sdk":"bench","sdk_version":"1"}}}},"annotations":{annotations},
            "metadata":{{"default":{{"note":"{}"}}}},"subsegments":[{call}]}}"#,
            start_s as u64,
            trace as u32,
            id(part),
            pick(2_000),
            pick(10),
            "x".repeat(60)
        )
    }
}

/// Documents come in another order than they were made.
fn shuffled(place: usize) -> usize {
    let block = place / SPREAD * SPREAD;
    block + (place - block) * 617 % SPREAD
}

/// A random number for a number.
fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// Stores 10,000 segments a second until told to stop; how many a second it were.
async fn beside(store: Store, load: Load, stop: Arc<AtomicBool>) -> f64 {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let mut place = load.segments;
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        load.put_all(&store, place..place + 500).await;
        place += 500;
    }
    (place - load.segments) as f64 / started.elapsed().as_secs_f64()
}

/// Asks for lists and graphs until told to stop; how many questions it were.
async fn ask_until(store: Store, load: Load, stop: Arc<AtomicBool>) -> usize {
    let mut asked = 0;
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        let text = ["", r#"fault AND service("rare")"#, "annotation.order = 4711"].get(asked % 4);
        match text {
            Some(text) => drop(store.traces(list(text)).await.expect("traces")),
            None => drop(store.graph(load.hour(), filter("")).await.expect("graph")),
        }
        asked += 1;
    }
    asked
}

fn filter(text: &str) -> Filter {
    Filter::parse(text).expect("a filter")
}

fn list(text: &str) -> TraceQuery {
    TraceQuery { limit: 50, ..TraceQuery::new(Window::ALL, filter(text)) }
}

async fn ask_all(store: &Store, load: &Load, when: &str) {
    print(&format!("{:<32} {:>8} {:>8}    found", format!("questions, {when}; ms"), "p50", "p95"));
    let lists = [
        ("newest 50 traces", ""),
        ("rare: fault and a service", r#"fault AND service("rare")"#),
        ("no match: throttle", "throttle"),
        ("annotation equals", "annotation.order = 4711"),
        ("annotation in a range", "annotation.order > 99900"),
        ("annotation and fault", r#"annotation.user_id = "u77" AND fault"#),
        ("response time, no match", "responsetime > 5"),
        ("url equals", r#"http.url = "http://shop.example/products/77""#),
        ("url contains", r#"http.url CONTAINS "/products/1999""#),
        ("service with a body", r#"service("rare") {fault}"#),
    ];
    for (name, text) in lists {
        measure(name, || async { store.traces(list(text)).await.expect("traces").items.len() })
            .await;
    }
    let first = store.traces(list("")).await.expect("traces");
    measure("next page", || async {
        let next = TraceQuery { after: first.next, ..list("") };
        store.traces(next).await.expect("traces").items.len()
    })
    .await;
    measure("service graph of 1 h", || async {
        store.graph(load.hour(), filter("")).await.expect("graph").nodes.len()
    })
    .await;
    measure("survey of 1 h", || async {
        let query = SurveyQuery { window: load.hour(), filter: filter(""), buckets: 60, bins: 60 };
        store.survey(query).await.expect("survey").matched as usize
    })
    .await;
    let id = first.items[0].id;
    measure("one trace", || async {
        store.trace(id).await.expect("trace").map_or(0, |trace| trace.entries().len())
    })
    .await;
}

/// Asks for a while, and prints how long it took.
async fn measure<F: Future<Output = usize>>(name: &str, ask: impl Fn() -> F) {
    let (mut times_ms, started) = (Vec::new(), Instant::now());
    let mut found = 0;
    while times_ms.len() < 20 || (times_ms.len() < 300 && started.elapsed().as_secs() < 4) {
        let asked = Instant::now();
        found = ask().await;
        times_ms.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    times_ms.sort_by(f64::total_cmp);
    let quantile = |share: f64| times_ms[((times_ms.len() - 1) as f64 * share) as usize];
    print(&format!("  {name:<30} {:8.2} {:8.2}    {found}", quantile(0.5), quantile(0.95)));
}

fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = [11, 12].iter().filter_map(|place| fields.get(*place)?.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

fn resident_mb() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1e3
}

#[expect(clippy::print_stdout, reason = "the result of a bench")]
fn print(line: &str) {
    println!("{line}");
}
