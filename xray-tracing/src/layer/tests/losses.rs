//! What is lost, and how it is counted; the real socket behind the layer.

use std::io;
use std::net::UdpSocket;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use tracing::info_span;
use tracing_subscriber::prelude::*;

use crate::document::Entity;
use crate::sampling::LocalRules;
use crate::testing::Capture;
use crate::{Builder, Guard, Sink, Stats, annotate, builder, metadata};

/// Runs `work` with the layer; the guard is for what happens after.
fn run(options: Builder, work: impl FnOnce()) -> Guard {
    let options = options.sampler(LocalRules::record_all()).without_environment();
    let (layer, guard) = options.build().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    guard
}

/// A sink that takes the first document only when told.
struct Stuck(Receiver<()>);

impl Sink for Stuck {
    fn send(&mut self, _: &[u8]) -> io::Result<()> {
        self.0.recv().map_err(io::Error::other)
    }
}

#[test]
fn documents_reach_the_daemon_as_datagrams() {
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    daemon.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let address = daemon.local_addr().unwrap();
    let guard =
        run(builder("orders").daemon_address(format!("udp:{address} tcp:{address}")), || {
            info_span!("root").in_scope(|| info_span!("child").in_scope(|| {}));
        });
    let mut datagram = vec![0; 65_535];
    let bytes = daemon.recv(&mut datagram).unwrap();
    let text = std::str::from_utf8(&datagram[..bytes]).unwrap();
    let (header, document) = text.split_once('\n').unwrap();
    assert_eq!(header, r#"{"format":"json","version":1}"#);
    let segment = Entity::parse(document.as_bytes()).unwrap();
    assert_eq!((&*segment.name, segment.subsegments.len()), ("orders", 1));
    assert!(guard.flush(Duration::from_secs(20)));
    assert_eq!((guard.stats().documents_sent, guard.stats().dropped()), (1, 0));
}

#[test]
fn without_a_daemon_the_service_runs_on_and_the_loss_is_counted() {
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let guard = run(builder("orders").daemon_address(nobody.to_string()), || {
        for _ in 0..10 {
            info_span!("root").in_scope(|| {});
        }
    });
    assert!(guard.flush(Duration::from_secs(20)));
    let stats = guard.stats();
    assert_eq!((stats.documents_sent, stats.dropped_unreachable), (0, 10));
}

#[test]
fn a_stuck_sink_fills_the_queue_and_never_holds_the_service_up() {
    let (release, stuck) = mpsc::channel();
    let start = Instant::now();
    let guard = run(builder("orders").sink(Stuck(stuck)), || {
        for _ in 0..10_000 {
            info_span!("root").in_scope(|| {});
        }
    });
    assert!(start.elapsed() < Duration::from_secs(10));
    let lost = guard.stats().dropped_queue_full;
    assert!((1..10_000).contains(&lost), "{lost}");
    assert!(!guard.flush(Duration::ZERO));
    drop(release); // every further document fails at once
    assert!(guard.flush(Duration::from_secs(20)));
    let stats = guard.stats();
    assert_eq!(stats.dropped_send_failed + stats.dropped_queue_full, 10_000);
}

#[test]
fn dropping_the_guard_waits_a_second_at_most() {
    let (_release, stuck) = mpsc::channel();
    let guard = run(builder("orders").sink(Stuck(stuck)), || info_span!("root").in_scope(|| {}));
    let start = Instant::now();
    drop(guard);
    let waited = start.elapsed();
    assert!((Duration::from_millis(900)..Duration::from_secs(10)).contains(&waited), "{waited:?}");
}

#[test]
fn a_trace_that_holds_too_much_loses_values_counted() {
    let capture = Capture::new();
    let text = "x".repeat(16_000);
    tracing::dispatcher::with_default(capture.subscriber(), || {
        let _root = info_span!("root").entered();
        for _ in 0..100 {
            metadata("text", &text);
        }
        info_span!("child").in_scope(|| {});
    });
    let documents = capture.documents();
    assert_eq!(documents.len(), 1); // cut to fit, still there
    // 63 of 16 kB make the megabyte; 37 more and the child had no room.
    let lost = capture.stats().dropped_arena_full;
    assert!((35..=40).contains(&lost), "{lost}");
}

#[test]
fn what_is_said_outside_a_segment_is_counted() {
    let capture = Capture::new();
    tracing::dispatcher::with_default(capture.subscriber(), || {
        annotate("lost", 1);
        metadata("lost", &1);
        crate::set_user("u-7");
    });
    let expected = Stats { context_missing: 3, ..Stats::default() };
    assert_eq!(capture.stats(), expected);
}

#[test]
fn after_the_guard_is_gone_the_layer_goes_on() {
    let sink = crate::MemorySink::new();
    let options = builder("orders").sink(sink.clone()).sampler(LocalRules::record_all());
    let (layer, guard) = options.without_environment().build().unwrap();
    drop(guard);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        info_span!("root").in_scope(|| {});
    });
    let until = Instant::now() + Duration::from_secs(20);
    while sink.take().is_empty() {
        assert!(Instant::now() < until, "nothing came");
        std::thread::yield_now();
    }
}

#[test]
fn the_senders_thread_ends_with_the_last_layer_and_guard() {
    struct Alive(#[expect(dead_code, reason = "dropped with the sink")] mpsc::Sender<()>);
    impl Sink for Alive {
        fn send(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
    }
    let (alive, is_over) = mpsc::channel();
    drop(run(builder("orders").sink(Alive(alive)), || info_span!("root").in_scope(|| {})));
    let ended = is_over.recv_timeout(Duration::from_secs(20));
    assert_eq!(ended, Err(mpsc::RecvTimeoutError::Disconnected));
}
