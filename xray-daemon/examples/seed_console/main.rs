//! Runs a daemon with a local X-Ray, sends it the traces of a shop, and keeps sending: to look at the
//! console with data in it.
//!
//! ```text
//! cargo run -p xray-daemon --no-default-features --features local --example seed_console -- 2002 15
//! ```
//!
//! The first argument is the port of the console (0: a free one), the second how many minutes of
//! traces it begins with. Ctrl-C stops it.

#![expect(clippy::print_stdout, reason = "a program for people")]

mod shop;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use shop::Visit;
use tokio::net::UdpSocket;
use xray_daemon::{BackendKind, Daemon};

/// Visits a minute.
const PER_MINUTE: f64 = 225.0;
/// The header of every datagram.
const HEADER: &[u8] = b"{\"format\":\"json\",\"version\":1}\n";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().map_or(Ok(2002), |text| text.parse::<u16>())?;
    let minutes = arguments.next().map_or(Ok(15.0), |text| text.parse::<f64>())?;
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let daemon = Daemon::builder()
        .backends([BackendKind::Local])
        .udp(free)
        .tcp(free)
        .admin(free)
        .console((Ipv4Addr::LOCALHOST, port).into())
        .start()
        .await?;
    let sender = Services::new(daemon.udp_addr()).await?;

    let now_s = now_s();
    let mut rng = Rng::with_seed(7);
    let visits = (minutes * PER_MINUTE) as u32;
    for visit in 0..visits {
        let ago_s = minutes * 60.0 * (1.0 - f64::from(visit) / f64::from(visits));
        let visit = Visit { start_s: now_s - ago_s, faults_from_s: now_s - 300.0, rng: &mut rng };
        sender.send(visit).await?;
        // As fast as the store writes, so that nothing waits for long.
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    if let Some(address) = daemon.console_addr() {
        println!("{visits} visits; console: http://{address}, segments to {}", daemon.udp_addr());
    }
    let visiting = keep_visiting(&sender, now_s - 300.0, rng);
    tokio::select! {
        ended = visiting => ended?,
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    daemon.stop(Duration::from_secs(5)).await;
    Ok(())
}

/// One socket a service, so that the daemon sees several senders.
struct Services {
    sockets: Vec<UdpSocket>,
    daemon: SocketAddr,
}

impl Services {
    async fn new(daemon: SocketAddr) -> std::io::Result<Self> {
        let mut sockets = Vec::new();
        for _ in 0..4 {
            sockets.push(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        }
        Ok(Self { sockets, daemon })
    }

    /// Sends the documents of a visit, each from its service's socket.
    async fn send(&self, visit: Visit<'_>) -> std::io::Result<()> {
        for document in visit.documents() {
            let socket = match document.name.as_str() {
                "Frontend" => 0,
                "Product-Catalog" => 1,
                "Restock-Worker" => 2,
                _ => 3,
            };
            let mut datagram = HEADER.to_vec();
            document.encode(&mut datagram);
            self.sockets[socket].send_to(&datagram, self.daemon).await?;
        }
        Ok(())
    }
}

async fn keep_visiting(
    services: &Services,
    faults_from_s: f64,
    mut rng: Rng,
) -> std::io::Result<()> {
    loop {
        tokio::time::sleep(Duration::from_secs_f64(60.0 / PER_MINUTE)).await;
        let visit = Visit { start_s: now_s() - 0.3, faults_from_s, rng: &mut rng };
        services.send(visit).await?;
        // Now and then somebody sends what is no segment.
        if rng.u16(0..400) == 0 {
            let refused: &[u8] = match rng.u8(0..3) {
                0 => b"hello world\n",
                1 => b"{\"format\": \"json\", \"version\": 2}\n{\"name\": \"cart\", \"id\": \"70de\"}",
                _ => b"{\"format\": \"json\", \"version\": 1}{\"trace_id\": \"1-6b05\"}",
            };
            services.sockets[1].send_to(refused, services.daemon).await?;
        }
    }
}

fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
