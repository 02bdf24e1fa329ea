//! Signs requests to X-Ray's OTLP endpoint.
//!
//! In: a request. Out: the same, signed with the daemon's credentials. Owns the credentials.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use super::error::AwsError;
use super::identity::Identities;
use super::sdk;
use super::service::CallError;
use super::sign::sign_request;
use crate::config::AwsSettings;
use crate::counters::BackendCounters;

/// Signs for one region.
#[derive(Debug)]
pub(crate) struct Signer {
    region: String,
    identities: Identities,
    counters: Arc<BackendCounters>,
}

impl Signer {
    /// Finds the way to credentials; they are looked for when the first request needs them.
    pub(crate) async fn open(
        settings: &AwsSettings,
        region: &str,
        counters: Arc<BackendCounters>,
    ) -> Result<Self, AwsError> {
        // An endpoint of the settings is that of `PutTraceSegments`.
        let settings = AwsSettings { endpoint: None, ..settings.clone() };
        let found = sdk::ask(&settings, region).await?;
        let identities = Identities::new(found.credentials);
        Ok(Self { region: region.to_owned(), identities, counters })
    }

    /// Signs `request`.
    pub(crate) async fn sign(&self, request: &mut Request<Bytes>) -> Result<(), CallError> {
        let identity = self.identities.get().await;
        self.counters.set_credentials_valid(identity.is_ok());
        sign_request(request, &*identity?, &self.region, SystemTime::now())?;
        Ok(())
    }

    /// Looks for other credentials where an answer says that these are not good.
    pub(crate) fn look_at(&self, response: &Response<Bytes>) {
        if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&response.status()) {
            self.identities.forget();
            self.counters.set_credentials_valid(false);
        }
    }
}
