//! What was found out.
//!
//! In: what each detector says. Out: the members of the `aws` block, written already. Owns them.

use serde_json::{Map, Value, json};

use crate::document::json::Writer;

/// What one detector found.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    pub(super) origin: Option<&'static str>,
    /// ARN of what runs the service.
    pub(super) arn: Option<String>,
    /// Members of the `aws` block.
    pub(super) aws: Map<String, Value>,
    pub(super) log_groups: Vec<LogGroup>,
}

/// A log group of CloudWatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogGroup {
    pub(super) name: String,
    pub(super) arn: Option<String>,
}

impl Found {
    pub(super) fn with_block(origin: &'static str, name: &str, block: Map<String, Value>) -> Self {
        let mut aws = Map::new();
        if !block.is_empty() {
            aws.insert(name.to_owned(), Value::Object(block));
        }
        Self { origin: Some(origin), aws, ..Self::default() }
    }
}

/// A member if there is a value.
pub(super) fn put(block: &mut Map<String, Value>, key: &str, value: Option<impl Into<String>>) {
    if let Some(value) = value {
        block.insert(key.to_owned(), Value::String(value.into()));
    }
}

/// Where the process runs.
#[derive(Debug, Default)]
pub(crate) struct Resource {
    origin: Option<&'static str>,
    arn: Option<String>,
    /// Members of the `aws` block, their values as JSON.
    members: Vec<(String, String)>,
}

impl Resource {
    /// Of what the detectors found, the most special first.
    pub(super) fn of(found: Vec<Found>) -> Self {
        let mut resource = Self::default();
        let mut aws = Map::new();
        let mut log_groups = Vec::new();
        for found in found {
            resource.origin = resource.origin.or(found.origin);
            resource.arn = resource.arn.or(found.arn);
            for (key, value) in found.aws {
                aws.entry(key).or_insert(value);
            }
            if log_groups.is_empty() {
                log_groups = found.log_groups;
            }
        }
        if !log_groups.is_empty() {
            let groups = log_groups.into_iter().map(|group| match group.arn {
                Some(arn) => json!({ "log_group": group.name, "arn": arn }),
                None => json!({ "log_group": group.name }),
            });
            aws.insert("cloudwatch_logs".to_owned(), groups.collect());
        }
        resource.members = aws.into_iter().map(|(key, value)| (key, value.to_string())).collect();
        resource
    }

    /// What X-Ray calls origin, and sampling rules service type.
    pub(crate) fn origin(&self) -> Option<&'static str> {
        self.origin
    }

    /// The ARN that sampling rules call resource.
    pub(crate) fn arn(&self) -> Option<&str> {
        self.arn.as_deref()
    }

    /// Writes the members of a segment's `aws` block.
    pub(crate) fn write(&self, json: &mut Writer<'_>) {
        for (key, value) in &self.members {
            json.key(key);
            json.raw(value);
        }
    }
}
