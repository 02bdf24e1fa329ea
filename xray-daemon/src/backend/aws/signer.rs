//! Signs requests to X-Ray's OTLP endpoint.
//!
//! In: a request. Out: the same, signed with the daemon's credentials. Owns the credentials.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use super::clients::Clients;
use super::error::AwsError;
use super::identity::Identities;
use super::metadata::Metadata;
use super::service::CallError;
use super::sign::sign_request;
use super::{credentials, sdk};
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
        let clients = Clients::new(settings)?;
        let metadata = Metadata::new(&clients.sdk);
        let sdk = sdk::load(region, &clients.sdk).await;
        let credentials = credentials::source(settings, region, &sdk, &metadata).await;
        let identities = Identities::new(credentials.provider);
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
            self.identities.forget_current();
            self.counters.set_credentials_valid(false);
        }
    }
}
