//! The metadata service of EC2, asked for as little as possible.
//!
//! In: a path. Out: what stands there, or nothing. Owns the client: a token of IMDSv2 is kept for
//! its life. Elsewhere nobody answers, so the times are short, and that is no error. Rule for the
//! times: the reference daemon 3.6.6.

use std::time::Duration;

use aws_config::imds;
use aws_config::provider_config::ProviderConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::time::timeout;
use tracing::debug;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(250);
const READ_TIMEOUT: Duration = Duration::from_millis(500);
/// Longest that one question may take, all attempts included.
const LONGEST: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;

/// Asks the metadata service.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    client: imds::Client,
}

impl Metadata {
    pub(super) fn new(http: &SharedHttpClient) -> Self {
        let config = ProviderConfig::without_region().with_http_client(http.clone());
        let client = imds::Client::builder()
            .configure(&config)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .operation_timeout(LONGEST)
            .max_attempts(ATTEMPTS)
            .build();
        Self { client }
    }

    /// What stands at `path`, where there is a service and it may be asked.
    pub(super) async fn get(&self, path: &str) -> Option<String> {
        if is_disabled(|name| std::env::var(name).ok()) {
            return None;
        }
        match timeout(LONGEST, self.client.get(path)).await.ok()? {
            Ok(text) => Some(text.into()),
            Err(error) => {
                debug!(%error, path, "no EC2 metadata");
                None
            }
        }
    }

    /// For the look-up of credentials.
    pub(super) fn client(&self) -> imds::Client {
        self.client.clone()
    }
}

fn is_disabled(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_of_the_sdks_switches_it_off() {
        assert!(is_disabled(|_| Some("TRUE".into())));
        assert!(!is_disabled(|_| Some("no".into())));
        assert!(!is_disabled(|_| None));
    }
}
