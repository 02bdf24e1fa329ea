//! Port 2002 as a client sees it: over a real socket.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::backend::local::{Local, LocalConfig};

/// A local X-Ray on a free port.
struct Running {
    port: u16,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<()>,
    local: Local,
}

impl Running {
    async fn start(config: LocalConfig) -> Self {
        let local = Local::open(config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = CancellationToken::new();
        let (serving, told) = (local.clone(), stop.clone());
        let served = tokio::spawn(async move { serving.serve(listener, None, told).await });
        Self { port, stop, served, local }
    }

    /// Sends a request; the status, and everything that was answered.
    async fn send(&self, request: &str, headers: &[&str], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let text = format!(
            "{request} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        (answer.get(9..12).unwrap().parse().unwrap(), answer)
    }

    async fn stop(self) {
        self.stop.cancel();
        self.served.await.unwrap();
        self.local.close().await;
    }
}

const RANGE: &str = r#"{"StartTime":1,"EndTime":2}"#;

#[tokio::test]
async fn requests_to_our_name_are_answered_with_strict_headers() {
    let running = Running::start(LocalConfig::default()).await;
    let host = format!("host: 127.0.0.1:{}", running.port);
    let (status, answer) = running.send("POST /TraceSummaries", &[&host], RANGE).await;
    assert_eq!(status, 200);
    for header in [
        "content-security-policy: default-src 'self'",
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
        "cache-control: no-store",
    ] {
        assert!(answer.contains(header), "{header} is not in {answer}");
    }
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["TraceSummaries"], json!([]));
    running.stop().await;
}

#[tokio::test]
async fn foreign_names_and_pages_are_refused() {
    let config =
        LocalConfig { allow_hosts: vec!["xray.team.example".into()], ..LocalConfig::default() };
    let running = Running::start(config).await;
    let own = format!("127.0.0.1:{}", running.port);
    let status = async |host: &str, origin: Option<&str>| {
        let host = format!("host: {host}");
        let origin = origin.map(|origin| format!("origin: {origin}"));
        let headers: Vec<_> =
            [Some(host.as_str()), origin.as_deref()].into_iter().flatten().collect();
        running.send("POST /TraceSummaries", &headers, RANGE).await.0
    };
    assert_eq!(status(&own, None).await, 200);
    assert_eq!(status("xray.team.example", None).await, 200);
    assert_eq!(status("evil.example", None).await, 403);
    assert_eq!(status(&own, Some("http://evil.example")).await, 403);
    assert_eq!(status(&own, Some("null")).await, 403);
    assert_eq!(status(&own, Some(&format!("http://{own}"))).await, 200);
    running.stop().await;
}

#[tokio::test]
async fn unknown_addresses_are_404_for_programs_and_for_people() {
    let running = Running::start(LocalConfig::default()).await;
    let (status, answer) = running.send("POST /Nothing", &["host: localhost"], "{}").await;
    assert_eq!(status, 404);
    assert!(answer.contains("x-amzn-errortype: UnknownOperationException"), "{answer}");
    let (status, _) = running.send("GET /Nothing", &["host: localhost"], "").await;
    assert_eq!(status, 404);
    running.stop().await;
}

#[tokio::test]
async fn with_a_token_calls_must_be_signed_and_people_sign_in() {
    let config = LocalConfig { console_token: Some("s3cret".into()), ..LocalConfig::default() };
    let running = Running::start(config).await;
    let host = "host: localhost";
    let (status, answer) = running.send("POST /TraceSummaries", &[host], RANGE).await;
    assert_eq!(status, 403);
    assert!(answer.contains("x-amzn-errortype: AccessDeniedException"), "{answer}");

    let form = "content-type: application/x-www-form-urlencoded";
    let (status, answer) = running.send("POST /login", &[host, form], "token=wrong").await;
    assert_eq!(status, 303);
    assert!(answer.contains("location: /login?wrong") && !answer.contains("set-cookie"));
    let (status, answer) = running.send("POST /login", &[host, form], "token=s3cret").await;
    assert_eq!(status, 303);
    assert!(answer.contains("location: /\r\n") && answer.contains("set-cookie: xray_session="));
    running.stop().await;
}
