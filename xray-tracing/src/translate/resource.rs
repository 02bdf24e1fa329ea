//! What a resource says about all its spans: service, origin, the `aws` block of segments.
//!
//! In: the attributes of a resource, once. Out: the parts of a document that they make, ready to be
//! copied into each. Owns them. Rule: the Collector's `awsxray` exporter; beyond it: Lambda, the
//! runtime, `resource_arn`, and a host id that is no EC2 instance is not taken for one.

use serde_json::{Value as Json, json};

use super::annotations::{Annotations, Indexing, Said};
use super::json_value::to_json;
use super::options::Options;
use super::view::{Attribute, Value};
use crate::document::limits::MAX_TEXT_CHARS;
use crate::document::{Aws, Object, Service, cut_chars};

/// Says on a resource that its spans were segments: nothing of the resource is added to them.
pub(super) const SOURCE: &str = "aws.xray.source";
/// The value of [`SOURCE`].
pub(super) const SOURCE_SEGMENT: &str = "segment";

/// What stands before a resource's attributes in metadata and annotations.
const PREFIX: &str = "otel.resource.";
const INDEX_ALL: &str = "aws.xray.exporter.config.index_all_attributes";
const INDEXED: &str = "aws.xray.exporter.config.indexed_attributes";

/// A resource, made ready for its spans. Make it once for many.
#[derive(Clone, Debug, Default)]
pub struct Resource {
    pub(super) service_name: Option<String>,
    /// `telemetry.sdk.language`.
    pub(super) language: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) resource_arn: Option<String>,
    pub(super) aws: Option<Aws>,
    pub(super) service: Option<Service>,
    pub(super) metadata: Object,
    pub(super) annotations: Annotations,
    pub(super) indexing: Indexing,
}

impl Resource {
    /// Reads the attributes of a resource. Its own `aws.xray.exporter.config.*`, which the
    /// CloudWatch agent adds, count beside `options`.
    pub fn new(attributes: Vec<Attribute<'_>>, options: &Options) -> Self {
        let said = Facts { attributes: &attributes };
        let was_segment = said.was_segment();
        let mut resource = Self {
            service_name: said.text("service.name").map(str::to_owned),
            language: said.text("telemetry.sdk.language").map(str::to_owned),
            origin: said.origin().map(str::to_owned),
            resource_arn: said.arn().map(str::to_owned),
            aws: said.aws(options),
            service: said.service(),
            indexing: Indexing::new(options),
            ..Self::default()
        };
        resource.indexing.index_all(matches!(said.get(INDEX_ALL), Some(Value::Bool(true))));
        if let Some(keys) = said.get(INDEXED) {
            resource.indexing.add(keys);
        }
        if !was_segment {
            attributes.iter().for_each(|attribute| resource.keep(attribute));
        }
        resource
    }

    /// Keeps an attribute as annotation or metadata.
    fn keep(&mut self, attribute: &Attribute<'_>) {
        if [INDEX_ALL, INDEXED].contains(&attribute.key.as_ref()) {
            return;
        }
        let key = format!("{PREFIX}{}", attribute.key);
        let indexed = self.indexing.wants(&key);
        if !indexed || self.annotations.add(&key, &attribute.value) != Said::All {
            self.metadata.insert(key, to_json(&attribute.value));
        }
    }
}

/// The attributes of a resource, by key.
struct Facts<'s> {
    attributes: &'s [Attribute<'s>],
}

impl<'s> Facts<'s> {
    fn get(&self, key: &str) -> Option<&'s Value<'s>> {
        self.attributes.iter().rfind(|it| it.key == key).map(|it| &it.value)
    }

    fn text(&self, key: &str) -> Option<&'s str> {
        self.get(key)?.as_text()
    }

    /// A text, or a whole number as one.
    fn owned(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::Int(number) => Some(number.to_string()),
            value => value.as_text().map(str::to_owned),
        }
    }

    /// Its spans were segments, which say all that documents need.
    fn was_segment(&self) -> bool {
        self.text(SOURCE) == Some(SOURCE_SEGMENT)
    }

    /// It runs at AWS, or does not say where.
    fn may_be_aws(&self) -> bool {
        self.text("cloud.provider").is_none_or(|provider| provider == "aws")
    }

    fn platform(&self) -> &str {
        self.text("cloud.platform").unwrap_or_default()
    }

    fn origin(&self) -> Option<&'static str> {
        if !self.may_be_aws() {
            return None;
        }
        let launch_type = || self.text("aws.ecs.launchtype").map(str::to_ascii_lowercase);
        match self.platform() {
            "aws_app_runner" => Some("AWS::AppRunner::Service"),
            "aws_eks" => Some("AWS::EKS::Container"),
            "aws_elastic_beanstalk" => Some("AWS::ElasticBeanstalk::Environment"),
            "aws_ecs" => Some(match launch_type().as_deref() {
                Some("ec2") => "AWS::ECS::EC2",
                Some("fargate") => "AWS::ECS::Fargate",
                _ => "AWS::ECS::Container",
            }),
            "aws_ec2" => Some("AWS::EC2::Instance"),
            "aws_lambda" => Some("AWS::Lambda::Function"),
            _ => None,
        }
    }

    fn arn(&self) -> Option<&'s str> {
        let arn = self.text("cloud.resource_id").or_else(|| self.text("faas.id"))?;
        (arn.starts_with("arn:") && arn.len() <= MAX_TEXT_CHARS).then_some(arn)
    }

    fn service(&self) -> Option<Service> {
        let tag = || self.owned("container.image.tag").or_else(|| self.first_image_tag());
        let version = self.owned("service.version").or_else(tag);
        let mut extra = Object::new();
        self.put(&mut extra, "runtime", "process.runtime.name");
        self.put(&mut extra, "runtime_version", "process.runtime.version");
        let version = version.map(|text| cut_chars(&text, MAX_TEXT_CHARS).to_owned());
        let service = Service { version, extra };
        (service != Service::default()).then_some(service)
    }

    fn first_image_tag(&self) -> Option<String> {
        let tags = self.get("container.image.tags")?.as_list()?;
        tags.first()?.as_text().map(str::to_owned)
    }

    fn aws(&self, options: &Options) -> Option<Aws> {
        if !self.may_be_aws() {
            return None;
        }
        let mut extra = Object::new();
        let mut add = |key: &str, block: Object| {
            if !block.is_empty() {
                extra.insert(key.to_owned(), Json::Object(block));
            }
        };
        add("ec2", self.ec2());
        add("ecs", self.ecs());
        add("elastic_beanstalk", self.elastic_beanstalk());
        add("eks", self.eks());
        add("xray", self.xray());
        let logs = self.log_groups(options);
        if !logs.is_empty() {
            extra.insert("cloudwatch_logs".to_owned(), Json::Array(logs));
        }
        if self.platform() == "aws_lambda"
            && let Some(arn) = self.arn()
        {
            extra.insert("function_arn".to_owned(), arn.into());
        }
        let aws = Aws { account_id: self.owned("cloud.account.id"), extra, ..Aws::default() };
        (aws != Aws::default()).then_some(aws)
    }

    fn ec2(&self) -> Object {
        let id = self.text("host.id").unwrap_or_default();
        // Elsewhere host ids are what the operating system calls its machine.
        if self.platform() != "aws_ec2" && !id.starts_with("i-") {
            return Object::new();
        }
        self.block(&[
            ("instance_id", "host.id"),
            ("availability_zone", "cloud.availability_zone"),
            ("instance_size", "host.type"),
            ("ami_id", "host.image.id"),
        ])
    }

    fn ecs(&self) -> Object {
        if self.platform() != "aws_ecs" {
            return Object::new();
        }
        self.block(&[
            ("container", "container.name"),
            ("container_id", "container.id"),
            ("availability_zone", "cloud.availability_zone"),
            ("container_arn", "aws.ecs.container.arn"),
            ("cluster_arn", "aws.ecs.cluster.arn"),
            ("task_arn", "aws.ecs.task.arn"),
            ("task_family", "aws.ecs.task.family"),
            ("launch_type", "aws.ecs.launchtype"),
        ])
    }

    fn elastic_beanstalk(&self) -> Object {
        let Some(id) = self.get("service.instance.id") else { return Object::new() };
        if self.platform() != "aws_elastic_beanstalk" {
            return Object::new();
        }
        let mut block = self.block(&[
            ("environment_name", "service.namespace"),
            ("version_label", "service.version"),
        ]);
        block.insert("deployment_id".to_owned(), id.as_integer().unwrap_or(0).into());
        block
    }

    fn eks(&self) -> Object {
        if self.platform() != "aws_eks" && self.text("k8s.cluster.name").is_none() {
            return Object::new();
        }
        self.block(&[
            ("cluster_name", "k8s.cluster.name"),
            ("pod", "k8s.pod.name"),
            ("container_id", "container.id"),
        ])
    }

    fn xray(&self) -> Object {
        let mut block = Object::new();
        if let Some(sdk) = self.text("telemetry.sdk.name") {
            let language = self.text("telemetry.sdk.language");
            let sdk = language.map_or(sdk.to_owned(), |language| format!("{sdk} for {language}"));
            block.insert("sdk".to_owned(), sdk.into());
        }
        self.put(&mut block, "sdk_version", "telemetry.sdk.version");
        let automatic = self.text("telemetry.auto.version").is_some()
            || self.text("telemetry.distro.version").is_some();
        if !self.was_segment() {
            block.insert("auto_instrumentation".to_owned(), automatic.into());
        }
        block
    }

    fn log_groups(&self, options: &Options) -> Vec<Json> {
        let arns = self.words("aws.log.group.arns");
        if !arns.is_empty() {
            let group = |arn: &&str| json!({"log_group": arn.split(':').nth(6).unwrap_or_default(), "arn": arn});
            return arns.iter().map(group).collect();
        }
        let named = self.words("aws.log.group.names");
        let configured = || options.log_groups.iter().map(String::as_str).collect();
        let names = if named.is_empty() { configured() } else { named };
        names.into_iter().map(|name| json!({"log_group": name})).collect()
    }

    /// The texts of a list, or the parts of a text between `&`.
    fn words(&self, key: &str) -> Vec<&'s str> {
        match self.get(key) {
            Some(Value::List(values)) => values.iter().filter_map(Value::as_text).collect(),
            Some(Value::Text(text)) => text.split('&').filter(|word| !word.is_empty()).collect(),
            _ => Vec::new(),
        }
    }

    fn block(&self, members: &[(&str, &str)]) -> Object {
        let mut block = Object::new();
        for (member, key) in members {
            self.put(&mut block, member, key);
        }
        block
    }

    fn put(&self, block: &mut Object, member: &str, key: &str) {
        if let Some(text) = self.owned(key) {
            block.insert(member.to_owned(), text.into());
        }
    }
}
