//! The credentials that calls are signed with, kept until shortly before they end.
//!
//! In: a provider of the SDK. Out: an identity, from memory while it is valid. Owns the identity.
//! Only one look-up runs at a time; while it fails, credentials that are still valid are used on.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::service::XRay;

/// How long before their end credentials are replaced.
const REFRESH_BEFORE: Duration = Duration::from_secs(5 * 60);
/// Shortest time between two look-ups once one has failed.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Longest that one look-up may take.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest pause between the look-ups of [`watch_credentials`].
const WATCH_CAP: Duration = Duration::from_secs(60);

/// Why there are no credentials.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no AWS credentials were found; give the daemon a role, or keys in the environment: {0}")]
pub(crate) struct NoCredentials(String);

/// Keeps an identity.
#[derive(Debug)]
pub(super) struct Identities {
    provider: SharedCredentialsProvider,
    current: ArcSwapOption<Identity>,
    look_up: Mutex<Option<Failed>>,
}

/// The last look-up, if it failed.
#[derive(Debug)]
struct Failed {
    at: Instant,
    reason: NoCredentials,
}

impl Identities {
    pub(super) fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, current: ArcSwapOption::empty(), look_up: Mutex::new(None) }
    }

    /// A valid identity.
    pub(super) async fn get(&self) -> Result<Arc<Identity>, NoCredentials> {
        if let Some(current) = self.valid_for(REFRESH_BEFORE) {
            return Ok(current);
        }
        let mut last = self.look_up.lock().await;
        // Somebody else may have looked while we waited.
        if let Some(current) = self.valid_for(REFRESH_BEFORE) {
            return Ok(current);
        }
        if let Some(failed) = last.as_ref().filter(|failed| failed.at.elapsed() < RETRY_AFTER) {
            return self.valid_for(Duration::ZERO).ok_or_else(|| failed.reason.clone());
        }
        match self.look_up().await {
            Ok(identity) => {
                *last = None;
                Ok(identity)
            }
            Err(reason) => {
                *last = Some(Failed { at: Instant::now(), reason: reason.clone() });
                self.valid_for(Duration::ZERO).ok_or(reason)
            }
        }
    }

    /// Forgets the identity: the service does not accept it.
    pub(super) fn forget(&self) {
        self.current.store(None);
    }

    async fn look_up(&self) -> Result<Arc<Identity>, NoCredentials> {
        let found = timeout(LOOK_UP_TIMEOUT, self.provider.provide_credentials()).await;
        let credentials = found
            .map_err(|_| NoCredentials("the look-up took too long".into()))?
            .map_err(|error| NoCredentials(causes(&error)))?;
        let identity = Arc::new(Identity::from(credentials));
        self.current.store(Some(Arc::clone(&identity)));
        Ok(identity)
    }

    fn valid_for(&self, time: Duration) -> Option<Arc<Identity>> {
        self.current.load_full().filter(|identity| {
            identity.expiration().is_none_or(|end| end > SystemTime::now() + time)
        })
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

/// Looks for credentials from the start on, until they are found for the first time: readiness
/// waits for it, and the log says what is missing before a segment does.
pub(crate) async fn watch_credentials(service: Arc<XRay>, stop: CancellationToken) {
    let mut pause = RETRY_AFTER;
    loop {
        let found = tokio::select! {
            () = stop.cancelled() => return,
            found = service.identity() => found,
        };
        match found {
            Ok(_) => {
                info!("AWS credentials found");
                return;
            }
            Err(reason) => warn!(retry_in_s = pause.as_secs(), "{reason}"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(WATCH_CAP);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_credential_types::Credentials;
    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::future::ProvideCredentials as Provided;

    use super::*;

    /// Gives credentials that end after `valid`; fails where that is `None`.
    #[derive(Debug)]
    struct Provider {
        valid: Vec<Option<Duration>>,
        asked: AtomicUsize,
    }

    impl ProvideCredentials for Provider {
        fn provide_credentials<'a>(&'a self) -> Provided<'a>
        where
            Self: 'a,
        {
            let call = self.asked.fetch_add(1, Ordering::Relaxed);
            let valid = self.valid.get(call).or(self.valid.last()).copied().flatten();
            Provided::ready(match valid {
                None => Err(CredentialsError::not_loaded("none here")),
                Some(valid) => {
                    let end = Some(SystemTime::now() + valid);
                    Ok(Credentials::new(format!("key{call}"), "secret", None, end, "test"))
                }
            })
        }
    }

    fn identities(valid_s: &[Option<u64>]) -> (Identities, Arc<Provider>) {
        let valid = valid_s.iter().map(|valid| valid.map(Duration::from_secs)).collect();
        let provider = Arc::new(Provider { valid, asked: AtomicUsize::new(0) });
        let shared: Arc<dyn ProvideCredentials> = Arc::clone(&provider) as _;
        let shared = SharedCredentialsProvider::new(shared);
        (Identities::new(shared), provider)
    }

    async fn key(identities: &Identities) -> String {
        match identities.get().await {
            Ok(identity) => identity.data::<Credentials>().unwrap().access_key_id().to_owned(),
            Err(reason) => reason.to_string(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_identity_is_looked_up_once_while_it_is_valid() {
        let (identities, provider) = identities(&[Some(3600)]);
        for _ in 0..10 {
            assert_eq!(key(&identities).await, "key0");
        }
        assert_eq!(provider.asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_are_replaced_before_they_end() {
        let (identities, _) = identities(&[Some(200), Some(3600)]);
        assert_eq!(key(&identities).await, "key0");
        assert_eq!(key(&identities).await, "key1");
        assert_eq!(key(&identities).await, "key1");
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_are_still_valid_are_used_while_the_look_up_fails() {
        let (identities, provider) = identities(&[Some(200), None]);
        assert_eq!(key(&identities).await, "key0");
        assert_eq!(key(&identities).await, "key0");
        assert_eq!(key(&identities).await, "key0");
        // The failed look-up is not repeated at once.
        assert_eq!(provider.asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn without_credentials_the_reason_is_said() {
        let (identities, _) = identities(&[None]);
        let reason = key(&identities).await;
        assert!(reason.starts_with("no AWS credentials were found; give the daemon"), "{reason}");
        assert!(reason.ends_with("none here"), "{reason}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_service_does_not_accept_is_looked_up_again() {
        let (identities, _) = identities(&[Some(3600)]);
        assert_eq!(key(&identities).await, "key0");
        identities.forget();
        assert_eq!(key(&identities).await, "key1");
    }
}
