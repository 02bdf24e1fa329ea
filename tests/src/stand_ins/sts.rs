//! The service that gives out roles: by web identity, and by another identity.

use std::time::Duration;

use super::SESSION_TOKEN;
use super::clock::iso8601;
use super::server::{Asked, Said, StandIn};
use crate::fake_xray::{ACCESS_KEY, SECRET_KEY};

/// Starts the service; its URL is for `AWS_ENDPOINT_URL_STS`.
pub async fn sts() -> StandIn {
    StandIn::start(answer).await
}

fn answer(asked: &Asked) -> Said {
    let action = asked.field("Action");
    if !matches!(action, "AssumeRole" | "AssumeRoleWithWebIdentity") {
        return Said::error(400);
    }
    let expiration = iso8601(Duration::from_secs(3600));
    Said::ok(format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId>\
         <Arn>arn:aws:sts::111122223333:assumed-role/x/x</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>{ACCESS_KEY}</AccessKeyId>\
         <SecretAccessKey>{SECRET_KEY}</SecretAccessKey>\
         <SessionToken>{SESSION_TOKEN}</SessionToken><Expiration>{expiration}</Expiration>\
         </Credentials></{action}Result></{action}Response>"
    ))
}
