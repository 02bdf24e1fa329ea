//! The credentials that calls are signed with, replaced well before they end.
//!
//! In: a provider of the SDK. Out: an identity, from memory while it is valid. Owns the identity,
//! and the look-ups: only one runs at a time, none holds up a call whose identity is still good,
//! and while look-ups fail, credentials that are still valid are used on.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long before their end credentials are replaced; half of their life where that is shorter.
const REFRESH_BEFORE: Duration = Duration::from_secs(5 * 60);
/// Credentials that end within this time are not used: the call takes some of it.
const SPARE: Duration = Duration::from_secs(1);
/// Shortest time between two look-ups once one has failed.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Longest that one look-up may take.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(15);

/// Why there are no credentials.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no AWS credentials were found; give the daemon a role, or keys in the environment: {0}")]
pub(crate) struct NoCredentials(String);

/// Keeps an identity.
#[derive(Debug)]
pub(super) struct Identities {
    provider: SharedCredentialsProvider,
    current: ArcSwapOption<Current>,
    look_up: Mutex<Option<Failed>>,
}

/// What calls are signed with now.
#[derive(Debug)]
struct Current {
    identity: Arc<Identity>,
    /// `None`: they have no end.
    renew_at: Option<SystemTime>,
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

    /// A valid identity: from memory, else looked up.
    pub(super) async fn get(&self) -> Result<Arc<Identity>, NoCredentials> {
        match self.valid() {
            Some(identity) => Ok(identity),
            None => self.renew().await,
        }
    }

    /// A valid identity, looked up again if the one in memory is due.
    pub(super) async fn renew(&self) -> Result<Arc<Identity>, NoCredentials> {
        let mut last = self.look_up.lock().await;
        // Somebody else may have looked while we waited.
        if let Some(identity) = self.valid().filter(|_| self.due_in() != Some(Duration::ZERO)) {
            return Ok(identity);
        }
        if let Some(failed) = last.as_ref().filter(|failed| failed.at.elapsed() < RETRY_AFTER) {
            return self.valid().ok_or_else(|| failed.reason.clone());
        }
        match self.look_up().await {
            Ok(identity) => {
                *last = None;
                Ok(identity)
            }
            Err(reason) => {
                *last = Some(Failed { at: Instant::now(), reason: reason.clone() });
                self.valid().ok_or(reason)
            }
        }
    }

    /// How long until the identity is to be looked up again; `None`: it has no end.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let current = self.current.load();
        let Some(current) = current.as_ref() else { return Some(Duration::ZERO) };
        let renew_at = current.renew_at?;
        Some(renew_at.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// Forgets `identity`: the service does not accept it. One that has replaced it meanwhile stays.
    pub(super) fn forget(&self, identity: &Arc<Identity>) {
        let current = self.current.load_full();
        if current.is_some_and(|current| Arc::ptr_eq(&current.identity, identity)) {
            self.current.store(None);
        }
    }

    /// Forgets the identity, where nobody knows which one was used.
    #[cfg(feature = "otlp-out")]
    pub(super) fn forget_current(&self) {
        self.current.store(None);
    }

    async fn look_up(&self) -> Result<Arc<Identity>, NoCredentials> {
        let found = timeout(LOOK_UP_TIMEOUT, self.provider.provide_credentials()).await;
        let credentials = found
            .map_err(|_| NoCredentials("the look-up took too long".into()))?
            .map_err(|error| NoCredentials(causes(&error)))?;
        let identity = Arc::new(Identity::from(credentials));
        let now = SystemTime::now();
        let renew_at = identity.expiration().map(|end| {
            let life = end.duration_since(now).unwrap_or_default();
            end - REFRESH_BEFORE.min(life / 2)
        });
        self.current.store(Some(Arc::new(Current { identity: Arc::clone(&identity), renew_at })));
        Ok(identity)
    }

    fn valid(&self) -> Option<Arc<Identity>> {
        let current = self.current.load_full()?;
        let end = current.identity.expiration();
        end.is_none_or(|end| end > SystemTime::now() + SPARE).then(|| Arc::clone(&current.identity))
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
    async fn credentials_are_replaced_when_half_their_life_is_over() {
        let (identities, _) = identities(&[Some(200), Some(3600)]);
        assert_eq!(key(&identities).await, "key0");
        let due = identities.due_in().unwrap();
        assert!(due > Duration::from_secs(95) && due <= Duration::from_secs(100), "{due:?}");
        identities.renew().await.unwrap();
        assert_eq!(key(&identities).await, "key0", "they are not due yet");
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_end_at_once_are_replaced_at_once() {
        let (identities, _) = identities(&[Some(0), Some(3600)]);
        identities.get().await.unwrap();
        assert_eq!(key(&identities).await, "key1");
        let due = identities.due_in().unwrap();
        assert!(due > Duration::from_secs(3295) && due <= Duration::from_secs(3300), "{due:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_up_that_fails_is_not_repeated_at_once() {
        let (identities, provider) = identities(&[Some(0), None]);
        identities.get().await.unwrap();
        for _ in 0..10 {
            assert!(key(&identities).await.ends_with("none here"));
        }
        assert_eq!(provider.asked.load(Ordering::Relaxed), 2);
        tokio::time::advance(RETRY_AFTER).await;
        key(&identities).await;
        assert_eq!(provider.asked.load(Ordering::Relaxed), 3);
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
        let refused = identities.get().await.unwrap();
        identities.forget(&refused);
        assert_eq!(key(&identities).await, "key1");
        // The answer to a call that was signed before says nothing about the new ones.
        identities.forget(&refused);
        assert_eq!(key(&identities).await, "key1");
    }
}
