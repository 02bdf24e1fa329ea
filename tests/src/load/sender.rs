//! Sends numbered datagrams at a rate.
//!
//! In: a scenario and a daemon's address. Out: datagrams. At a rate it wakes each millisecond and
//! sends what is due, so that bursts stay as short as the timer allows.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::scenario::{Rate, Scenario};
use crate::segments::{Numbered, Stamp};

const WAKE_EVERY: Duration = Duration::from_millis(1);

/// Sends all documents of `scenario`, and says how long it took.
///
/// # Errors
/// When the socket cannot be made or a send fails.
pub(super) async fn send_all(
    scenario: &Scenario,
    run: &Numbered,
    daemon: SocketAddr,
) -> io::Result<Duration> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(daemon)?;
    let mut stamp = run.stamp();
    let begin = Instant::now();
    match scenario.rate {
        Rate::Full => {
            let documents = scenario.documents;
            let all = move || send(&socket, &mut stamp, 0, documents);
            tokio::task::spawn_blocking(all).await??;
        }
        Rate::PerSecond(rate) => {
            let mut sent = 0;
            while sent < scenario.documents {
                let due = (begin.elapsed().as_secs_f64() * rate as f64) as u64;
                let due = due.min(scenario.documents);
                send(&socket, &mut stamp, sent, due)?;
                sent = due;
                sleep(WAKE_EVERY).await;
            }
        }
    }
    Ok(begin.elapsed())
}

fn send(socket: &UdpSocket, stamp: &mut Stamp, from: u64, to: u64) -> io::Result<()> {
    for number in from..to {
        socket.send(stamp.numbered(number))?;
    }
    Ok(())
}
