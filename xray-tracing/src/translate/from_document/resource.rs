//! The resource that a segment says it ran on.

use serde_json::Value as Json;

use crate::document::{Entity, Kind, Object};
use crate::translate::resource::{SOURCE, SOURCE_SEGMENT};
use crate::translate::{Attribute, json_value::from_json};

/// Members of the `aws` block, and the attributes that they are.
const BLOCKS: [(&str, &[(&str, &str)]); 5] = [
    (
        "ec2",
        &[
            ("instance_id", "host.id"),
            ("availability_zone", "cloud.availability_zone"),
            ("instance_size", "host.type"),
            ("ami_id", "host.image.id"),
        ],
    ),
    (
        "ecs",
        &[
            ("container", "container.name"),
            ("container_id", "container.id"),
            ("availability_zone", "cloud.availability_zone"),
            ("container_arn", "aws.ecs.container.arn"),
            ("cluster_arn", "aws.ecs.cluster.arn"),
            ("task_arn", "aws.ecs.task.arn"),
            ("task_family", "aws.ecs.task.family"),
            ("launch_type", "aws.ecs.launchtype"),
        ],
    ),
    (
        "eks",
        &[
            ("cluster_name", "k8s.cluster.name"),
            ("pod", "k8s.pod.name"),
            ("container_id", "container.id"),
        ],
    ),
    (
        "elastic_beanstalk",
        &[
            ("environment_name", "service.namespace"),
            ("deployment_id", "service.instance.id"),
            ("version_label", "service.version"),
        ],
    ),
    ("xray", &[("sdk", "telemetry.sdk.name"), ("sdk_version", "telemetry.sdk.version")]),
];

/// The attributes of the resource of `entity`. A subsegment on its own does not know its service.
pub(super) fn resource_of(entity: &Entity) -> Vec<Attribute<'_>> {
    let mut resource = vec![Attribute::new(SOURCE, SOURCE_SEGMENT)];
    if entity.kind == Kind::Subsegment {
        return resource;
    }
    let mut put = |key: &'static str, text: Option<&str>| {
        if let Some(text) = text.filter(|text| !text.is_empty())
            && !resource.iter().any(|other| other.key == key)
        {
            resource.push(Attribute::new(key, text.to_owned()));
        }
    };
    put("service.name", Some(&entity.name));
    if let Some(service) = &entity.service {
        put("service.version", service.version.as_deref());
        put("process.runtime.name", text(&service.extra, "runtime"));
        put("process.runtime.version", text(&service.extra, "runtime_version"));
    }
    let origin = entity.origin.as_deref().unwrap_or_default();
    put("cloud.provider", origin.starts_with("AWS::").then_some("aws"));
    put("cloud.platform", platform(origin));
    put("aws.ecs.launchtype", launch_type(origin));
    put("cloud.resource_id", entity.resource_arn.as_deref());
    let Some(aws) = &entity.aws else { return resource };
    put("cloud.account.id", aws.account_id.as_deref());
    for (block, members) in BLOCKS {
        let Some(block) = aws.extra.get(block).and_then(Json::as_object) else { continue };
        for (member, key) in members {
            put(key, text(block, member));
            let number = block.get(*member).filter(|value| value.is_number());
            if let Some(number) = number {
                put(key, Some(&number.to_string()));
            }
        }
    }
    if let Some(groups) = aws.extra.get("cloudwatch_logs").and_then(Json::as_array) {
        resource.extend(log_groups(groups));
    }
    resource
}

fn platform(origin: &str) -> Option<&'static str> {
    Some(match origin {
        "AWS::AppRunner::Service" => "aws_app_runner",
        "AWS::EKS::Container" => "aws_eks",
        "AWS::ElasticBeanstalk::Environment" => "aws_elastic_beanstalk",
        "AWS::ECS::Container" | "AWS::ECS::EC2" | "AWS::ECS::Fargate" => "aws_ecs",
        "AWS::EC2::Instance" => "aws_ec2",
        "AWS::Lambda::Function" => "aws_lambda",
        _ => return None,
    })
}

fn launch_type(origin: &str) -> Option<&'static str> {
    match origin {
        "AWS::ECS::EC2" => Some("ec2"),
        "AWS::ECS::Fargate" => Some("fargate"),
        _ => None,
    }
}

fn log_groups(groups: &[Json]) -> Option<Attribute<'_>> {
    let (member, key) = match groups.iter().all(|group| group["arn"].is_string()) {
        true => ("arn", "aws.log.group.arns"),
        false => ("log_group", "aws.log.group.names"),
    };
    let names: Vec<_> =
        groups.iter().filter_map(|group| group.get(member)).map(from_json).collect();
    (!names.is_empty()).then(|| Attribute::new(key, names))
}

fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Json::as_str)
}
