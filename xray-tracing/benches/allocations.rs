//! What a request allocates, and what a span costs on one thread and on all.
//!
//! A request is 10 spans with 3 fields each, as in `layer.rs`. divan's allocator counts; times stand
//! beside, but those of `layer.rs` are the ones without counting.
#![expect(clippy::panic, reason = "a bench that cannot start has nothing to measure")]

use std::io;

use divan::{AllocProfiler, Bencher};
use tracing::{Dispatch, info_span};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;
use xray_tracing::sampling::LocalRules;
use xray_tracing::{Guard, Sink};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn request() {
    let _request = info_span!("request", method = "GET", path = "/products", id = 7).entered();
    for step in 0..9 {
        let _step = info_span!("step", step, product = "apple", cached = true).entered();
    }
}

/// A sink that forgets.
struct Forget;

impl Sink for Forget {
    fn send(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

fn ours(rules: LocalRules) -> (Dispatch, Guard) {
    let options = xray_tracing::builder("bench").sampler(rules).sink(Forget);
    let (layer, guard) = options.build().unwrap_or_else(|error| panic!("{error}"));
    (registry().with(layer).into(), guard)
}

#[divan::bench(sample_count = 100, sample_size = 100)]
fn registry_alone(bencher: Bencher<'_, '_>) {
    tracing::dispatcher::with_default(&registry().into(), || bencher.bench_local(request));
}

#[divan::bench(sample_count = 100, sample_size = 100)]
fn unsampled(bencher: Bencher<'_, '_>) {
    let (subscriber, _guard) = ours(LocalRules::record_none());
    tracing::dispatcher::with_default(&subscriber, || bencher.bench_local(request));
}

#[divan::bench(sample_count = 100, sample_size = 100)]
fn sampled(bencher: Bencher<'_, '_>) {
    let (subscriber, _guard) = ours(LocalRules::record_all());
    tracing::dispatcher::with_default(&subscriber, || bencher.bench_local(request));
}

/// The same on one thread and on all: what threads cost each other.
#[divan::bench(sample_count = 100, sample_size = 100, threads = [1, 0])]
fn sampled_on_threads(bencher: Bencher<'_, '_>) {
    let (subscriber, _guard) = ours(LocalRules::record_all());
    bencher.bench(|| tracing::dispatcher::with_default(&subscriber, request));
}
