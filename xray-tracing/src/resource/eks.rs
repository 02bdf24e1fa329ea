//! EKS: the service account's token says that it is EKS, and the pod's name.
//!
//! The cluster's name stands nowhere in a pod. It is taken from the variables that operators set
//! for it: `OTEL_RESOURCE_ATTRIBUTES` (`k8s.cluster.name`), `K8S_CLUSTER_NAME` or `CLUSTER_NAME`.
//! The token is read, never checked or passed on.

use serde_json::{Map, Value};

use super::found::{Found, LogGroup, put};
use super::world::World;

const ORIGIN: &str = "AWS::EKS::Container";
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// Who issues tokens in EKS: `https://oidc.eks.<region>.amazonaws.com/id/…`.
const ISSUER: &str = "://oidc.eks.";

pub(super) fn detect(world: &World) -> Option<Found> {
    world.variable("KUBERNETES_SERVICE_HOST")?;
    let claims = claims(world.file(TOKEN)?.trim());
    let attributes = world.variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let attribute = |name: &str| attribute(&attributes, name);
    let cluster = attribute("k8s.cluster.name")
        .or_else(|| world.variable("K8S_CLUSTER_NAME"))
        .or_else(|| world.variable("CLUSTER_NAME"));
    let issuer = claims.as_ref().and_then(|claims| claims.get("iss")?.as_str());
    let is_said = attribute("cloud.platform").as_deref() == Some("aws_eks");
    if !is_said && !issuer.is_some_and(|issuer| issuer.contains(ISSUER)) {
        return None;
    }
    let pod = claims
        .as_ref()
        .and_then(|claims| claims.get("kubernetes.io")?.get("pod")?.get("name")?.as_str())
        .map(str::to_owned);
    let pod = pod.or_else(|| attribute("k8s.pod.name")).or_else(|| world.host_name());
    let mut block = Map::new();
    put(&mut block, "cluster_name", cluster.clone());
    put(&mut block, "pod", pod);
    put(&mut block, "container_id", container_id(world));
    let mut found = Found::with_block(ORIGIN, "eks", block);
    found.log_groups.extend(cluster.map(|cluster| LogGroup {
        name: format!("/aws/containerinsights/{}/application", cluster.trim()),
        arn: None,
    }));
    Some(found)
}

/// `key=value,key=value`.
fn attribute(list: &str, name: &str) -> Option<String> {
    let mut pairs = list.split(',').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The middle part of a token.
fn claims(token: &str) -> Option<Value> {
    serde_json::from_slice(&base64url(token.split('.').nth(1)?)?).ok()
}

fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for char in text.trim_end_matches('=').bytes() {
        let value = match char {
            b'A'..=b'Z' => char - b'A',
            b'a'..=b'z' => char - b'a' + 26,
            b'0'..=b'9' => char - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

/// 64 hex digits: in cgroups of version 1, or in the mounts of version 2.
fn container_id(world: &World) -> Option<String> {
    ["/proc/self/cgroup", "/proc/self/mountinfo"].iter().find_map(|path| {
        let text = world.file(path)?;
        let is_id = |part: &&str| part.len() == 64 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let parts = text.split(|char: char| !char.is_ascii_alphanumeric());
        let found = parts.into_iter().find(is_id)?;
        Some(found.to_owned())
    })
}
