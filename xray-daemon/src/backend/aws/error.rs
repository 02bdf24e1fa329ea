//! Why the backend `aws` cannot start.
//!
//! In: what failed. Out: a text that names input, rule and fix. Owns nothing.

use crate::backend::HttpClientError;

/// Why the backend `aws` cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AwsError {
    /// Nothing says which region to send to. The words are those of the reference daemon.
    #[error(
        "Cannot fetch region variable from config file, environment variables, ecs metadata, or \
         ec2 metadata. Use local-mode to use the local config region."
    )]
    NoRegion,
    /// The region cannot be part of a host name.
    #[error("region {0:?} is not valid; it takes letters, digits and dashes, such as eu-west-1")]
    Region(String),
    /// The endpoint is no URL of a server.
    #[error("endpoint {0:?} is not valid; it takes a URL such as https://localhost:4566")]
    Endpoint(String),
    /// The SDK's rules know no endpoint for this configuration.
    #[error("no endpoint of X-Ray is known for region {region:?}")]
    NoEndpoint {
        /// The region.
        region: String,
        /// What the SDK says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There are no connections to AWS.
    #[error(transparent)]
    Client(#[from] HttpClientError),
}
