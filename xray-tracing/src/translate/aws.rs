//! The `aws` block of a subsegment: the call of an AWS service.
//!
//! In: a span's attributes. Out: the block, and ticks on what it says. Owns nothing. Rule: X-Ray
//! developer guide, "AWS resource data", and the Collector's `awsxray` exporter; beyond it: buckets,
//! topics, streams, functions, the second request id and the attempts.

use serde_json::Value as Json;

use super::attributes::Attributes;
use super::keys::Key;
use super::role::is_aws_call;
use super::view::Value;
use crate::document::Aws;

const TABLE: [Key; 2] = [Key::AwsTableName, Key::AwsTableNameDotted];
const QUEUE: [Key; 3] = [Key::AwsQueueUrl, Key::AwsQueueUrlDotted, Key::AwsSqsQueueUrl];
const REQUEST: [Key; 2] = [Key::AwsRequestId, Key::AwsRequestIdCamel];

/// Members of the block that the model does not know, each with the attributes that say it.
const OTHERS: [(&str, &[Key]); 6] = [
    ("id_2", &[Key::AwsExtendedRequestId]),
    ("bucket_name", &[Key::AwsS3Bucket]),
    ("key", &[Key::AwsS3Key]),
    ("topic_arn", &[Key::AwsSnsTopicArn]),
    ("stream_name", &[Key::AwsKinesisStreamName]),
    ("function_name", &[Key::AwsLambdaFunctionName, Key::FaasInvokedName]),
];

/// Makes the block of a call.
pub(super) fn call(attributes: &mut Attributes<'_>) -> Option<Aws> {
    let is_aws = is_aws_call(attributes);
    let mut aws = Aws {
        operation: operation(attributes, is_aws),
        region: attributes.take_text(&[Key::AwsRegion]),
        account_id: attributes.take_text(&[Key::AwsAccountId]),
        request_id: attributes.take_text(&REQUEST),
        queue_url: queue_url(attributes, is_aws),
        ..Aws::default()
    };
    tables(attributes, &mut aws);
    for (member, keys) in OTHERS {
        if (is_aws || member != "function_name")
            && let Some(text) = attributes.take_text(keys)
        {
            aws.extra.insert(member.to_owned(), text.into());
        }
    }
    if is_aws {
        aws.retries = retries(attributes);
    }
    (aws != Aws::default()).then_some(aws)
}

fn operation(attributes: &mut Attributes<'_>, is_aws: bool) -> Option<String> {
    if let Some(operation) = attributes.take_text(&[Key::AwsOperation]) {
        return Some(operation);
    }
    if !is_aws {
        return None;
    }
    // Today's conventions put the service before it.
    let method = attributes.text(Key::RpcMethod)?;
    let (service, operation) = method.rsplit_once('/').unwrap_or(("", method));
    if service.is_empty() || attributes.text(Key::RpcService) == Some(service) {
        attributes.tick(Key::RpcMethod);
    }
    Some(operation.to_owned())
}

/// The queue; `messaging.url` may also be another broker's.
fn queue_url(attributes: &mut Attributes<'_>, is_aws: bool) -> Option<String> {
    let url = attributes.text(Key::MessagingUrl);
    if let Some(url) = url.filter(|url| is_aws || url.contains(".amazonaws.com")) {
        attributes.tick(Key::MessagingUrl);
        attributes.tick_same(&QUEUE, url);
        return Some(url.to_owned());
    }
    attributes.take_text(&QUEUE)
}

/// One table, or the list of several. Rule: a list of several replaces the one.
fn tables(attributes: &mut Attributes<'_>, aws: &mut Aws) {
    let list = attributes.get(Key::AwsDynamodbTableNames);
    let names: Vec<&str> = match list {
        Some(Value::Text(text)) => vec![text.as_ref()],
        Some(Value::List(values)) => values.iter().filter_map(Value::as_text).collect(),
        _ => Vec::new(),
    };
    match names.as_slice() {
        [] => {
            let of_dynamodb = attributes.text(Key::DbSystemName) == Some("aws.dynamodb");
            let collection = of_dynamodb.then_some(Key::DbCollectionName);
            aws.table_name = attributes
                .take_text(&TABLE)
                .or_else(|| attributes.take_text(collection.as_slice()));
            return;
        }
        [name] => {
            aws.table_name = Some((*name).to_owned());
            attributes.tick_same(&TABLE, name);
        }
        several => {
            let several = several.iter().map(|name| Json::from(*name)).collect();
            aws.extra.insert("table_names".to_owned(), Json::Array(several));
        }
    }
    attributes.tick(Key::AwsDynamodbTableNames);
}

fn retries(attributes: &mut Attributes<'_>) -> Option<u64> {
    let keys = [Key::HttpRequestResendCount, Key::HttpResendCount];
    let key = keys.into_iter().find(|key| attributes.has(*key))?;
    let retries = attributes.get(key)?.as_integer().and_then(|count| u64::try_from(count).ok())?;
    attributes.tick(key);
    Some(retries)
}
