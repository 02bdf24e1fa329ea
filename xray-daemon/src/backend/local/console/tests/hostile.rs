//! Whatever a segment says, pages stay ours: its text is text, in HTML, in SVG and in addresses.

use serde_json::{Value, json};

use super::fixtures::Console;
use crate::backend::local::console::state::now_s;

/// Text that would be markup, an attribute, a script or an address if it were not escaped.
const EVIL: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&lt;{{7*7}}";

fn hostile() -> Vec<Value> {
    let now_s = now_s();
    let trace = "1-67891233-00000000000000000000aaaa";
    let evil = EVIL;
    let child = |id: &str, extra: Value| {
        let mut child = json!({
            "id": id, "name": evil, "start_time": now_s - 2.0, "end_time": now_s - 1.5
        });
        for (key, value) in extra.as_object().unwrap() {
            child[key] = value.clone();
        }
        child
    };
    vec![json!({
        "trace_id": trace, "id": "00000000000000a1", "name": evil, "user": evil, "origin": evil,
        "start_time": now_s - 2.0, "end_time": now_s - 1.0, "fault": true, "resource_arn": evil,
        "http": {
            "request": { "method": evil, "url": format!("javascript:alert(3)//{evil}"),
                         "user_agent": evil, "client_ip": evil },
            "response": { "status": 500 }
        },
        "annotations": { "k": evil },
        "metadata": { evil: { evil: [evil] } },
        "aws": { evil: { evil: evil }, "eks": { "pod": evil },
                 "xray": { "sdk": evil, "sampling_rule_name": evil } },
        "service": { "version": evil, "runtime": evil },
        "cause": { "working_directory": evil, "exceptions": [{
            "id": "1111111111111111", "type": evil, "message": evil, "cause": evil,
            "stack": [{ "path": evil, "line": 1, "label": evil }]
        }] },
        "subsegments": [
            child("00000000000000a2", json!({ "namespace": "remote", "sql": {
                "sanitized_query": evil, "database_type": evil, "url": evil, "user": evil
            } })),
            child("00000000000000a3", json!({ "namespace": "aws", "aws": {
                "operation": evil, "table_name": evil, "region": evil, "request_id": evil
            } })),
            child("00000000000000a4", json!({ "namespace": "remote" })),
        ]
    })]
}

/// Addresses of all pages that show what segments say.
const PAGES: [&str; 17] = [
    "/",
    "/?view=table",
    "/?compare=1",
    "/?lang=es",
    "/traces",
    "/traces?lang=es&sort=slowest",
    "/trace/1-67891233-00000000000000000000aaaa",
    "/trace/1-67891233-00000000000000000000aaaa?row=00000000000000a1&tab=resources",
    "/trace/1-67891233-00000000000000000000aaaa?row=00000000000000a1&tab=annotations",
    "/trace/1-67891233-00000000000000000000aaaa?row=00000000000000a1&tab=metadata",
    "/trace/1-67891233-00000000000000000000aaaa?row=00000000000000a1&tab=exceptions",
    "/trace/1-67891233-00000000000000000000aaaa?row=00000000000000a2&tab=sql",
    "/trace/1-67891233-00000000000000000000aaaa?row=00000000000000a3&tab=json",
    "/daemon",
    "/sampling",
    "/complete?text=service(&at=8",
    "/complete?text=annotation.k+%3D+&at=15",
];

#[tokio::test]
async fn what_a_segment_says_never_becomes_markup() {
    let console = Console::open().await;
    console.put(&hostile()).await;
    for address in PAGES {
        let answer = console.get(address).await;
        assert_eq!(answer.status, 200, "{address}");
        if answer.headers["content-type"] == "application/json" {
            continue;
        }
        for never in ["<script>", "<img", "onerror=alert(2)>", "href=\"javascript:", "'><"] {
            assert!(!answer.body.contains(never), "{address} contains {never}");
        }
    }
}

#[tokio::test]
async fn what_an_address_says_never_becomes_markup() {
    let console = Console::open().await;
    console.put(&hostile()).await;
    let evil = "%22%27%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for address in [
        format!("/?filter={evil}&last={evil}"),
        format!("/?node={evil}&type={evil}&callee={evil}&rt={evil}"),
        format!("/traces?filter={evil}&group={evil}&only={evil}&sort={evil}&after={evil}"),
        format!("/trace/{evil}"),
        format!("/trace/1-67891233-00000000000000000000aaaa?row={evil}&tab={evil}"),
        format!("/sampling?rule={evil}&saved={evil}&path={evil}&service={evil}&method={evil}"),
        format!("/daemon?how={evil}&cleared={evil}"),
        format!("/?lang={evil}&theme={evil}&range={evil}&from={evil}&to={evil}"),
    ] {
        let answer = console.get(&address).await;
        assert!(answer.status.as_u16() < 500, "{address}");
        assert!(!answer.body.contains("<script>"), "{address}");
        assert!(!answer.body.contains("\"'>"), "{address}");
    }
}

/// The policy of the port forbids inline styles and scripts, so a page that has one is broken.
#[tokio::test]
async fn pages_have_no_inline_style_script_or_handler() {
    let console = Console::open().await;
    console.put(&hostile()).await;
    for address in PAGES.into_iter().filter(|address| !address.starts_with("/complete")) {
        let body = console.get(address).await.body;
        let markup = without_texts(&body);
        for never in [" style=", "<style", " onclick=", " onload=", "javascript:"] {
            assert!(!markup.contains(never), "{address} contains {never}");
        }
        let scripts = markup.matches("<script").count();
        let ours = markup.matches("<script type=\"module\" src=\"/static/console.js\">").count();
        assert_eq!((scripts, ours), (1, 1), "{address}");
        for outside in ["src=\"http", "src=\"//", "url(http", "@import"] {
            assert!(!markup.contains(outside), "{address} loads {outside}");
        }
    }
}

/// The tags of a page, without what stands between them and in titles.
fn without_texts(html: &str) -> String {
    html.split('<').skip(1).filter_map(|part| part.split_once('>')).fold(
        String::new(),
        |mut tags, (tag, _)| {
            let values = ["value=\"", "title=\"", "aria-label=\"", "href=\""];
            let mut tag = tag.to_owned();
            for value in values {
                if let Some((before, rest)) = tag.split_once(value) {
                    let after = rest.split_once('"').map_or("", |(_, after)| after);
                    tag = format!("{before}{after}");
                }
            }
            tags.push('<');
            tags.push_str(&tag);
            tags.push('>');
            tags
        },
    )
}
