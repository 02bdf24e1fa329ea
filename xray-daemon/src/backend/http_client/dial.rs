//! Opens connections: directly, or through the outbound proxy.
//!
//! In: where to. Out: a connection. Owns the rule of who is reached directly: hosts in `NO_PROXY`,
//! and the link-local addresses of metadata services, which no proxy can reach.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use super::HttpClientError;
use crate::http::percent_decoded;

/// Longest that a connection may take to be there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects directly or through a proxy.
#[derive(Clone, Debug)]
pub(crate) struct Dial {
    direct: HttpConnector,
    proxy: Option<Tunnel<HttpConnector>>,
    /// Finds nothing for hosts that are reached directly.
    proxied: Arc<Matcher>,
    plain: Plain,
}

/// How `http://` is reached where a proxy is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Plain {
    /// Through it, as `https://`.
    #[default]
    Proxied,
    #[cfg(any(feature = "aws", test))]
    /// Directly: what gives out credentials without TLS is on this machine.
    Direct,
}

impl Dial {
    /// `proxy`: a URL, or host and port. `no_proxy`: as in `NO_PROXY`.
    pub(super) fn new(
        proxy: Option<&str>,
        no_proxy: Option<&str>,
        plain: Plain,
    ) -> Result<Self, HttpClientError> {
        let mut direct = HttpConnector::new();
        direct.enforce_http(false);
        direct.set_nodelay(true);
        direct.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let proxy = proxy.map(|text| tunnel(text, direct.clone())).transpose()?;
        // The URL is never used: only whether one is found.
        let all = Matcher::builder().all("http://proxy.invalid").no(no_proxy.unwrap_or_default());
        Ok(Self { direct, proxy, proxied: Arc::new(all.build()), plain })
    }

    /// The proxy for `target`, if it is reached through one.
    fn proxy_for(&self, target: &Uri) -> Option<Tunnel<HttpConnector>> {
        let proxy = self.proxy.as_ref()?;
        let plain = target.scheme_str() == Some("http");
        if (plain && self.plain != Plain::Proxied) || is_link_local(target.host()?) {
            return None;
        }
        self.proxied.intercept(target).map(|_| proxy.clone())
    }
}

fn tunnel(text: &str, connector: HttpConnector) -> Result<Tunnel<HttpConnector>, HttpClientError> {
    // What stands before the @ is a secret.
    let (user, shown) = text.rsplit_once('@').unwrap_or(("", text));
    let refused = || HttpClientError::Proxy(shown.to_owned());
    let mut proxy: Uri = text.parse().map_err(|_| refused())?;
    if proxy.scheme().is_none() && proxy.port().is_some() {
        proxy = format!("http://{text}").parse().map_err(|_| refused())?;
    }
    if proxy.host().is_none_or(str::is_empty) || proxy.scheme_str() != Some("http") {
        return Err(refused());
    }
    let tunnel = Tunnel::new(proxy, connector);
    let user = user.strip_prefix("http://").unwrap_or(user);
    if user.is_empty() {
        return Ok(tunnel);
    }
    let basic = format!("Basic {}", BASE64_STANDARD.encode(percent_decoded(user)));
    let mut basic = HeaderValue::from_str(&basic).map_err(|_| refused())?;
    basic.set_sensitive(true);
    Ok(tunnel.with_auth(basic))
}

/// Whether `host` is an address that means this machine's metadata services.
fn is_link_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_link_local(),
        // EC2 answers on fd00:ec2::254, Pod Identity on fd00:ec2::23.
        Ok(IpAddr::V6(address)) => {
            address.is_unicast_link_local() || address.segments().starts_with(&[0xfd00, 0xec2])
        }
        Err(_) => false,
    }
}

type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, DialError>> + Send>>;
/// The connectors' errors have private types.
type DialError = Box<dyn std::error::Error + Send + Sync>;

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = Connecting;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        self.direct.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Connecting {
        match self.proxy_for(&target) {
            None => {
                let connecting = self.direct.call(target);
                Box::pin(async { connecting.await.map_err(Into::into) })
            }
            Some(mut tunnel) => {
                let connecting = tunnel.call(target);
                Box::pin(async { connecting.await.map_err(Into::into) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn dial(proxy: &str) -> Result<Dial, HttpClientError> {
        Dial::new(Some(proxy), None, Plain::Proxied)
    }

    #[test]
    fn the_secret_of_a_proxy_is_never_shown() {
        let error = dial("https://me:secret@proxy:1").unwrap_err().to_string();
        assert!(error.contains("proxy:1") && !error.contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn a_proxy_is_asked_to_connect_by_who_the_url_names() {
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://me:s%40@{}", proxy.local_addr().unwrap());
        let mut dial = dial(&url).unwrap();
        let connect = dial.call("https://xray.eu-west-1.amazonaws.com".parse().unwrap());
        let answer = async {
            let (mut stream, _) = proxy.accept().await.unwrap();
            let mut asked = String::new();
            while !asked.ends_with("\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).await.unwrap();
                asked.push(char::from(byte[0]));
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            asked
        };
        let (connected, asked) = tokio::join!(connect, answer);
        assert!(connected.is_ok());
        assert!(
            asked.starts_with("CONNECT xray.eu-west-1.amazonaws.com:443 HTTP/1.1\r\n"),
            "{asked}"
        );
        assert!(asked.contains("roxy-Authorization: Basic bWU6c0A=\r\n"), "{asked}");
    }

    #[test]
    fn a_proxy_that_is_no_url_is_named() {
        for proxy in ["proxy", "://", "https://proxy:1", "http://", "proxy:port"] {
            let error = dial(proxy).unwrap_err();
            assert!(matches!(error, HttpClientError::Proxy(_)), "{proxy}: {error}");
        }
        for proxy in ["http://proxy:3128", "http://me:s%40@proxy:3128", "proxy:3128"] {
            assert!(dial(proxy).unwrap().proxy.is_some(), "{proxy}");
        }
        assert!(Dial::new(None, None, Plain::Proxied).unwrap().proxy.is_none());
    }

    #[test]
    fn who_is_named_in_no_proxy_and_the_machine_itself_are_reached_directly() {
        let no_proxy = Some("localhost, .internal.example,10.0.0.0/8");
        let dial = Dial::new(Some("http://proxy:3128"), no_proxy, Plain::Proxied).unwrap();
        let proxied =
            |dial: &Dial, target: &str| dial.proxy_for(&target.parse().unwrap()).is_some();
        for target in ["https://xray.eu-west-1.amazonaws.com", "http://192.168.0.1:4566"] {
            assert!(proxied(&dial, target), "{target}");
        }
        for target in [
            "https://localhost:4566",
            "https://x.internal.example",
            "http://10.1.2.3",
            "http://169.254.169.254/latest",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::254]/latest",
        ] {
            assert!(!proxied(&dial, target), "{target}");
        }
        let all = Dial::new(Some("http://proxy:3128"), Some("*"), Plain::Proxied).unwrap();
        assert!(!proxied(&all, "https://xray.eu-west-1.amazonaws.com"));
        let direct = Dial::new(Some("http://proxy:3128"), None, Plain::Direct).unwrap();
        assert!(!proxied(&direct, "http://127.0.0.1:9911/credentials"));
        assert!(proxied(&direct, "https://sts.eu-west-1.amazonaws.com"));
    }
}
