//! Sends numbered datagrams at a rate.
//!
//! In: a scenario and a daemon's address. Out: datagrams, and how many in what time. At a rate it
//! wakes each millisecond and sends what is due, so that bursts stay as short as the timer allows.
//! When nobody listens any more, it ends.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::scenario::{Rate, Scenario};
use crate::segments::{Numbered, Stamp};

const WAKE_EVERY: Duration = Duration::from_millis(1);

/// What was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) documents: u64,
    pub(super) took: Duration,
}

/// Sends all documents of `scenario`.
///
/// # Errors
/// When the socket cannot be made or a send fails.
pub(super) async fn send_all(
    scenario: &Scenario,
    run: &Numbered,
    daemon: SocketAddr,
) -> io::Result<Sent> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(daemon)?;
    let mut stamp = run.stamp();
    let begin = Instant::now();
    let mut sent = 0;
    match scenario.rate {
        Rate::Full => {
            let documents = scenario.documents;
            let all = move || send(&socket, &mut stamp, 0, documents);
            sent = tokio::task::spawn_blocking(all).await??;
        }
        Rate::PerSecond(rate) => {
            while sent < scenario.documents {
                let due = (begin.elapsed().as_secs_f64() * rate as f64) as u64;
                let due = due.min(scenario.documents);
                let until = send(&socket, &mut stamp, sent, due)?;
                if until < due {
                    // The daemon is gone.
                    sent = until;
                    break;
                }
                sent = due;
                sleep(WAKE_EVERY).await;
            }
        }
    }
    Ok(Sent { documents: sent, took: begin.elapsed() })
}

/// Returns the number up to which was sent.
fn send(socket: &UdpSocket, stamp: &mut Stamp, from: u64, to: u64) -> io::Result<u64> {
    for number in from..to {
        match socket.send(stamp.numbered(number)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(number),
            Err(error) => return Err(error),
        }
    }
    Ok(to)
}
