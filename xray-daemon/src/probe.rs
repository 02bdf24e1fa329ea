//! Asks a daemon's admin port, as a health check does.
//!
//! In: an `http://` URL. Out: status and text of the answer, bounded in time and size. Owns nothing
//! afterwards. Plain HTTP/1.1 over one connection: what a probe needs, and no TLS.

use std::io;
use std::time::Duration;

use http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest answer that is read; metrics have some kilobytes.
const MAX_ANSWER_BYTES: u64 = 4 << 20;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub text: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// No URL that can be asked.
    #[error("{0:?} cannot be asked; it takes a URL such as http://127.0.0.1:2001/readyz")]
    Url(String),
    /// Nobody answers there.
    #[error("{url} does not answer; is the daemon running, with this address as its --admin?")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What answers takes too long.
    #[error("{url} does not answer within {} s", within.as_secs_f64())]
    TimedOut {
        /// What was asked.
        url: String,
        /// How long was waited.
        within: Duration,
    },
    /// What answers does not speak HTTP.
    #[error("{0} answers, and not in HTTP; is it the port of another program?")]
    NotHttp(String),
}

/// Asks `url` and reads the answer.
///
/// # Errors
/// When the URL is none, nobody answers within `within`, or the answer is no HTTP.
pub async fn probe(url: &str, within: Duration) -> Result<Answer, ProbeError> {
    let uri: Uri = url.parse().map_err(|_| ProbeError::Url(url.to_owned()))?;
    let host = uri.host().filter(|_| uri.scheme_str() == Some("http"));
    let host = host.ok_or_else(|| ProbeError::Url(url.to_owned()))?;
    let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    let answer = timeout(within, exchange(&authority, &request)).await;
    let answer = answer
        .map_err(|_| ProbeError::TimedOut { url: url.to_owned(), within })?
        .map_err(|source| ProbeError::Unreachable { url: url.to_owned(), source })?;
    parse(&answer).ok_or_else(|| ProbeError::NotHttp(url.to_owned()))
}

async fn exchange(authority: &str, request: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(authority).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Status and body. Our own server sends a length with every answer, so there are no chunks.
fn parse(answer: &[u8]) -> Option<Answer> {
    let head_bytes = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let (head, body) = answer.split_at_checked(head_bytes)?;
    let head = std::str::from_utf8(head).ok()?;
    let mut words = head.lines().next()?.split(' ');
    let is_http = words.next()?.starts_with("HTTP/1.");
    let status = words.next()?.parse().ok().filter(|_| is_http)?;
    let text = String::from_utf8_lossy(body.get(4..)?).into_owned();
    Some(Answer { status, text })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// What the probe makes of a server that says `answer` and closes.
    async fn probed(answer: &'static str) -> Result<Answer, ProbeError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/readyz", listener.local_addr().unwrap());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 256];
            let length = stream.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:"));
            stream.write_all(answer.as_bytes()).await.unwrap();
            drop(stream);
        };
        tokio::join!(probe(&url, SOON), server).0
    }

    #[tokio::test]
    async fn status_and_text_are_read() {
        let answer = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 10\r\n\r\nnot ready\n";
        let expected = Answer { status: 503, text: "not ready\n".into() };
        assert_eq!(probed(answer).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn what_is_no_http_is_said() {
        let error = probed("SSH-2.0-OpenSSH_9.9\r\n").await.unwrap_err();
        assert!(matches!(error, ProbeError::NotHttp(_)), "{error}");
    }

    #[tokio::test]
    async fn nobody_there_and_nobody_who_answers_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let error = probe(&url, Duration::from_millis(20)).await.unwrap_err();
        assert!(matches!(error, ProbeError::TimedOut { .. }), "{error}");
        drop(listener);
        let error = probe(&url, SOON).await.unwrap_err();
        assert!(matches!(error, ProbeError::Unreachable { .. }), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_plain_url_is_refused() {
        for url in ["", "127.0.0.1:2001", "https://127.0.0.1:2001/readyz", "http://"] {
            let error = probe(url, SOON).await.unwrap_err();
            assert!(matches!(error, ProbeError::Url(_)), "{url}: {error}");
        }
    }
}
