//! EC2: the machine's metadata service, version 2.
//!
//! A token first (a minute is enough), then the instance's identity document. 5xx answers are asked
//! for again, five times in all.

use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};

use super::found::{Found, put};
use super::world::World;
use crate::plain_http::Answer;

const ORIGIN: &str = "AWS::EC2::Instance";
const TRIES: usize = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(250);

pub(super) fn detect(world: &World) -> Option<Found> {
    let is_off = world.variable("AWS_EC2_METADATA_DISABLED");
    if is_off.is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
        return None;
    }
    let token = ask(|| {
        let ttl = [("X-aws-ec2-metadata-token-ttl-seconds", "60")];
        World::call(&world.imds, "PUT", "/latest/api/token", &ttl)
    })?;
    let token = String::from_utf8(token).ok().filter(|token| is_header_value(token))?;
    let document = ask(|| {
        let path = "/latest/dynamic/instance-identity/document";
        World::call(&world.imds, "GET", path, &[("X-aws-ec2-metadata-token", &token)])
    })?;
    let document: Value = serde_json::from_slice(&document).ok()?;
    let text = |key| document.get(key).and_then(Value::as_str);
    let mut block = Map::new();
    put(&mut block, "instance_id", text("instanceId"));
    put(&mut block, "instance_size", text("instanceType"));
    put(&mut block, "ami_id", text("imageId"));
    put(&mut block, "availability_zone", text("availabilityZone"));
    let mut found = Found::with_block(ORIGIN, "ec2", block);
    put(&mut found.aws, "account_id", text("accountId"));
    Some(found)
}

fn ask(call: impl Fn() -> Option<Answer>) -> Option<Vec<u8>> {
    for _ in 0..TRIES {
        match call()? {
            Answer { status: 200, body } => return Some(body),
            Answer { status: 500.., .. } => thread::park_timeout(BETWEEN_TRIES),
            Answer { .. } => return None,
        }
    }
    None
}

/// It is put into a header: no line may begin in it.
fn is_header_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
