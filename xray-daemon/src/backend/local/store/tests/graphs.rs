//! The service graph from the sums of minutes: the same as one by one.

use serde_json::json;

use super::*;
use crate::backend::local::filter::HEALTH_CHECKS;
use crate::backend::local::graph::ServiceGraph;
use crate::backend::local::store::{NodeMatch, Period, SeriesPart, SeriesQuery};

/// More traces than are added up one by one: front calls back, which reports in every second.
async fn many(store: &Store) {
    for call in 0..7 {
        let documents: Vec<_> = (0..100)
            .map(|place| call * 100 + place)
            .flat_map(|number| {
                let start_s = 1e6 + f64::from(number);
                let call = json!({"id": "0000000000000002", "name": "back", "namespace": "remote",
                    "start_time": start_s + 0.25, "end_time": start_s + 0.75});
                let front = segment(
                    number,
                    1,
                    "front",
                    (start_s, start_s + 1.0),
                    json!({"subsegments": [call]}),
                );
                let back = segment(
                    number,
                    3,
                    "back",
                    (start_s + 0.3, start_s + 0.7),
                    json!({"parent_id": "0000000000000002", "fault": number % 4 == 0}),
                );
                if number % 2 == 0 { vec![front, back] } else { vec![front] }
            })
            .collect();
        assert!(put(store, &documents).await.is_empty());
    }
}

async fn graph(store: &Store) -> ServiceGraph {
    store.graph(Window::ALL, Filter::parse("").unwrap()).await.unwrap()
}

/// Name, type, and requests that ended well and in a fault.
fn lines(graph: &ServiceGraph) -> Vec<(String, Option<String>, u64, u64)> {
    let line = |node: &crate::backend::local::graph::GraphNode| {
        let counts = node.stats.counts;
        (node.id.name.clone(), node.id.service_type.clone(), counts.ok, counts.fault)
    };
    graph.nodes.iter().map(line).collect()
}

fn line(name: &str, kind: Option<&str>, ok: u64, fault: u64) -> (String, Option<String>, u64, u64) {
    (name.to_owned(), kind.map(str::to_owned), ok, fault)
}

#[tokio::test]
async fn many_traces_are_summed_up_by_minute_and_corrected_when_they_change() {
    let store = store().await;
    many(&store).await;
    assert_eq!(
        lines(&graph(&store).await),
        [
            line("back", None, 175, 175),
            line("back", Some("remote"), 350, 0),
            line("front", None, 700, 0),
            line("front", Some("client"), 0, 0),
        ]
    );

    // The missing callees report, in other transactions.
    let late: Vec<_> = (0..700)
        .filter(|number| number % 2 == 1)
        .map(|number| {
            let start_s = 1e6 + f64::from(number);
            let more = json!({"parent_id": "0000000000000002"});
            segment(number, 3, "back", (start_s + 0.3, start_s + 0.7), more)
        })
        .collect();
    put(&store, &late).await;
    let graph = graph(&store).await;
    assert_eq!(
        lines(&graph),
        [
            line("back", None, 525, 175),
            line("front", None, 700, 0),
            line("front", Some("client"), 0, 0),
        ]
    );
    let call = &graph.nodes[1].edges[0];
    assert_eq!((call.to, call.stats.counts.ok), (0, 700));
    assert_eq!(call.stats.counts.total_us, 700 * 500_000);
    assert_eq!(call.stats.response.count(), 700);
}

#[tokio::test]
async fn a_filter_and_a_window_are_kept_to_one_by_one() {
    let store = store().await;
    many(&store).await;
    let filter = Filter::parse(r#"service("back") {fault}"#).unwrap();
    let faulty = store.graph(Window::ALL, filter).await.unwrap();
    assert_eq!(lines(&faulty)[0], line("back", None, 0, 175));
    // The root of trace n ends at 1e6 + n + 1.
    let window = Window { start_s: 1e6 + 10.5, end_s: 1e6 + 20.5 };
    let ten = store.graph(window, Filter::parse("").unwrap()).await.unwrap();
    assert_eq!(ten.nodes.last().unwrap().edges[0].stats.counts.ok, 10);
}

#[tokio::test]
async fn series_of_many_traces_have_the_same_sums() {
    let store = store().await;
    many(&store).await;
    let sum = async |part: SeriesPart| {
        let filter = Filter::parse("").unwrap();
        let period = Period::FiveMinutes;
        let query = SeriesQuery { window: Window::ALL, filter, period, part };
        let points = store.series(query).await.unwrap();
        points.iter().map(|point| point.counts.total()).sum::<u64>()
    };
    let node = |name: &str| NodeMatch { name: Some(name.to_owned()), ..NodeMatch::default() };
    assert_eq!(sum(SeriesPart::Incoming).await, 700);
    assert_eq!(sum(SeriesPart::Service(node("front"))).await, 700);
    assert_eq!(sum(SeriesPart::Service(node("back"))).await, 700);
    assert_eq!(sum(SeriesPart::Edge(node("front"), node("back"))).await, 700);
    assert_eq!(sum(SeriesPart::Edge(node("back"), node("front"))).await, 0);
}

#[tokio::test]
async fn health_checks_are_summed_up_apart_and_left_out_where_asked() {
    let store = store().await;
    many(&store).await;
    // One is known before it says what it is.
    let begun = running(segment(1_000, 1, "front", (1e6 + 700.0, 1e6 + 700.01), json!({})));
    put(&store, &[begun]).await;
    let checks: Vec<_> = (0..600)
        .map(|number| {
            let start_s = 1e6 + 700.0 + f64::from(number) / 10.0;
            let url = json!({"request": {"method": "GET", "url": "http://front/healthz"}});
            segment(1_000 + number, 1, "front", (start_s, start_s + 0.01), json!({"http": url}))
        })
        .collect();
    put(&store, &checks).await;
    let asked = async |filter: &str| {
        let graph = store.graph(Window::ALL, Filter::parse(filter).unwrap()).await.unwrap();
        lines(&graph).into_iter().find(|line| line.0 == "front" && line.1.is_none()).unwrap().2
    };
    let without = format!("!({HEALTH_CHECKS})");
    assert_eq!((asked("").await, asked(&without).await), (1_300, 700));

    let period = Period::FiveMinutes;
    let filter = Filter::parse(&without).unwrap();
    let part = SeriesPart::Incoming;
    let points =
        store.series(SeriesQuery { window: Window::ALL, filter, period, part }).await.unwrap();
    assert_eq!(points.iter().map(|point| point.counts.total()).sum::<u64>(), 700);
}
