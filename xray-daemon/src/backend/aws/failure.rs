//! What kind of failure a call met, for telemetry and metrics.
//!
//! In: how a call ended. Out: one of the six kinds. Owns nothing. The causes are looked at, not the
//! outermost error: what refuses a connection is often three errors deep.

use std::error::Error;
use std::io;

use bytes::Bytes;
use http::Response;

use super::service::CallError;
use crate::counters::ConnectionError;

/// The kind of failure; `None`: it went well, or no connection was tried.
pub(super) fn kind(called: &Result<Response<Bytes>, CallError>) -> Option<ConnectionError> {
    match called {
        Ok(response) => match response.status().as_u16() {
            400..500 => Some(ConnectionError::Http4xx),
            500..600 => Some(ConnectionError::Http5xx),
            _ => None,
        },
        Err(CallError::NoCredentials(_)) => None,
        Err(CallError::TimedOut) => Some(ConnectionError::Timeout),
        Err(error) => Some(of_causes(error)),
    }
}

fn of_causes(error: &(dyn Error + 'static)) -> ConnectionError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::ConnectionRefused => return ConnectionError::Refused,
                io::ErrorKind::TimedOut => return ConnectionError::Timeout,
                _ => {}
            }
        }
        // The error of a name without address has a private type.
        if error.to_string().starts_with("dns error") {
            return ConnectionError::UnknownHost;
        }
        cause = error.source();
    }
    ConnectionError::Other
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use tokio::net::TcpListener;

    use super::*;
    use crate::backend::aws::clients::Clients;
    use crate::config::AwsSettings;

    async fn calling(url: &str) -> Option<ConnectionError> {
        let settings = AwsSettings { no_verify_ssl: true, ..AwsSettings::default() };
        let client = Clients::new(&settings).unwrap().xray;
        let request = http::Request::get(url).body(Full::default()).unwrap();
        kind(&Err(client.request(request).await.unwrap_err().into()))
    }

    #[tokio::test]
    async fn connections_that_fail_are_told_apart() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let refused = calling(&format!("https://{free}/")).await;
        assert_eq!(refused, Some(ConnectionError::Refused));
        let unknown = calling("https://no-such-host.invalid/").await;
        assert_eq!(unknown, Some(ConnectionError::UnknownHost));
        let closing = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", closing.local_addr().unwrap());
        let close = async { drop(closing.accept().await) };
        let (closed, ()) = tokio::join!(calling(&url), close);
        assert_eq!(closed, Some(ConnectionError::Other));
    }

    #[test]
    fn answers_are_told_apart_by_status() {
        let of =
            |status: u16| kind(&Ok(Response::builder().status(status).body(Bytes::new()).unwrap()));
        assert_eq!(of(200), None);
        assert_eq!(of(413), Some(ConnectionError::Http4xx));
        assert_eq!(of(429), Some(ConnectionError::Http4xx));
        assert_eq!(of(503), Some(ConnectionError::Http5xx));
        assert_eq!(kind(&Err(CallError::TimedOut)), Some(ConnectionError::Timeout));
    }
}
