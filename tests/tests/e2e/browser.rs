//! Shop and console in a real Chromium, at a desk and on a phone, light and dark.

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::{DaemonOptions, Demo, HEADER, Node, chromium, require, wait_until};
use serde_json::{Value, json};

use crate::traces::sampled_trace;

/// Where the pictures go: `target/tmp/screenshots`.
fn pictures() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots")
}

async fn look(script: &str, args: &[&str]) -> Option<Value> {
    let node = require(Node::with(&["playwright-core", "axe-core"]))?;
    let chromium = require(chromium())?;
    let pictures = pictures();
    let first = [chromium.to_str().unwrap(), pictures.to_str().unwrap()];
    Some(node.json(script, &[&first, args].concat(), &[]).await)
}

/// No error anywhere, nothing from outside, nothing that axe-core finds, no sideways scroll.
fn assert_clean(seen: &Value) {
    for what in ["problems", "foreign", "findings", "overflow"] {
        assert_eq!(seen[what], json!([]), "{what} in {seen:#}");
    }
}

#[tokio::test]
async fn a_product_leads_to_its_trace_and_the_map() {
    let demo = Demo::start().await;
    let args = [demo.url("shop", "/"), demo.url("console", "/")];
    let Some(seen) = look("shop.mjs", &[&args[0], &args[1]]).await else { return };
    assert_clean(&seen);

    let action = seen["lastAction"].as_str().unwrap();
    assert!(action.contains("Added") && action.contains("4711"), "{action}");
    let products = seen["products"].as_array().unwrap();
    let shown = |row: &Value| row.as_str().unwrap().contains("Reading lamp <b>&amp;");
    assert!(products.iter().any(shown), "{products:#?}");

    let rows = seen["timeline"].as_array().expect("the trace came without a reload");
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names.first(), Some(&"Frontend"), "{rows:#?}");
    for name in ["Product-Catalog", "Product-Detail"] {
        assert!(names.iter().any(|row| row.starts_with(name)), "no {name} in {names:?}");
    }
    assert!(
        seen["traceTitle"].as_str().unwrap().contains("POST /products"),
        "{}",
        seen["traceTitle"]
    );
    let statement = seen["statement"].as_str().expect("the statement is shown");
    assert!(!statement.contains("Reading lamp"), "values are not for the trace: {statement}");
    assert_eq!(seen["listed"], true, "the filter finds the trace");

    let nodes: Vec<_> = seen["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["name"].as_str().unwrap())
        .collect();
    for name in ["Client", "Frontend", "Product-Catalog", "Product-Detail"] {
        assert!(nodes.contains(&name), "no {name} in {nodes:?}");
    }
    let database = |node: &Value| node["label"].as_str().unwrap().contains("SQL");
    assert!(seen["nodes"].as_array().unwrap().iter().any(database), "{:#}", seen["nodes"]);
}

#[tokio::test]
async fn an_empty_console_says_how_to_connect_and_shows_the_first_segment_by_itself() {
    let daemon = DaemonOptions::local().start().await;
    let Some(seen) = look("empty.mjs", &[&daemon.console_url("/")]).await else { return };
    assert_clean(&seen);
    let text = seen["text"].as_str().unwrap();
    assert!(text.contains(&daemon.address()), "its own address is not in {text}");
    assert_eq!(seen["ran"], json!({ "status": 0, "stderr": "" }), "{:#}", seen["command"]);
    assert_eq!(seen["arrived"], true);
}

#[tokio::test]
async fn what_strangers_send_is_text_on_every_page() {
    const MARK: &str = "hostile-7f3a";
    let attack =
        format!("{MARK}\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{{{7*7}}}}");
    let daemon = DaemonOptions::local().start().await;
    let (_, trace_id) = sampled_trace(31);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let start_s = now.as_secs_f64() - 1.0;
    let segment = json!({
        "name": attack, "id": "70de5b6f19ff9a0a", "trace_id": trace_id, "start_time": start_s,
        "end_time": start_s + 0.3, "origin": attack, "user": attack, "fault": true,
        "http": { "request": { "method": attack, "url": format!("javascript:alert(3)//{attack}"),
                               "user_agent": attack, "client_ip": attack },
                  "response": { "status": 500 } },
        "annotations": { "mark": attack, MARK: attack }, "metadata": { MARK: { attack.clone(): attack } },
        "cause": { "working_directory": attack, "exceptions": [{ "id": "1b2f3c4d5e6f7081",
            "type": attack, "message": attack, "stack": [{ "path": attack, "line": 1, "label": attack }] }] },
        "aws": { "xray": { "sdk": attack }, "operation": attack },
        "subsegments": [{ "name": attack, "id": "53995c3f42cd8ad8", "namespace": "remote",
            "start_time": start_s, "end_time": start_s + 0.1, "sql": { "sanitized_query": attack,
            "database_type": attack, "url": format!("javascript:alert(4)//{attack}") } }],
    });
    daemon.send(format!("{HEADER}{segment}"));
    daemon.send(&*attack);
    wait_until("the segment to be stored", Duration::from_secs(20), || async {
        let metrics = daemon.metrics().await;
        (metrics.sum("segments_sent_total", "backend=\"local\"") == 1.0).then_some(())
    })
    .await;
    let args = [daemon.console_url("/"), trace_id];
    let Some(seen) = look("hostile.mjs", &[&args[0], &args[1], MARK]).await else { return };
    assert_clean(&seen);
    assert_eq!(seen["injected"], json!([]));
    for path in ["/", "/traces", &format!("/traces/{}", args[1])] {
        assert_eq!(seen["shown"][path], true, "{path}: the mark is not shown: {:#}", seen["shown"]);
    }
}
