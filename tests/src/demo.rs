//! The demo as a person starts it, on ports of its own.
//!
//! Out: a running demo whose table of links was read as a person would read it. Killed on drop.

use std::net::Ipv4Addr;
use std::process::ExitStatus;
use std::time::Duration;

use crate::binaries::binaries;
use crate::ports::free_port;
use crate::process::{Process, Signal};
use crate::wait::wait_until;

/// Longest that the demo may take to print its links, on a machine that does other things as well.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running demo.
#[derive(Debug)]
pub struct Demo {
    process: Process,
    links: Vec<(String, String)>,
}

impl Demo {
    /// Starts the demo and waits for its table of links.
    ///
    /// # Panics
    /// When it ends or prints no table within a minute.
    pub async fn start() -> Self {
        let mut process = Self::launch(&[]);
        let links = wait_until("the demo's links", READY_WITHIN, || {
            assert_eq!(process.ended(), None, "the demo ended while it was to start");
            let links = links(&process.log());
            let complete = ["shop", "console"].iter().all(|name| url(&links, name).is_some());
            async move { complete.then_some(links) }
        });
        let links = links.await;
        Self { process, links }
    }

    /// Starts the demo with free ports and `args`, and returns at once.
    pub fn launch(args: &[&str]) -> Process {
        Process::start(&binaries().demo_app, |command| {
            command.arg("up");
            for flag in ["--frontend", "--console"] {
                command.args([flag, &format!("{}:{}", Ipv4Addr::LOCALHOST, free_port())]);
            }
            command.args(args);
        })
    }

    /// URL of a path of what the table calls `name`.
    ///
    /// # Panics
    /// When the table has no such line.
    pub fn url(&self, name: &str, path: &str) -> String {
        let url = url(&self.links, name);
        let url = url.unwrap_or_else(|| panic!("no {name} in {:?}", self.links));
        format!("{}{path}", url.trim_end_matches('/'))
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Ends it by `signal` and waits for the end.
    ///
    /// # Panics
    /// When it still runs after `longest`.
    pub async fn end(&mut self, signal: Signal, longest: Duration) -> ExitStatus {
        self.process.signal(signal);
        self.process.wait(longest).await
    }
}

fn url<'a>(links: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut links = links.iter();
    links.find(|(line, _)| line.to_lowercase().contains(name)).map(|(_, url)| url.as_str())
}

/// Lines that hold a URL: the words before it, and the URL.
fn links(log: &str) -> Vec<(String, String)> {
    let lines = log.lines().filter_map(|line| line.split_once("http://"));
    lines
        .map(|(words, rest)| {
            let address = rest.split_whitespace().next().unwrap_or_default();
            (words.trim().to_owned(), format!("http://{address}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_from_the_table() {
        let log = "starting\n  Shop      http://127.0.0.1:9000   add a product\n  Console   http://127.0.0.1:2002\n";
        let links = links(log);
        assert_eq!(url(&links, "shop"), Some("http://127.0.0.1:9000"));
        assert_eq!(url(&links, "console"), Some("http://127.0.0.1:2002"));
        assert_eq!(url(&links, "detail"), None);
    }
}
