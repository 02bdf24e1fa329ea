//! Whether a server is reached: its name, a connection.
//!
//! In: a URL. Out: a finding. Owns nothing afterwards.

use std::time::{Duration, Instant};

use http::Uri;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::report::Finding;

/// Longest that a name server, or a connection, may take.
const WITHIN: Duration = Duration::from_secs(5);

/// Finds the host's address and connects.
pub(super) async fn reach(check: &str, url: &str) -> Finding {
    let uri: Option<Uri> = url.parse().ok();
    let Some(host) = uri.as_ref().and_then(Uri::host) else {
        return Finding::fail(
            check,
            format!("{url} is no URL"),
            "give one such as http://proxy:3128",
        );
    };
    let tls = uri.as_ref().and_then(Uri::scheme_str) == Some("https");
    let port = uri.as_ref().and_then(Uri::port_u16).unwrap_or(if tls { 443 } else { 80 });
    // A literal of version 6 stands in brackets in a URL.
    let name = host.trim_matches(['[', ']']);
    let found = timeout(WITHIN, lookup_host((name, port))).await;
    let addresses: Vec<_> = match found {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return unknown_name(check, name, &error.to_string()),
        Err(_) => return unknown_name(check, name, "no answer from the name server"),
    };
    let started = Instant::now();
    let mut last = "no address".to_owned();
    for address in &addresses {
        match timeout(WITHIN, TcpStream::connect(address)).await {
            Ok(Ok(_)) => {
                let took_ms = started.elapsed().as_millis();
                return Finding::ok(
                    check,
                    format!("{name} is {address}, connects in {took_ms} ms"),
                );
            }
            Ok(Err(error)) => last = format!("{address}: {error}"),
            Err(_) => last = format!("{address}: no answer within {} s", WITHIN.as_secs()),
        }
    }
    Finding::fail(
        check,
        format!("{name} cannot be connected to: {last}"),
        "let TCP to it out (security group, NAT, network policy), use a VPC endpoint of X-Ray, or \
         --proxy-address",
    )
}

fn unknown_name(check: &str, name: &str, reason: &str) -> Finding {
    Finding::fail(
        check,
        format!("{name} has no address: {reason}"),
        "is the region right? Look at the name server (/etc/resolv.conf, CoreDNS), or give \
         --proxy-address",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_nobody_knows_and_a_port_that_nobody_holds_are_told_apart() {
        let unknown = reach("connection", "https://xray.invalid").await;
        assert!(unknown.detail.starts_with("xray.invalid has no address: "), "{unknown:?}");
        let closed = reach("proxy", "http://127.0.0.1:1").await;
        assert!(closed.detail.starts_with("127.0.0.1 cannot be connected to: "), "{closed:?}");
        assert_eq!(closed.check, "proxy");
    }
}
