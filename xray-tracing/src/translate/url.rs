//! Takes URLs apart as far as names and the `http` block need it.
//!
//! In: the text of a URL, as a client wrote it. Out: its parts. Owns nothing, decodes nothing.

/// The parts of `scheme://user:password@host:port/path`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UrlParts<'a> {
    pub(super) scheme: &'a str,
    /// Everything before the host, its `@` included.
    pub(super) userinfo: &'a str,
    /// Without port; an IPv6 address keeps its brackets.
    pub(super) host: &'a str,
    /// Digits, or empty.
    pub(super) port: &'a str,
    /// Path, query and fragment, from the slash on.
    pub(super) rest: &'a str,
}

/// Takes `url` apart; `None` if it has no `://`.
pub(super) fn split(url: &str) -> Option<UrlParts<'_>> {
    let (scheme, after) = url.split_once("://")?;
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    let (authority, rest) = after.split_at_checked(end)?;
    let at = authority.rfind('@').map_or(0, |at| at + 1);
    let (userinfo, address) = authority.split_at_checked(at)?;
    let (host, port) = host_and_port(address);
    Some(UrlParts { scheme, userinfo, host, port, rest })
}

/// Splits `host:port`; the port is empty if there is none.
pub(super) fn host_and_port(address: &str) -> (&str, &str) {
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && is_port(port) && !is_bare_ipv6(host) => {
            (host, port)
        }
        _ => (address, ""),
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `2001:db8::1` without brackets: its last part is no port.
fn is_bare_ipv6(host: &str) -> bool {
    host.contains(':') && !host.ends_with(']')
}

/// The URL without user and password.
pub(super) fn without_credentials(url: &str) -> String {
    match split(url) {
        Some(UrlParts { scheme, userinfo, .. }) if !userinfo.is_empty() => {
            let start = scheme.len() + "://".len();
            let kept = url.get(start + userinfo.len()..).unwrap_or_default();
            format!("{scheme}://{kept}")
        }
        _ => url.to_owned(),
    }
}

/// The port that a scheme has when it names none.
pub(super) fn default_port(scheme: &str) -> &'static str {
    match scheme {
        "http" => "80",
        "https" => "443",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_come_apart() {
        let parts = split("https://ada:secret@shop.example:8443/cart?id=1").unwrap();
        assert_eq!(
            parts,
            UrlParts {
                scheme: "https",
                userinfo: "ada:secret@",
                host: "shop.example",
                port: "8443",
                rest: "/cart?id=1"
            }
        );
        assert_eq!(split("/cart"), None);
        assert_eq!(split("http://h?x=a://b").map(|parts| parts.host), Some("h"));
        assert_eq!(split("http://").map(|parts| parts.host), Some(""));
    }

    #[test]
    fn ports_are_told_from_ipv6_addresses() {
        assert_eq!(host_and_port("h:80"), ("h", "80"));
        assert_eq!(host_and_port("[::1]:80"), ("[::1]", "80"));
        assert_eq!(host_and_port("2001:db8::1"), ("2001:db8::1", ""));
        assert_eq!(host_and_port("h:http"), ("h:http", ""));
        assert_eq!(host_and_port(""), ("", ""));
    }

    #[test]
    fn credentials_are_taken_out() {
        assert_eq!(without_credentials("amqp://u:p@h:5/x"), "amqp://h:5/x");
        assert_eq!(without_credentials("amqp://h/a@b"), "amqp://h/a@b");
        assert_eq!(without_credentials("Server=h;Password=x"), "Server=h;Password=x");
    }
}
