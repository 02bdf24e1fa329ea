//! IAM Identity Center: the portal that gives out roles to who has signed in, and what `aws sso
//! login` leaves in a home folder.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use serde_json::json;
use tempfile::TempDir;

use super::SESSION_TOKEN;
use super::clock::iso8601;
use super::server::{Said, StandIn};
use crate::fake_xray::{ACCESS_KEY, REGION, SECRET_KEY};

const START_URL: &str = "https://example.awsapps.com/start";
const ACCESS_TOKEN: &str = "aoaAAAAAGexample";

/// Starts the portal; its URL is for `AWS_ENDPOINT_URL_SSO`.
pub async fn sso() -> StandIn {
    StandIn::start(|asked| {
        let role = "/federation/credentials?role_name=Tracer&account_id=111122223333";
        if asked.target != role || asked.header("x-amz-sso_bearer_token") != ACCESS_TOKEN {
            return Said::error(401);
        }
        let end = SystemTime::now() + Duration::from_secs(3600);
        let end_ms = end.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let credentials = json!({ "roleCredentials": {
            "accessKeyId": ACCESS_KEY, "secretAccessKey": SECRET_KEY,
            "sessionToken": SESSION_TOKEN, "expiration": end_ms,
        }});
        Said::ok(credentials.to_string())
    })
    .await
}

/// The home of somebody who has signed in.
#[derive(Debug)]
pub struct SsoHome(TempDir);

impl SsoHome {
    /// Makes it; the profile is called `dev`.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn signed_in() -> Self {
        let home = tempfile::tempdir().unwrap();
        let cache = home.path().join(".aws/sso/cache");
        fs::create_dir_all(&cache).unwrap();
        let config = format!(
            "[profile dev]\nsso_start_url = {START_URL}\nsso_region = {REGION}\n\
             sso_account_id = 111122223333\nsso_role_name = Tracer\n"
        );
        fs::write(home.path().join(".aws/config"), config).unwrap();
        let token = json!({
            "startUrl": START_URL, "region": REGION, "accessToken": ACCESS_TOKEN,
            "expiresAt": iso8601(Duration::from_secs(3600)),
        });
        let name = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, START_URL.as_bytes());
        let file = cache.join(format!("{}.json", hex::encode(name)));
        fs::write(file, token.to_string()).unwrap();
        Self(home)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
