//! Pages without data, ready to print: nothing came yet, nothing matches, the store fails.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use askama::Template;

use crate::backend::local::console::frame::Frame;
use crate::backend::local::console::scope_bar::ScopeBar;

/// Nothing has come yet.
#[derive(Debug, Template)]
#[template(path = "pages/empty.html")]
pub(crate) struct EmptyView {
    pub(crate) frame: Frame,
    pub(crate) events: Option<String>,
    pub(crate) checks: Vec<Check>,
    pub(crate) connect: Connect,
}

/// Something that must be true before a map can be drawn.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// `ok`, `pending` or `fault`.
    pub(crate) class: &'static str,
    pub(crate) text: String,
    pub(crate) note: String,
}

/// How an application reaches this daemon.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Connect {
    /// `127.0.0.1:2000`.
    pub(crate) address: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) languages: Vec<Language>,
    /// Where it listens, in words.
    pub(crate) listens: String,
}

/// A tab of the snippets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Language {
    /// In the address.
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) chosen: bool,
}

/// Languages that there are snippets for.
const LANGUAGES: [(&str, &str); 6] = [
    ("rust", "Rust"),
    ("python", "Python"),
    ("node", "Node"),
    ("java", "Java"),
    ("go", "Go"),
    ("kubernetes", "Kubernetes"),
];

impl Connect {
    /// Snippets for the daemon that takes segments at `udp`; `how` is the language chosen, `here`
    /// the path of the page.
    pub(crate) fn new(udp: SocketAddr, how: &str, here: &str, listens_of: &str) -> Self {
        let ip = match udp.ip() {
            // "Any address" is none that an application can send to.
            ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip,
        };
        let address = SocketAddr::new(ip, udp.port()).to_string();
        let known = LANGUAGES.iter().any(|(key, _)| *key == how);
        let chosen = if known { how } else { "rust" };
        let language = |(key, name): (&'static str, _)| Language {
            key,
            name,
            href: format!("{here}?how={key}"),
            chosen: key == chosen,
        };
        Self {
            listens: crate::backend::local::console::text::fill(listens_of, &[&udp.to_string()]),
            host: ip.to_string(),
            port: udp.port(),
            address,
            languages: LANGUAGES.map(language).into(),
        }
    }

    /// Whether the panel of language `key` is the one that shows.
    pub(crate) fn shows(&self, key: &str) -> bool {
        self.languages.iter().any(|language| language.key == key && language.chosen)
    }
}

/// Nothing matches.
#[derive(Debug, Template)]
#[template(path = "pages/nothing.html")]
pub(crate) struct NothingView {
    pub(crate) frame: Frame,
    pub(crate) bar: ScopeBar,
    pub(crate) events: Option<String>,
    /// `3,186 traces in the last 15 minutes, none with`.
    pub(crate) sentence: String,
    /// The filter; empty where there is none.
    pub(crate) filter: String,
    pub(crate) actions: Vec<(&'static str, String)>,
    pub(crate) nearest: Option<Nearest>,
}

/// A filter close to the one asked that finds something.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Nearest {
    pub(crate) filter: String,
    pub(crate) href: String,
    pub(crate) has: String,
}

/// The store fails.
#[derive(Debug, Template)]
#[template(path = "pages/failed.html")]
pub(crate) struct FailedView {
    pub(crate) frame: Frame,
    pub(crate) error: String,
    pub(crate) still_works: String,
    pub(crate) asked_for: String,
    pub(crate) failed_at: String,
    pub(crate) helps: &'static str,
    pub(crate) again: String,
}

/// A page that says one thing: not found, not allowed.
#[derive(Debug, Template)]
#[template(path = "pages/message.html")]
pub(crate) struct MessageView {
    pub(crate) frame: Frame,
    pub(crate) title: &'static str,
    pub(crate) text: String,
    /// Where to go from here.
    pub(crate) link: (&'static str, String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_name_an_address_that_can_be_reached() {
        let connect = |udp: &str| Connect::new(udp.parse().unwrap(), "", "/", "on {0}");
        assert_eq!(connect("0.0.0.0:2000").address, "127.0.0.1:2000");
        assert_eq!(connect("0.0.0.0:2000").listens, "on 0.0.0.0:2000");
        assert_eq!(connect("[::1]:2001").address, "[::1]:2001");
        assert_eq!(connect("10.0.0.7:2000").host, "10.0.0.7");
    }

    #[test]
    fn one_language_shows_whatever_is_asked() {
        let shown = |how: &str| {
            let connect = Connect::new("127.0.0.1:2000".parse().unwrap(), how, "/daemon", "");
            let shown = connect.languages.into_iter().filter(|language| language.chosen);
            shown.map(|language| language.href).collect::<Vec<_>>()
        };
        assert_eq!(shown("go"), ["/daemon?how=go"]);
        assert_eq!(shown("<script>"), ["/daemon?how=rust"]);
    }
}
