//! Pages that a browser has open must not reach the daemon through it: `Origin` and `Host`.

use e2e::{Daemon, DaemonOptions, free_port};
use reqwest::{Client, RequestBuilder};

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// A call of the API that reads every trace.
fn summaries(daemon: &Daemon) -> RequestBuilder {
    let body = r#"{"StartTime":1,"EndTime":2}"#;
    Client::new().post(daemon.console_url("/TraceSummaries")).body(body)
}

#[tokio::test]
async fn a_page_from_elsewhere_is_refused_on_every_port() {
    let daemon = DaemonOptions::local().start().await;
    let client = Client::new();
    let sampling = format!("http://{}/GetSamplingRules", daemon.segments());
    for origin in ["http://evil.example", "null", "https://127.0.0.1.evil.example"] {
        assert_eq!(status(summaries(&daemon).header("Origin", origin)).await, 403, "{origin}");
        let metrics = client.get(daemon.admin_url("/metrics")).header("Origin", origin);
        assert_eq!(status(metrics).await, 403, "{origin}");
        let rules = client.post(&sampling).body("{}").header("Origin", origin);
        assert_eq!(status(rules).await, 403, "{origin}");
    }
    assert_eq!(status(summaries(&daemon)).await, 200);
    let own = daemon.console_url("");
    assert_eq!(status(summaries(&daemon).header("Origin", own)).await, 200);
}

#[tokio::test]
async fn a_name_that_was_pointed_here_is_refused() {
    let daemon = DaemonOptions::local().args(["--allow-host", "xray.team.example"]).start().await;
    let page = || Client::new().get(daemon.console_url("/"));
    for host in ["evil.example", "evil.example:2002", "127.0.0.1.evil.example", ""] {
        assert_eq!(status(summaries(&daemon).header("Host", host)).await, 403, "{host:?}");
        assert_eq!(status(page().header("Host", host)).await, 403, "{host:?}");
    }
    for host in ["localhost", "localhost:8080", "127.0.0.1", "[::1]:2002", "xray.team.example"] {
        assert_eq!(status(page().header("Host", host)).await, 200, "{host:?}");
    }
}

#[tokio::test]
async fn off_loopback_the_console_wants_a_token() {
    let [console, bind, admin] = [(); 3].map(|()| free_port());
    let ran = DaemonOptions::local()
        .args(["--console", &format!("0.0.0.0:{console}"), "--bind", &format!("127.0.0.1:{bind}")])
        .args([
            "--bind-tcp",
            &format!("127.0.0.1:{bind}"),
            "--admin",
            &format!("127.0.0.1:{admin}"),
        ])
        .run()
        .await;
    assert_eq!(ran.exit_code, Some(1), "{ran:?}");
    let text = format!("{}{}", ran.stdout, ran.stderr);
    assert!(text.contains("--console-token"), "no way out in {text}");
}

#[tokio::test]
async fn pages_forbid_what_is_not_their_own() {
    let daemon = DaemonOptions::local().start().await;
    let answer = reqwest::get(daemon.console_url("/")).await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
}
