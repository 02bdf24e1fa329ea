//! Where credentials are looked for, in which order, and where they were found.
//!
//! In: environment, files, endpoints on this machine, STS. Out: credentials, and the name of the
//! place. Owns the order, which is that of the reference daemon: keys in the environment, web
//! identity (IRSA), profile (SSO and processes included), container endpoint (ECS, EKS Pod
//! Identity), EC2 metadata. The places themselves are the SDK's. A place that is not set up is
//! passed over; one that is and fails ends the search, so that no other identity steps in.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tracing::info;

use super::metadata::Metadata;
use crate::config::AwsSettings;

/// Session name of an assumed role. Rule: the reference daemon 3.6.6.
const SESSION_NAME: &str = "xray-daemon";
/// Name of the last place.
const EC2: &str = "EC2 metadata";
/// Addresses of the agent of EKS Pod Identity.
const POD_IDENTITY: [&str; 2] = ["169.254.170.23", "fd00:ec2::23"];

/// A place where credentials may be.
#[derive(Debug)]
struct Place {
    name: String,
    provider: Provider,
}

#[derive(Debug)]
enum Provider {
    Kept(SharedCredentialsProvider),
    /// Made anew for each look-up, so that changed files are read again.
    Profile(Box<SdkConfig>),
}

/// The places in their order.
#[derive(Debug)]
pub(super) struct Places {
    places: Vec<Place>,
    found_in: Arc<ArcSwapOption<String>>,
}

/// Looks for credentials, and says where they were found.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) provider: SharedCredentialsProvider,
    found_in: Arc<ArcSwapOption<String>>,
    role: Option<String>,
}

impl Source {
    /// The place of the credentials that were found last.
    pub(super) fn found_in(&self) -> Option<String> {
        let place = self.found_in.load_full()?;
        Some(match &self.role {
            None => place.to_string(),
            Some(role) => format!("role {role}, assumed with {place}"),
        })
    }

    /// Whether this machine's own EC2 role was found, so that its metadata service is there.
    pub(super) fn is_ec2(&self) -> bool {
        self.found_in.load().as_ref().is_some_and(|place| place.as_str() == EC2)
    }
}

/// The source of credentials; a role, where one is set, is assumed in `region`.
pub(super) async fn source(
    settings: &AwsSettings,
    region: &str,
    sdk: &SdkConfig,
    metadata: &Metadata,
) -> Source {
    let places = Places::new(sdk, metadata, |name| std::env::var(name).ok());
    let found_in = Arc::clone(&places.found_in);
    let provider = SharedCredentialsProvider::new(places);
    let Some(role) = settings.role_arn.clone() else {
        return Source { provider, found_in, role: None };
    };
    info!("Assuming role {role}");
    let mut builder = AssumeRoleProvider::builder(&role)
        .session_name(SESSION_NAME)
        .region(Region::new(region.to_owned()))
        .configure(sdk);
    if let Some(external_id) = &settings.role_external_id {
        builder = builder.external_id(external_id);
    }
    let provider = builder.build_from_provider(provider).await;
    Source { provider: SharedCredentialsProvider::new(provider), found_in, role: Some(role) }
}

impl Places {
    fn new(
        sdk: &SdkConfig,
        metadata: &Metadata,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut places =
            vec![Place::kept("environment".into(), EnvironmentVariableCredentialsProvider::new())];
        let config = provider_config(sdk);
        // What is not set up is not made: each client of a service costs memory.
        if set("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
            let provider = WebIdentityTokenCredentialsProvider::builder().configure(&config);
            places.push(Place::kept("web identity (IRSA)".into(), provider.build()));
        }
        let profile = set("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let provider = Provider::Profile(Box::new(sdk.clone()));
        places.push(Place { name: format!("profile {profile}"), provider });
        if let Some(name) = container(set) {
            let provider = EcsCredentialsProvider::builder().configure(&config).build();
            places.push(Place::kept(name.into(), provider));
        }
        let ec2 = ImdsCredentialsProvider::builder().configure(&config);
        let ec2 = ec2.imds_client(metadata.client()).build();
        places.push(Place::kept(EC2.into(), ec2));
        Self { places, found_in: Arc::default() }
    }

    async fn look(&self) -> Result<Credentials, CredentialsError> {
        let mut last = None;
        for place in &self.places {
            match place.look().await {
                Ok(credentials) => {
                    self.found_in.store(Some(Arc::new(place.name.clone())));
                    return Ok(credentials);
                }
                Err(CredentialsError::CredentialsNotLoaded(why)) => {
                    last = Some(CredentialsError::CredentialsNotLoaded(why));
                }
                Err(error) => {
                    return Err(CredentialsError::provider_error(InPlace {
                        place: place.name.clone(),
                        source: error,
                    }));
                }
            }
        }
        let names: Vec<_> = self.places.iter().map(|place| place.name.as_str()).collect();
        Err(CredentialsError::not_loaded(Nowhere { looked_at: names.join(", "), source: last }))
    }
}

impl ProvideCredentials for Places {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(self.look())
    }
}

impl Place {
    fn kept(name: String, provider: impl ProvideCredentials + 'static) -> Self {
        Self { name, provider: Provider::Kept(SharedCredentialsProvider::new(provider)) }
    }

    async fn look(&self) -> Result<Credentials, CredentialsError> {
        match &self.provider {
            Provider::Kept(provider) => provider.provide_credentials().await,
            Provider::Profile(sdk) => {
                let config = provider_config(sdk);
                let provider = ProfileFileCredentialsProvider::builder().configure(&config).build();
                provider.provide_credentials().await
            }
        }
    }
}

/// A look-up that failed where something was set up.
#[derive(Debug, thiserror::Error)]
#[error("{place}")]
struct InPlace {
    place: String,
    #[source]
    source: CredentialsError,
}

/// Nothing is set up anywhere.
#[derive(Debug, thiserror::Error)]
#[error("none in {looked_at}")]
struct Nowhere {
    looked_at: String,
    #[source]
    source: Option<CredentialsError>,
}

/// What the container endpoint is called, if there is one.
fn container(set: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    if set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").is_some() {
        return Some("ECS task role");
    }
    let url = set("AWS_CONTAINER_CREDENTIALS_FULL_URI")?;
    let agent = POD_IDENTITY.iter().any(|address| url.contains(address));
    let token = set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").is_some();
    Some(if agent || token { "EKS Pod Identity" } else { "container endpoint" })
}

/// What the places need to know; files are read anew by each that is made.
fn provider_config(sdk: &SdkConfig) -> ProviderConfig {
    let config = ProviderConfig::without_region()
        .with_region(sdk.region().cloned())
        .with_use_fips(sdk.use_fips())
        .with_use_dual_stack(sdk.use_dual_stack());
    match sdk.http_client() {
        Some(http) => config.with_http_client(http),
        None => config,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(Result<&'static str, &'static str>);

    impl ProvideCredentials for Fixed {
        fn provide_credentials<'a>(&'a self) -> Provided<'a>
        where
            Self: 'a,
        {
            Provided::ready(match self.0 {
                Ok(key) => Ok(Credentials::new(key, "secret", None, None, "test")),
                Err("not set up") => Err(CredentialsError::not_loaded("not set up")),
                Err(why) => Err(CredentialsError::provider_error(why)),
            })
        }
    }

    fn places(places: &[(&str, Result<&'static str, &'static str>)]) -> Places {
        let place =
            |(name, result): &(&str, Result<_, _>)| Place::kept((*name).to_owned(), Fixed(*result));
        Places { places: places.iter().map(place).collect(), found_in: Arc::default() }
    }

    #[tokio::test]
    async fn the_first_place_that_has_some_is_named() {
        let places = places(&[
            ("environment", Err("not set up")),
            ("web identity", Ok("A")),
            ("profile", Ok("B")),
        ]);
        assert_eq!(places.look().await.unwrap().access_key_id(), "A");
        assert_eq!(places.found_in.load_full().unwrap().as_str(), "web identity");
    }

    #[tokio::test]
    async fn a_place_that_is_set_up_and_fails_ends_the_search() {
        let places = places(&[("web identity", Err("token is torn")), ("EC2 metadata", Ok("B"))]);
        let error = places.look().await.unwrap_err();
        let place = std::error::Error::source(&error).unwrap();
        assert_eq!(place.to_string(), "web identity");
        assert!(places.found_in.load_full().is_none());
    }

    #[tokio::test]
    async fn where_nothing_is_set_up_all_places_are_named() {
        let places = places(&[("environment", Err("not set up")), (EC2, Err("not set up"))]);
        let error = places.look().await.unwrap_err();
        let nowhere = std::error::Error::source(&error).unwrap();
        assert_eq!(nowhere.to_string(), "none in environment, EC2 metadata");
    }

    #[test]
    fn the_container_endpoint_is_named_for_what_it_is() {
        let name = |variables: &[(&str, &str)]| {
            container(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        assert_eq!(
            name(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")]),
            Some("ECS task role")
        );
        assert_eq!(name(&[(full, "http://169.254.170.23/v1/x")]), Some("EKS Pod Identity"));
        assert_eq!(name(&[(full, "http://[fd00:ec2::23]/v1/x")]), Some("EKS Pod Identity"));
        assert_eq!(name(&[(full, "http://127.0.0.1:9911/")]), Some("container endpoint"));
        assert_eq!(name(&[]), None);
    }
}
