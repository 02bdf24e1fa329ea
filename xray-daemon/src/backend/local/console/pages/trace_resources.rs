//! Where an entity ran or what it called, as facts: the `aws`, `service` and `sql` blocks.

use serde_json::Value;
use xray_tracing::document::{Entity, Object, Sql};

use super::trace_detail::Fact;
use crate::backend::local::console::frame::Frame;

/// Facts at most; members of a hostile block have no end.
const MAX_FACTS: usize = 60;
/// Names of members that people know better by another word.
const KNOWN: [(&str, &str); 14] = [
    ("cluster_name", "Cluster"),
    ("pod", "Pod"),
    ("container", "Container"),
    ("container_id", "Container"),
    ("container_arn", "Container ARN"),
    ("instance_id", "Instance"),
    ("instance_size", "Size"),
    ("ami_id", "AMI"),
    ("availability_zone", "Zone"),
    ("environment_name", "Environment"),
    ("version_label", "Version"),
    ("deployment_id", "Deployment"),
    ("function_arn", "Function"),
    ("bucket_name", "Bucket"),
];

/// Where it ran, or what it called.
pub(super) fn resources(frame: &Frame, entity: &Entity) -> Vec<Fact> {
    let t = &frame.t.trace;
    let mut facts = Vec::new();
    let mut add = |name, value: Option<&str>| {
        let value = value.filter(|value| !value.is_empty());
        facts.extend(value.map(|value| Fact::new(name, value)));
    };
    add(t.origin, entity.origin.as_deref());
    add(t.resource, entity.resource_arn.as_deref());
    if let Some(aws) = &entity.aws {
        add(t.operation, aws.operation.as_deref());
        add(t.table, aws.table_name.as_deref());
        add(t.queue, aws.queue_url.as_deref());
        add(t.region, aws.region.as_deref());
        add(t.account, aws.account_id.as_deref());
        add(t.request_id, aws.request_id.as_deref());
        add(t.retries, aws.retries.map(|n| n.to_string()).as_deref());
    }
    if let Some(service) = &entity.service {
        add(t.version, service.version.as_deref());
    }
    add(t.runtime, runtime(entity).as_deref());
    add(t.sdk, sdk(entity).as_deref());
    if let Some(aws) = &entity.aws {
        flatten(&aws.extra, &mut facts);
    }
    facts.truncate(MAX_FACTS);
    facts
}

/// `rustc 1.95`.
fn runtime(entity: &Entity) -> Option<String> {
    let service = &entity.service.as_ref()?.extra;
    pair(service, "runtime", "runtime_version")
}

/// `xray-tracing 0.1.0`.
fn sdk(entity: &Entity) -> Option<String> {
    let xray = entity.aws.as_ref()?.extra.get("xray")?.as_object()?;
    pair(xray, "sdk", "sdk_version")
}

fn pair(object: &Object, name: &str, version: &str) -> Option<String> {
    let text = |key| object.get(key).and_then(Value::as_str);
    let name = text(name)?;
    Some(text(version).map_or_else(|| name.to_owned(), |version| format!("{name} {version}")))
}

/// Members of the blocks `ec2`, `ecs`, `eks` and so on, one fact each.
fn flatten(extra: &Object, facts: &mut Vec<Fact>) {
    for (block, value) in extra.iter().filter(|(block, _)| *block != "xray") {
        match value {
            Value::Object(members) => {
                let plain = members.iter().filter_map(|(key, value)| Some((key, plain(value)?)));
                facts.extend(plain.map(|(key, value)| named(key, value, block)));
            }
            value => facts.extend(plain(value).map(|value| named(block, value, ""))),
        }
    }
}

fn named(key: &str, value: String, block: &str) -> Fact {
    match KNOWN.iter().find(|(known, _)| *known == key) {
        Some((_, name)) => Fact::new(name, value),
        // A name of the document's own: said as it stands, behind the value.
        None => {
            let joint = if block.is_empty() { "" } else { "." };
            Fact { note: format!("{block}{joint}{key}"), ..Fact::new("", value) }
        }
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().take(10).filter_map(plain).collect();
            (!items.is_empty()).then(|| items.join(", "))
        }
        _ => None,
    }
}

/// What is known of a statement besides its text.
pub(super) fn sql_facts(frame: &Frame, sql: &Sql) -> Vec<Fact> {
    let t = &frame.t.trace;
    let database = match (sql.database_type.as_deref(), sql.database_version.as_deref()) {
        (Some(name), Some(version)) => Some(format!("{name} {version}")),
        (one, other) => one.or(other).map(str::to_owned),
    };
    [
        (t.database, database),
        (t.url, sql.url.clone().or_else(|| sql.connection_string.clone())),
        (t.driver, sql.driver_version.clone()),
        (t.db_user, sql.user.clone()),
        (t.preparation, sql.preparation.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(Fact::new(name, value?)))
    .collect()
}
