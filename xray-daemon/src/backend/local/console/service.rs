//! What a service is called and looks like: short name, words for its type, icon.
//!
//! In: the identity of a node. Out: text and the name of an icon. Owns nothing. Names come from
//! segments; here they are shortened, escaping is the templates' part.

use super::scope::quoted;
use super::text::{Lang, fill};
use crate::backend::local::graph::NodeState;
use crate::backend::local::trace::ServiceId;

/// Most characters of a name on a drawing, where nothing wraps.
const DRAWN_CHARS: usize = 24;

/// A service as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Short name: the queue instead of its URL.
    pub(crate) name: String,
    /// The same, cut to what a drawing has room for.
    pub(crate) drawn_name: String,
    /// `EKS container`, `SQS queue`, `Remote`.
    pub(crate) kind: String,
    /// Name of an icon: `t-service`.
    pub(crate) icon: &'static str,
}

impl Look {
    /// The look of `id`; `state` tells a reporting service from a resource that is called.
    pub(crate) fn of(lang: Lang, id: &ServiceId, state: NodeState) -> Self {
        let t = &lang.text().map;
        let name = if id.is_client() { t.client.to_owned() } else { short(&id.name).to_owned() };
        let (kind, icon) = kind(lang, id.service_type.as_deref(), state);
        Self { drawn_name: cut(&name, DRAWN_CHARS), name, kind, icon }
    }
}

/// The part of a URL or ARN that people say: `https://sqs…/123/restock` → `restock`.
pub(crate) fn short(name: &str) -> &str {
    let resource = if name.starts_with("https://sqs.") || name.starts_with("https://queue.") {
        name.rsplit('/').next()
    } else if name.starts_with("arn:") {
        name.rsplit(':').next()
    } else {
        None
    };
    resource.filter(|resource| !resource.is_empty()).unwrap_or(name)
}

/// At most `chars` characters, the last an ellipsis where something is cut.
pub(crate) fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(chars - 1).chain(['…']).collect(),
    }
}

/// The node in the filter language: `"name"`, or `id(name: …, type: …)` where a type is known.
pub(crate) fn in_filter(id: &ServiceId) -> String {
    match &id.service_type {
        None => quoted(&id.name),
        Some(kind) => format!("id(name: {}, type: {})", quoted(&id.name), quoted(kind)),
    }
}

/// Words for a type, and its icon.
fn kind(lang: Lang, service_type: Option<&str>, state: NodeState) -> (String, &'static str) {
    let t = &lang.text().map;
    let Some(service_type) = service_type else {
        return (t.kind_service.to_owned(), "t-service");
    };
    let known = match service_type {
        "client" => return (t.client_note.to_owned(), "t-client"),
        "remote" => return (t.kind_remote.to_owned(), "t-remote"),
        "Database::SQL" => return (fill(t.kind_database_of, &["SQL"]), "t-db"),
        "AWS::DynamoDB::Table" => ("DynamoDB", "t-kv"),
        "AWS::ElastiCache" | "AWS::ElastiCache::CacheCluster" => ("ElastiCache", "t-kv"),
        "AWS::SQS::Queue" => return (fill(t.kind_queue_of, &["SQS"]), "t-queue"),
        "AWS::SNS" | "AWS::SNS::Topic" => ("SNS", "t-queue"),
        "AWS::Kinesis" | "AWS::Kinesis::Stream" => ("Kinesis", "t-queue"),
        "AWS::Events" | "AWS::EventBridge" => ("EventBridge", "t-queue"),
        "AWS::S3::Bucket" => ("S3", "t-aws"),
        "AWS::RDS::DBCluster" => ("RDS", "t-db"),
        "AWS::EC2::Instance" => ("EC2", "t-service"),
        "AWS::EKS::Container" => ("EKS", "t-service"),
        "AWS::ECS::Container" | "AWS::ECS::EC2" => ("ECS", "t-service"),
        "AWS::ECS::Fargate" => ("Fargate", "t-service"),
        "AWS::ElasticBeanstalk::Environment" => ("Elastic Beanstalk", "t-service"),
        "AWS::AppRunner::Service" => ("App Runner", "t-service"),
        "AWS::Lambda" | "AWS::Lambda::Function" => ("Lambda", "t-service"),
        "AWS::ApiGateway::Stage" => ("API Gateway", "t-service"),
        other => {
            let icon = if state == NodeState::Active { "t-service" } else { "t-aws" };
            let plain = other.strip_prefix("AWS::").unwrap_or(other).replace("::", " ");
            return (cut(&plain, 40), icon);
        }
    };
    let (product, icon) = known;
    let reports = state == NodeState::Active && icon == "t-service";
    let words = if reports { fill(t.kind_service_of, &[product]) } else { product.to_owned() };
    (words, icon)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(name: &str, kind: Option<&str>, state: NodeState) -> (String, String, &'static str) {
        let look = Look::of(Lang::En, &ServiceId::new(name, kind), state);
        (look.name, look.kind, look.icon)
    }

    #[test]
    fn services_and_resources_have_words_and_an_icon() {
        let cases = [
            ("Frontend", None, NodeState::Active, "Frontend", "Service", "t-service"),
            (
                "api",
                Some("AWS::EKS::Container"),
                NodeState::Active,
                "api",
                "EKS service",
                "t-service",
            ),
            (
                "stock",
                Some("AWS::DynamoDB::Table"),
                NodeState::Unknown,
                "stock",
                "DynamoDB",
                "t-kv",
            ),
            (
                "shop@db",
                Some("Database::SQL"),
                NodeState::Unknown,
                "shop@db",
                "SQL database",
                "t-db",
            ),
            ("STS", Some("AWS::STS"), NodeState::Unknown, "STS", "STS", "t-aws"),
            ("x.example", Some("remote"), NodeState::Passive, "x.example", "Remote", "t-remote"),
            (
                "api",
                Some("client"),
                NodeState::Unknown,
                "Client",
                "callers from outside",
                "t-client",
            ),
        ];
        for (name, kind, state, shown, words, icon) in cases {
            assert_eq!(look(name, kind, state), (shown.into(), words.into(), icon), "{name}");
        }
    }

    #[test]
    fn urls_and_arns_are_shortened_to_the_resource() {
        assert_eq!(short("https://sqs.eu-west-1.amazonaws.com/111122223333/restock"), "restock");
        assert_eq!(short("arn:aws:sns:eu-west-1:111122223333:done"), "done");
        assert_eq!(short("arn:"), "arn:");
        assert_eq!(short("vendors.example.com"), "vendors.example.com");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(cut("ñandú", 5), "ñandú");
        assert_eq!(cut("ñandúes", 5), "ñand…");
    }

    #[test]
    fn a_node_is_named_in_the_filter_language() {
        assert_eq!(in_filter(&ServiceId::new("a\"b", None)), r#""a\"b""#);
        let table = ServiceId::new("t1", Some("AWS::DynamoDB::Table"));
        assert_eq!(in_filter(&table), r#"id(name: "t1", type: "AWS::DynamoDB::Table")"#);
    }
}
