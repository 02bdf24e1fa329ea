//! The thread that asks the daemon.
//!
//! In: the daemon's address. Out: the poller's turns, at their time. Owns the thread, which ends
//! with the tracer. A daemon that hangs holds up this thread alone.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tracing::{debug, info, warn};

use super::poller::{Daemon, Moment, News, Poller};
use super::rules::CentralRules;
use crate::emitter::Endpoint;
use crate::plain_http::{Bounds, Request};

/// Of one call to the daemon. 1,000 rules have half a megabyte.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(1),
    total: Duration::from_secs(5),
    max_body_bytes: 2 << 20,
};
/// Longest sleep: a poller asks for less.
const MAX_SLEEP: Duration = Duration::from_secs(300);

/// Ends the thread when it is dropped.
pub(crate) struct Polling {
    _stop: Sender<()>,
}

impl fmt::Debug for Polling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polling").finish_non_exhaustive()
    }
}

/// Starts to ask the daemon at `endpoint`.
///
/// # Errors
/// When the system has no thread left.
pub(crate) fn start(central: Arc<CentralRules>, endpoint: Endpoint) -> io::Result<Polling> {
    let (stop, stopped) = mpsc::channel();
    let poller = Poller::new(central, fastrand::Rng::new());
    let run = move || run(poller, endpoint, &stopped);
    thread::Builder::new().name("xray-sampling".to_owned()).spawn(run)?;
    Ok(Polling { _stop: stop })
}

fn run(mut poller: Poller, endpoint: Endpoint, stopped: &Receiver<()>) {
    let start = Instant::now();
    let mut daemon = TcpDaemon { endpoint };
    loop {
        let now = Moment { since_start: start.elapsed(), epoch_s: epoch_s() };
        let due = poller.turn(now, &mut daemon, &mut tell);
        let sleep = due.saturating_sub(start.elapsed()).min(MAX_SLEEP);
        if stopped.recv_timeout(sleep) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

fn tell(news: News) {
    match news {
        News::Arrived { rules } => debug!(rules, "X-Ray's sampling rules have come"),
        News::Failed(error) => info!(
            error,
            "no sampling rules from the X-Ray daemon; local rules decide, and it is asked again"
        ),
        News::Refused { rules } => {
            warn!(rules, "some of X-Ray's sampling rules are not valid and are left out");
        }
    }
}

fn epoch_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

struct TcpDaemon {
    endpoint: Endpoint,
}

impl Daemon for TcpDaemon {
    fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let request = Request {
            host: &self.endpoint.host,
            port: self.endpoint.port,
            method: "POST",
            path,
            headers: &[("Content-Type", "application/json")],
            body,
        };
        let answer = request.send(BOUNDS)?;
        if answer.status != 200 {
            return Err(io::Error::other(format!("{path} answered status {}", answer.status)));
        }
        Ok(answer.body)
    }
}
