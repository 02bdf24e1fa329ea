//! The endpoint beside a container that gives out its role: ECS, and the agent of Pod Identity.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::SESSION_TOKEN;
use super::clock::iso8601;
use super::server::{Said, StandIn};
use crate::fake_xray::{ACCESS_KEY, SECRET_KEY};

/// How long the credentials that it gives out are valid.
#[derive(Clone, Copy, Debug)]
pub struct Expiry(pub Duration);

/// The endpoint, and the file with the token that it wants to see.
#[derive(Debug)]
pub struct ContainerEndpoint {
    server: StandIn,
    folder: TempDir,
    fails: Arc<AtomicBool>,
}

impl ContainerEndpoint {
    /// Starts the endpoint.
    pub async fn start(expiry: Expiry) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "token-0").unwrap();
        let fails = Arc::new(AtomicBool::new(false));
        let failing = Arc::clone(&fails);
        let server = StandIn::start(move |asked| {
            if failing.load(Ordering::Relaxed) {
                return Said::error(500);
            }
            // The agent knows the token of now only.
            if asked.header("authorization") != fs::read_to_string(&file).unwrap() {
                return Said::error(401);
            }
            let credentials = json!({
                "AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY, "Token": SESSION_TOKEN,
                "AccountId": "111122223333", "Expiration": iso8601(expiry.0),
            });
            Said::ok(credentials.to_string())
        })
        .await;
        Self { server, folder, fails }
    }

    /// For `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn url(&self) -> String {
        format!("{}/v1/credentials", self.server.url())
    }

    /// For `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`.
    pub fn token_file(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    /// Replaces the token, as the kubelet does.
    pub fn rotate(&self, token: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, token).unwrap();
        fs::rename(new, self.token_file()).unwrap();
    }

    /// From now on it fails, or answers again.
    pub fn set_failing(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }

    /// The tokens that it was shown.
    pub fn tokens(&self) -> Vec<String> {
        self.server.asked().iter().map(|asked| asked.header("authorization").to_owned()).collect()
    }
}
