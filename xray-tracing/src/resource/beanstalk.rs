//! Elastic Beanstalk: a file that its agent writes.

use serde_json::{Map, Value};

use super::found::{Found, put};
use super::world::World;

const FILE: &str = "/var/elasticbeanstalk/xray/environment.conf";
const ORIGIN: &str = "AWS::ElasticBeanstalk::Environment";

pub(super) fn detect(world: &World) -> Option<Found> {
    let file: Value = serde_json::from_str(&world.file(FILE)?).ok()?;
    let mut block = Map::new();
    for key in ["environment_name", "version_label"] {
        put(&mut block, key, file.get(key).and_then(Value::as_str));
    }
    if let Some(id) = file.get("deployment_id").and_then(Value::as_u64) {
        block.insert("deployment_id".to_owned(), id.into());
    }
    Some(Found::with_block(ORIGIN, "elastic_beanstalk", block))
}
