//! Keeps the credentials fresh, and says how that goes.
//!
//! In: the service. Out: log lines, the gauge. Owns the pauses between look-ups. It begins at
//! start: readiness waits for it, and the log says what is missing before a segment does.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::identity::RETRY_AFTER;
use super::service::XRay;

/// Longest pause between two looks.
const WATCH_CAP: Duration = Duration::from_secs(60);

/// Looks for credentials until `stop`. `announce` is told once, after the first look, where they
/// come from.
pub(crate) async fn watch_credentials(
    service: Arc<XRay>,
    announce: impl FnOnce(&str),
    stop: CancellationToken,
) {
    let mut watch = Watch { announce: Some(announce), missing: false, pause: RETRY_AFTER };
    loop {
        let pause = tokio::select! {
            () = stop.cancelled() => return,
            pause = watch.look(&service) => pause,
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}

struct Watch<A> {
    /// Taken by the first look.
    announce: Option<A>,
    /// Whether the last look found none.
    missing: bool,
    pause: Duration,
}

impl<A: FnOnce(&str)> Watch<A> {
    /// Looks once; returns how long to wait for the next.
    async fn look(&mut self, service: &XRay) -> Duration {
        let found = service.renew_identity().await;
        let first = self.announce.take();
        match found {
            Ok(source) => {
                match first {
                    Some(announce) => announce(&format!("credentials from {source}")),
                    None if self.missing => info!("AWS credentials found in {source}"),
                    None => {}
                }
                self.missing = false;
                self.pause = RETRY_AFTER;
                // What the service refuses is looked up again by the next call.
                service
                    .identity_due_in()
                    .unwrap_or(WATCH_CAP)
                    .clamp(Duration::from_secs(1), WATCH_CAP)
            }
            Err(reason) => {
                if let Some(announce) = first {
                    announce("no credentials yet");
                }
                let pause = self.pause;
                warn!(retry_in_s = pause.as_secs(), "{reason}");
                self.missing = true;
                self.pause = (pause * 2).min(WATCH_CAP);
                pause
            }
        }
    }
}
