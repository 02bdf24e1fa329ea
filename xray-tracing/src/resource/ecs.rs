//! ECS: the task's metadata endpoint, version 4, or 3 of older agents.

use serde_json::{Map, Value};

use super::found::{Found, LogGroup, put};
use super::world::World;
use crate::emitter::Endpoint;

const ORIGIN: &str = "AWS::ECS::Container";

pub(super) fn detect(world: &World) -> Option<Found> {
    let url = world
        .variable("ECS_CONTAINER_METADATA_URI_V4")
        .or_else(|| world.variable("ECS_CONTAINER_METADATA_URI"))?;
    let mut block = Map::new();
    put(&mut block, "container", world.host_name());
    let mut found = Found::with_block(ORIGIN, "ecs", Map::new());
    if let Some(container) = container(&url) {
        let text = |key: &str| container.get(key).and_then(Value::as_str);
        put(&mut block, "container_id", text("DockerId"));
        put(&mut block, "container_arn", text("ContainerARN"));
        found.arn = text("ContainerARN").map(str::to_owned);
        found.log_groups.extend(log_group(&container));
    }
    found.aws.insert("ecs".to_owned(), Value::Object(block));
    Some(found)
}

fn container(url: &str) -> Option<Value> {
    let (authority, path) = url.trim().strip_prefix("http://")?.split_once('/')?;
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
    let endpoint = Endpoint { host: host.to_owned(), port: port.parse().ok()? };
    let path = format!("/{}", path.trim_end_matches('/'));
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let answer = World::call(&endpoint, "GET", &path, &[])?;
    (answer.status == 200).then(|| serde_json::from_slice(&answer.body).ok()).flatten()
}

/// Where the log driver sends what the container prints.
fn log_group(container: &Value) -> Option<LogGroup> {
    let options = container.get("LogOptions")?;
    let name = options.get("awslogs-group")?.as_str()?;
    let arn = || {
        // arn:aws:ecs:eu-west-1:111122223333:container/…
        let mut parts = container.get("ContainerARN")?.as_str()?.split(':').skip(1);
        let (partition, _, region) = (parts.next()?, parts.next()?, parts.next()?);
        let region = options.get("awslogs-region").and_then(Value::as_str).unwrap_or(region);
        let account = parts.next()?;
        Some(format!("arn:{partition}:logs:{region}:{account}:log-group:{name}"))
    };
    Some(LogGroup { name: name.to_owned(), arn: arn() })
}
