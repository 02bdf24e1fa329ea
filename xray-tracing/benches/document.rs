//! What documents cost: to write, to read and to check.
//!
//! `cargo bench -p xray-tracing --no-default-features --bench document`

#![expect(clippy::expect_used, reason = "a bench ends where it cannot begin")]

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use xray_tracing::document::{Entity, accept, split};

fn main() {
    divan::main();
}

/// A web request with 9 subsegments, 10 spans in all: 3.4 kB.
fn ten_spans() -> Entity {
    let child = r#"{"id":"2222222222222222","name":"stock.example","namespace":"remote",
        "start_time":1672290060.260001,"end_time":1672290060.300002,"http":{"request":
        {"method":"GET","url":"http://stock.example/items/17"},"response":{"status":200,
        "content_length":120}},"annotations":{"tier":"gold"},"metadata":{"default":{"try":1}}}"#;
    let document = format!(
        r#"{{"id":"1f3d5b7991b3d5f7","name":"shop","start_time":1672290060.25,
        "trace_id":"1-63ad1f0c-9b2f0a8d3c4e5f6071829304","end_time":1672290060.5,"http":{{"request":
        {{"method":"POST","url":"http://shop.example/cart","client_ip":"10.0.0.7","user_agent":
        "Mozilla/5.0 (X11; Linux x86_64)"}},"response":{{"status":200}}}},"subsegments":[{}]}}"#,
        [child; 9].join(",")
    );
    Entity::parse(document.as_bytes()).expect("a valid document")
}

#[divan::bench]
fn encode_ten_spans(bencher: Bencher<'_, '_>) {
    let entity = ten_spans();
    let mut out = Vec::with_capacity(8_192);
    let bytes = BytesCount::new(entity.to_json().len());
    bencher.counter(bytes).bench_local(|| {
        out.clear();
        entity.encode(&mut out);
        black_box(out.len())
    });
}

#[divan::bench]
fn accept_ten_spans(bencher: Bencher<'_, '_>) {
    let document = ten_spans().to_json();
    let bytes = BytesCount::new(document.len());
    bencher.counter(bytes).bench(|| accept(black_box(document.as_bytes())));
}

/// 300 kB, into datagrams.
#[divan::bench]
fn split_a_thousand_spans(bencher: Bencher<'_, '_>) {
    let mut entity = ten_spans();
    let child = entity.subsegments[0].clone();
    entity.subsegments = vec![child; 1_000];
    bencher.with_inputs(|| entity.clone()).bench_values(|entity| split(entity, 65_000));
}
