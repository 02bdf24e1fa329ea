//! Whom a subsegment calls: the node that stands for the callee while that does not report.
//!
//! In: a subsegment. Out: name and type by the rules of the service graph. Owns nothing.

use serde_json::Value;
use xray_tracing::document::{Aws, Entity};

use super::ServiceId;

/// Type of a database.
const DATABASE: &str = "Database::SQL";
/// Type of a callee of which only the name is known.
const REMOTE: &str = "remote";

/// What kind of callee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CalleeKind {
    /// Another service, by HTTP or the like.
    Remote,
    /// A database.
    Sql,
    /// An AWS service or a resource of it.
    Aws,
}

/// A callee as its caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callee {
    /// The node it is, unless it reports itself.
    pub service: ServiceId,
    /// What it is.
    pub kind: CalleeKind,
}

impl Callee {
    /// The callee of a subsegment; none if that is work inside the service.
    pub fn of(subsegment: &Entity) -> Option<Self> {
        let service = |name: &str, service_type: &str| {
            let account = subsegment.aws.as_ref().and_then(|aws| aws.account_id.clone());
            ServiceId { account_id: account, ..ServiceId::new(name, Some(service_type)) }
        };
        let (name, kind) = (&subsegment.name, callee_kind(subsegment)?);
        let service = match kind {
            CalleeKind::Remote => service(name, REMOTE),
            CalleeKind::Sql => service(name, DATABASE),
            CalleeKind::Aws => {
                let aws = subsegment.aws.as_ref();
                match aws.filter(|aws| aws.operation.is_some()).and_then(resource) {
                    Some((name, service_type)) => service(name, service_type),
                    None => service(name, &format!("AWS::{name}")),
                }
            }
        };
        Some(Self { service, kind })
    }
}

fn callee_kind(subsegment: &Entity) -> Option<CalleeKind> {
    match subsegment.namespace.as_deref() {
        Some("aws") => Some(CalleeKind::Aws),
        Some("remote") if subsegment.sql.is_none() => Some(CalleeKind::Remote),
        // Some SQL clients leave the namespace out.
        Some("remote") | None if subsegment.sql.is_some() => Some(CalleeKind::Sql),
        _ => None,
    }
}

/// The resource that an AWS call names, and its type.
fn resource(aws: &Aws) -> Option<(&str, &'static str)> {
    let other = |member| aws.extra.get(member).and_then(Value::as_str);
    [
        (aws.table_name.as_deref(), "AWS::DynamoDB::Table"),
        (other("bucket_name"), "AWS::S3::Bucket"),
        (aws.queue_url.as_deref(), "AWS::SQS::Queue"),
        (other("topic_arn"), "AWS::SNS"),
        (other("function_name"), "AWS::Lambda"),
    ]
    .into_iter()
    .find_map(|(name, service_type)| Some((name.filter(|name| !name.is_empty())?, service_type)))
}
