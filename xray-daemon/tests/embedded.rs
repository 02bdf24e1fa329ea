//! The daemon inside another program: real sockets, a backend of the program's own.

#![expect(clippy::unwrap_used, reason = "a test: a panic is how it fails")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use xray_daemon::backend::{Backend, BackendError, BoxFuture, Delivered, Retry, Unprocessed};
use xray_daemon::config::SpoolSettings;
use xray_daemon::{Daemon, DaemonHandle, Segment, StartError};

const HEADER: &str = "{\"format\": \"json\", \"version\": 1}\n";
const LONGEST: Duration = Duration::from_secs(20);

/// Keeps documents; every third call fails, in one of several ways.
#[derive(Debug, Default)]
struct Faulty {
    name: &'static str,
    calls: AtomicUsize,
    kept: Mutex<Vec<String>>,
}

impl Faulty {
    fn answer(&self, batch: &[Segment]) -> Result<Delivered, BackendError> {
        let backend = self.name;
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut delivered = Delivered::default();
        match call % 9 {
            2 => {
                let status = "status 503".to_owned();
                return Err(BackendError::Again { backend, status, after: None, source: None });
            }
            5 if batch.len() > 1 => return Err(BackendError::TooLarge { backend }),
            8 => delivered.unprocessed.push(Unprocessed {
                index: 0,
                code: "ThrottledException".into(),
                message: "slowly".into(),
                retry: Retry::Yes,
            }),
            _ => {}
        }
        let taken = batch.iter().skip(delivered.unprocessed.len());
        let text = |segment: &Segment| String::from_utf8_lossy(segment.document()).into_owned();
        self.kept.lock().unwrap().extend(taken.map(text));
        Ok(delivered)
    }

    fn kept(&self) -> Vec<String> {
        let mut kept = self.kept.lock().unwrap().clone();
        kept.sort_unstable();
        kept
    }
}

impl Backend for Faulty {
    fn name(&self) -> &'static str {
        self.name
    }

    fn put<'a>(&'a self, batch: &'a [Segment]) -> BoxFuture<'a, Result<Delivered, BackendError>> {
        Box::pin(async move { self.answer(batch) })
    }
}

fn any_port() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

async fn start(backends: &[Arc<Faulty>]) -> DaemonHandle {
    let mut builder =
        Daemon::builder().backends([]).udp(any_port()).tcp(any_port()).admin(any_port());
    for backend in backends {
        builder = builder.backend(Arc::clone(backend) as _);
    }
    builder.start().await.unwrap()
}

fn faulty(name: &'static str) -> Arc<Faulty> {
    Arc::new(Faulty { name, ..Faulty::default() })
}

fn send(daemon: &DaemonHandle, datagrams: impl Iterator<Item = String>) {
    let socket = UdpSocket::bind(any_port()).unwrap();
    socket.connect(daemon.udp_addr()).unwrap();
    for datagram in datagrams {
        socket.send(datagram.as_bytes()).unwrap();
    }
}

fn document(number: usize) -> String {
    format!("{{\"id\":\"{number:016x}\"}}")
}

async fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONGEST;
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen within {LONGEST:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: daemon\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn every_segment_reaches_every_backend_and_is_accounted_for() {
    let backends = [faulty("one"), faulty("two")];
    let daemon = start(&backends).await;
    send(&daemon, (0..2000).map(|number| format!("{HEADER}{}", document(number))));
    send(&daemon, ["junk".to_owned(), String::new(), HEADER.to_owned()].into_iter());
    wait_for("intake", || daemon.stats().intake.received == 2002).await;
    let stats = daemon.stop(LONGEST).await.stats;

    let mut expected: Vec<_> = (0..2000).map(document).collect();
    expected.sort_unstable();
    for backend in &backends {
        assert_eq!(backend.kept(), expected);
        let counted = stats.backend(backend.name).unwrap();
        assert_eq!((counted.accepted, counted.sent), (2000, 2000));
        assert_eq!((counted.dropped_total(), counted.refused_total()), (0, 0));
        assert_eq!((counted.queued, counted.in_flight, counted.unaccounted()), (0, 0, 0));
        assert!(counted.retried > 0);
    }
    assert_eq!((stats.intake.rejected_total(), stats.intake.empty), (2, 1));
    assert_eq!(stats.held_bytes, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_kernel_holds_at_the_signal_is_delivered() {
    let backend = faulty("one");
    let daemon = start(std::slice::from_ref(&backend)).await;
    send(&daemon, (0..500).map(|number| format!("{HEADER}{}", document(number))));
    let stats = daemon.stop(LONGEST).await.stats;
    assert_eq!(backend.kept().len(), 500);
    assert_eq!(stats.intake.received, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_that_come_while_it_lingers_are_delivered() {
    let backend = faulty("one");
    let builder = Daemon::builder().backends([]).backend(Arc::clone(&backend) as _);
    let builder = builder.udp(any_port()).tcp(any_port()).admin(any_port());
    let daemon = builder.drain_linger(Duration::from_millis(600)).start().await.unwrap();
    let (address, counters) = (daemon.udp_addr(), Arc::clone(daemon.counters()));
    let stop = tokio::spawn(daemon.stop(LONGEST));
    sleep(Duration::from_millis(100)).await;
    let socket = UdpSocket::bind(any_port()).unwrap();
    let datagram = format!("{HEADER}{}", document(1));
    assert_eq!(socket.send_to(datagram.as_bytes(), address).unwrap(), datagram.len());
    stop.await.unwrap();
    assert_eq!(counters.intake().received(), 1);
    assert_eq!(backend.kept(), [document(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_datagram_arrives_whole() {
    let backend = faulty("one");
    let daemon = start(std::slice::from_ref(&backend)).await;
    let document = "x".repeat(65_507 - HEADER.len());
    send(&daemon, [format!("{HEADER}{document}")].into_iter());
    wait_for("the document", || !backend.kept().is_empty()).await;
    assert_eq!(backend.kept(), [document]);
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_are_answered() {
    let daemon = start(&[faulty("one")]).await;
    send(&daemon, [format!("{HEADER}{{}}")].into_iter());
    wait_for("the upload", || daemon.stats().backends[0].sent == 1).await;
    let admin = daemon.admin_addr();
    let [health, ready, metrics] = tokio::task::spawn_blocking(move || {
        ["/healthz", "/readyz", "/metrics"].map(|path| get(admin, path))
    })
    .await
    .unwrap();
    assert!(health.starts_with("HTTP/1.1 200 OK"), "{health}");
    assert!(ready.ends_with("\r\n\r\nready\n"), "{ready}");
    assert!(metrics.contains("xray_daemon_segments_sent_total{backend=\"one\"} 1\n"), "{metrics}");
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_has_the_number_of_udp_where_any_will_do() {
    let daemon = start(&[faulty("one")]).await;
    assert_eq!(daemon.tcp_addr().port(), daemon.udp_addr().port());
    let stats = daemon.stop(LONGEST).await.stats;
    assert_eq!(stats.backends[0].accepted, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_udp_port_is_an_error() {
    let first = start(&[faulty("one")]).await;
    let second = Daemon::builder().backends([]).backend(faulty("one")).udp(first.udp_addr());
    let error = second.tcp(any_port()).admin(any_port()).start().await.unwrap_err();
    assert!(matches!(error, StartError::Udp(_)), "{error}");
    assert!(error.to_string().contains("--bind"), "{error}");
    drop(first);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_make_no_daemon_are_named() {
    let none = Daemon::builder().backends([]).udp(any_port()).start().await.unwrap_err();
    assert!(matches!(none, StartError::NoBackend), "{none}");
    let twice = Daemon::builder().backends([]).backend(faulty("one")).backend(faulty("one"));
    let twice = twice.udp(any_port()).start().await.unwrap_err();
    assert!(matches!(twice, StartError::SameName("one")), "{twice}");
    let small = Daemon::builder().backends([]).backend(faulty("one")).buffer_bytes(1 << 20);
    let small = small.udp(any_port()).start().await.unwrap_err();
    assert!(matches!(small, StartError::Buffer { bytes: 1_048_576 }), "{small}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_daemon_lets_go_of_its_ports() {
    let daemon = start(&[faulty("one")]).await;
    let (udp, tcp, admin) = (daemon.udp_addr(), daemon.tcp_addr(), daemon.admin_addr());
    drop(daemon);
    wait_for("the end", || {
        let tcp_free = |address| std::net::TcpListener::bind(address).is_ok();
        UdpSocket::bind(udp).is_ok() && tcp_free(tcp) && tcp_free(admin)
    })
    .await;
}

/// Takes nothing.
#[derive(Debug)]
struct Down;

impl Backend for Down {
    fn name(&self) -> &'static str {
        "one"
    }

    fn put<'a>(&'a self, _batch: &'a [Segment]) -> BoxFuture<'a, Result<Delivered, BackendError>> {
        let (backend, status) = ("one", "status 503".to_owned());
        Box::pin(
            async move { Err(BackendError::Again { backend, status, after: None, source: None }) },
        )
    }
}

async fn start_with_spool(
    folder: &std::path::Path,
    backend: Arc<dyn Backend>,
) -> Result<DaemonHandle, StartError> {
    let builder = Daemon::builder().backends([]).udp(any_port()).tcp(any_port());
    let builder = builder.admin(any_port()).spool(SpoolSettings::in_folder(folder));
    builder.backend(backend).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_daemon_leaves_in_its_spool_the_next_one_delivers() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = start_with_spool(folder.path(), Arc::new(Down)).await.unwrap();
    send(&daemon, (0..500).map(|number| format!("{HEADER}{}", document(number))));
    wait_for("intake", || daemon.stats().intake.received == 500).await;
    let second = start_with_spool(folder.path(), Arc::new(Down)).await;
    assert!(matches!(second, Err(StartError::Spool(_))), "{second:?}");
    let stats = daemon.stop_or(LONGEST, std::future::ready(())).await.stats;
    let left = stats.backend("one").unwrap();
    assert_eq!((left.spooled, left.sent, left.dropped_total(), left.unaccounted()), (500, 0, 0, 0));

    let backend = faulty("one");
    let daemon = start_with_spool(folder.path(), Arc::clone(&backend) as _).await.unwrap();
    wait_for("replay", || backend.kept().len() == 500).await;
    let stats = daemon.stop(LONGEST).await.stats;
    let now = stats.backend("one").unwrap();
    assert_eq!((now.replayed, now.sent, now.spooled, now.unaccounted()), (500, 500, 0, 0));
    let mut expected: Vec<_> = (0..500).map(document).collect();
    expected.sort_unstable();
    assert_eq!(backend.kept(), expected);
}
