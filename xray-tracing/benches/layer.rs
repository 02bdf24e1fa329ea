//! What tracing costs a request, recorded or not.
//!
//! A request is 10 spans with 3 fields each. Beside our layer stand the bare registry, which every
//! layer pays for, and `tracing-opentelemetry`. Run `cargo bench -p xray-tracing --bench layer`; what
//! counts are the distances within one run, of the fastest samples.
#![expect(clippy::panic, reason = "a bench that cannot start has nothing to measure")]

use std::hint::black_box;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, info_span};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, registry};
use xray_tracing::sampling::LocalRules;
use xray_tracing::{Builder, Guard, Sink};

fn main() {
    divan::main();
}

fn request() {
    let _request = info_span!("request", method = "GET", path = "/products", id = 7).entered();
    for step in 0..9 {
        let _step = info_span!("step", step, product = "apple", cached = true).entered();
    }
}

fn nested_request() {
    fn step(depth: u64) {
        let _step = info_span!("step", depth, product = "apple", cached = true).entered();
        if depth > 1 {
            step(depth - 1);
        }
    }
    let _request = info_span!("request", method = "GET", path = "/products", id = 7).entered();
    step(9);
}

/// Times `request` under `subscriber`.
fn time(bencher: Bencher<'_, '_>, subscriber: impl Into<Dispatch>, request: fn()) {
    tracing::dispatcher::with_default(&subscriber.into(), || bencher.bench_local(request));
}

/// What any layer costs the registry: it has to follow when spans close.
struct Idle;

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Idle {}

/// A sink that forgets.
struct Forget;

impl Sink for Forget {
    fn send(&mut self, document: &[u8]) -> io::Result<()> {
        black_box(document);
        Ok(())
    }
}

fn options(rules: LocalRules) -> Builder {
    xray_tracing::builder("bench").sampler(rules).sink(Forget)
}

fn ours(rules: LocalRules) -> (Dispatch, Guard) {
    let (layer, guard) = options(rules).build().unwrap_or_else(|error| panic!("{error}"));
    (registry().with(layer).into(), guard)
}

/// As `init` installs it, with RUST_LOG as in the environment of the run.
fn installed(rules: LocalRules) -> (Dispatch, Guard) {
    let built = options(rules).subscriber().unwrap_or_else(|error| panic!("{error}"));
    (Dispatch::new(built.0), built.1)
}

fn opentelemetry(sampler: Sampler) -> (Dispatch, SdkTracerProvider) {
    let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    (registry().with(layer).into(), provider)
}

/// `fmt` as people install it, which formats the fields of every span it may print.
fn registry_and_fmt() -> Dispatch {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    registry().with(tracing_subscriber::fmt::layer()).with(filter.from_env_lossy()).into()
}

#[divan::bench_group(sample_count = 300, sample_size = 200)]
mod unsampled_request {
    use super::*;

    #[divan::bench]
    fn registry_alone(bencher: Bencher<'_, '_>) {
        time(bencher, registry(), request);
    }

    #[divan::bench]
    fn registry_with_a_layer_that_does_nothing(bencher: Bencher<'_, '_>) {
        time(bencher, registry().with(Idle), request);
    }

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let (subscriber, _guard) = super::ours(LocalRules::record_none());
        time(bencher, subscriber, request);
    }

    #[divan::bench]
    fn nested_registry_alone(bencher: Bencher<'_, '_>) {
        time(bencher, registry(), nested_request);
    }

    #[divan::bench]
    fn nested_ours(bencher: Bencher<'_, '_>) {
        let (subscriber, _guard) = super::ours(LocalRules::record_none());
        time(bencher, subscriber, nested_request);
    }

    #[divan::bench]
    fn registry_and_fmt(bencher: Bencher<'_, '_>) {
        time(bencher, super::registry_and_fmt(), request);
    }

    #[divan::bench]
    fn ours_by_init(bencher: Bencher<'_, '_>) {
        let (subscriber, _guard) = installed(LocalRules::record_none());
        time(bencher, subscriber, request);
    }

    #[divan::bench]
    fn tracing_opentelemetry_always_off(bencher: Bencher<'_, '_>) {
        let (subscriber, _provider) = opentelemetry(Sampler::AlwaysOff);
        time(bencher, subscriber, request);
    }
}

#[divan::bench_group(sample_count = 300, sample_size = 200)]
mod sampled_request {
    use super::*;

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let (subscriber, _guard) = super::ours(LocalRules::record_all());
        time(bencher, subscriber, request);
    }

    #[divan::bench]
    fn nested_ours(bencher: Bencher<'_, '_>) {
        let (subscriber, _guard) = super::ours(LocalRules::record_all());
        time(bencher, subscriber, nested_request);
    }

    #[divan::bench]
    fn ours_by_init(bencher: Bencher<'_, '_>) {
        let (subscriber, _guard) = installed(LocalRules::record_all());
        time(bencher, subscriber, request);
    }

    #[divan::bench]
    fn tracing_opentelemetry_always_on_without_exporter(bencher: Bencher<'_, '_>) {
        let (subscriber, _provider) = opentelemetry(Sampler::AlwaysOn);
        time(bencher, subscriber, request);
    }
}

/// Holds the sender at its first document until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<AtomicBool>);

impl Gate {
    fn wait(&self) {
        while !self.0.load(Ordering::Acquire) {
            std::hint::spin_loop();
        }
    }
}

struct Gated<S>(Gate, S);

impl<S: Sink> Sink for Gated<S> {
    fn send(&mut self, document: &[u8]) -> io::Result<()> {
        self.0.wait();
        self.1.send(document)
    }
}

/// A connected socket whose other end nobody reads.
struct Datagrams(UdpSocket, #[expect(dead_code, reason = "keeps the port open")] UdpSocket);

impl Sink for Datagrams {
    fn send(&mut self, document: &[u8]) -> io::Result<()> {
        self.0.send(document).map(|_| ())
    }
}

/// Few enough that a sample often passes without the system taking the processor away.
const TRACES: usize = 200;

/// Times the sender's thread from the first document to the last, 10 spans each.
fn time_sender<S: Sink>(bencher: Bencher<'_, '_>, sink: impl Fn() -> S) {
    let queued = || {
        let gate = Gate::default();
        let options = xray_tracing::builder("bench").sampler(LocalRules::record_all());
        let built = options.sink(Gated(gate.clone(), sink())).build();
        let (layer, guard) = built.unwrap_or_else(|error| panic!("{error}"));
        tracing::subscriber::with_default(registry().with(layer), || {
            (0..TRACES).for_each(|_| request());
        });
        (gate, guard)
    };
    bencher.counter(ItemsCount::new(TRACES * 10)).with_inputs(queued).bench_local_refs(
        |(gate, guard)| {
            gate.0.store(true, Ordering::Release);
            assert!(guard.flush(Duration::from_secs(60)));
        },
    );
}

#[divan::bench_group(sample_count = 200, sample_size = 1)]
mod sender_per_span {
    use super::*;

    #[divan::bench]
    fn encode(bencher: Bencher<'_, '_>) {
        time_sender(bencher, || Forget);
    }

    #[divan::bench]
    fn encode_and_send_to(bencher: Bencher<'_, '_>) {
        time_sender(bencher, || {
            let socket = || UdpSocket::bind("127.0.0.1:0").unwrap_or_else(|e| panic!("{e}"));
            let (ours, theirs) = (socket(), socket());
            let address = theirs.local_addr().unwrap_or_else(|e| panic!("{e}"));
            ours.connect(address).unwrap_or_else(|e| panic!("{e}"));
            Datagrams(ours, theirs)
        });
    }
}
