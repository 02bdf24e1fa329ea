//! The daemon's address as people write it.
//!
//! In: the text of `AWS_XRAY_DAEMON_ADDRESS`. Out: a host and a port for UDP (segments) and for TCP
//! (sampling). Owns nothing, resolves nothing. Rule: X-Ray developer guide, "Configuring the
//! daemon": `host:port`, or `tcp:host:port udp:host:port` in any order.

use std::fmt;
use std::str::FromStr;

/// Where the daemon listens when nobody says otherwise.
const DEFAULT_HOST: &str = "127.0.0.1";
const DEFAULT_PORT: u16 = 2000;
/// Longest text that is looked at: two host names of 253 bytes and what stands around them.
const MAX_TEXT_BYTES: usize = 1_024;

/// Why a text is not a daemon address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// A part is not host and port.
    #[error(
        "daemon address {0:?} is not host:port; write host:port (IPv6 as [::1]:2000), or \
         tcp:host:port udp:host:port"
    )]
    NotHostAndPort(String),
    /// Nothing, or more than one address for a protocol.
    #[error("daemon address {0:?} must be one host:port, or one tcp: and one udp: part")]
    Parts(String),
}

/// Where the daemon listens.
///
/// ```
/// use xray_tracing::DaemonAddress;
/// let address: DaemonAddress = "tcp:xray:2000 udp:[::1]:3000".parse()?;
/// assert_eq!(address.udp.to_string(), "[::1]:3000");
/// assert_eq!(address.tcp.to_string(), "xray:2000");
/// # Ok::<(), xray_tracing::AddressError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaemonAddress {
    /// For segments.
    pub udp: Endpoint,
    /// For sampling rules and targets.
    pub tcp: Endpoint,
}

/// A host (name or IP address, IPv6 without brackets) and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or IP address.
    pub host: String,
    /// 1–65535.
    pub port: u16,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self { host: DEFAULT_HOST.to_owned(), port: DEFAULT_PORT }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for DaemonAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(AddressError::NotHostAndPort(excerpt(text)));
        }
        let (mut udp, mut tcp) = (None, None);
        for part in text.split_whitespace() {
            let (protocol, address) = protocol_of(part);
            let endpoint = endpoint(address)?;
            let taken = match protocol {
                Some(Protocol::Udp) => udp.replace(endpoint).is_some(),
                Some(Protocol::Tcp) => tcp.replace(endpoint).is_some(),
                None => tcp.replace(endpoint.clone()).is_some() | udp.replace(endpoint).is_some(),
            };
            if taken {
                return Err(AddressError::Parts(excerpt(text)));
            }
        }
        // A single prefixed address stands for both: one daemon listens on both protocols.
        let missing = || AddressError::Parts(excerpt(text));
        let either = udp.clone().or_else(|| tcp.clone()).ok_or_else(missing)?;
        Ok(Self { udp: udp.unwrap_or_else(|| either.clone()), tcp: tcp.unwrap_or(either) })
    }
}

enum Protocol {
    Udp,
    Tcp,
}

/// `udp:host:port` has a protocol, `udp:2000` is a host of that name.
fn protocol_of(part: &str) -> (Option<Protocol>, &str) {
    match part.split_once(':') {
        Some((name, rest)) if rest.contains(':') && name.eq_ignore_ascii_case("udp") => {
            (Some(Protocol::Udp), rest)
        }
        Some((name, rest)) if rest.contains(':') && name.eq_ignore_ascii_case("tcp") => {
            (Some(Protocol::Tcp), rest)
        }
        _ => (None, part),
    }
}

fn endpoint(text: &str) -> Result<Endpoint, AddressError> {
    let refused = || AddressError::NotHostAndPort(excerpt(text));
    let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(ipv6) if ipv6.parse::<std::net::Ipv6Addr>().is_ok() => ipv6,
        Some(_) => return Err(refused()),
        None if host.is_empty() || host.contains([':', '[', ']', '/', '@']) => {
            return Err(refused());
        }
        None => host,
    };
    match port.parse::<u16>() {
        // `parse` would take a sign.
        Ok(port) if port > 0 && !text.contains(":+") => {
            Ok(Endpoint { host: host.to_owned(), port })
        }
        _ => Err(refused()),
    }
}

/// The start of a text that may be long, for an error message.
fn excerpt(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UDP and TCP endpoint, as text.
    fn parsed(text: &str) -> Result<(String, String), AddressError> {
        let address: DaemonAddress = text.parse()?;
        Ok((address.udp.to_string(), address.tcp.to_string()))
    }

    #[track_caller]
    fn check(text: &str, udp: &str, tcp: &str) {
        assert_eq!(parsed(text), Ok((udp.to_owned(), tcp.to_owned())), "{text}");
    }

    #[test]
    fn every_documented_form_is_read() {
        check("127.0.0.1:2000", "127.0.0.1:2000", "127.0.0.1:2000");
        check("tcp:127.0.0.1:2000 udp:127.0.0.2:2001", "127.0.0.2:2001", "127.0.0.1:2000");
        check("udp:127.0.0.2:2001 tcp:127.0.0.1:2000", "127.0.0.2:2001", "127.0.0.1:2000");
        check("  TCP:a:1 \t UDP:b:2 ", "b:2", "a:1");
        check(
            "xray-service.default:2000",
            "xray-service.default:2000",
            "xray-service.default:2000",
        );
        check("[::1]:2000", "[::1]:2000", "[::1]:2000");
        check("tcp:[::1]:2000 udp:[fe80::1]:3000", "[fe80::1]:3000", "[::1]:2000");
    }

    #[test]
    fn one_prefixed_address_stands_for_both() {
        check("udp:127.0.0.1:3000", "127.0.0.1:3000", "127.0.0.1:3000");
        check("tcp:xray:3000", "xray:3000", "xray:3000");
    }

    #[test]
    fn a_host_may_be_named_like_a_protocol() {
        check("udp:2000", "udp:2000", "udp:2000");
        check("tcp:udp:2000", "udp:2000", "udp:2000");
    }

    #[test]
    fn what_is_not_host_and_port_is_named() {
        for part in
            ["localhost", "localhost:", ":2000", "a:0", "a:65536", "a:-1", "a:+1", "::1", "[::1]"]
        {
            assert_eq!(parsed(part), Err(AddressError::NotHostAndPort(part.to_owned())));
        }
        for part in ["::1:2000", "[x]:2000", "http://a:2000", "a:b:c:d"] {
            assert_eq!(parsed(part), Err(AddressError::NotHostAndPort(part.to_owned())));
        }
        assert_eq!(parsed(""), Err(AddressError::Parts(String::new())));
        for text in ["a:1 b:2", "udp:a:1 udp:b:2", "a:1 tcp:b:2"] {
            assert_eq!(parsed(text), Err(AddressError::Parts(text.to_owned())));
        }
    }

    #[test]
    fn a_long_text_is_refused_and_cut_in_the_error() {
        let error = parsed(&"x".repeat(5_000)).unwrap_err();
        assert_eq!(error, AddressError::NotHostAndPort("x".repeat(100)));
    }
}
