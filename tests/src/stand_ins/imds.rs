//! The metadata service of an EC2 instance with a role, version 2 only.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::SESSION_TOKEN;
use super::clock::iso8601;
use super::server::{Asked, Said, StandIn};
use crate::fake_xray::{ACCESS_KEY, REGION, SECRET_KEY};

const TOKEN: &str = "AQAEAtoken==";
/// Name of the instance.
pub const INSTANCE_HOSTNAME: &str = "ip-10-0-0-1.eu-west-1.compute.internal";
/// Id of the instance.
pub const INSTANCE_ID: &str = "i-0123456789abcdef0";

/// Starts the service; its URL is for `AWS_EC2_METADATA_SERVICE_ENDPOINT`.
pub async fn imds() -> StandIn {
    StandIn::start(answer).await
}

fn answer(asked: &Asked) -> Said {
    if asked.method == Method::PUT && asked.target == "/latest/api/token" {
        let ttl = asked.header("x-aws-ec2-metadata-token-ttl-seconds").to_owned();
        let headers = vec![("x-aws-ec2-metadata-token-ttl-seconds", ttl)];
        return Said { headers, ..Said::ok(TOKEN) };
    }
    // Version 1 is off.
    if asked.header("x-aws-ec2-metadata-token") != TOKEN {
        return Said::error(401);
    }
    let credentials = "/latest/meta-data/iam/security-credentials";
    match asked.target.as_str() {
        "/latest/dynamic/instance-identity/document" => {
            Said::ok(json!({ "instanceId": INSTANCE_ID, "region": REGION }).to_string())
        }
        "/latest/meta-data/hostname" => Said::ok(INSTANCE_HOSTNAME),
        "/latest/meta-data/instance-id" => Said::ok(INSTANCE_ID),
        target => match target.strip_prefix(credentials).map(|rest| rest.trim_matches('/')) {
            Some("") => Said::ok("node-role"),
            Some("node-role") => Said::ok(
                json!({
                    "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": iso8601(Duration::ZERO),
                    "AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY,
                    "Token": SESSION_TOKEN, "Expiration": iso8601(Duration::from_secs(6 * 3600)),
                })
                .to_string(),
            ),
            _ => Said::error(404),
        },
    }
}
