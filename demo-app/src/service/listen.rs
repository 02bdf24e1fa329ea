//! Binds the port of a service, or a free one where that is allowed.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// What to do about a port that somebody else has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum IfTaken {
    /// Say so and end.
    #[default]
    Fail,
    /// Take a free one on the same interface.
    TakeFree,
}

/// Binds `address`.
///
/// # Errors
/// When it cannot be bound, and [`IfTaken`] does not allow another port or there is none.
pub(crate) async fn bind(address: SocketAddr, if_taken: IfTaken) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(err) if err.kind() == io::ErrorKind::AddrInUse && if_taken == IfTaken::TakeFree => {
            TcpListener::bind(SocketAddr::new(address.ip(), 0)).await
        }
        bound => bound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_an_error_or_becomes_a_free_one() {
        let first = bind("127.0.0.1:0".parse().unwrap(), IfTaken::Fail).await.unwrap();
        let taken = first.local_addr().unwrap();
        let refused = bind(taken, IfTaken::Fail).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        let second = bind(taken, IfTaken::TakeFree).await.unwrap().local_addr().unwrap();
        assert_eq!(second.ip(), taken.ip());
        assert_ne!(second.port(), taken.port());
    }
}
