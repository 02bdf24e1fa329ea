//! Pages as they are printed, word for word.
//!
//! The traces began on 14 Nov 2023, 22:13:20 UTC; what depends on the present is made equal.

use super::fixtures::{Console, TRACE, shop};

/// When the traces began.
const START_S: f64 = 1_700_000_000.0;

/// What stands between `<main>` and `</main>` at `address`, ages and blank lines left out.
async fn main_of(address: &str) -> String {
    let console = Console::open().await;
    console.put(&shop(START_S)).await;
    let answer = console.get(address).await;
    assert_eq!(answer.status, 200, "{address}");
    let (_, rest) = answer.body.split_once("<main").unwrap();
    let (main, _) = rest.split_once("</main>").unwrap();
    let lines = main.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
    let text = lines.collect::<Vec<_>>().join("\n");
    without_so_far(&without_moment(&without_ages(&text)))
}

/// `since=1795523886.904` in the address of events.
fn without_moment(text: &str) -> String {
    let Some((before, rest)) = text.split_once("since=") else { return text.to_owned() };
    let (_, after) = rest.split_once('"').unwrap();
    format!("{before}since=now\"{after}")
}

/// `<span class="soft">1105 d 14 h</span><span class="vh"> so far`, of a trace in progress.
fn without_so_far(text: &str) -> String {
    let Some((before, after)) = text.split_once("</span><span class=\"vh\"> so far") else {
        return text.to_owned();
    };
    let (before, _) = before.rsplit_once('>').unwrap();
    format!("{before}>age</span><span class=\"vh\"> so far{after}")
}

/// `<time …>2 s</time>` of recent traces.
fn without_ages(text: &str) -> String {
    let mut parts = text.split("<time class=\"mute\"");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, rest) = part.split_once("</time>").unwrap();
        result.push_str("<time>age</time>");
        result.push_str(rest);
    }
    result
}

#[tokio::test]
async fn a_trace() {
    insta::assert_snapshot!(main_of(&format!("/trace/{TRACE}")).await);
}

#[tokio::test]
async fn a_trace_in_spanish_with_its_exceptions() {
    let address = format!("/trace/{TRACE}?lang=es&tab=exceptions");
    insta::assert_snapshot!(main_of(&address).await);
}

#[tokio::test]
async fn the_map() {
    let address = "/?from=1699999700&to=1700000300&node=Product-Catalog";
    insta::assert_snapshot!(main_of(address).await);
}

#[tokio::test]
async fn the_map_as_a_table_in_spanish() {
    let address = "/?from=1699999700&to=1700000300&view=table&panel=0&lang=es";
    insta::assert_snapshot!(main_of(address).await);
}

#[tokio::test]
async fn the_list_of_traces() {
    insta::assert_snapshot!(main_of("/traces?from=1699999700&to=1700000300").await);
}

#[tokio::test]
async fn sampling_rules_with_a_request_tried() {
    let address = "/sampling?method=GET&path=/products/14&service=Frontend";
    insta::assert_snapshot!(main_of(address).await);
}
