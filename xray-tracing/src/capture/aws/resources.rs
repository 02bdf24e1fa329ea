//! Which parameters of which operation are recorded.
//!
//! In: service and operation. Out: names of members, and what becomes of them. Owns the list. Rule:
//! the list that the X-Ray SDKs ship (`aws_para_whitelist.json`); values of items, messages and
//! objects are never among them.

/// What is recorded of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Recorded {
    /// Members of the request, as they are.
    pub(super) request: &'static [&'static str],
    /// A member of the request of which only the number of entries is kept, under this name.
    pub(super) counted: Option<(&'static str, &'static str)>,
    /// A member of the request of which only the keys are kept, under this name.
    pub(super) keys: Option<(&'static str, &'static str)>,
    /// Members of the response.
    pub(super) response: &'static [&'static str],
    /// A member of the response of which only the number of entries is kept.
    pub(super) counted_response: Option<(&'static str, &'static str)>,
}

const NONE: Recorded =
    Recorded { request: &[], counted: None, keys: None, response: &[], counted_response: None };

const CAPACITY: &[&str] = &["ConsumedCapacity"];
const CAPACITY_AND_METRICS: &[&str] = &["ConsumedCapacity", "ItemCollectionMetrics"];

pub(super) fn of(service: &str, operation: &str) -> Recorded {
    match service {
        "DynamoDB" => of_dynamodb(operation),
        "SQS" => of_sqs(operation),
        "SNS" => of_sns(operation),
        "Kinesis" => Recorded { request: &["StreamName", "StreamARN"], ..NONE },
        "SFN" => Recorded { request: &["stateMachineArn", "executionArn"], ..NONE },
        "EventBridge" => Recorded { counted: Some(("Entries", "entry_count")), ..NONE },
        "Secrets Manager" => Recorded { request: &["SecretId"], ..NONE },
        "SSM" => Recorded { request: &["Name", "Names", "Path"], ..NONE },
        _ => NONE,
    }
}

fn of_dynamodb(operation: &str) -> Recorded {
    const TABLES: Option<(&str, &str)> = Some(("RequestItems", "table_names"));
    match operation {
        "BatchGetItem" => Recorded { keys: TABLES, response: CAPACITY, ..NONE },
        "BatchWriteItem" => Recorded { keys: TABLES, response: CAPACITY_AND_METRICS, ..NONE },
        "CreateTable" => Recorded {
            request: &[
                "GlobalSecondaryIndexes",
                "LocalSecondaryIndexes",
                "ProvisionedThroughput",
                "TableName",
            ],
            ..NONE
        },
        "DeleteItem" | "PutItem" | "UpdateItem" => {
            Recorded { request: &["TableName"], response: CAPACITY_AND_METRICS, ..NONE }
        }
        "GetItem" => Recorded {
            request: &["ConsistentRead", "ProjectionExpression", "TableName"],
            response: CAPACITY,
            ..NONE
        },
        "ListTables" => Recorded {
            request: &["ExclusiveStartTableName", "Limit"],
            counted_response: Some(("TableNames", "table_count")),
            ..NONE
        },
        "Query" => Recorded {
            request: &[
                "AttributesToGet",
                "ConsistentRead",
                "IndexName",
                "Limit",
                "ProjectionExpression",
                "ScanIndexForward",
                "Select",
                "TableName",
            ],
            response: CAPACITY,
            ..NONE
        },
        "Scan" => Recorded {
            request: &[
                "AttributesToGet",
                "ConsistentRead",
                "IndexName",
                "Limit",
                "ProjectionExpression",
                "Segment",
                "Select",
                "TableName",
                "TotalSegments",
            ],
            response: &["ConsumedCapacity", "Count", "ScannedCount"],
            ..NONE
        },
        "UpdateTable" => Recorded {
            request: &[
                "AttributeDefinitions",
                "GlobalSecondaryIndexUpdates",
                "ProvisionedThroughput",
                "TableName",
            ],
            ..NONE
        },
        _ => Recorded { request: &["TableName"], ..NONE },
    }
}

fn of_sqs(operation: &str) -> Recorded {
    match operation {
        "AddPermission" => Recorded { request: &["Label", "QueueUrl"], ..NONE },
        "ChangeMessageVisibility" => {
            Recorded { request: &["QueueUrl", "VisibilityTimeout"], ..NONE }
        }
        "ChangeMessageVisibilityBatch" | "DeleteMessageBatch" => {
            Recorded { request: &["QueueUrl"], response: &["Failed"], ..NONE }
        }
        "CreateQueue" => Recorded { request: &["Attributes", "QueueName"], ..NONE },
        "GetQueueAttributes" => {
            Recorded { request: &["QueueUrl"], response: &["Attributes"], ..NONE }
        }
        "GetQueueUrl" => Recorded {
            request: &["QueueName", "QueueOwnerAWSAccountId"],
            response: &["QueueUrl"],
            ..NONE
        },
        "ListDeadLetterSourceQueues" => {
            Recorded { request: &["QueueUrl"], response: &["QueueUrls"], ..NONE }
        }
        "ListQueues" => Recorded {
            request: &["QueueNamePrefix"],
            counted_response: Some(("QueueUrls", "queue_count")),
            ..NONE
        },
        "ReceiveMessage" => Recorded {
            request: &[
                "AttributeNames",
                "MaxNumberOfMessages",
                "MessageAttributeNames",
                "QueueUrl",
                "VisibilityTimeout",
                "WaitTimeSeconds",
            ],
            counted_response: Some(("Messages", "message_count")),
            ..NONE
        },
        "SendMessage" => {
            Recorded { request: &["DelaySeconds", "QueueUrl"], response: &["MessageId"], ..NONE }
        }
        "SendMessageBatch" => Recorded {
            request: &["QueueUrl"],
            counted: Some(("Entries", "message_count")),
            counted_response: Some(("Failed", "failed_count")),
            ..NONE
        },
        _ => Recorded { request: &["QueueUrl"], ..NONE },
    }
}

fn of_sns(operation: &str) -> Recorded {
    match operation {
        "Publish" | "PublishBatch" => Recorded { request: &["TopicArn", "TargetArn"], ..NONE },
        _ => Recorded { request: &["TopicArn"], ..NONE },
    }
}
